"""The sweep: everything sealed is looked at again, and what came of it is sealed.

Daily from the last good sweep on, weekly from the first entry; by hand whenever somebody wants to know. A failed sweep
is an entry like a good one. The report lies in the home's `reports/`, its hash in the log.
"""

import asyncio
import threading
from dataclasses import dataclass
from typing import Any, Final

from ...gateway.decide import Refusal
from ...gateway.perform import Answer, Performed
from ...gateway.receipts import decided_by, request_event
from ...gateway.registry import Capability, Done, Job, Payload, Query, Request
from ...home.process import is_alive
from ...home.settings import Settings
from ...kernel.errors import StudioBrainError
from ...kernel.policy import PEOPLE, ActorType, Decision, Mode, Risk, Role
from ...kernel.reasons import ReasonCode
from ...store.sequencer import Unit
from . import sweep_report, sweep_state
from .office import Office, Topic
from .sweep_query import sweep_now
from .sweeping import DONE, FAILED, STREAM, Stopped, Sweeping, report_name

CAPABILITY: Final = "evidence.sweep"
RESTS: Final = {ActorType.SYSTEM: 1.0}
"""Unattended sweeps rest as long as they work."""

UNDER_WAY: Final = Refusal(ReasonCode.CONFLICT, "a sweep of this studio is under way")


class SweepPayload(Payload):
    """`full` begins at the first entry; otherwise it begins where the last good sweep ended."""

    full: bool = False


@dataclass(frozen=True, slots=True)
class Swept:
    """The report, its hash, and the signed note that lies beside it."""

    ok: bool
    document: dict[str, Any]
    sha256: str
    note: str


class Sweep:
    """The procedure behind `evidence.sweep`. One at a time for each studio."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._running: set[str] = set()

    async def __call__(self, request: Request) -> Performed:
        gateway = self._office.gateway
        refusal = await gateway.foresee(request) or await asyncio.to_thread(self._under_way, request.tenant)
        if refusal is not None or request.tenant in self._running:
            return await gateway.deny(request, refusal or UNDER_WAY)
        self._running.add(request.tenant)
        try:
            return await self._carry_out(request)
        finally:
            self._running.discard(request.tenant)

    async def _carry_out(self, request: Request) -> Performed:
        gateway = self._office.gateway
        stop = threading.Event()
        sweeping = Sweeping(
            self._office,
            request.tenant,
            request.payload.full,
            request.actor.id,
            str(gateway.ids.uuid7()),
            stop,
            RESTS.get(request.actor.type, 0.0),
        )
        work = asyncio.ensure_future(asyncio.to_thread(self._sweep, sweeping))
        try:
            swept = await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()  # the thread ends with its batch; what it has seen is kept
            await asyncio.wait([work])
            if not work.cancelled():
                work.exception()  # it was cancelled: nobody waits for what went wrong meanwhile
            raise
        return await self._seal(request, sweeping, swept)

    def _under_way(self, tenant: str) -> Refusal | None:
        shown = self._office.databases.views.reading(lambda conn: sweep_state.shown(conn, tenant))
        owner = "" if shown is None else shown["owner"]
        if not owner or not is_alive(owner):
            return None
        return UNDER_WAY

    def _sweep(self, sweeping: Sweeping) -> Swept | None:
        """None when it was stopped."""
        office = self._office
        try:
            outcome = sweeping.run()
        except Stopped:
            return None
        except BaseException:
            self._show(sweeping, None)
            raise
        document = sweep_report.report(outcome, office.installation.origin_prefix)
        sha256, note = sweep_report.store(office.home, document, report_name(office), office.signer)
        self._show(sweeping, {"document": document, "sha256": sha256, "note": note})
        return Swept(outcome.ok, document, sha256, note)

    def _show(self, sweeping: Sweeping, report: dict[str, Any] | None) -> None:
        office = self._office
        shown = sweeping.shown("", report)
        office.databases.views.writing(
            lambda conn: sweep_state.keep(conn, sweeping.tenant, None, shown, office.signer, report_name(office))
        )
        office.tell("sweep", {"tenant": sweeping.tenant, "phase": shown["phase"], "id": sweeping.id})

    async def _seal(self, request: Request, sweeping: Sweeping, swept: Swept | None) -> Performed:
        gateway = self._office.gateway
        if swept is None:
            raise StudioBrainError("the sweep was stopped; the next one goes on where it stopped",
                                   code=ReasonCode.CONFLICT)  # fmt: skip
        data = sweep_report.summary(swept.document, swept.sha256)
        kind, word = (DONE, "swept") if swept.ok else (FAILED, "failed")
        code = None if swept.ok else ReasonCode.NOT_VERIFIED

        def act(unit: Unit, decision: Decision) -> Done:
            unit.append(request_event(kind, STREAM, request, state=word, code=code, **data, **decided_by(decision)))
            return Done(word, None, _answer(data, swept))

        def work(unit: Unit) -> Answer:
            return gateway.judged(unit, request, lambda decision: act(unit, decision))

        try:
            return await gateway.commit(request, work)
        except StudioBrainError as error:
            # The report exists and is signed; only its hash could not be sealed, because the log takes nothing now.
            detail = f"the report could not be sealed ({error.code.value}: {error.detail})"[:300]
            return Performed(word, request.key, request.corr, code=error.code, detail=detail, data=_answer(data, swept))


def _answer(data: dict[str, Any], swept: Swept) -> dict[str, Any]:
    return data | {
        "checked": swept.document["checked"],
        "notChecked": swept.document["notChecked"],
        "findings": [
            {"origin": log["origin"], **finding} for log in swept.document["logs"] for finding in log["findings"]
        ][:20],
        "conductFaults": swept.document["conduct"]["faults"][:20],
    }


def jobs(settings: Settings) -> tuple[Job, ...]:
    """Every night what is new, on Sundays everything."""
    at = settings.records.sweep_at
    return (
        Job("sweep.daily", CAPABILITY, {"full": False}, at, "records", frozenset(range(6))),
        Job("sweep.weekly", CAPABILITY, {"full": True}, at, "records", frozenset({6})),
    )


TOPIC: Final = Topic(
    capabilities=(
        Capability(
            id=CAPABILITY,
            title="Sweep the evidence",
            description="Looks at everything sealed again, maps what is not what it was, and seals the report.",
            target="evidence",
            mode=Mode.LOCAL,
            risk=Risk.LOW,
            role=Role.VIEWER,
            owner="records",
            failure_mode="a sweep that is broken off goes on where it stopped; one that finds something bad says so",
            test="tests/domains/records/test_sweep.py",
            payload=SweepPayload,
            actor_types=PEOPLE | {ActorType.SYSTEM},
            procedure=True,
        ),
    ),
    queries=(Query("evidence.sweep", "evidence.read", sweep_now),),
    kinds=frozenset({DONE, FAILED}),
    procedures=lambda office: {CAPABILITY: Sweep(office)},
    jobs=jobs,
)
