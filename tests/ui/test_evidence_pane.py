"""The Evidence pane at work: searching, streams, comparing on recorded answers; the rest on a real log."""

import sqlite3
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from tests.ui.opening import on_brain
from tests.ui.recorded import DATA
from ui.delegates.receipt import KEPT
from ui.panes.evidence.receipt_panel import COMPARED, PATH
from ui.seals import Check

ROWS = DATA["evidence.page"]["rows"]


def search(opened, pane, text):
    pane.receipts.bar.text.setText(text)
    pane.receipts.bar.text.returnPressed.emit()
    opened.settle()


def test_a_search_goes_to_the_end_stretch_by_stretch_and_counts(opened, answers):
    pane = opened.pane("evidence")
    search(opened, pane, "approved")
    asked = [a["params"] for op, a in answers.asked if op == "query" and a["name"] == "evidence.seek"]
    assert [p["before"] for p in asked] == [46, 26, 6]
    expected = [r["index"] for r in ROWS if "approved" in str(r).lower()]
    view = pane.receipts
    assert [view.pages.index_of(row) for row in range(view.model.rowCount())] == expected
    assert view.bar.count.text() == f"{len(expected)} receipts"
    opened.until(lambda: view.model.cells(0) is not None and view.receipt["index"] == expected[0])
    search(opened, pane, "nothing of the kind")
    assert view.nothing.isVisible()
    assert view.bar.count.text() == "0 receipts"
    search(opened, pane, "")
    assert view.model.rowCount() == 46
    assert not view.nothing.isVisible()


def test_typing_asks_once_a_moment_later(opened, qtbot, answers):
    pane = opened.pane("evidence")
    before = len(answers.asked)
    qtbot.keyClicks(pane.receipts.bar.text, "appr")
    assert len(answers.asked) == before
    opened.until(lambda: any(op == "query" and a["name"] == "evidence.seek" for op, a in answers.asked[before:]))
    texts = {a["params"].get("text") for op, a in answers.asked[before:] if op == "query" and "seek" in a["name"]}
    assert texts == {"appr"}
    qtbot.keyClick(pane.receipts.bar.text, Qt.Key.Key_Escape)
    opened.until(lambda: pane.receipts.model.rowCount() == 46)


def test_a_stream_is_shown_with_its_links_and_left_again(opened, qtbot):
    pane = opened.pane("evidence")
    view = pane.receipts
    opened.settle()
    stream = view.receipt["stream"]
    qtbot.mouseClick(view.panel.along, Qt.MouseButton.LeftButton)
    opened.settle()
    expected = [r["index"] for r in ROWS if r["stream"] == stream]
    assert len(expected) > 1
    opened.until(lambda: "link" in view.bar.stream_linked.text())
    assert view.model.rowCount() == len(expected)
    assert view.bar.stream_linked.text().startswith("✓")
    other = next(r["index"] for r in ROWS if r["stream"] != stream)
    pane.show_record(other)  # not in this stream: the whole log is shown again
    opened.settle()
    assert view.model.rowCount() == 46
    assert view.receipt["index"] == other
    assert not opened.find("stream-strip").isVisible()


def test_two_receipts_are_compared(opened, qtbot):
    pane = opened.pane("evidence")
    view = pane.receipts
    opened.settle()
    first = view.receipt["index"]
    qtbot.keyClick(opened.window, Qt.Key.Key_M)
    assert view.panel.keep_button.text() == f"Let go of #{first}"
    view.step(3)
    opened.settle()
    assert view.panel.tabs.currentIndex() == COMPARED
    assert view.panel.compared.text() == f"#{first - 3} and #{first}: what differs."
    assert view.panel.differences.cells.rowCount() > 0
    qtbot.mouseClick(view.panel.keep_button, Qt.MouseButton.LeftButton)
    assert not view.panel.differences.isVisible()


