"""Earlier history is taken over once, row by row, with its old seal and the verdict about it beside the new one."""

import csv
import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from studio_brain.brain import Brain
from studio_brain.domains.records.import_files import ImportFileError, old_rows
from studio_brain.domains.records.importing import entry_id
from studio_brain.gateway.perform import Performed
from studio_brain.kernel.hashing import to_text
from studio_brain.kernel.reasons import ReasonCode
from tests.domains.records.homes import command, entries, with_brain
from tests.domains.records.lived import files_holding, imke, lived_home, raw, verified

WHY = "the earlier installation is switched off"


def old(number: int, *, broken: bool = False) -> dict[str, Any]:
    payload, at = {"who": f"Anselm {number}", "n": number}, f"2024-05-01T10:00:{number % 60:02d}+00:00"
    text = json.dumps(payload, sort_keys=True)
    stamp = hashlib.sha256(f"note.written{text}{at}{'!' if broken else ''}".encode()).hexdigest()
    return {"id": f"old-{number}", "timestamp": at, "kind": "note.written", "receipt_hash": stamp, "payload": text}


ROWS = [old(n, broken=n == 4) for n in range(7)]


def lines(path: Path, rows: list[dict[str, Any]] = ROWS) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def table(path: Path, rows: list[dict[str, Any]] = ROWS) -> Path:
    conn = sqlite3.connect(path)
    conn.execute("CREATE TABLE ledger_entries (id, timestamp, kind, receipt_hash, payload)")
    conn.executemany("INSERT INTO ledger_entries VALUES (:id, :timestamp, :kind, :receipt_hash, :payload)", rows)
    conn.commit()
    conn.close()
    return path


def sheet(path: Path, rows: list[dict[str, Any]] = ROWS) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


async def take(brain: Brain, path: Path) -> Performed:
    return await brain.perform("evidence.import_v0", {"path": str(path)}, imke(brain), rationale=WHY)


@pytest.mark.parametrize("form", [lines, table, sheet])
def test_every_row_becomes_an_entry_with_its_old_seal_and_the_verdict(tmp_path: Path, form: Any) -> None:
    path = form(tmp_path / "export")

    async def work(brain: Brain) -> None:
        done = await take(brain, path)
        assert (done.outcome, done.data["imported"], done.data["valid"], done.data["broken"]) == ("imported", 7, 6, 1)
        assert done.data["brokenIds"] == ["old-4"]
        taken = entries(brain, kind="ledger.imported")
        assert [stored.entry.data["oldId"] for stored in taken] == [row["id"] for row in ROWS]
        assert [stored.entry.data["verdict"] for stored in taken] == ["valid"] * 4 + ["broken"] + ["valid"] * 2
        for stored, row in zip(taken, ROWS, strict=True):
            assert stored.entry.data["oldSeal"] == to_text(bytes.fromhex(row["receipt_hash"]))
            assert stored.entry.id == entry_id("a", row["id"])
        assert entries(brain, kind="ledger.import_finished")[-1].entry.data["imported"] == 7
        assert b"Anselm" not in b"".join(stored.entry.body for stored in taken)  # in the erasable payload only
        assert files_holding(brain.home, b"Anselm") == []
        assert (await verified(brain)).ok

    with_brain(lived_home(tmp_path / "home"), work)


def test_importing_again_adds_nothing_and_goes_on_with_what_is_new(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        await take(brain, lines(tmp_path / "a", ROWS[:3]))
        done = await take(brain, table(tmp_path / "b"))  # another form of the same rows, and four more
        assert (done.data["imported"], done.data["repeated"]) == (4, 3)
        done = await take(brain, lines(tmp_path / "c"))
        assert (done.data["imported"], done.data["repeated"], done.data["conflicts"]) == (0, 7, 0)
        assert len(entries(brain, kind="ledger.imported")) == 7

    with_brain(lived_home(tmp_path / "home"), work)


def test_a_row_that_says_something_else_under_a_known_id_is_named_and_left_out(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        await take(brain, lines(tmp_path / "a"))
        other = old(2) | {"kind": "note.rewritten"}
        done = await take(brain, lines(tmp_path / "b", [other, other, old(9), old(9)]))
        assert (done.data["imported"], done.data["conflicts"], done.data["repeated"]) == (1, 2, 1)
        assert done.data["conflictingIds"] == ["old-2", "old-2"]
        taken = {
            stored.entry.data["oldId"]: stored.entry.data["oldKind"]
            for stored in entries(brain, kind="ledger.imported")
        }
        assert taken["old-2"] == "note.written"

    with_brain(lived_home(tmp_path / "home"), work)


def test_a_file_that_is_no_export_imports_nothing(tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_text(json.dumps(ROWS[0]) + "\n{oops\n")
    with pytest.raises(ImportFileError, match="row 2"):
        list(old_rows(bad))
    headless = tmp_path / "headless"
    headless.write_text("a,b\n1,2\n")
    with pytest.raises(ImportFileError, match="it has no id"):
        list(old_rows(headless))
    empty = tmp_path / "database"
    sqlite3.connect(empty).executescript("CREATE TABLE other (x)")
    with pytest.raises(ImportFileError, match="ledger_entries"):
        list(old_rows(empty))

    async def work(brain: Brain) -> None:
        for path in (bad, tmp_path / "absent"):
            done = await take(brain, path)
            assert done.outcome == "denied"
            assert path.name in done.detail
        assert entries(brain, kind="ledger.imported") == []
        refused = await brain.perform("evidence.import_v0", {"path": str(bad)}, imke(brain), rationale="short")
        assert refused.code is ReasonCode.RATIONALE_REQUIRED
        assert raw(brain, "SELECT count(*) FROM payload") == [(0,)]

    with_brain(lived_home(tmp_path / "home"), work)


def test_the_command_tells_broken_seals_by_its_exit_code(tmp_path: Path) -> None:
    from studio_brain.doors.cli import importing, sweep  # noqa: F401  they register their commands

    home = lived_home(tmp_path / "home")
    good = lines(tmp_path / "good", [old(1)])
    words = ("evidence", "import-v0")
    assert command(home, *words, str(good), "--rationale", WHY)[0] == 0
    code, told = command(home, *words, str(lines(tmp_path / "all")), "--rationale", WHY)
    assert (code, told["imported"], told["broken"]) == (1, 6, 1)
    code, told = command(home, "evidence", "sweep")
    assert (code, told["outcome"], told["ok"]) == (0, "swept", True)
    conn = sqlite3.connect(home / "brain.db")
    conn.execute("UPDATE head SET roots = zeroblob(length(roots))")
    conn.commit()
    conn.close()
    code, told = command(home, "evidence", "sweep", "--full")
    assert code == 1
