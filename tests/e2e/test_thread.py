"""The thread, from the studio's cloud to a sealed action: the real window, its engine and the practice studio as
processes of their own, real sockets between them. Nothing of the product is replaced."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tests.practice_process import ROOT, PracticeProcess
from tests.studio_home import connected_home
from ui.app import Cockpit
from ui.panes.base import State
from ui.seals import Check

pytestmark = pytest.mark.e2e

NOTES = "studioBrainPilotOpsNotes"
PATIENCE_MS = 30_000


class Hands:
    """Somebody at the window: looks, clicks, types, waits."""

    def __init__(self, qtbot: QtBot, cockpit: Cockpit) -> None:
        self.qtbot = qtbot
        self.window = cockpit.window
        self.rooms = cockpit.fill()
        self.desk = self.rooms.desk

    def until(self, condition: Callable[[], Any]) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=PATIENCE_MS)

    def pane(self, id: str) -> Any:
        """Goes to a pane by its place in the rail and waits until it shows what is so."""
        self.rooms.go(id)
        found = self.rooms.panes[id]
        self.until(lambda: found.is_settled() and found.state != State.LOADING)
        return found

    def find(self, name: str) -> Any:
        found = self.window.findChild(QWidget, name)
        assert found is not None, name
        return found

    def click(self, name: str) -> None:
        button = self.find(name)
        self.until(button.isEnabled)
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    def type(self, name: str, text: str) -> None:
        self.qtbot.mouseClick(self.find(name), Qt.MouseButton.LeftButton)
        self.qtbot.keyClicks(self.find(name), text)

    def choose(self, choice: Any, value: Any) -> None:
        index = choice.findData(value)
        assert index >= 0, value
        choice.setCurrentIndex(index)
        choice.activated.emit(index)

    def act_as(self, email: str) -> None:
        """Chooses an account in the header's menu."""
        person = next(p for p in self.desk.people if p.name.lower().startswith(email))
        act = next(a for a in self.find("account").menu().actions() if a.text().startswith(person.name[:4]))
        act.trigger()
        self.until(lambda: self.desk.actor.id == person.id)

    def draft(self, capability: str, **texts: str) -> str:
        """Drafts on the first batch that is offered; the proposal's id."""
        pane = self.pane("proposals")
        before = None if pane._shown is None else pane._shown["id"]
        self.click("new-proposal")
        form = pane.draft_panel
        self.choose(form.capability, capability)
        self.until(lambda: form.batch.count() > 1 and form.batch.itemData(1))
        self.choose(form.batch, form.batch.itemData(1))
        for name, text in texts.items():
            self.type(name.replace("_", "-"), text)
        self.click("propose")
        self.until(lambda: pane._side.currentWidget() is pane._whole)
        self.until(lambda: pane._shown is not None and pane._shown["id"] != before and pane.is_settled())
        return str(pane._shown["id"])

    def settled(self, state: str) -> Any:
        pane = self.pane("proposals")
        self.until(lambda: pane._shown["state"] == state and pane.is_settled())
        return pane


@pytest.fixture
def hands(qtbot: QtBot, cockpit: Callable[..., Cockpit], home: Path) -> Hands:
    found = Hands(qtbot, cockpit(home))
    found.until(lambda: found.desk.live and found.desk.people and found.desk.capabilities)
    return found


def read_by_google(practice: PracticeProcess, collection: str) -> dict[str, Any]:
    """What Google's own client finds in the practice cloud."""
    told = {
        "host": practice.urls["iam"].removeprefix("http://"),
        "project": practice.project,
        "bearer": practice.ready["iamBearer"],
        "collection": collection,
    }
    command = [sys.executable, "-m", "tests.peers.documents"]
    done = subprocess.run(command, input=json.dumps(told), capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_from_the_cloud_to_an_approved_sealed_action(hands: Hands, practice: PracticeProcess) -> None:
    since, said = practice.last, "Crack in the rim of the blue bowl"

    today = hands.pane("today")
    day = today._today["snapshot"]["day"]
    hands.click("advance")  # the studio lives a day, then the cloud is read
    hands.until(lambda: today._today["snapshot"]["day"] > day and today.is_settled())
    assert today.diff.model().rowCount() > 0
    assert today.headline.text()
    hands.click("refresh")
    hands.until(lambda: today.is_settled() and today.refresh_button.isEnabled())
    assert practice.writes(since) == []  # looking leaves nothing in the cloud

    hands.act_as("teo")
    id = hands.draft("firestore.ops_note.append", draft_note=said, draft_rationale="seen when unloading the kiln")
    assert practice.writes(since) == []  # nor does drafting
    hands.act_as("imke")
    pane = hands.pane("proposals")
    hands.until(lambda: pane._shown is not None and pane._shown["id"] == id and pane.is_settled())
    assert not hands.find("approve").isEnabled()  # the reason is empty, and it is required
    assert hands.find("rationale").toPlainText() == ""
    hands.qtbot.keyClicks(hands.find("rationale"), "photo seen, the bowl is marked")
    hands.click("approve")
    hands.settled("approved")
    assert practice.writes(since) == []
    hands.click("execute")
    pane = hands.settled("executed")

    (note,) = (n for n in read_by_google(practice, NOTES).values() if n["proposalId"] == id)
    assert note["note"] == said
    assert note["createdByUid"] == practice.accounts["imke"]["uid"]
    assert len(practice.writes(since)) == 1

    sealed = pane._shown["receipts"]
    hands.until(lambda: all(pane.panel_checks().get(r["place"]) is Check.CHECKED for r in sealed))
    assert hands.find("history").model().index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole).endswith(", checked")
    result = next(r for r in sealed if r["kind"] == "execution.result")
    pane.panel.receipt.emit(result["place"])
    evidence = hands.rooms.panes["evidence"]
    hands.until(lambda: evidence.is_settled() and (evidence.receipts.receipt or {}).get("place") == result["place"])
    assert evidence.receipts.panel.seal.check is Check.CHECKED  # gold: hashed here, in this window

    hands.click("verify")
    hands.until(lambda: "are what was sealed" in hands.find("verify-result").text())
    assert hands.desk.seals.of(evidence.receipts.receipt["origin"], 0) is Check.CHECKED


