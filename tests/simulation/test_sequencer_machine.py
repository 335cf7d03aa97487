"""The sequencer against a naive model: a dictionary, a list, and RFC 6962 by its recursive definition.

Hypothesis draws histories of groups: units that append, that fail halfway, that repeat what was said, that contradict
it, that expect a stream to have ended somewhere; in between the process restarts, or another one appends.
"""

import hashlib
import shutil
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from studio_brain.evidence import checkpoint as checkpoints
from studio_brain.evidence.entry import ActorRef, Event, StreamEnd
from studio_brain.evidence.log import AppendConflict, PrevConflict, find_log
from studio_brain.evidence.reader import LogReader
from studio_brain.evidence.verify import verify_log
from studio_brain.kernel.clock import SystemClock
from studio_brain.kernel.ids import Uuid7Source
from studio_brain.store.database import Database, sqlite_database
from studio_brain.store.migrate import migrate
from studio_brain.store.sequencer import Committed, Failed, Sequencer, Unit
from tests.simulation.sealed import KEY, PREFIX, TENANT, verifier

STREAMS = st.sampled_from(["a", "b", "c"])


class Stopped(Exception):
    """A unit that changes its mind."""


def tree_hash(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + tree_hash(leaves[:split]) + tree_hash(leaves[split:])).digest()


