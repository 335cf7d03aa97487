"""Copying to a vault and taking it back on both databases: what one wrote, the other restores."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from studio_brain.domains.records.vault import copy
from studio_brain.domains.records.vault_folder import LogFolder
from studio_brain.domains.records.vault_restore import restore_tail, tail_of
from studio_brain.evidence import cosignature, note
from studio_brain.evidence.entry import ActorRef, Event
from studio_brain.evidence.log import LogRow, find_log
from studio_brain.evidence.note import VerifierKey
from studio_brain.evidence.reader import LogReader
from studio_brain.evidence.vault import verify_vault
from studio_brain.evidence.witness import keep_cosignature
from studio_brain.gateway import rows
from studio_brain.gateway.decide import Refusal
from studio_brain.kernel.clock import SystemClock
from studio_brain.kernel.ids import Uuid7Source
from studio_brain.kernel.reasons import ReasonCode
from studio_brain.store.database import Databases, open_databases
from studio_brain.store.migrate import migrate
from studio_brain.store.sequencer import Committed, Failed, Sequencer, Unit
from tests.evidence.keys import TestKey

KEY = TestKey()
OFFICE: Any = SimpleNamespace(key_of=lambda origin: VerifierKey(origin, KEY.public_key))


class Cosigner(TestKey):
    type = cosignature.ED25519


WITNESS = Cosigner(b"\x21" * 32)
WITNESS_KEY = VerifierKey("practice/77/witness", WITNESS.public_key, cosignature.ED25519)


def sequencer(databases: Databases) -> Sequencer:
    clock = SystemClock()
    return Sequencer(databases.brain, KEY, "practice/x", rows.apply, clock, Uuid7Source(clock))


def seal(numbers: range, payload: bytes | None = None) -> tuple[str, Any]:
    def work(unit: Unit) -> None:
        for n in numbers:
            unit.append(Event("test.happened", f"s:{n % 5}", ActorRef("staff", "u", "t"), "c", {"n": n}, payload))

    return ("a", work)


def log_of(databases: Databases) -> LogRow:
    found = databases.brain.reading(lambda conn: find_log(conn, "a"))
    assert found is not None
    return found


def bodies(databases: Databases) -> list[bytes]:
    log = log_of(databases)
    return databases.brain.reading(lambda conn: [stored.entry.body for stored in LogReader(conn, log).entries()])


def copied(databases: Databases, vault: Path) -> int:
    log = log_of(databases)
    return databases.brain.reading(lambda conn: copy(conn, log, OFFICE, vault, held=0)).size


@pytest.fixture
def elsewhere(tmp_path: Path) -> Any:
    """A SQLite home whose log lies in a vault, one of its checkpoints cosigned."""
    (tmp_path / "elsewhere").mkdir()
    opened = open_databases(tmp_path / "elsewhere")
    migrate(opened.brain)
    writing = sequencer(opened)
    writing.run([seal(range(280))])
    log = log_of(opened)
    text = opened.brain.reading(lambda conn: LogReader(conn, log).checkpoint_note()) or ""
    line = cosignature.cosign(note.parse(text), WITNESS_KEY.name, WITNESS, 1_700_000_000)
    opened.brain.writing(lambda conn: keep_cosignature(conn, log.log_id, 280, line, 1_700_000_000_000))
    assert copied(opened, tmp_path / "vault") == 280
    writing.run([seal(range(20), b"personal")])
    assert copied(opened, tmp_path / "vault") == 300
    yield opened
    opened.close()


def test_what_one_database_wrote_another_takes_back(databases: Databases, elsewhere: Databases, tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    writing = sequencer(databases)
    writing.run([("a", lambda unit: unit.conn and None)])  # the log is there, and empty
    key = OFFICE.key_of("practice/x/a/1")
    tail = databases.brain.reading(lambda conn: tail_of(conn, "a", vault, key))

    def restore(unit: Unit) -> Any:
        done = restore_tail(unit, tail, (WITNESS_KEY,))
        unit.append(Event("test.restored", "s:0", ActorRef("staff", "u", "t"), "c", {}))
        return done

    [result] = writing.run([("a", restore)])
    assert isinstance(result, Committed), result
    assert (result.value.entries, result.value.payloads, len(result.value.lost)) == (300, 0, 20)
    assert result.checkpoint == 301
    assert bodies(databases)[:300] == bodies(elsewhere)
    log = log_of(databases)

    def kept(conn: Any) -> list[tuple[Any, ...]]:
        sql = "SELECT size, at_ms FROM cosignature ORDER BY size"
        return [tuple(row) for row in conn.exec_driver_sql(sql)]

    assert databases.brain.reading(kept) == [(280, 1_700_000_000_000)]
    proof = databases.brain.reading(lambda conn: LogReader(conn, log).inclusion(7, 301))
    assert len(proof) == 9
    assert copied(databases, vault) == 301
    folder = LogFolder(vault, log.origin)
    found = verify_vault(folder.read, log.origin, KEY.public_key, folder.checkpoint_sizes())
    assert (found.size, found.payloads) == (301, 20)


def test_a_log_that_moved_since_the_tail_was_read_takes_nothing(
    databases: Databases, elsewhere: Databases, tmp_path: Path
) -> None:
    writing = sequencer(databases)
    writing.run([("a", lambda unit: unit.conn and None)])
    key = OFFICE.key_of("practice/x/a/1")
    tail = databases.brain.reading(lambda conn: tail_of(conn, "a", tmp_path / "vault", key))
    results = writing.run([seal(range(1)), ("a", lambda unit: restore_tail(unit, tail)), seal(range(1))])
    assert isinstance(results[1], Failed)
    assert isinstance(results[1].error, Refusal)
    assert results[1].error.code is ReasonCode.CONFLICT
    assert len(bodies(databases)) == 2
