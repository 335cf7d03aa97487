"""Group commit on both databases: who fails alone, who is told what, and one order for all processes."""

import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from studio_brain.evidence import log as evidence_log
from studio_brain.evidence.entry import ActorRef, Event, StreamEnd
from studio_brain.evidence.log import AppendConflict, PrevConflict, find_log
from studio_brain.evidence.note import VerifierKey
from studio_brain.evidence.reader import LogReader, Stored
from studio_brain.evidence.verify import Verified, verify_log
from studio_brain.kernel.clock import SystemClock
from studio_brain.kernel.errors import StorageError
from studio_brain.kernel.ids import Uuid7Source
from studio_brain.kernel.reasons import ReasonCode
from studio_brain.store.database import Database, Databases, open_databases, postgresql_database, sqlite_database
from studio_brain.store.events import SqlEventStore
from studio_brain.store.migrate import migrate
from studio_brain.store.sequencer import Committed, Failed, Result, Sequencer, Unit
from studio_brain.store.writer import Writer
from tests.evidence.keys import TestKey
from tests.store.databases import fresh_postgresql

KEY = TestKey()
Works = tuple[str, Callable[[Unit], Any]]


def sequencer_on(database: Database) -> Sequencer:
    clock = SystemClock()
    return Sequencer(database, KEY, "practice/x", lambda *_: None, clock, Uuid7Source(clock))


def event(number: int, stream: str = "s:1", **more: Any) -> Event:
    return Event("test.happened", stream, ActorRef("staff", "u", "test"), "c", {"number": number}, **more)


def unit_of(*events: Event, look: bool = False, then: Exception | None = None) -> Works:
    def work(unit: Unit) -> list[Any]:
        if look:
            unit.conn.execute(text("SELECT count(*) FROM entry")).scalar()
        done = [unit.append(item) for item in events]
        if then is not None:
            raise then
        return done

    return ("studio", work)


def done(result: Result) -> list[Any]:
    assert isinstance(result, Committed), result
    return list(result.value)


def error(result: Result) -> Exception:
    assert isinstance(result, Failed), result
    return result.error


def stored(database: Database) -> list[Stored]:
    def look(conn: Connection) -> list[Stored]:
        log = find_log(conn, "studio")
        return [] if log is None else list(LogReader(conn, log).entries())

    return database.reading(look)


def verified(database: Database) -> Verified:
    def look(conn: Connection) -> Verified:
        log = find_log(conn, "studio")
        assert log is not None
        return verify_log(conn, log, VerifierKey(log.origin, KEY.public_key))

    return database.reading(look)


def another(database: Database) -> Database:
    """The same database as another process opens it."""
    if database.dialect == "postgresql":
        return postgresql_database("brain", database.write.url.render_as_string(hide_password=False))
    with database.read.connect() as conn:
        path = conn.exec_driver_sql("PRAGMA database_list").one()[2]
    return sqlite_database("brain", Path(path))


def test_an_event_that_expects_the_end_of_its_stream_is_appended_only_there(databases: Databases) -> None:
    sequencer = sequencer_on(databases.brain)
    first = done(sequencer.run([unit_of(event(0, after=StreamEnd(None)))])[0])[0]
    second = done(sequencer.run([unit_of(event(1, after=StreamEnd(first.receipt.seal)))])[0])[0]
    for expected in (None, first.receipt.seal, b"\x00" * 32):
        refused = error(sequencer.run([unit_of(event(2, after=StreamEnd(expected)))])[0])
        assert isinstance(refused, PrevConflict)
        assert refused.code is ReasonCode.CONFLICT
        assert (refused.stream, refused.expected, refused.found) == ("s:1", expected, second.receipt.seal)
    assert [item.seq for item in stored(databases.brain)] == [0, 1]


def test_of_two_who_saw_the_same_end_one_wins(databases: Databases) -> None:
    sequencer = sequencer_on(databases.brain)
    seal = done(sequencer.run([unit_of(event(0))])[0])[0].receipt.seal
    one, two = sequencer.run([unit_of(event(n, after=StreamEnd(seal))) for n in (1, 2)])
    assert done(one)[0].receipt.seq == 1
    assert isinstance(error(two), PrevConflict)


def test_a_repetition_is_answered_although_the_stream_has_moved_on(databases: Databases) -> None:
    sequencer = sequencer_on(databases.brain)
    id = uuid.uuid4()
    first = done(sequencer.run([unit_of(event(0, id=id, after=StreamEnd(None)))])[0])[0]
    done(sequencer.run([unit_of(event(1))])[0])
    again = done(sequencer.run([unit_of(event(0, id=id, after=StreamEnd(None)))])[0])[0]
    assert again.repeated
    assert again.receipt == first.receipt


def test_an_id_is_known_within_its_own_group(databases: Databases) -> None:
    id = uuid.uuid4()
    results = sequencer_on(databases.brain).run(
        [
            unit_of(event(0, id=id, payload=b"p")), unit_of(event(0, id=id, payload=b"p")),
            unit_of(event(1, id=id, payload=b"p")), unit_of(event(0, id=id, payload=b"q")), unit_of(event(9)),
        ]
    )  # fmt: skip
    assert done(results[1])[0].receipt == done(results[0])[0].receipt
    assert isinstance(error(results[2]), AppendConflict)
    assert isinstance(error(results[3]), AppendConflict)
    assert done(results[4])[0].receipt.seq == 1
    assert verified(databases.brain).size == 2