@dataclass
class Model:
    """What the log ought to hold. `ends` is the last seal of each stream, `said` what each given id was used for."""

    seals: list[bytes] = field(default_factory=list)
    ends: dict[str, bytes] = field(default_factory=dict)
    said: dict[uuid.UUID, tuple[str, int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """One unit: what it does, and with what."""

    kind: str
    stream: str
    number: int
    count: int
    looks: bool
    again: int


PLANS = st.builds(
    Plan,
    st.sampled_from(["append", "append", "append", "fail", "refused", "repeat", "contradict", "after", "stale"]),
    STREAMS,
    st.integers(0, 9),
    st.integers(1, 4),
    st.booleans(),
    st.integers(0, 1 << 16),
)


class Machine(RuleBasedStateMachine):
    """One log, two processes' worth of sequencers on it."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.model = Model()
        self.processes: list[tuple[Database, Sequencer]] = []
        self.start()
        migrate(self.processes[0][0])
        self.start()

    def start(self) -> None:
        clock = SystemClock()
        database = sqlite_database("brain", self.home / "brain.db")
        self.processes.append((database, Sequencer(database, KEY, PREFIX, lambda *_: None, clock, Uuid7Source(clock))))

    @rule(plans=st.lists(PLANS, min_size=1, max_size=6), process=st.integers(0, 1))
    def group(self, plans: list[Plan], process: int) -> None:
        expected: list[Callable[[Committed[Any] | Failed], None]] = []
        works = []
        for plan in plans:
            work, check = getattr(self, plan.kind)(plan)
            works.append((TENANT, work))
            expected.append(check)
        # What a unit is told depends on those before it, so each is judged right after the model took its turn.
        results = self.processes[process][1].run(works)
        for result, check in zip(results, expected, strict=True):
            check(result)

    @rule(process=st.integers(0, 1))
    def restart(self, process: int) -> None:
        self.processes[process][0].close()
        self.start()
        self.processes[process] = self.processes.pop()

    # units; each gives the work and what its result has to be

    def append(self, plan: Plan) -> Any:
        id = uuid.uuid4()
        return self._appending(plan, id, [event(plan, n, id if n == 0 else None) for n in range(plan.count)])

    def _appending(self, plan: Plan, id: uuid.UUID, events: list[Event]) -> Any:
        def work(unit: Unit) -> list[Any]:
            if plan.looks:
                unit.conn.exec_driver_sql("SELECT count(*) FROM entry").scalar()
            return [unit.append(item) for item in events]

        self.model.said.setdefault(id, (plan.stream, plan.number, -1))

        def check(result: Committed[Any] | Failed) -> None:
            assert isinstance(result, Committed), result
            for n, appended in enumerate(result.value):
                assert not appended.repeated
                assert appended.receipt.seq == len(self.model.seals)
                assert appended.entry.prev == self.model.ends.get(plan.stream)
                assert appended.receipt.seal == hashlib.sha256(b"\x00" + appended.entry.body).digest()
                self.model.seals.append(appended.receipt.seal)
                self.model.ends[plan.stream] = appended.receipt.seal
                if n == 0:
                    self.model.said[id] = (plan.stream, plan.number, appended.receipt.seq)
            assert result.checkpoint >= len(self.model.seals)

        return work, check

    def fail(self, plan: Plan) -> Any:
        """Appends, may look at the database, may write there, and then raises: nothing of it stays."""

        def work(unit: Unit) -> None:
            for n in range(plan.count):
                unit.append(event(plan, n, None, stream=f"new:{plan.number}" if plan.again % 2 else None))
                if plan.looks:
                    unit.conn.exec_driver_sql("UPDATE head SET size = size + 1000")
            raise Stopped

        return work, lambda result: _assert_failed(result, Stopped)

    def refused(self, plan: Plan) -> Any:
        def work(unit: Unit) -> None:
            unit.append(event(plan, 0, None))
            unit.append(Event("not a kind", plan.stream, ActorRef("a", "b", "c"), "c", {}))

        return work, lambda result: _assert_failed(result, Exception)

    def repeat(self, plan: Plan) -> Any:
        """An id that is in the log, with what it was used for."""
        known = [(id, said) for id, said in self.model.said.items() if said[2] >= 0]
        if not known:
            return self.append(plan)
        id, (stream, number, seq) = known[plan.again % len(known)]

        def check(result: Committed[Any] | Failed) -> None:
            assert isinstance(result, Committed), result
            assert result.value.repeated
            assert result.value.receipt.seq == seq
            assert result.value.receipt.seal == self.model.seals[seq]

        again = Event("test.happened", stream, ActorRef("a", "b", "c"), "c", {"n": number, "at": 0}, None, id)
        return (lambda unit: unit.append(again)), check

    def contradict(self, plan: Plan) -> Any:
        known = [(id, said) for id, said in self.model.said.items() if said[2] >= 0]
        if not known:
            return self.append(plan)
        id, (stream, number, _) = known[plan.again % len(known)]
        other = Event("test.happened", stream, ActorRef("a", "b", "c"), "c", {"n": number + 1, "at": 0}, None, id)
        return (lambda unit: unit.append(other)), lambda result: _assert_failed(result, AppendConflict)

    def after(self, plan: Plan) -> Any:
        """Expects the stream to end where it ends when its turn comes."""

        def work(unit: Unit) -> Any:
            first = unit.append(event(plan, 0, None))
            return [first, unit.append(event(plan, 1, None, after=StreamEnd(first.receipt.seal)))]

        def check(result: Committed[Any] | Failed) -> None:
            assert isinstance(result, Committed), result
            for appended in result.value:
                assert appended.receipt.seq == len(self.model.seals)
                assert appended.entry.prev == self.model.ends.get(plan.stream)
                self.model.seals.append(appended.receipt.seal)
                self.model.ends[plan.stream] = appended.receipt.seal

        return work, check

    def stale(self, plan: Plan) -> Any:
        def work(unit: Unit) -> None:
            unit.append(event(plan, 0, None, after=StreamEnd(b"\x05" * 32)))

        def check(result: Committed[Any] | Failed) -> None:
            _assert_failed(result, PrevConflict)
            assert isinstance(result, Failed)
            assert isinstance(result.error, PrevConflict)
            assert result.error.found == self.model.ends.get(plan.stream)

        return work, check

    # what holds after every step

    @invariant()
    def the_log_is_what_the_model_says(self) -> None:
        def look(conn: Any) -> None:
            log = find_log(conn, TENANT)
            if log is None:
                assert not self.model.seals
                return
            reader = LogReader(conn, log)
            stored = list(reader.entries())
            assert [item.entry.seal for item in stored] == self.model.seals
            assert reader.frontier().root() == tree_hash(self.model.seals)
            if self.model.seals:
                signed = checkpoints.open_signed(reader.checkpoint_note() or "", verifier())
                assert (signed.size, signed.root) == (len(self.model.seals), tree_hash(self.model.seals))

        self.processes[0][0].reading(look)

    def teardown(self) -> None:
        def look(conn: Any) -> None:
            log = find_log(conn, TENANT)
            if log is not None:
                assert verify_log(conn, log, verifier()).size == len(self.model.seals)

        self.processes[0][0].reading(look)
        for database, _ in self.processes:
            database.close()
        shutil.rmtree(self.home)


def event(
    plan: Plan, n: int, id: uuid.UUID | None, *, stream: str | None = None, after: StreamEnd | None = None
) -> Event:
    data = {"n": plan.number, "at": n}
    return Event("test.happened", stream or plan.stream, ActorRef("a", "b", "c"), "c", data, None, id, after)


def _assert_failed(result: Committed[Any] | Failed, kind: type[Exception]) -> None:
    assert isinstance(result, Failed), result
    assert isinstance(result.error, kind), result.error


def test_the_sequencer_does_what_the_model_does() -> None:
    few = settings(max_examples=18, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Machine, settings=few)
