"""A home comes back from its backup on a bare machine, verified; what is not what was signed does not."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from studio_brain.brain import Brain
from studio_brain.domains.records.backup import MANIFEST, make_backup
from studio_brain.domains.records.restore import RESTORED, read_backup, restore
from studio_brain.evidence.note import VerifierKey
from studio_brain.gateway.tables import ROWS
from studio_brain.home.installation import read_installation
from studio_brain.home.settings import Settings
from studio_brain.kernel.errors import StudioBrainError, VerificationError
from studio_brain.kernel.reasons import ReasonCode
from studio_brain.store.database import open_databases
from studio_brain.store.dump import ROWS as ROW_FILE
from studio_brain.store.dump import dump, load
from studio_brain.store.rows import state_sha256
from tests.domains.records.homes import entries, with_brain
from tests.domains.records.lived import APPEND, WHY, files_holding, imke, lived_home, note, verified
from tests.evidence.keys import TestKey
from tests.gateway.harness import Bench, bench
from tests.gateway.test_rebuild import live_through_everything
from tests.store.databases import fresh_postgresql
from tests.studio_home import cli

__all__ = ["bench"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which something was done, and a backup beside it: folders `home` and `backup`."""
    folder = tmp_path_factory.mktemp("kept")

    async def work(brain: Brain) -> None:
        for n in range(3):
            await note(brain, f"the note with number {n}")
        done = await brain.perform("recovery.backup", {"out": str(folder / "backup")}, imke(brain))
        assert done.outcome == "made", done
        assert done.data["secrets"][0] == "signing-key"
        assert entries(brain, kind="backup.made")[0].entry.data["manifestSha256"] == done.data["manifestSha256"]

    with_brain(lived_home(folder / "home"), work)
    return folder


def test_restored_on_a_bare_machine_it_verifies_and_goes_on(kept: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    code, done, err = cli(new, "restore", str(kept / "backup"))
    assert (code, done["outcome"], done["newKey"]) == (0, "restored", True), err
    assert (new / RESTORED).exists()
    before, after = read_installation(kept / "home"), read_installation(new)
    assert before is not None
    assert after is not None
    assert (after.id, after.former_keys) == (before.id, (before.public_key,))

    async def work(brain: Brain) -> None:
        report = await verified(brain)
        assert report.ok, report.fault
        page = await brain.query("proposals.page", {}, imke(brain))
        assert len(page["rows"]) == 3
        first = entries(brain)[0].entry
        assert first.kind == "epoch.started"
        sizes = {log["origin"]: log["size"] for log in done["logs"]}
        assert first.data["previous"]["size"] == sizes[first.data["previous"]["origin"]] > 0
        await note(brain, "life goes on after all")
        assert (await verified(brain)).ok
        assert (await brain.perform("system.rebuild_check", {}, imke(brain))).outcome == "equal"

    with_brain(new, work)


def test_where_key_and_pins_are_still_known_the_missing_tail_is_named(kept: Path, tmp_path: Path) -> None:
    """The receipt of the backup itself came after it: the restored log is behind its pin, and says so."""
    new = tmp_path / "new"
    restore(kept / "backup", new)
    shutil.copy(kept / "home" / "practice-keys.json", new)

    async def work(brain: Brain) -> None:
        assert (await verified(brain)).logs[0].size > 0
        held = await brain.perform(APPEND, {"batchId": "b", "note": "while it is held"}, imke(brain), rationale=WHY)
        assert held.code is ReasonCode.LOG_SET_BACK
        assert (await brain.perform("evidence.start_epoch", {}, imke(brain), rationale=WHY)).outcome == "started"
        await note(brain, "with the same key as before")
        assert (await verified(brain)).ok

    with_brain(new, work)


def test_a_backup_holds_no_secret_and_only_what_it_lists(kept: Path) -> None:
    keys = json.loads((kept / "home" / "practice-keys.json").read_text())
    for text in keys.values():
        assert files_holding(kept / "backup", text.encode()) == []
    manifest = json.loads((kept / "backup" / MANIFEST).read_text())
    assert {p.name for p in (kept / "backup").iterdir()} == {*manifest["files"], MANIFEST, "manifest.note"}
    assert all(p.stat().st_mode & 0o077 == 0 for p in (kept / "backup").iterdir())
    assert str(kept) not in (kept / "backup" / MANIFEST).read_text()


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "brain.db is not the one": lambda folder: flip(folder / "brain.db"),
    "installation.json": lambda folder: flip(folder / "installation.json"),
    "studio.toml is not the one": lambda folder: flip(folder / "studio.toml"),
    "manifest.json is not the one": lambda folder: (
        (folder / MANIFEST).write_text((folder / MANIFEST).read_text().replace("madeAt", "madeat")) and None
    ),
    "manifest.note": lambda folder: (folder / "manifest.note").unlink(),
    "signature": lambda folder: flip(folder / "manifest.note"),
}


def test_what_is_not_what_was_signed_is_not_restored(kept: Path, tmp_path: Path) -> None:
    for says, damage in DAMAGES.items():
        folder = tmp_path / "copy"
        shutil.copytree(kept / "backup", folder)
        damage(folder)
        with pytest.raises(VerificationError):
            restore(folder, tmp_path / "new")
        assert not (tmp_path / "new").exists(), says
        assert list(tmp_path.iterdir()) == [folder]
        shutil.rmtree(folder)


