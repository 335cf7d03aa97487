"""The real gateway over a real database and writer, with a connector whose answers the test scripts.

Only the outside is a double here: what travels over sockets is tested with the practice studio elsewhere.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from studio_brain.domains.studio import manifest as studio
from studio_brain.evidence.log import find_log
from studio_brain.evidence.note import VerifierKey
from studio_brain.evidence.reader import LogReader, Stored
from studio_brain.gateway import manifest as gateway_manifest
from studio_brain.gateway import rows
from studio_brain.gateway.execution import Executor, Process
from studio_brain.gateway.integrity import Report, check
from studio_brain.gateway.perform import Gateway, Performed, Session
from studio_brain.gateway.recovery import Recovery
from studio_brain.gateway.registry import Registry
from studio_brain.gateway.rollback import Rollback
from studio_brain.kernel.clock import MINUTE
from studio_brain.kernel.ids import Uuid7Source
from studio_brain.kernel.policy import Actor, ActorType, Role
from studio_brain.kernel.ports import (
    Change,
    Health,
    HealthState,
    Outcome,
    OutcomeKind,
    Preview,
    ReadBack,
    Seen,
    Settled,
    WriteCall,
)
from studio_brain.store.database import Databases
from studio_brain.store.sequencer import Sequencer
from studio_brain.store.writer import Writer
from tests.evidence.keys import TestKey

KEY = TestKey()
NOW = 1_795_000_000_000


class Hands:
    """A clock whose hands the test moves."""

    def __init__(self) -> None:
        self.ms = NOW

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000


@dataclass
class Outside:
    """The cloud as this connector tells it. `calls` is all that left; `version` moves when a document changes."""

    id: str = "functions"
    version: str = "2026-11-21T09:00:00.000001Z"
    answers: list[Outcome | Exception] = field(default_factory=list)
    calls: list[WriteCall] = field(default_factory=list)
    applied: dict[str, int] = field(default_factory=dict)
    previews: list[Preview | Exception] = field(default_factory=list)
    found: ReadBack = field(default_factory=lambda: ReadBack(Settled.UNCLEAR, ()))
    state: HealthState = HealthState.OK
    during: Callable[[WriteCall], Any] | None = None

    async def health(self, deadline_s: float) -> Health:
        return Health(self.id, self.state, NOW)

    async def preview(self, operation: str, input: dict[str, Any], deadline_s: float) -> Preview:
        if self.previews:
            scripted = self.previews.pop(0)
            if isinstance(scripted, Exception):
                raise scripted
            return scripted
        if operation == "ops_note.rollback":
            return Preview((Change("note", "rollback state", "active", "rolled back (marked, not deleted)"),), ())
        resource = f"batches/{input['batchId']}"
        changes = (Change(resource, "operations note", None, input.get("note", "")),)
        if operation == "batch.close":
            changes = (Change(resource, "isClosed", False, True),)
        return Preview(changes, (Seen(resource, self.version, b"\x01" * 32),), {"ownerUid": "owner", "batch": {}})

    async def execute(self, call: WriteCall) -> Outcome:
        code = call.permit()
        if code is not None:
            return Outcome(OutcomeKind.FAILED, call.request_id, code, "stopped before it was sent")
        self.calls.append(call)
        if self.during is not None:
            result = self.during(call)
            if asyncio.iscoroutine(result):
                await result
        scripted = self.answers.pop(0) if self.answers else Outcome(OutcomeKind.OK, "cloud-1", output={"n": 1})
        if isinstance(scripted, Exception):
            raise scripted
        replayed = call.key in self.applied
        self.applied[call.key] = self.applied.get(call.key, 0) + (0 if replayed else 1)
        if scripted.kind is OutcomeKind.OK:
            return Outcome(OutcomeKind.OK, scripted.request_id, replayed=replayed, output=scripted.output)
        return scripted

    async def read_back(self, call: WriteCall) -> ReadBack:
        return self.found


OWNER = Session(Actor(ActorType.STAFF, "imke", "a", Role.OWNER, "Imke", "test"), "a")
EDITOR = Session(Actor(ActorType.STAFF, "teo", "a", Role.EDITOR, "Teo", "test"), "a")
VIEWER = Session(Actor(ActorType.STAFF, "vera", "a", Role.VIEWER, "Vera", "test"), "a")
AGENT = Session(Actor(ActorType.AGENT, "advisor", "a", Role.EDITOR, "Advisor", "test"), "a")
STRANGER = Session(Actor(ActorType.STAFF, "sam", "b", Role.OWNER, "Sam", "test"), "b")
WHY = "because staff have to know this"
NOTE = {"batchId": "b1", "note": "look at the glaze"}
APPEND = "firestore.ops_note.append"
CLOSE = "firestore.batch.close"


class Bench:
    """One gateway and what stands around it."""

    def __init__(self, databases: Databases, process: Process | None = None) -> None:
        self.databases = databases
        self.clock = Hands()
        self.outside = Outside()
        ids = Uuid7Source(self.clock)
        self.writer = Writer(Sequencer(databases.brain, KEY, "practice/x", rows.apply, self.clock, ids))
        manifests = (gateway_manifest.MANIFEST, studio.MANIFEST)
        operations = frozenset({"ops_note.append", "ops_note.rollback", "batch.close"})
        registry = Registry(manifests, {"functions": operations})
        connectors = {"a": {"functions": self.outside}, "b": {"functions": self.outside}}
        self.gateway = Gateway(registry, databases.brain, self.writer, connectors, self.clock, ids)
        self.executor = Executor(self.gateway, self.clock, process or Process("me", lambda name: name == "me"), 20.0)
        self.recovery = Recovery(self.executor)
        self.gateway.procedures |= {"proposal.execute": self.executor, "proposal.rollback": Rollback(self.gateway)}

    def close(self) -> None:
        self.writer.close()

    def perform(
        self, capability: str, payload: dict[str, Any], session: Session = EDITOR, why: str = WHY, **more: Any
    ) -> Performed:
        return asyncio.run(self.gateway.perform(capability, payload, session, rationale=why, **more))

    def draft(
        self, capability: str = APPEND, payload: dict[str, Any] | None = None, session: Session = EDITOR
    ) -> Performed:
        done = self.perform(capability, NOTE if payload is None else payload, session)
        assert done.outcome == "asked", done
        return done

    def approve(self, drafted: Performed, session: Session = OWNER, why: str = WHY) -> Performed:
        shown = {"proposalId": drafted.proposal, "shownHash": drafted.data["proposalHash"]}
        return self.perform("proposal.approve", shown, session, why)

    def approved(self, capability: str = APPEND, payload: dict[str, Any] | None = None) -> Performed:
        drafted = self.draft(capability, payload)
        assert self.approve(drafted).outcome == "approved"
        return drafted

    def execute(self, drafted: Performed, session: Session = OWNER) -> Performed:
        return self.perform("proposal.execute", {"proposalId": drafted.proposal}, session, "")

    def state(self, drafted: Performed) -> str:
        return str(self.proposal(drafted)["state"])

    def proposal(self, drafted: Performed) -> dict[str, Any]:
        def work(conn: Any) -> dict[str, Any]:
            row = conn.exec_driver_sql(f"SELECT * FROM proposal WHERE id = '{drafted.proposal}'").mappings().one()
            return dict(row)

        return self.databases.brain.reading(work)

    def entries(self, tenant: str = "a", kind: str | None = None) -> list[Stored]:
        def work(conn: Any) -> list[Stored]:
            log = find_log(conn, tenant)
            return [] if log is None else list(LogReader(conn, log).entries())

        return [s for s in self.databases.brain.reading(work) if kind is None or s.entry.kind == kind]

    def kinds(self, drafted: Performed) -> list[str]:
        return [s.entry.kind for s in self.entries() if s.entry.stream == f"proposal:{drafted.proposal}"]

    def check(self) -> Report:
        return check(self.databases.brain, frozenset({"a", "b", "_system"}), lambda o: VerifierKey(o, KEY.public_key))

    def pass_time(self, ms: int = MINUTE) -> None:
        self.clock.ms += ms


@pytest.fixture
def bench(databases: Databases) -> Iterator[Bench]:
    made = Bench(databases)
    yield made
    report = made.check()  # whatever a test did: the log and the rows still agree
    made.close()
    assert report.ok, report.fault
