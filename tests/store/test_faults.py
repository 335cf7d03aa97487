"""A full, locked, read-only or damaged database is named as such, and nothing acknowledged is lost."""

import sqlite3
import stat
from pathlib import Path

import pytest

from studio_brain.evidence.entry import ActorRef, Event
from studio_brain.evidence.log import find_log
from studio_brain.evidence.note import VerifierKey
from studio_brain.evidence.verify import verify_log
from studio_brain.home.files import make_home, write_private
from studio_brain.kernel.clock import SystemClock
from studio_brain.kernel.errors import StorageError
from studio_brain.kernel.ids import Uuid7Source
from studio_brain.kernel.reasons import ReasonCode
from studio_brain.store.database import Databases, open_databases
from studio_brain.store.migrate import migrate
from studio_brain.store.sequencer import Committed, Failed, Sequencer, Unit
from tests.evidence.keys import TestKey

KEY = TestKey()


def opened(home: Path) -> tuple[Databases, Sequencer]:
    databases = open_databases(home, busy_timeout_s=0.2)
    migrate(databases.brain)
    clock = SystemClock()
    return databases, Sequencer(databases.brain, KEY, "practice/x", lambda *_: None, clock, Uuid7Source(clock))


def append(size: int = 200) -> tuple[str, object]:
    def work(unit: Unit) -> int:
        return unit.append(Event("test.happened", "s:1", ActorRef("a", "b", "c"), "c", {"x": "y" * size})).receipt.seq

    return ("studio", work)


def limit_pages(sequencer: Sequencer, pages: int | None) -> None:
    """SQLite's own limit gives the very error of a full disk. It holds for the connection that writes the groups."""

    def work(unit: Unit) -> None:
        limit = pages or unit.conn.exec_driver_sql("PRAGMA page_count").scalar_one()
        unit.conn.exec_driver_sql(f"PRAGMA max_page_count={limit}")

    assert isinstance(sequencer.run([("studio", work)])[0], Committed)


def code_of(result: object) -> ReasonCode:
    assert isinstance(result, Failed), result
    assert isinstance(result.error, StorageError), result.error
    return result.error.code


def test_a_full_disk_fails_the_group_loses_nothing_and_passes_when_there_is_room(tmp_path: Path) -> None:
    databases, sequencer = opened(tmp_path)
    assert isinstance(sequencer.run([append()])[0], Committed)
    limit_pages(sequencer, None)
    results = sequencer.run([append(60_000), append(60_000)])
    assert [code_of(r) for r in results] == [ReasonCode.STORAGE_FULL] * 2
    limit_pages(sequencer, 100_000)
    assert isinstance(sequencer.run([append(60_000)])[0], Committed)
    log = databases.brain.reading(lambda conn: find_log(conn, "studio"))
    key = VerifierKey(log.origin, KEY.public_key)
    assert databases.brain.reading(lambda conn: verify_log(conn, log, key)).size == 2
    databases.close()


def test_a_database_held_by_another_process_is_named_and_waited_for(tmp_path: Path) -> None:
    databases, sequencer = opened(tmp_path)
    other = sqlite3.connect(tmp_path / "brain.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert code_of(sequencer.run([append()])[0]) is ReasonCode.STORAGE_LOCKED
    other.execute("ROLLBACK")
    assert isinstance(sequencer.run([append()])[0], Committed)
    other.close()
    databases.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "brain.db").write_bytes(b"this is not a database, it is a note to myself" * 200)
    with pytest.raises(StorageError) as caught:
        opened(tmp_path)
    assert caught.value.code is ReasonCode.STORAGE_DAMAGED


def test_a_torn_schema_is_named(tmp_path: Path) -> None:
    databases, sequencer = opened(tmp_path)
    assert isinstance(sequencer.run([append()])[0], Committed)
    databases.close()
    path = tmp_path / "brain.db"
    data = path.read_bytes()
    at = data.index(b"CREATE TABLE checkpoint") + 24
    path.write_bytes(data[:at] + b"\xd5" * 9 + data[at + 9 :])
    again = open_databases(tmp_path)
    with pytest.raises(StorageError) as caught:
        again.brain.reading(lambda conn: find_log(conn, "studio"))
    assert caught.value.code is ReasonCode.STORAGE_DAMAGED
    again.close()


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageError) as caught:
        make_home(tmp_path / "file" / "home")
    assert caught.value.code is ReasonCode.STORAGE_READ_ONLY
    with pytest.raises(StorageError):
        write_private(tmp_path / "file" / "x", b"")


def test_files_of_the_home_are_private_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_private(path, b"one")
    write_private(path, b"two")
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]
