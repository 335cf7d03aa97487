"""A sweep by several processes says what a sweep by one says."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from studio_brain.evidence.log import find_log
from studio_brain.evidence.note import VerifierKey
from studio_brain.evidence.sweep import LogSweep, root_of
from studio_brain.evidence.tables import place
from studio_brain.store.database import open_databases
from studio_brain.store.scanning import sweep_with
from tests.benchmarks.big_log import KEY, TENANT, build

SIZE = 9_000


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("built")
    databases, _ = build(home, SIZE)
    databases.close()
    return home


def swept(home: Path, processes: int) -> LogSweep:
    databases = open_databases(home)
    try:
        log = databases.brain.reading(lambda conn: find_log(conn, TENANT))
        assert log is not None
        key = VerifierKey(log.origin, KEY.public_key)
        return sweep_with(databases.brain, home / "brain.db", log, key, processes=processes)
    finally:
        databases.close()


@pytest.mark.parametrize("bad", [None, 100, 8_700])
def test_two_processes_say_what_one_says(built: Path, tmp_path: Path, bad: int | None) -> None:
    home = tmp_path / "home"
    shutil.copytree(built, home)
    if bad is not None:
        conn = sqlite3.connect(home / "brain.db")
        conn.execute("DROP TRIGGER entry_refuses_update")
        conn.execute("UPDATE entry SET body = zeroblob(20) WHERE place = ?", (place(1, bad),))
        conn.commit()
        conn.close()
    one, two = swept(home, 1), swept(home, 2)
    assert (one.map(), one.findings, root_of(one)) == (two.map(), two.findings, root_of(two))
    assert one.first_bad() == bad
    assert one.checkpoints == two.checkpoints == SIZE // 1_000
