"""A wrong clock, a held database, a home that cannot be written, a full disk: each is named, and nothing is lost."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from studio_brain.brain import Brain
from studio_brain.kernel.reasons import ReasonCode
from tests.practice_process import ROOT, PracticeProcess
from tests.studio_home import cli, connected_home, manager, snapshot, with_brain

pytestmark = pytest.mark.e2e


@pytest.fixture
def home(tmp_path: Path, practice_studio: PracticeProcess) -> Path:
    return connected_home(tmp_path / "home", practice_studio)


@pytest.mark.parametrize("seconds", [-900, 900])
def test_a_wrong_clock_is_named_and_data_is_still_shown(
    home: Path, practice_studio: PracticeProcess, seconds: int
) -> None:
    with practice_studio.fault("clock-skew", seconds=seconds):
        code, found, _ = cli(home, "connectors")
        assert code == 3
        assert {c["reasonCode"] for c in found["connectors"]} == {"CLOCK_SKEW"}
        assert all("clock" in c["detail"] and c["remedy"] for c in found["connectors"])
        assert cli(home, "snapshot")[1]["outcome"] == "observed"
    assert cli(home, "connectors")[0] == 0


def test_a_database_held_by_another_process_is_named(home: Path) -> None:
    with_brain(home, snapshot)
    other = sqlite3.connect(home / "brain.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    code, done, _ = cli(home, "kill", "on", "--rationale", "nothing should leave now")
    other.execute("ROLLBACK")
    other.close()
    assert (code, done["reasonCode"]) == (3, "AUDIT_UNAVAILABLE")
    assert "STORAGE_LOCKED" in done["detail"]
    assert cli(home, "kill", "on", "--rationale", "nothing should leave now")[1]["outcome"] == "on"


def test_a_home_that_cannot_be_written_is_named() -> None:
    code, done, _ = cli(Path("/proc/studio-brain-home"), "state")
    assert (code, done["reasonCode"]) == (3, "STORAGE_READ_ONLY")
    assert "/proc/studio-brain-home" in done["detail"]
    assert "--home" in done["remedy"]


def test_a_full_disk_is_named_and_passes_when_there_is_room(home: Path) -> None:
    with_brain(home, snapshot)

    async def fill(brain: Brain) -> tuple[ReasonCode | None, str]:
        with brain.databases.brain.write.connect() as conn:  # SQLite's own limit gives the very error of a full disk
            pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
            conn.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        who, why = manager(brain), "x" * 1_900
        for n in range(60):
            done = await brain.perform(
                "killswitch.engage", {"scope": "capability", "target": f"c{n}"}, who, rationale=why
            )
            if done.code is not None:
                return done.code, done.detail
        return None, ""

    code, detail = with_brain(home, fill)
    assert code is ReasonCode.AUDIT_UNAVAILABLE
    assert "STORAGE_FULL" in detail
    assert cli(home, "verify")[1]["ok"] is True
    assert with_brain(home, snapshot).outcome == "observed"


def test_every_flipped_byte_of_a_receipt_is_found_by_the_command_line(home: Path) -> None:
    with_brain(home, snapshot)
    with_brain(home, snapshot)
    conn = sqlite3.connect(home / "brain.db")
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    body = bytes(conn.execute("SELECT body FROM entry ORDER BY place DESC LIMIT 1").fetchone()[0])
    conn.close()
    path = home / "brain.db"
    data = path.read_bytes()
    at = data.index(body[:2000]) + 700
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    code, report, _ = cli(home, "verify")
    assert code == 1
    assert report["reasonCode"] == "NOT_VERIFIED"
    assert report["fault"]["index"] == 1
    text = subprocess.run(
        [sys.executable, "-m", "studio_brain.doors.cli", "verify", "--home", str(home)],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert text.returncode == 1
    assert "NOT VERIFIED" in text.stdout
    assert "entry 1" in text.stdout
