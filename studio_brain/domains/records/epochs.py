"""Beginning the next log of a tenant: over a tail that was lost, or under another signing key.

A log that is behind its pin is held: nothing is written to it until its tail was taken back or an owner has said, with
a reason, that what is missing is given up. Changing the signing key ends every log of the installation and begins the
next, each naming the one before.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Connection

from ...evidence import epochs
from ...evidence.anchor import Disagreement
from ...evidence.log import LogRow, all_logs, find_log
from ...gateway.decide import Refusal
from ...gateway.limits import Scope
from ...gateway.perform import Answer, Gateway, Performed
from ...gateway.receipts import decided_by, gateway_event, request_event
from ...gateway.registry import Capability, Done, Payload, Request
from ...gateway.switches import SYSTEM
from ...home.installation import CurrentSigner, SigningKey
from ...kernel.clock import utc_text
from ...kernel.errors import StudioBrainError
from ...kernel.hashing import to_text
from ...kernel.policy import Actor, ActorType, Decision, Mode, Risk, Role
from ...kernel.reasons import ReasonCode
from ...store.pins import PinKeeper
from ...store.sequencer import Mend, Unit
from ...store.writer import Writer
from .office import Topic

KEY_RETIRED: Final = "key.retired"
LOST: Final = "the database was set back"
NEW_KEY: Final = "the signing key was changed"


class Which(Payload):
    """`installation`: the installation's own log; else that of the studio."""

    installation: bool = False


CAPABILITIES: Final = (
    Capability(
        id="evidence.start_epoch",
        title="Start the next epoch",
        description="Gives up the missing tail of a log that was set back, and begins a log that names what is lost.",
        target="record",
        mode=Mode.LOCAL,
        risk=Risk.HIGH,
        role=Role.OWNER,
        owner="engine",
        failure_mode="the log stays held and nothing is written",
        test="tests/domains/records/test_epochs.py",
        payload=Which,
        rationale=True,
        procedure=True,
        log_of=lambda request: SYSTEM if request.payload.installation else request.tenant,
    ),
    Capability(
        id="evidence.rotate_key",
        title="Change the signing key",
        description="Makes a new signing key, ends every log of this installation and begins the next under it.",
        target="record",
        mode=Mode.LOCAL,
        risk=Risk.HIGH,
        role=Role.OWNER,
        owner="engine",
        failure_mode="the old key stays, or the new one is taken up at the next start",
        test="tests/domains/records/test_epochs.py",
        rationale=True,
        procedure=True,
        scope=Scope.INSTALLATION,
    ),
)

TOPIC: Final = Topic(capabilities=CAPABILITIES, kinds=frozenset({epochs.STARTED, KEY_RETIRED}))


def lost_json(missing: Disagreement) -> dict[str, Any]:
    """What the log no longer holds, as receipts and the cockpit say it."""
    anchor = missing.anchor
    return {
        "origin": anchor.origin,
        "size": anchor.size,
        "root": to_text(anchor.root),
        "where": anchor.where,
        "at": utc_text(anchor.at_ms),
    }


class StartEpoch:
    """The procedure behind `evidence.start_epoch`. `ended` is told afterwards; `public_key` signed the old log."""

    def __init__(
        self, gateway: Gateway, pins: PinKeeper, ended: Callable[[], None], public_key: Callable[[], bytes]
    ) -> None:
        self._gateway = gateway
        self._pins = pins
        self._ended = ended
        self._public_key = public_key

    async def __call__(self, request: Request) -> Performed:
        refusal = await self._gateway.foresee(request)
        if refusal is not None:
            return await self._gateway.deny(request, refusal)
        tenant = SYSTEM if request.payload.installation else request.tenant
        missing = (await asyncio.to_thread(self._pins.lost, {tenant})).get(tenant)
        if missing is None:
            return await self._gateway.deny(request, Refusal(ReasonCode.WRONG_STATE, "nothing of this log is missing"))

        def act(unit: Unit, decision: Decision) -> Done:
            said = epochs.describe(unit.conn, _before(unit), self._public_key(), LOST, lost_json(missing))
            unit.append(
                request_event(epochs.STARTED, epochs.STREAM, request, state="done", **said, **decided_by(decision))
            )
            return Done("started", None, {"origin": unit.log.origin, "lost": said["lost"]})

        def work(unit: Unit) -> Answer:
            answer = self._gateway.judged(unit, request, lambda decision: act(unit, decision))
            if answer.refusal is not None:  # the first entry of a log says why it begins, and nothing else
                raise StudioBrainError(answer.refusal.detail, code=answer.refusal.code)
            return answer

        done = await self._gateway.commit(request, work, next_epoch=True)
        await asyncio.to_thread(self._ended)
        await asyncio.to_thread(self._pins.keep)
        return done