def test_a_high_risk_close_needs_another_person(hands: Hands, practice: PracticeProcess) -> None:
    since = practice.last
    hands.act_as("imke")
    id = hands.draft("firestore.batch.close", draft_rationale="the customer has taken it all")
    pane = hands.pane("proposals")
    assert pane._shown["risk"] == "high"
    assert "Nobody approves their own" in hands.find("why-not").text()
    batch = pane._shown["input"]["batchId"]
    hands.act_as("teo")
    hands.until(lambda: pane._shown["id"] == id and pane.is_settled() and hands.find("rationale").isVisible())
    hands.qtbot.keyClicks(hands.find("rationale"), "shelf is empty, signed for")
    hands.click("approve")
    hands.settled("approved")
    hands.click("execute")
    hands.settled("executed")
    assert read_by_google(practice, "batches")[batch]["isClosed"] is True
    assert [w["operation"] for w in practice.writes(since)] == ["functions:pickedUpAndClose"]


def test_one_changed_byte_is_named(hands: Hands, home: Path) -> None:
    hands.pane("evidence")
    with sqlite3.connect(home / "brain.db") as db:
        place, body = db.execute("SELECT place, body FROM entry ORDER BY place LIMIT 1 OFFSET 20").fetchone()
        changed = body.replace(b'"v":1', b'"v":2')
        assert changed != body
        for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {trigger}")
        db.execute("UPDATE entry SET body = ? WHERE place = ?", (changed, place))
    db.close()
    index = place & (1 << 40) - 1
    hands.click("verify")
    hands.until(lambda: f"entry {index}" in hands.find("verify-result").text())
    assert hands.find("verify-entry").isVisible()


def test_the_engine_is_killed_and_the_window_stays(hands: Hands) -> None:
    today = hands.pane("today")
    shown, old = today.headline.text(), hands.desk.engine.child.pid()
    os.kill(old, signal.SIGKILL)
    hands.until(lambda: not hands.desk.live)
    assert today.headline.text() == shown  # what was last known stays
    assert not today.refresh_button.isEnabled()
    hands.until(lambda: hands.desk.live)  # it is started again by itself
    assert hands.desk.engine.child.pid() != old
    hands.until(lambda: today.state is State.READY and today.refresh_button.isEnabled())


def test_the_cloud_goes_away_and_comes_back(qtbot: QtBot, cockpit: Callable[..., Cockpit], tmp_path: Path) -> None:
    state = tmp_path / "studio"
    with PracticeProcess("--state", str(state), "--batches", "40") as practice:
        port = str(urlsplit(practice.urls["control"]).port)
        home = connected_home(tmp_path / "home", practice)
        hands = Hands(qtbot, cockpit(home))
        hands.until(lambda: hands.desk.live)
        today = hands.pane("today")
        days = hands.rooms.first_days  # a new practice home lives through its first days by itself
        hands.until(lambda: days.known and not days.running and today.state is State.READY and today.is_settled())
        read = today._today["snapshot"]["stateHash"]
    hands.pane("connectors")
    hands.click("check")
    hands.until(lambda: hands.rooms.banners.ids() == ["offline"])
    assert hands.pane("today").state is State.STALE
    assert today._today["snapshot"]["stateHash"] == read  # the last good state stays, with its age
    assert "last known" in today._stale.text()
    with PracticeProcess("--state", str(state), "--port", port):
        hands.until(lambda: hands.rooms.banners.ids() == [])  # by itself
        hands.until(lambda: today.state is State.READY)