@pytest.mark.parametrize("look", [False, True])
def test_what_fails_fails_alone_and_leaves_nothing(databases: Databases, look: bool) -> None:
    sequencer = sequencer_on(databases.brain)
    results = sequencer.run(
        [
            unit_of(event(0), look=look),
            unit_of(event(1, "new:1"), event(2, "new:2", payload=b"p"), look=look, then=ValueError("changed its mind")),
            unit_of(event(3, "new:1"), look=look),
        ]
    )
    assert isinstance(error(results[1]), ValueError)
    assert [done(results[n])[0].receipt.seq for n in (0, 2)] == [0, 1]
    assert [item.entry.data["number"] for item in stored(databases.brain)] == [0, 3]
    names = databases.brain.reading(lambda conn: conn.execute(text("SELECT name FROM stream ORDER BY name")).all())
    assert [row[0] for row in names] == ["new:1", "s:1"]
    assert verified(databases.brain).payloads == 0


def test_a_unit_alone_in_its_group_leaves_nothing_either(databases: Databases) -> None:
    sequencer = sequencer_on(databases.brain)

    def work(unit: Unit) -> None:
        unit.append(event(0))
        unit.conn.execute(text("INSERT INTO projection (name, version) VALUES ('a', 1)"))
        raise ValueError("changed its mind")

    assert isinstance(error(sequencer.run([("studio", work)])[0]), ValueError)
    assert databases.brain.reading(lambda conn: conn.execute(text("SELECT count(*) FROM projection")).scalar_one()) == 0
    assert done(sequencer.run([unit_of(event(1))])[0])[0].receipt.seq == 0
    assert verified(databases.brain).size == 1


def test_a_stream_name_that_no_database_can_hold_is_refused_alone(databases: Databases) -> None:
    results = sequencer_on(databases.brain).run(
        [unit_of(event(0)), unit_of(event(1, "a\x00b")), unit_of(event(2, "\ud800"))]
    )
    assert done(results[0])[0].receipt.seq == 0
    assert isinstance(results[1], Failed)
    assert isinstance(results[2], Failed)
    assert verified(databases.brain).size == 1


def test_the_head_is_locked_once_for_a_group(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    sequencer = sequencer_on(databases.brain)
    sequencer.run([unit_of(event(0))])
    locked: list[str] = []

    def counting(conn: Connection, tenant: str, *known: Any, real: Any = evidence_log.lock_head) -> Any:
        locked.append(tenant)
        return real(conn, tenant, *known)

    monkeypatch.setattr(evidence_log, "lock_head", counting)
    results = sequencer.run([unit_of(event(n, f"s:{n % 5}"), look=n % 3 == 0) for n in range(40)])
    assert [done(result)[0].receipt.seq for result in results] == list(range(1, 41))
    assert locked == ["studio"]


def test_processes_meet_at_the_head_and_make_one_order(databases: Databases) -> None:
    """Two processes' worth of writers append to the same streams while a reader looks: it never sees a gap, and the
    order of the log is the order in which the groups were committed."""
    each, seen, committed = 60, [], []
    opened = [databases.brain, another(databases.brain)]
    writers = [Writer(sequencer_on(database), committed.append) for database in opened]
    stores = [SqlEventStore(database, writer) for database, writer in zip(opened, writers, strict=True)]
    stores[0].append("studio", event(-1)).result(20)

    def run(name: int) -> None:
        for number in range(each):
            stores[name % 2].append("studio", event(number, f"s:{number % 3}")).result(20)

    threads = [threading.Thread(target=run, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen.append([item.seq for item in stored(opened[0])])
    for thread in threads:
        thread.join()
    for writer in writers:
        writer.close()
    opened[1].close()
    for sequence in seen:
        assert sequence == list(range(len(sequence)))
    assert verified(databases.brain).size == 6 * each + 1
    indexes = sorted(receipt.seq for group in committed for receipt in group)
    assert indexes == list(range(6 * each + 1))
    for group in committed:
        assert [r.seq for r in group] == list(range(group[0].seq, group[0].seq + len(group)))


def test_what_another_process_appended_is_followed_and_not_forgotten(databases: Databases) -> None:
    other = another(databases.brain)
    ours, theirs = sequencer_on(databases.brain), sequencer_on(other)
    seals: dict[str, bytes] = {}
    for number in range(30):
        stream = f"s:{number % 4}"
        appended = done((ours if number % 3 else theirs).run([unit_of(event(number, stream))])[0])[0]
        assert appended.entry.prev == seals.get(stream)
        assert appended.receipt.seq == number
        seals[stream] = appended.receipt.seal
    other.close()
    assert verified(databases.brain).size == 30


def test_a_lost_connection_is_named_and_the_next_group_has_another(postgresql_server: str, tmp_path: Path) -> None:
    databases = open_databases(tmp_path, fresh_postgresql(postgresql_server))
    migrate(databases.brain)
    sequencer = sequencer_on(databases.brain)
    done(sequencer.run([unit_of(event(0))])[0])

    def cut(unit: Unit) -> None:
        unit.append(event(1))
        pid = unit.conn.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with databases.brain.read.connect() as conn:
            conn.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})

    lost = error(sequencer.run([("studio", cut)])[0])
    assert isinstance(lost, StorageError)
    assert lost.code is ReasonCode.UNAVAILABLE
    assert done(sequencer.run([unit_of(event(2))])[0])[0].receipt.seq == 1
    assert verified(databases.brain).size == 2
    databases.close()