def test_another_key_than_the_one_that_is_known_is_refused(kept: Path, tmp_path: Path) -> None:
    _, _, installation = read_backup(kept / "backup")
    restore(kept / "backup", tmp_path / "right", key=VerifierKey("x", installation.public_key))
    with pytest.raises(VerificationError, match="another key"):
        restore(kept / "backup", tmp_path / "wrong", key=VerifierKey("x", TestKey().public_key))


def test_a_home_that_holds_something_is_never_touched(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("keep me")
    code, said, _ = cli(tmp_path / "home", "restore", str(kept / "backup"))
    assert (code, said["reasonCode"]) == (1, "CONFLICT")
    assert [p.name for p in (tmp_path / "home").iterdir()] == ["letter.txt"]
    code, said, _ = cli(kept / "home", "backup", str(kept / "backup"), "--as", "imke")
    assert (code, said["reasonCode"]) == (1, "CONFLICT")


def test_a_log_that_does_not_verify_is_not_restored(kept: Path, tmp_path: Path) -> None:
    """Signed by the home's own key, yet not what was sealed: a database that was altered before the backup."""
    home = tmp_path / "home"
    shutil.copytree(kept / "home", home)
    with sqlite3.connect(home / "brain.db") as conn:
        conn.execute("DROP TRIGGER entry_refuses_update")
        ((place, body),) = conn.execute("SELECT place, body FROM entry ORDER BY place LIMIT 1").fetchall()
        altered = body.replace(b"batches/b1", b"batches/b2")
        assert altered != body
        conn.execute("UPDATE entry SET body = ? WHERE place = ?", (altered, place))
    conn.close()

    async def work(brain: Brain) -> None:
        await brain.perform("recovery.backup", {"out": str(tmp_path / "backup")}, imke(brain))

    with_brain(home, work)
    with pytest.raises(VerificationError, match="does not verify"):
        restore(tmp_path / "backup", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_drill_restores_in_a_scratch_folder_and_seals_how_long_it_took(kept: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(kept / "home", home)

    async def work(brain: Brain) -> None:
        done = await brain.perform("recovery.drill", {}, imke(brain))
        assert (done.outcome, done.data["fault"], done.data["proposals"]) == ("restored", None, 3), done
        assert done.data["entries"] == sum(log.size for log in (await verified(brain)).logs) - 1
        assert 0 < done.data["totalMs"] < done.data["boundMs"]
        sealed = entries(brain, kind="recovery.drilled")[0].entry.data
        assert sealed["tookMs"] == done.data["tookMs"]
        assert set(sealed["projections"]) >= {"gateway", "studio"}

    with_brain(home, work)
    assert [p.name for p in home.iterdir() if p.name.startswith("drill")] == []


def test_a_drill_that_fails_is_sealed_too(kept: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(kept / "home", home)

    async def work(brain: Brain) -> None:
        with brain.databases.brain.write.begin() as conn:
            conn.exec_driver_sql("UPDATE approval SET role = 'guest'")
        done = await brain.perform("recovery.drill", {}, imke(brain))
        assert done.outcome == "failed"
        sealed = entries(brain, kind="recovery.drilled")[0].entry.data
        assert (sealed["reasonCode"], "approval" in sealed["fault"]) == (ReasonCode.NOT_VERIFIED.value, True)

    with_brain(home, work)


def test_rows_go_from_either_kind_of_database_into_either(bench: Bench, tmp_path: Path) -> None:
    live_through_everything(bench)
    stamp = bench.databases.brain.reading(lambda conn: state_sha256(conn, ROWS))
    (tmp_path / "dump").mkdir()
    (tmp_path / "into").mkdir()
    source = dump(bench.databases.brain, tmp_path / "dump")
    target = open_databases(tmp_path / "into")
    load(source, target.brain)
    assert target.brain.reading(lambda conn: state_sha256(conn, ROWS)) == stamp
    with pytest.raises(StudioBrainError) as caught:
        load(source, target.brain)
    assert caught.value.code is ReasonCode.CONFLICT
    again = Bench(target)
    assert again.check().ok
    again.draft()
    assert again.check().ok
    again.close()
    target.close()
    if source.name == ROW_FILE:
        (tmp_path / "dump" / ROW_FILE).write_bytes(source.read_bytes()[:-3])
        empty = open_databases(tmp_path)
        with pytest.raises(StudioBrainError, match="middle of a frame"):
            load(source, empty.brain)
        empty.close()


def test_a_file_goes_into_postgresql_and_lives_on_there(postgresql_server: str, kept: Path, tmp_path: Path) -> None:
    url = fresh_postgresql(postgresql_server)
    restored = restore(kept / "backup", tmp_path / "new", url=url)
    assert len(restored.checked) > 2
    assert not (tmp_path / "new" / "brain.db").exists()
    databases = open_databases(tmp_path / "new", url)
    again = make_backup(
        databases.brain, tmp_path / "new", restored.installation, Settings(), TestKey(), tmp_path / "out", 0
    )
    assert ROW_FILE in again.manifest["files"]
    again_bench = Bench(databases)
    again_bench.draft()
    again_bench.close()
    databases.close()
