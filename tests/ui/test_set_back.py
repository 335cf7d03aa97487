"""A home whose database was put back: the window says what is missing, writes nothing, and offers the two ways on."""

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from tests.studio_home import cli
from tests.ui.opening import Opened, on_brain

WHY = "the old disk came back from repair"


@pytest.fixture
def set_back(qtbot, home, tmp_path):
    shutil.copy(home / "brain.db", tmp_path / "old.db")
    assert cli(home, "rebuild")[0] == 0
    for name in ("brain.db-wal", "brain.db-shm"):
        (home / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "old.db", home / "brain.db")
    window = on_brain(qtbot, home).start()
    yield window
    window.close()


def opened_panel(window: Opened):
    window.qtbot.mouseClick(window.find("act-set-back"), Qt.MouseButton.LeftButton)
    window.settle()
    return window.find("lost")


def test_it_says_what_is_missing_and_nothing_can_be_written(set_back):
    assert set_back.rooms.banners.ids() == ["set-back"]
    assert "set back" in set_back.rooms.banners.strips[0].head.text()
    assert "set back" in set_back.desk.why_not_write()
    assert not set_back.pane("today").refresh_button.isEnabled()
    panel = opened_panel(set_back)
    size, have = set_back.desk.lost["size"], set_back.desk.lost["have"]
    assert size == have + 1
    assert panel.what.text().startswith(f"{size} receipts are known of (secret store), {have} are here.")
    assert not panel.begin.isEnabled()  # a reason is missing


def test_the_next_epoch_begins_and_the_window_writes_again(set_back):
    panel, have = opened_panel(set_back), set_back.desk.lost["have"]
    set_back.qtbot.keyClicks(set_back.find("lost-rationale"), WHY)
    set_back.qtbot.mouseClick(panel.begin, Qt.MouseButton.LeftButton)
    set_back.until(lambda: set_back.desk.lost is None and set_back.rooms.banners.ids() == [])
    assert not panel.isVisible()
    assert set_back.desk.why_not_write() == ""
    evidence = set_back.pane("evidence")
    receipts = evidence.receipts
    set_back.until(lambda: receipts.model.rowCount() == 1 and receipts.receipt and evidence.is_settled())
    assert receipts.receipt["kind"] == "epoch.started"
    assert receipts.bar.log.count() == 2
    receipts.bar.log.setCurrentIndex(1)
    receipts.bar.log.activated.emit(1)
    set_back.until(lambda: receipts.model.rowCount() == have and receipts.receipt and evidence.is_settled())
    assert receipts.receipt["index"] == have - 1
    evidence.show_record({"place": receipts.receipt["place"] - (have - 1)})
    set_back.until(lambda: receipts.receipt["index"] == 0 and evidence.is_settled())
    assert receipts.model.rowCount() == have


def test_only_an_owner_decides(set_back):
    set_back.desk.use_account("pStaffTeoWatanabeReyes000002")
    set_back.until(lambda: set_back.desk.actor.role == "editor")
    panel = opened_panel(set_back)
    set_back.qtbot.keyClicks(set_back.find("lost-rationale"), WHY)
    assert panel.begin.why_not == "Only an owner decides this."


def test_the_tail_comes_back_from_a_vault(qtbot, home: Path, tmp_path: Path):
    (home / "studio.toml").write_text(
        (home / "studio.toml").read_text() + f'\n[[records.vault]]\nname = "stick"\npath = "{tmp_path / "stick"}"\n'
    )
    shutil.copy(home / "brain.db", tmp_path / "old.db")
    assert cli(home, "rebuild")[0] == 0
    assert cli(home, "vault", "export", "--vault", "stick")[0] == 0
    for name in ("brain.db-wal", "brain.db-shm"):
        (home / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "old.db", home / "brain.db")
    window = on_brain(qtbot, home).start()
    try:
        panel = opened_panel(window)
        window.until(lambda: panel.vault.currentData())
        panel.vault.setCurrentIndex(panel.vault.findText("stick"))
        window.qtbot.keyClicks(window.find("lost-rationale"), WHY)
        window.qtbot.mouseClick(panel.restore, Qt.MouseButton.LeftButton)
        window.until(lambda: window.desk.lost is None or panel.answer.text().endswith("."))
        assert window.desk.lost is None, panel.answer.text()
        window.settle()
    finally:
        window.close()
    assert cli(home, "verify")[0] == 0


def test_a_log_that_was_mended_elsewhere_is_released_by_itself(set_back, home):
    assert set_back.rooms.banners.ids() == ["set-back"]
    assert cli(home, "evidence", "epoch", "--rationale", WHY)[1]["outcome"] == "started"
    set_back.until(lambda: set_back.desk.lost is None and set_back.rooms.banners.ids() == [])
    assert set_back.desk.why_not_write() == ""
