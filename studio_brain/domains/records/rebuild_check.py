"""The rebuild check: everything derived is derived once more from the log, beside what is stored, and has to be equal.

It reads no snapshot and writes no row. What came of it is sealed as `rebuild.checked`, with the hash of each
projection as it is stored and as it follows from the log.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final

from ...evidence.cut import cut_now, describe
from ...gateway.perform import Answer, Performed
from ...gateway.receipts import decided_by, request_event
from ...gateway.registry import Capability, Done, Job, Request
from ...gateway.rows import GATEWAY
from ...gateway.tables import ROWS
from ...kernel.policy import PEOPLE, ActorType, Decision, Mode, Risk, Role
from ...kernel.reasons import ReasonCode
from ...store.rows import state_sha256
from ...store.sequencer import Unit
from .office import Office, Topic

CHECKED: Final = "rebuild.checked"
CAPABILITY: Final = "system.rebuild_check"
TRIES: Final = 20


@dataclass(frozen=True, slots=True)
class Compared:
    """The hashes by projection; `snapshots` says whether going forward from the kept snapshots led there too."""

    stored: dict[str, str]
    derived: dict[str, str]
    at: dict[str, Any]
    entries: int
    snapshots: str
    took_ms: int

    @property
    def differing(self) -> list[str]:
        return sorted(name for name, stamp in self.derived.items() if self.stored.get(name) != stamp)

    def to_json(self) -> dict[str, Any]:
        return {
            "at": self.at,
            "entries": self.entries,
            "projections": {
                name: {"stored": self.stored.get(name), "derived": stamp}
                for name, stamp in sorted(self.derived.items())
            },
            "differing": self.differing,
            "snapshots": self.snapshots,
            "tookMs": self.took_ms,
        }


def compare(office: Office) -> Compared:
    """Derives everything in memory and compares. Views are brought up to date first; what is committed meanwhile is
    left for the next time."""
    began = time.monotonic()
    stored: dict[str, str] = {}
    for _ in range(TRIES):
        office.projections.catch_up()
        cut, stored = office.databases.brain.reading(
            lambda conn: (cut_now(conn, office.clock.now_ms()), {GATEWAY.name: state_sha256(conn, ROWS)})
        )
        views = office.projections.at(cut.by_log())
        if views is not None:
            stored |= views
            break
    derived = office.replay.derived(cut)
    derived = {name: stamp for name, stamp in derived.items() if name in stored}
    from_snapshots = office.replay.at(cut, logs=False)
    same = {name: stamp for name, stamp in from_snapshots.state_sha256().items() if name in stored} == derived
    from_snapshots.close()
    if not same:
        office.replay.forget()
    took_ms = int((time.monotonic() - began) * 1000)
    return Compared(
        stored, derived, describe(cut), cut.entries, "equal" if same else "discarded: they led elsewhere", took_ms
    )


class RebuildCheck:
    """The procedure behind `system.rebuild_check`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def __call__(self, request: Request) -> Performed:
        gateway = self._office.gateway
        refusal = await gateway.foresee(request)
        if refusal is not None:
            return await gateway.deny(request, refusal)
        found = await asyncio.to_thread(compare, self._office)

        def act(unit: Unit, decision: Decision) -> Done:
            code = ReasonCode.STORAGE_DAMAGED if found.differing else None
            word = "differs" if found.differing else "equal"
            event = request_event(
                CHECKED, "system:rebuild", request, state=word, code=code, **found.to_json(), **decided_by(decision)
            )
            unit.append(event)
            return Done(word, None, found.to_json())

        def work(unit: Unit) -> Answer:
            return gateway.judged(unit, request, lambda decision: act(unit, decision))

        return await gateway.commit(request, work)


TOPIC: Final = Topic(
    capabilities=(
        Capability(
            id=CAPABILITY,
            title="Check what is derived",
            description="Derives every row again beside the stored ones and seals whether they are equal.",
            target="system",
            mode=Mode.LOCAL,
            risk=Risk.LOW,
            role=Role.EDITOR,
            owner="records",
            failure_mode="nothing was compared; the stored rows stay as they are",
            test="tests/domains/records/test_rebuild_check.py",
            actor_types=PEOPLE | {ActorType.SYSTEM},
            procedure=True,
        ),
    ),
    kinds=frozenset({CHECKED}),
    procedures=lambda office: {CAPABILITY: RebuildCheck(office)},
    jobs=lambda settings: (Job("rebuild.check", CAPABILITY, {}, settings.records.rebuild_check_at, "records"),),
)
