"""Backups of this home, and the drill that shows that one can be restored: timed, verified, sealed.

The drill makes a backup into a scratch folder, restores it beside, verifies every log of the copy, derives everything
again, compares the state with the one here, and destroys the scratch folder.
"""

import asyncio
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field
from sqlalchemy import Connection, func, select

from ...evidence.cut import Cut
from ...evidence.log import all_logs
from ...evidence.reader import LogReader
from ...gateway.decide import Refusal
from ...gateway.limits import Scope
from ...gateway.perform import Answer, Performed
from ...gateway.receipts import decided_by, request_event
from ...gateway.registry import Capability, Done, Payload, Request
from ...gateway.tables import proposal
from ...kernel.errors import StudioBrainError
from ...kernel.policy import PEOPLE, ActorType, Mode, Risk, Role
from ...kernel.reasons import ReasonCode
from ...store.database import Databases, memory_database, sqlite_database
from ...store.dump import FILE
from ...store.replay import Replay
from ...store.sequencer import Unit
from .backup import Backup, make_backup
from .office import Office, Topic
from .restore import restore

MADE: Final = "backup.made"
DRILLED: Final = "recovery.drilled"
STREAM: Final = "system:recovery"
BOUND_MS: Final = 60_000
"""How long a restore may take for 100,000 proposals."""


class BackupPayload(Payload):
    """`out`: the folder to make, on this machine."""

    out: Annotated[str, Field(min_length=1, max_length=1000)]


@dataclass(frozen=True, slots=True)
class Drill:
    """`fault` is the first thing that went wrong; None when the copy is as good as the original."""

    entries: int
    proposals: int
    bytes: int
    took_ms: dict[str, int]
    projections: dict[str, str]
    fault: str | None

    @property
    def total_ms(self) -> int:
        return sum(self.took_ms.values())

    def to_json(self) -> dict[str, Any]:
        return {
            "entries": self.entries,
            "proposals": self.proposals,
            "bytes": self.bytes,
            "tookMs": self.took_ms,
            "totalMs": self.total_ms,
            "boundMs": BOUND_MS,
            "inTime": self.total_ms <= BOUND_MS,
            "projections": self.projections,
            "fault": self.fault,
        }


def back_up(office: Office, out: Path) -> Backup:
    return make_backup(
        office.databases.brain,
        office.home,
        office.installation,
        office.settings,
        office.signer,
        out,
        office.clock.now_ms(),
    )


def drill(office: Office, scratch: Path) -> Drill:
    """Backs up, restores, verifies and derives again within `scratch`, which is gone afterwards."""
    took: dict[str, int] = {}
    began = time.monotonic()

    def step(name: str) -> None:
        took[name] = int((time.monotonic() - began) * 1000) - sum(took.values())

    entries = proposals = size = 0
    projections: dict[str, str] = {}
    fault: str | None = None
    try:
        scratch.mkdir(mode=0o700, parents=True)
        made = back_up(office, scratch / "backup")
        size = made.bytes
        step("backup")
        restored = restore(scratch / "backup", scratch / "home")
        took |= {f"restore: {name}": ms for name, ms in restored.took_ms.items()}
        if restored.sha256 != made.sha256:
            fault = "another backup was restored than was made"
        copy = sqlite_database("brain", scratch / "home" / FILE)
        views = memory_database("views")
        try:
            cut, proposals = copy.reading(_measure)
            entries = cut.entries
            projections = Replay(Databases(copy, views), office.replay.projections, None).derived(cut)
        finally:
            views.close()
            copy.close()
        step("derive")
        if fault is None and projections != office.replay.derived(cut):
            fault = "the restored copy derives another state than this home"
        step("compare")
    except StudioBrainError as error:
        fault = f"{error.code.value}: {error.detail}"[:300]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Drill(entries, proposals, size, took, projections, fault)


def _measure(conn: Connection) -> tuple[Cut, int]:
    """What a copy holds: all entries, and how many proposals."""
    sizes = tuple((log, LogReader(conn, log).size()) for log in all_logs(conn))
    count = int(conn.execute(select(func.count()).select_from(proposal)).scalar_one())
    return Cut(0, tuple((log, size) for log, size in sizes if size)), count


class MakeBackup:
    """The procedure behind `recovery.backup`. Where it was written to is not sealed; what it is, is."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def __call__(self, request: Request) -> Performed:
        gateway = self._office.gateway
        refusal = await gateway.foresee(request)
        if refusal is not None:
            return await gateway.deny(request, refusal)
        try:
            made = await asyncio.to_thread(back_up, self._office, Path(request.payload.out))
        except StudioBrainError as error:
            return await gateway.deny(request, Refusal(error.code, error.detail))
        facts: dict[str, Any] = {
            "manifestSha256": made.sha256,
            "bytes": made.bytes,
            "logs": [{"origin": log["origin"], "size": log["size"]} for log in made.manifest["logs"]],
        }

        def work(unit: Unit) -> Answer:
            def act(decision: Any) -> Done:
                unit.append(request_event(MADE, STREAM, request, state="made", **facts, **decided_by(decision)))
                return Done("made", None, facts | {"secrets": made.manifest["secrets"]})

            return gateway.judged(unit, request, act)

        return await gateway.commit(request, work)


class DrillRestore:
    """The procedure behind `recovery.drill`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def __call__(self, request: Request) -> Performed:
        gateway = self._office.gateway
        refusal = await gateway.foresee(request)
        if refusal is not None:
            return await gateway.deny(request, refusal)
        scratch = self._office.home / f"drill-{uuid.uuid4().hex[:8]}"
        found = await asyncio.to_thread(drill, self._office, scratch)

        def work(unit: Unit) -> Answer:
            def act(decision: Any) -> Done:
                code = None if found.fault is None else ReasonCode.NOT_VERIFIED
                word = "restored" if found.fault is None else "failed"
                unit.append(
                    request_event(
                        DRILLED, STREAM, request, state=word, code=code, **found.to_json(), **decided_by(decision)
                    )
                )
                return Done(word, None, found.to_json())

            return gateway.judged(unit, request, act)

        return await gateway.commit(request, work)


TOPIC: Final = Topic(
    capabilities=(
        Capability(
            id="recovery.backup",
            title="Back up this home",
            description="Writes everything but secrets into a folder that can be restored on a bare machine.",
            target="record",
            mode=Mode.LOCAL,
            risk=Risk.MEDIUM,
            role=Role.ADMIN,
            owner="records",
            failure_mode="no folder is made; what was begun is removed",
            test="tests/domains/records/test_recovery.py",
            payload=BackupPayload,
            procedure=True,
            scope=Scope.INSTALLATION,
        ),
        Capability(
            id="recovery.drill",
            title="Rehearse a restore",
            description="Restores a backup into a scratch folder, verifies it, and seals how long it took.",
            target="record",
            mode=Mode.LOCAL,
            risk=Risk.LOW,
            role=Role.EDITOR,
            owner="records",
            failure_mode="the scratch folder is removed; the failure is sealed",
            test="tests/domains/records/test_recovery.py",
            actor_types=PEOPLE | {ActorType.SYSTEM},
            procedure=True,
        ),
    ),
    kinds=frozenset({MADE, DRILLED}),
    procedures=lambda office: {"recovery.backup": MakeBackup(office), "recovery.drill": DrillRestore(office)},
)
