"""One suite for every StateStore, EventStore and CacheStore; each implementation is a subclass or a fixture."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio_brain.evidence.entry import ActorRef, Event
from studio_brain.kernel.clock import SystemClock
from studio_brain.kernel.errors import StudioBrainError
from studio_brain.kernel.ids import Uuid7Source
from studio_brain.store.cache import MemoryCache
from studio_brain.store.database import Databases
from studio_brain.store.events import SqlEventStore
from studio_brain.store.ports import CacheStore, Contact, Diff, EventStore, JobRun, Observation, StateStore
from studio_brain.store.projections import Projections
from studio_brain.store.sequencer import Sequencer
from studio_brain.store.state import StateTables
from studio_brain.store.writer import Writer
from tests.evidence.keys import TestKey


def observation(seq: int, day: str, tenant: str = "a", active: int = 1) -> Observation:
    return Observation(tenant, seq, day, 1000 + seq, bytes([seq]) * 32, {"counts": {"x": active}}, {"reasons": {}})


class StateStoreSuite:
    """What every StateStore does. A subclass gives `store`."""

    def test_the_last_observation_of_a_day_is_its_snapshot(self, store: StateStore) -> None:
        for item in (
            observation(1, "2026-11-01"),
            observation(4, "2026-11-01", active=7),
            observation(2, "2026-11-02"),
        ):
            store.put_observation(item)
        assert store.snapshot("a", "2026-11-01") == observation(4, "2026-11-01", active=7)
        assert [o.day for o in store.snapshots("a")] == ["2026-11-02", "2026-11-01"]
        assert [o.place for o in store.observations("a", day="2026-11-01")] == [4, 1]
        assert [o.place for o in store.observations("a", limit=2)] == [4, 2]

    def test_putting_the_same_again_changes_nothing(self, store: StateStore) -> None:
        store.put_observation(observation(1, "2026-11-01"))
        store.put_observation(observation(1, "2026-11-01"))
        assert len(store.observations("a")) == 1

    def test_tenants_do_not_see_each_other(self, store: StateStore) -> None:
        store.put_observation(observation(1, "2026-11-01"))
        store.put_observation(observation(1, "2026-11-01", tenant="b", active=9))
        store.put_diff(Diff("b", "2026-11-01", "2026-11-02", {}))
        assert [o.snapshot["counts"]["x"] for o in store.snapshots("a")] == [1]
        assert store.diff("a", "2026-11-01", "2026-11-02") is None
        assert store.job("a", "snapshot") is None

    def test_absent_is_none(self, store: StateStore) -> None:
        assert store.snapshot("a", "2026-01-01") is None
        assert store.observation("a", 5) is None
        assert store.diff("a", "x", "y") is None
        assert list(store.contacts("a")) == []

    def test_one_diff_for_a_pair_of_days(self, store: StateStore) -> None:
        store.put_diff(Diff("a", "2026-11-01", "2026-11-02", {"counts.x": {"from": 1, "to": 2}}))
        store.put_diff(Diff("a", "2026-11-01", "2026-11-02", {"counts.x": {"from": 1, "to": None}}))
        found = store.diff("a", "2026-11-01", "2026-11-02")
        assert found is not None
        assert found.changes == {"counts.x": {"from": 1, "to": None}}

    def test_a_job_keeps_how_it_last_ended(self, store: StateStore) -> None:
        store.put_job(JobRun("a", "snapshot", 10, 10, None, ""))
        store.put_job(JobRun("a", "snapshot", 20, 10, "TIMEOUT", "firestore"))
        assert store.job("a", "snapshot") == JobRun("a", "snapshot", 20, 10, "TIMEOUT", "firestore")

    def test_contacts_are_kept_by_connector(self, store: StateStore) -> None:
        first = Contact("a", "functions", "ok", None, "", 12, 0, 100, 100, 115)
        later = Contact("a", "functions", "down", "TIMEOUT", "…", None, None, 200, 100, None)
        store.put_contact(first)
        store.put_contact(later)
        store.put_contact(Contact("a", "firestore", "ok", None, "", 9, -3, 150, 150, 165))
        assert [c.connector for c in store.contacts("a")] == ["firestore", "functions"]
        assert list(store.contacts("a"))[1] == later


class TestSqlStateStore(StateStoreSuite):
    @pytest.fixture
    def store(self, databases: Databases) -> Iterator[StateStore]:
        Projections(databases, []).prepare()
        with databases.views.write.begin() as conn:
            yield StateTables(conn)


def event(number: int, stream: str = "s:1") -> Event:
    return Event("test.happened", stream, ActorRef("system", "t", "test"), "c", {"number": number})


class EventStoreSuite:
    """What every EventStore does. A subclass gives `store`."""

    def test_what_was_acknowledged_is_there_in_order(self, store: EventStore) -> None:
        receipts = [store.append("a", event(n)).result(10) for n in range(5)]
        assert [r.seq for r in receipts] == [0, 1, 2, 3, 4]
        assert [s.entry.data["number"] for s in store.read("a", 1, 3)] == [1, 2, 3]
        assert [s.entry.seal for s in store.read("a")] == [r.seal for r in receipts]
        assert store.size("a") == 5

    def test_many_callers_get_one_order_without_gaps(self, store: EventStore) -> None:
        futures = [store.append("a", event(n, f"s:{n % 4}")) for n in range(200)]
        assert sorted(f.result(20).seq for f in futures) == list(range(200))

    def test_a_refused_event_harms_no_other(self, store: EventStore) -> None:
        good, bad, after = store.append("a", event(1)), store.append("a", event(2, "")), store.append("a", event(3))
        assert good.result(10).seq == 0
        with pytest.raises(StudioBrainError):
            bad.result(10)
        assert after.result(10).seq == 1

    def test_an_unknown_tenant_is_empty(self, store: EventStore) -> None:
        assert list(store.read("nobody")) == []
        assert store.size("nobody") == 0


class TestSqlEventStore(EventStoreSuite):
    @pytest.fixture
    def store(self, databases: Databases) -> Iterator[EventStore]:
        clock = SystemClock()
        sequencer = Sequencer(databases.brain, TestKey(), "practice/x", lambda *_: None, clock, Uuid7Source(clock))
        writer = Writer(sequencer)
        yield SqlEventStore(databases.brain, writer)
        writer.close()


class Hands:
    """A clock whose hands the test moves."""

    seconds = 0.0

    def now_ms(self) -> int:
        return int(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds


class CacheStoreSuite:
    """What every CacheStore does. A subclass gives `store` and `hands`."""

    def test_a_value_is_there_until_its_time_is_over(self, store: CacheStore, hands: Hands) -> None:
        store.put("k", {"v": 1}, ttl_s=10)
        hands.seconds = 9.9
        assert store.get("k") == {"v": 1}
        hands.seconds = 10
        assert store.get("k") is None

    def test_forgetting_and_replacing(self, store: CacheStore, hands: Hands) -> None:
        store.put("k", 1, ttl_s=10)
        store.put("k", 2, ttl_s=10)
        assert store.get("k") == 2
        store.forget("k")
        store.forget("never there")
        assert store.get("k") is None


class TestMemoryCache(CacheStoreSuite):
    @pytest.fixture
    def hands(self) -> Hands:
        return Hands()

    @pytest.fixture
    def store(self, hands: Hands) -> CacheStore:
        return MemoryCache(hands, limit=3)

    def test_the_oldest_goes_first(self, store: CacheStore) -> None:
        for name in "abcd":
            store.put(name, name, ttl_s=60)
        assert [store.get(name) for name in "abcd"] == [None, "b", "c", "d"]


def test_the_home_folder_holds_two_files(tmp_path: Path) -> None:
    from studio_brain.store.database import open_databases
    from studio_brain.store.migrate import migrate

    databases = open_databases(tmp_path)
    migrate(databases.brain)
    Projections(databases, []).prepare()
    databases.close()
    assert {p.name for p in tmp_path.iterdir()} == {"brain.db", "views.db"}
