"""A log on both databases: order, streams, idempotency, tiles, checkpoints, proofs."""

import uuid

import pytest

from studio_brain.evidence import checkpoint as checkpoints
from studio_brain.evidence.entry import ActorRef, EntryError, Event
from studio_brain.evidence.log import AppendConflict, Appended, find_log
from studio_brain.evidence.merkle import verify_inclusion
from studio_brain.evidence.note import VerifierKey
from studio_brain.evidence.reader import Erased, LogReader
from studio_brain.evidence.verify import verify_log
from studio_brain.kernel.clock import SystemClock
from studio_brain.kernel.ids import Uuid7Source
from studio_brain.store.database import Databases
from studio_brain.store.sequencer import Committed, Failed, Result, Sequencer, Unit
from tests.evidence.keys import TestKey

KEY = TestKey()


def sequencer(databases: Databases) -> Sequencer:
    clock = SystemClock()
    return Sequencer(databases.brain, KEY, "practice/x", lambda *_: None, clock, Uuid7Source(clock))


def event(number: int, stream: str = "s:1", id: uuid.UUID | None = None, payload: bytes | None = None) -> Event:
    return Event("test.happened", stream, ActorRef("staff", "u", "test"), "c", {"number": number}, payload, id)


def append(*events: Event):  # type: ignore[no-untyped-def]
    def work(unit: Unit) -> list[Appended]:
        return [unit.append(item) for item in events]

    return ("studio", work)


def committed(result: Result) -> Committed[list[Appended]]:
    assert isinstance(result, Committed), result
    return result


def test_entries_are_numbered_in_order_and_linked_by_stream(databases: Databases) -> None:
    sealed = sequencer(databases)
    sealed.run([append(event(0, "a:1"), event(1, "b:1")), append(event(2, "a:1"))])
    sealed.run([append(event(3, "b:1"))])
    stored = databases.brain.reading(lambda conn: list(LogReader(conn, find_log(conn, "studio")).entries()))
    assert [item.entry.data["number"] for item in stored] == [0, 1, 2, 3]
    assert [item.seq for item in stored] == [0, 1, 2, 3]
    assert stored[0].entry.prev is None
    assert stored[2].entry.prev == stored[0].entry.seal
    assert stored[3].entry.prev == stored[1].entry.seal


def test_a_unit_that_fails_fails_alone(databases: Databases) -> None:
    sealed = sequencer(databases)
    results = sealed.run([append(event(0)), append(event(1), event(2, stream="")), append(event(3))])
    assert isinstance(results[1], Failed)
    assert isinstance(results[1].error, EntryError)
    assert [r.receipts[0].seq for r in (committed(results[0]), committed(results[2]))] == [0, 1]
    log = databases.brain.reading(lambda conn: find_log(conn, "studio"))
    key = VerifierKey(log.origin, KEY.public_key)
    assert databases.brain.reading(lambda conn: verify_log(conn, log, key)).size == 2


def test_the_same_id_and_content_gives_the_first_receipt_and_another_content_is_refused(databases: Databases) -> None:
    sealed = sequencer(databases)
    id = uuid.uuid4()
    first = committed(sealed.run([append(event(1, id=id, payload=b"p"))])[0]).value[0]
    again = committed(sealed.run([append(event(1, id=id, payload=b"p"))])[0]).value[0]
    assert again.repeated
    assert again.receipt == first.receipt
    for other in (event(2, id=id, payload=b"p"), event(1, id=id, payload=b"q"), event(1, id=id)):
        result = sealed.run([append(other)])[0]
        assert isinstance(result, Failed)
        assert isinstance(result.error, AppendConflict)
    assert databases.brain.reading(lambda conn: LogReader(conn, find_log(conn, "studio")).size()) == 1


def test_each_group_signs_one_checkpoint_that_covers_it(databases: Databases) -> None:
    sealed = sequencer(databases)
    results = sealed.run([append(event(0)), append(event(1), event(2))])
    assert [committed(r).checkpoint for r in results] == [3, 3]
    reader_note = databases.brain.reading(lambda conn: LogReader(conn, find_log(conn, "studio")).checkpoint_note())
    found = checkpoints.open_signed(reader_note, VerifierKey("practice/x/studio/1", KEY.public_key))
    assert found.size == 3


def test_a_unit_that_only_looks_signs_nothing(databases: Databases) -> None:
    sealed = sequencer(databases)
    assert committed(sealed.run([("studio", lambda unit: 41)])[0]).checkpoint == 0


@pytest.mark.parametrize("size", [255, 256, 257, 600])
def test_proofs_come_from_tiles_at_any_size(databases: Databases, size: int) -> None:
    sealed = sequencer(databases)
    sealed.run([append(*(event(n, f"s:{n % 7}") for n in range(100)))])
    sealed.run([append(*(event(n, f"s:{n % 7}") for n in range(100, size)))])

    def check(conn):  # type: ignore[no-untyped-def]
        reader = LogReader(conn, find_log(conn, "studio"))
        root = reader.frontier().root()
        for seq in {0, 1, 99, 100, 254, size // 2, size - 1}:
            entry = reader.entry(seq)
            verify_inclusion(entry.seal, seq, size, reader.inclusion(seq, size), root)
        return reader.size()

    assert databases.brain.reading(check) == size
    log = databases.brain.reading(lambda conn: find_log(conn, "studio"))
    verified = databases.brain.reading(lambda conn: verify_log(conn, log, VerifierKey(log.origin, KEY.public_key)))
    assert verified.size == size


def test_tenants_have_logs_of_their_own(databases: Databases) -> None:
    sealed = sequencer(databases)
    sealed.run([append(event(0)), ("other", lambda unit: unit.append(event(9)))])
    logs = {t: databases.brain.reading(lambda conn, t=t: find_log(conn, t)) for t in ("studio", "other")}
    assert logs["studio"].log_id != logs["other"].log_id
    for log in logs.values():
        assert databases.brain.reading(lambda conn, log=log: LogReader(conn, log).size()) == 1


def test_payloads_come_back_and_an_entry_without_one_has_none(databases: Databases) -> None:
    sequencer(databases).run([append(event(0, payload=b"personal"), event(1))])

    def read(conn):  # type: ignore[no-untyped-def]
        reader = LogReader(conn, find_log(conn, "studio"))
        return [reader.payload(item.seq, item.entry) for item in reader.entries()]

    assert databases.brain.reading(read) == [b"personal", None]
    assert Erased.ERASED not in databases.brain.reading(read)