def test_how_far_a_row_is_kept_is_said_in_words(opened, answers):
    origin = DATA["evidence.page"]["origin"]
    log = {"tenant": "practice", "origin": origin, "epoch": 1, "size": 46, "vaults": [], "witnesses": [],
           "checkpoint": {"size": 46, "at": "2026-11-21T10:00:00.000Z"}, "vaultedSize": 40, "witnessedSize": 0,
           "unwitnessedDays": 2}  # fmt: skip
    answers.answers["evidence.anchors"] = {"vaultsRequired": 1, "witnessesRequired": 1, "logs": [log]}
    pane = opened.pane("evidence")
    pane.load_anchors()
    opened.settle()
    model = pane.receipts.model
    assert model.data(model.index(0, KEPT)) == "sealed, checkpointed; not witnessed, not vaulted"
    assert model.data(model.index(20, KEPT)) == "sealed, checkpointed, vaulted; not witnessed"


def test_a_path_a_file_and_a_sweep_on_a_real_log(brained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pane = brained.pane("evidence")
    view = pane.receipts
    brained.settle()
    pane.show_record(7)
    brained.settle()
    view.panel.open_tab(PATH)
    brained.settle()
    assert "give the root that the checkpoint of" in view.panel.proof.said.text()
    assert view.panel.proof.path._view.check is Check.CHECKED

    saved = tmp_path / "receipt.tlog-proof"
    monkeypatch.setattr("ui.panes.evidence.pane.QFileDialog.getSaveFileName", lambda *a: (str(saved), ""))
    pane.export_file()
    brained.settle()
    pane.check(saved)
    brained.settle()
    assert pane.file.head.text().startswith("✓  receipt.tlog-proof proves ")
    assert "the same receipt stands at this index" in pane.file.lines.text()
    assert "Not shown: " in pane.file.lines.text()
    text = saved.read_text(encoding="utf-8")
    saved.write_text(text.replace("index 7", "index 6"), encoding="utf-8")
    pane.check(saved)
    brained.settle()
    assert pane.file.head.text().startswith("✗  receipt.tlog-proof proves nothing.")
    saved.write_bytes(b"\xff\xfe")
    pane.check(saved)
    assert "cannot be read as text" in pane.file.head.text()

    brained.find("sweep-full").click()
    brained.settle()
    assert pane.sweep.view.tone == "good", pane.sweep.view.head
    assert pane.sweep.view.checked
    assert all("_" not in state for state in {r.state for m in pane.sweep.view.maps for r in m.ranges})
    assert {r.state for m in pane.sweep.view.maps for r in m.ranges} == {"ok"}
    pane.tabs.setCurrentIndex(2)
    brained.settle()
    assert "vaulted" in pane.copies.head.text()
    assert pane.copies.checkpoints.cells.rowCount() >= 1
    assert not pane.copies.ask.isEnabled()
    assert "No witness" in pane.copies.ask.why_not


def test_a_sweep_draws_what_was_altered_and_leads_there(qtbot, home: Path):
    with sqlite3.connect(home / "brain.db") as conn:
        for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            conn.execute(f"DROP TRIGGER {name}")
        changed = 'CAST(replace(CAST(body AS TEXT), \'"corr":"\', \'"corr":"x\') AS BLOB)'
        conn.execute(f"UPDATE entry SET body = {changed} WHERE place % {1 << 40} = 3")
    conn.close()
    opened = on_brain(qtbot, home)
    try:
        opened.start()
        pane = opened.pane("evidence")
        pane.tabs.setCurrentIndex(1)
        pane.sweep.begin(full=True)
        opened.settle()
        view = pane.sweep.view
        assert view.tone == "bad"
        assert view.index == 3
        own = next(m for m in view.maps if m.own)
        assert [(r.first, r.end) for r in own.ranges if r.state == "altered"] == [(3, 4)]
        assert view.findings[0][0] == "entry 3"
        pane.sweep.open.click()
        opened.settle()
        assert pane.tabs.currentIndex() == 0
        assert pane.receipts.receipt["index"] == 3
        assert pane.receipts.panel.seal.check is Check.WRONG
    finally:
        opened.close()