class RotateKey:
    """The procedure behind `evidence.rotate_key`. `make` puts a new key in the place of the old and gives it."""

    def __init__(
        self, gateway: Gateway, writer: Writer, pins: PinKeeper, signer: CurrentSigner, make: Callable[[], SigningKey]
    ) -> None:
        self._gateway = gateway
        self._writer = writer
        self._pins = pins
        self._signer = signer
        self._make = make

    async def __call__(self, request: Request) -> Performed:
        refusal = await self._gateway.foresee(request)
        if refusal is not None:
            return await self._gateway.deny(request, refusal)
        return await asyncio.to_thread(self._rotate, request)

    def _rotate(self, request: Request) -> Performed:
        logs = self._gateway.database.reading(_latest)
        wait = StudioBrainError("the signing key is being changed", code=ReasonCode.AUDIT_UNAVAILABLE)
        for log in logs:
            self._writer.hold(log.tenant, wait)
        try:
            old = self._signer.public_key
            for log in logs:
                self._writer.submit(log.tenant, Mend(lambda unit: _retire(unit, request))).result()
            self._signer.replace(self._make())
            done = [
                self._writer.submit(log.tenant, begin_under(self._signer, old, request.actor, request)).result()
                for log in logs
            ]
        finally:
            for log in logs:
                self._writer.release(log.tenant)
        self._pins.keep()
        own = next(found for log, found in zip(logs, done, strict=True) if log.tenant == request.tenant)
        return Performed(
            "rotated", request.key, request.corr, receipts=own.receipts, checkpoint=own.checkpoint,
            data={"logs": [found.value for found in done]},
        )  # fmt: skip


def begin_under(signer: CurrentSigner, old: bytes, actor: Actor, request: Request | None = None) -> Mend[str]:
    """Work that begins the next log under the signer's key, naming the log before, which `old` signed."""

    def work(unit: Unit) -> str:
        said = epochs.describe(unit.conn, _before(unit), old, NEW_KEY)
        unit.append(
            gateway_event(
                epochs.STARTED,
                epochs.STREAM,
                actor,
                "" if request is None else request.corr,
                capability="evidence.rotate_key",
                target="record",
                proposal=None,
                rationale="" if request is None else request.rationale,
                state="done",
                input_hash=bytes(32) if request is None else request.input_hash,
                request_id="" if request is None else request.key,
                **said,
            )
        )
        return unit.log.origin

    return Mend(work, next_epoch=True)


def follow_key(conn: Connection, signer: CurrentSigner, former: tuple[bytes, ...]) -> list[tuple[str, Mend[str]]]:
    """For each tenant whose log another key signs: the work that begins its next one. Raises StudioBrainError for a
    log that none of this home's keys signed."""
    found = []
    for log in _latest(conn):
        if epochs.is_signed_by(conn, log, signer.public_key):
            continue
        old = next((key for key in reversed(former) if epochs.is_signed_by(conn, log, key)), None)
        if old is None:
            raise StudioBrainError(f"{log.origin}: no key of this home signed it", code=ReasonCode.KEY_MISMATCH)
        engine = Actor(ActorType.SYSTEM, "engine", log.tenant, Role.OWNER, "the engine", "engine")
        found.append((log.tenant, begin_under(signer, old, engine)))
    return found


def _retire(unit: Unit, request: Request) -> None:
    unit.append(request_event(KEY_RETIRED, epochs.STREAM, request, state="done"))


def _before(unit: Unit) -> LogRow:
    """The log that this unit's log follows."""
    logs = [log for log in all_logs(unit.conn) if log.tenant == unit.tenant and log.epoch < unit.log.epoch]
    return max(logs, key=lambda log: log.epoch)


def _latest(conn: Connection) -> list[LogRow]:
    tenants = sorted({log.tenant for log in all_logs(conn)})
    return [log for tenant in tenants if (log := find_log(conn, tenant)) is not None]
