"""The four panes on recorded answers: their five states, what is pressed and what is sent."""

import asyncio

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from tests.ui.recorded import DATA, EDITOR, OWNER, Recorded, data, error, performed, proposal
from ui.panes.base import Pane, State
from ui.seals import Check
from ui.widgets.hash_label import HashLabel


def press(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def choose(choice, value):
    index = choice.findData(value)
    assert index >= 0, value
    choice.setCurrentIndex(index)
    choice.activated.emit(index)


# the five states


@pytest.fixture
def waiting(open_recorded, answers):
    """A window whose engine answers nothing until `gate` is set."""
    answers.gate = asyncio.Event()

    async def later(args, answer):
        await answers.gate.wait()
        return answer(args) if callable(answer) else answer

    for name in ("studio.today", "proposals.page", "connectors.list", "evidence.page"):
        given = answers.answers[name]
        answers.answers[name] = lambda args, given=given: later(args, given)
    window = open_recorded(start=False)
    window.engine.start()
    window.until(lambda: window.desk.live)
    yield window
    answers.gate.set()
    window.settle()


@pytest.mark.parametrize("id", ["today", "proposals", "connectors", "evidence"])
def test_a_pane_shows_its_shape_after_a_moment_and_then_its_content(waiting, answers, id):
    waiting.rooms.first_days.known = True
    waiting.rooms.go(id)
    pane = waiting.rooms.panes[id]
    assert pane.state is State.LOADING
    assert not pane._skeleton._shown
    waiting.until(lambda: pane._skeleton._shown)
    answers.gate.set()
    waiting.until(lambda: pane.state is State.READY)


NO_DAY = {"snapshot": None, "baseline": None, "diff": None, "history": [], "days": [], "job": None}
EMPTY = {
    "today": (
        "studio.today",
        {"snapshot": None, "baseline": None, "diff": None, "history": [], "days": [], "job": None},
    ),
    "proposals": ("proposals.page", {"rows": [], "counts": {}}),
    "connectors": ("connectors.list", []),
    "evidence": ("evidence.page", {"rows": [], "size": 0, "origin": "", "log": 0, "logs": []}),
}


@pytest.mark.parametrize("id", EMPTY)
def test_an_empty_pane_says_what_would_fill_it_and_offers_one_thing(open_recorded, qtbot, answers, id):
    name, answer = EMPTY[id]
    answers.answers |= {name: answer, "practice.prepare": {}}
    answers.answers["connectors.check"] = []
    window = open_recorded()
    window.until(lambda: not window.rooms.first_days.running)
    pane = window.pane(id)
    assert pane.state is State.EMPTY
    assert pane._notice.head.text()
    assert pane._notice.body.text()
    buttons = [b for b in pane._notice.findChildren(type(window.rooms.status.keys)) if not b.isHidden()]
    assert len(buttons) == 1


@pytest.mark.parametrize("id", EMPTY)
def test_a_pane_that_cannot_be_shown_says_why_and_can_be_tried_again(open_recorded, qtbot, answers, id):
    name, _ = EMPTY[id]
    good = answers.answers[name]
    answers.answers[name] = error("STORAGE_LOCKED", "brain.db")
    answers.answers["practice.prepare"] = {}
    window = open_recorded()
    pane = window.pane(id)
    window.until(lambda: pane.state is State.ERROR)
    assert "brain.db" in pane._notice.body.text()
    assert pane._notice.remedy.text() == "Try again."
    answers.answers[name] = good
    again, copy = [b for b in pane._notice.findChildren(type(window.rooms.status.keys)) if not b.isHidden()]
    press(qtbot, copy)
    assert "STORAGE_LOCKED" in QGuiApplication.clipboard().text()
    press(qtbot, again)
    window.until(lambda: pane.state is State.READY)


@pytest.mark.parametrize("id", EMPTY)
def test_what_was_shown_stays_when_the_next_answer_fails(opened, answers, id):
    pane = opened.pane(id)
    assert pane.state is State.READY
    answers.answers[EMPTY[id][0]] = error("STORAGE_LOCKED")
    pane.load()
    opened.until(lambda: pane.state is State.STALE)
    assert "last known" in pane._stale.text()


@pytest.mark.parametrize("id", EMPTY)
def test_with_the_engine_down_a_pane_stays_and_says_that_it_is_old(opened, id):
    pane = opened.pane(id)
    opened.desk._lives("down")
    assert pane.state is State.STALE
    assert "engine is down" in pane._stale.text()


# today


def test_today_answers_the_three_questions(opened):
    pane = opened.pane("today")
    assert "fewer" in pane.headline.text() or "more" in pane.headline.text()
    assert pane.waiting.text().startswith("4 proposals wait")
    assert len(pane._cards) == 10
    assert pane.diff.cells.rowCount() == len(data("studio.today")["diff"]["changes"])
    assert len(pane.needs._shown) == 4


def test_refresh_reads_the_cloud_and_says_so(opened, qtbot, answers):
    answers.answers["studio.snapshot"] = performed("observed")
    pane = opened.pane("today")
    press(qtbot, pane.refresh_button)
    assert not pane.refresh_button.isEnabled()
    opened.until(pane.refresh_button.isEnabled)
    assert answers.performed("studio.snapshot")[0]["key"]
    assert opened.rooms.status.message.text() == "Snapshot taken and sealed."


def test_a_refresh_that_fails_keeps_the_last_good_state(opened, qtbot, answers):
    answers.answers["studio.snapshot"] = performed("failed", code="PARTIAL_READ")
    today = data("studio.today")
    today["job"] |= {"reasonCode": "UNAVAILABLE"}
    answers.answers["studio.today"] = today
    pane = opened.pane("today")
    press(qtbot, pane.refresh_button)
    opened.until(lambda: pane.state is State.STALE)
    assert "cannot be reached" in pane._stale.text()
    assert len(pane._cards) == 10


def test_why_shows_receipt_and_reads_and_turns_gold_only_after_hashing(opened, qtbot):
    pane = opened.pane("today")
    assert pane.state_hash.check is None
    press(qtbot, pane._cards["finance.unsettledPayments"])
    opened.settle()
    assert pane._side.currentWidget() is pane.why
    assert pane.why.reads.cells.rowCount() == 3
    assert pane.why.seal.check is Check.CHECKED
    assert pane.state_hash.check is Check.CHECKED
    qtbot.keyClick(opened.window, Qt.Key.Key_Escape)
    assert pane._side.currentWidget() is pane.needs


def test_a_state_hash_that_is_not_in_its_receipt_is_not_gold(opened, qtbot, answers):
    receipt = answers.answers["evidence.one"]

    def other(params):
        found = receipt(params)
        found["body"] = found["body"].replace(DATA["studio.today"]["snapshot"]["stateHash"], "sha256:" + "0" * 64)
        from ui.seals import seal_of

        return found | {"seal": seal_of(found["body"])}

    answers.answers["evidence.one"] = other
    pane = opened.pane("today")
    press(qtbot, pane._cards["counts.batchesActive"])
    opened.settle()
    assert pane.state_hash.check is Check.WRONG


def test_any_two_days_are_compared_without_asking_when_they_are_known(opened, answers):
    pane = opened.pane("today")
    oldest = data("studio.today")["days"][-1]
    before = len(answers.asked)
    choose(pane.days_from, oldest)
    assert "since Sun 8 Nov" in pane._cards["counts.batchesActive"].view.change
    assert len(answers.asked) == before


def test_another_day_can_be_shown(opened, answers):
    pane = opened.pane("today")
    choose(pane.days_to, data("studio.today")["days"][3])
    opened.settle()
    assert ("query", {"name": "studio.today", "params": {"day": data("studio.today")["days"][3]}}) in answers.asked


def test_what_needs_me_leads_to_the_proposal(opened, qtbot):
    pane = opened.pane("today")
    need = pane.needs._shown[1]
    line = pane.needs._lines.itemAt(1).widget()
    press(qtbot, line)
    opened.settle()
    assert opened.rooms.place == "proposals"
    assert opened.rooms.panes["proposals"]._shown["id"] == need.id


def test_advancing_a_day_is_for_practice_only(opened, qtbot, answers):
    answers.answers |= {"practice.advance": {"day": 1}, "studio.snapshot": performed("observed")}
    pane = opened.pane("today")
    press(qtbot, pane.advance_button)
    opened.until(lambda: answers.performed("studio.snapshot"))
    opened.settle()
    opened.desk.is_practice = False
    opened.desk.changed.emit()
    assert pane.advance_button.isHidden()


def test_unknown_values_of_the_cloud_are_shown_apart(open_recorded, qtbot, answers):
    answers.answers["studio.today"]["snapshot"]["diagnostics"]["unknownStatuses"] = {"batches.state": {"<i>X": 2}}
    window = open_recorded()
    pane = window.pane("today")
    assert pane.unknown.text() == "batches.state: <i>X × 2"
    assert not pane._unknown.isHidden()


# proposals


def test_the_queue_is_filtered_by_the_engine(opened, answers):
    pane = opened.pane("proposals")
    pane.tabs.setCurrentIndex(1)
    opened.settle()
    assert {row["state"] for row in pane.queue.rows} <= {"executed", "rejected"}
    choose(pane.risk, "high")
    opened.settle()
    asked = [a["params"] for op, a in answers.asked if op == "query" and a["name"] == "proposals.page"]
    assert {"state": "decided", "risk": "high"} in asked
    assert pane.nothing.text() == "No proposal of high risk is here."


def test_approve_needs_its_reason_and_sends_the_hash_that_was_shown(opened, qtbot, answers):
    answers.answers["proposal.approve"] = performed("approved")
    pane = opened.pane("proposals")
    approve = opened.find("approve")
    shown = pane._shown
    assert opened.find("rationale").toPlainText() == ""
    assert not approve.isEnabled()
    assert "10 to go" in approve.toolTip()
    qtbot.keyClicks(opened.find("rationale"), "too short")
    assert not approve.isEnabled()
    qtbot.keyClicks(opened.find("rationale"), ", now long enough")
    assert approve.isEnabled()
    press(qtbot, approve)
    assert not approve.isEnabled()
    assert pane.dock.answer.text() == "Being sealed…"
    opened.settle()
    (sent,) = answers.performed("proposal.approve")
    assert sent["payload"] == {"proposalId": shown["id"], "shownHash": shown["proposalHash"]}
    assert sent["rationale"] == "too short, now long enough"
    assert opened.find("rationale").toPlainText() == ""
    assert pane.dock.answer.text() == "Approved, receipt 46."


def test_a_denial_is_shown_with_its_remedy_and_the_reason_stays(opened, qtbot, answers):
    answers.answers["proposal.approve"] = performed("denied", code="CONFLICT")
    pane = opened.pane("proposals")
    qtbot.keyClicks(opened.find("rationale"), "checked at the shelf")
    press(qtbot, opened.find("approve"))
    opened.settle()
    assert pane.dock.answer.text() == "Somebody else was faster. Look again."
    assert opened.find("rationale").toPlainText() == "checked at the shelf"


def test_one_key_arms_and_does_nothing(opened, qtbot, answers):
    answers.answers["proposal.approve"] = performed("approved")
    pane = opened.pane("proposals")
    qtbot.keyClick(opened.window, Qt.Key.Key_A)
    rationale = opened.find("rationale")
    opened.until(rationale.hasFocus)
    assert pane.dock.rationale.label.text().startswith("Why approve?")
    qtbot.keyClick(rationale, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert answers.performed("proposal.approve") == []
    qtbot.keyClicks(rationale, "all pieces are there")
    qtbot.keyClick(rationale, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    opened.settle()
    assert len(answers.performed("proposal.approve")) == 1


def test_letters_are_letters_while_somebody_types(opened, qtbot, answers):
    pane = opened.pane("proposals")
    pane.dock.rationale.focus()
    before = pane._shown["id"]
    qtbot.keyClicks(opened.find("rationale"), "jkaren?")
    assert opened.find("rationale").toPlainText() == "jkaren?"
    assert pane._shown["id"] == before


def test_j_and_k_go_through_the_queue(opened, qtbot):
    pane = opened.pane("proposals")
    ids = [row["id"] for row in pane.queue.rows]
    opened.window.centralWidget().setFocus()
    qtbot.keyClick(opened.window, Qt.Key.Key_J)
    opened.until(lambda: pane._shown["id"] == ids[1])
    qtbot.keyClick(opened.window, Qt.Key.Key_K)
    opened.until(lambda: pane._shown["id"] == ids[0])


def test_while_another_one_is_read_nothing_can_be_decided(opened, answers, qtbot):
    pane = opened.pane("proposals")
    qtbot.keyClicks(opened.find("rationale"), "a reason that is long enough")
    gate, recorded = asyncio.Event(), answers.answers["proposal"]

    async def slow(args):
        await gate.wait()
        return recorded(args)

    answers.answers["proposal"] = slow
    pane._select(pane.queue.rows[1]["id"])
    assert not opened.find("approve").isEnabled()
    assert "being read" in opened.find("approve").toolTip()
    gate.set()
    opened.settle()
    assert opened.find("rationale").toPlainText() == ""
    assert pane._shown["id"] == pane.queue.rows[1]["id"]


def test_newer_proposals_wait_until_they_are_asked_for(opened, qtbot, answers):
    pane = opened.pane("proposals")
    before = [row["id"] for row in pane.queue.rows]
    newer = {**data("proposals.open")["rows"][0], "id": "new", "createdAt": "2026-11-21T11:00:00.000Z"}
    page = answers.answers["proposals.page"]
    answers.answers["proposals.page"] = lambda params: (lambda p: {**p, "rows": [newer, *p["rows"]]})(page(params))
    drafted = {"tenant": "practice", "index": 50, "kind": "proposal.drafted", "stream": "proposal:new"}
    answers.emit("receipts", {"rows": [drafted], "count": 1})
    opened.until(lambda: pane.queue.newer == 1)
    assert [row["id"] for row in pane.queue.rows] == before
    assert pane.newer.text() == "1 newer"
    press(qtbot, pane.newer)
    assert pane.queue.rows[0]["id"] == "new"
    assert pane._shown["id"] == before[0]
    assert pane.list.currentIndex().row() == 1


def test_history_is_gold_only_for_what_was_hashed_here(opened, answers, qtbot):
    pane = opened.pane("proposals")
    assert [row[0].pill for row in pane.panel.history.cells.rows] == ["gold", "gold"]
    recorded = answers.answers["evidence.one"]
    answers.answers["evidence.one"] = lambda params: {**recorded(params), "body": "{}"}
    pane._select(pane.queue.rows[1]["id"])
    opened.settle()
    cells = pane.panel.history.cells.rows
    assert [row[0].pill for row in cells] == ["", ""]
    assert all(row[0].text.startswith("✗") for row in cells)


def test_the_hash_is_gold_when_the_sealed_draft_names_it(opened):
    assert opened.pane("proposals").dock.hash.check is Check.CHECKED


def test_switching_the_account_asks_again_what_it_may(opened, answers):
    pane = opened.pane("proposals")
    asked = [args for op, args in answers.asked if op == "proposal"]
    opened.rooms._use_account(EDITOR["id"])
    opened.until(lambda: opened.desk.actor.id == EDITOR["id"])
    opened.settle()
    assert len([args for op, args in answers.asked if op == "proposal"]) > len(asked)
    assert "Teo" in opened.rooms.header.who.text()
    assert pane.state is State.READY


def test_an_account_is_chosen_from_the_header(opened, qtbot):
    actions = opened.rooms.header._menu.actions()
    assert [a.isChecked() for a in actions] == [True, False]
    actions[1].trigger()
    opened.until(lambda: opened.desk.actor.id == EDITOR["id"])
    assert OWNER["name"] not in opened.rooms.header.who.text()


def test_drafting_chooses_a_batch_and_proposes(opened, qtbot, answers):
    id = next(iter(DATA["proposals"]))
    answers.answers["firestore.ops_note.append"] = performed("asked", id)
    pane = opened.pane("proposals")
    press(qtbot, opened.find("new-proposal"))
    draft = pane.draft_panel
    opened.until(lambda: draft.batch.count() > 2)
    choose(draft.batch, DATA["batches"][1]["id"])
    qtbot.keyClicks(opened.find("draft-note"), "Crack in the rim")
    assert not draft.propose.isEnabled()
    qtbot.keyClicks(opened.find("draft-rationale"), "seen when unloading")
    press(qtbot, draft.propose)
    opened.until(lambda: pane._shown is not None and pane._shown["id"] == id)
    (sent,) = answers.performed("firestore.ops_note.append")
    assert sent["payload"] == {"batchId": DATA["batches"][1]["id"], "note": "Crack in the rim"}
    assert pane._side.currentWidget() is pane._whole


def test_what_was_drafted_is_shown_in_whichever_order_the_answers_come(opened, answers):
    pane = opened.pane("proposals")
    drafted = next(id for id in DATA["proposals"] if id != pane._shown["id"])
    recorded = answers.answers["proposals.page"]

    async def slow(args):
        await asyncio.sleep(0.2)
        return recorded(args) if callable(recorded) else recorded

    answers.answers["proposals.page"] = slow
    pane._drafted(drafted)
    opened.settle()
    assert pane._shown["id"] == drafted


def test_a_draft_that_is_denied_keeps_what_was_typed(opened, qtbot, answers):
    answers.answers["firestore.batch.close"] = performed("denied", code="NOTHING_TO_DO")
    pane = opened.pane("proposals")
    pane.draft()
    draft = pane.draft_panel
    choose(draft.capability, "firestore.batch.close")
    opened.until(lambda: draft.batch.count() > 2)
    choose(draft.batch, DATA["batches"][0]["id"])
    qtbot.keyClicks(opened.find("draft-rationale"), "picked up this morning")
    press(qtbot, draft.propose)
    opened.until(lambda: "faster" in draft.answer.text())
    assert draft.rationale.text() == "picked up this morning"


def test_a_rollback_is_a_proposal_of_its_own(open_recorded, qtbot, answers):
    executed = proposal("executed")
    answers.answers["proposal.rollback"] = performed("asked", executed["id"])
    window = open_recorded()
    pane = window.pane("proposals")
    pane.show_record(executed["id"])
    window.until(lambda: pane._shown["id"] == executed["id"])
    qtbot.keyClicks(window.find("rationale"), "wrong batch was named")
    press(qtbot, window.find("rollback"))
    window.until(lambda: "its own approval" in pane.dock.answer.text())
    window.settle()
    assert "shownHash" not in answers.performed("proposal.rollback")[0]["payload"]


# connectors


def test_check_now_looks_at_every_connector(opened, qtbot, answers):
    pane = opened.pane("connectors")
    bad = data("connectors.list")
    bad[0] |= {"state": "down", "reasonCode": "UNAVAILABLE", "detail": "refused", "nextAt": None}
    answers.answers["connectors.check"] = bad
    press(qtbot, pane.check_button)
    opened.settle()
    card = pane._cards["firestore"]
    assert card.state.text() == "✗ out of reach"
    assert card.error.text() == "The other side cannot be reached. Refused."
    assert card.remedy.text() == "Check the network."
    assert pane.summary.text() == "Cloud documents is out of reach."


def test_out_of_reach_is_said_in_banner_rail_and_header_and_taken_back(opened, answers):
    bad = data("connectors.list")
    bad[0] |= {"state": "down", "reasonCode": "UNAVAILABLE"}
    answers.answers["connectors.list"] = bad
    answers.emit("connectors", {"tenant": "practice"})
    opened.until(lambda: opened.rooms.banners.ids() == ["offline"])
    assert opened.rooms.header.fresh.text().startswith("Offline · last read")
    assert opened.pane("today").state is State.STALE
    answers.answers["connectors.list"] = data("connectors.list")
    answers.emit("connectors", {"tenant": "practice"})
    opened.until(lambda: opened.rooms.banners.ids() == [])
    assert opened.pane("today").state is State.READY


# evidence


def test_the_table_has_the_exact_count_and_shows_the_newest_first(opened):
    pane = opened.pane("evidence")
    assert pane.receipts.model.rowCount() == DATA["evidence.page"]["size"]
    assert pane.receipts.model.cells(0)[0] == str(DATA["evidence.page"]["size"] - 1)
    assert pane.receipts.bar.count.text() == "46 receipts"


def test_a_receipt_turns_gold_when_this_window_has_hashed_it(opened, answers):
    pane = opened.pane("evidence")
    opened.settle()
    assert pane.receipts.check_of_row(0) is Check.CHECKED
    assert pane.receipts.check_of_row(1) is Check.UNCHECKED
    assert pane.receipts.panel.seal.check is Check.CHECKED
    recorded = answers.answers["evidence.one"]
    answers.answers["evidence.one"] = lambda params: {**recorded(params), "body": "{}"}
    pane.receipts.select(pane.receipts.pages.index_of(1))
    opened.settle()
    assert pane.receipts.check_of_row(1) is Check.WRONG
    assert "not what was sealed" in pane.receipts.panel.said.text()


def test_verify_shows_progress_then_a_plain_result_and_gold(opened, qtbot, answers):
    gate = asyncio.Event()

    async def slow(args):
        answers.emit("progress", {"what": "verify", "origin": "practice/o", "done": 20, "total": 46})
        await gate.wait()
        return data("verify")

    answers.answers["verify"] = slow
    pane = opened.pane("evidence")
    press(qtbot, opened.find("verify"))
    opened.until(lambda: pane.strip.bar.value() == 20)
    assert "20 of 46 entries" in pane.strip.lines.text()
    assert not pane.verify_button.isEnabled()
    gate.set()
    opened.settle()
    assert "46 entries are what was sealed" in pane.strip.head.text()
    assert {pane.receipts.check_of_row(row) for row in range(46)} == {Check.CHECKED}
    assert pane.verify_button.isEnabled()


def test_a_stopped_verify_concludes_nothing(opened, qtbot, answers):
    answers.answers["verify"] = lambda args: asyncio.sleep(60)
    pane = opened.pane("evidence")
    pane.verify()
    press(qtbot, opened.find("verify-stop"))
    assert "nothing can be said" in pane.strip.head.text()
    assert pane.verify_button.isEnabled()
    assert pane.receipts.check_of_row(5) is Check.UNCHECKED


def test_a_verify_that_fails_names_the_entry_and_leads_there(opened, qtbot, answers):
    origin = DATA["evidence.page"]["origin"]
    fault = {"origin": origin, "index": 7, "what": "its bytes do not match its seal"}
    answers.answers["verify"] = {"ok": False, "fault": fault, "logs": [], "rows": "", "checked": []}
    pane = opened.pane("evidence")
    pane.verify()
    opened.settle()
    assert "entry 7: its bytes do not match its seal" in pane.strip.head.text()
    assert pane.receipts.check_of_row(46 - 1 - 7) is Check.WRONG
    press(qtbot, opened.find("verify-entry"))
    opened.settle()
    assert pane.receipts.receipt["index"] == 7


def test_a_filter_is_a_question_to_the_engine_and_counts_exactly(opened, answers):
    pane = opened.pane("evidence")
    choose(pane.receipts.bar.kind, "proposal.")
    opened.settle()
    expected = [r for r in DATA["evidence.page"]["rows"] if r["kind"].startswith("proposal.")]
    assert pane.receipts.model.rowCount() == len(expected)
    assert pane.receipts.bar.count.text() == f"{len(expected)} receipts"
    assert pane.receipts.pages.index_of(0) == expected[0]["index"]


def test_new_receipts_wait_and_rows_do_not_move(opened, qtbot, answers):
    pane = opened.pane("evidence")
    top = pane.receipts.model.cells(0)
    answers.emit("receipts", {"rows": [{"tenant": "practice", "index": 49, "kind": "a.b", "stream": "s"}], "count": 4})
    opened.until(lambda: not pane.receipts.bar.newer.isHidden())
    assert pane.receipts.bar.newer.text() == "4 newer"
    assert pane.receipts.model.cells(0) == top


def test_receipts_of_another_log_are_not_counted_here(opened, answers):
    pane = opened.pane("evidence")
    answers.emit("receipts", {"rows": [{"tenant": "_system", "index": 900, "kind": "a.b", "stream": "s"}], "count": 1})
    opened.settle()
    opened.qtbot.waitUntil(lambda: not opened.engine._folder._waiting)
    assert pane.receipts.bar.newer.isHidden()


def test_hashes_are_copied_whole(opened, qtbot):
    pane = opened.pane("evidence")
    opened.settle()
    label = pane.receipts.panel.findChildren(HashLabel)[0]
    press(qtbot, label)
    assert QGuiApplication.clipboard().text() == pane.receipts.receipt["seal"]
    qtbot.keyClick(opened.window, Qt.Key.Key_C)
    assert QGuiApplication.clipboard().text() == pane.receipts.receipt["body"]


def test_text_of_others_is_never_markup_anywhere(open_recorded, qtbot, answers):
    evil = "<h1>x</h1>\u202e<a href='file:///'>y</a>\x07"
    for found in (answers.answers["studio.today"]["snapshot"]["diagnostics"],):
        found["unknownStatuses"] = {evil: {evil: 1}}
    recorded = answers.answers["proposal"]

    def tainted(args):
        found = recorded(args)
        for key in ("rationale", "target", "title", "description", "rollbackNote"):
            found[key] = evil
        found["subject"] = {"title": evil}
        found["changes"][0] |= {"field": evil, "before": evil, "after": evil}
        found["seen"][0]["resource"] = evil
        return found

    answers.answers["proposal"] = tainted
    answers.answers["session.who"] |= {"tenantName": evil}
    answers.answers["session.who"]["accounts"][0]["name"] = evil
    window = open_recorded()
    for id in ("today", "proposals", "evidence", "connectors"):
        window.pane(id)
    window.settle()
    from PySide6.QtWidgets import QAbstractButton, QLabel

    for label in window.window.findChildren(QLabel):
        assert label.textFormat() is Qt.TextFormat.PlainText, label.text()
        assert "\u202e" not in label.text()
        assert "\x07" not in label.text()
        assert "<a href" not in label.toolTip()
    for button in window.window.findChildren(QAbstractButton):
        assert "\u202e" not in button.text() + button.toolTip() + button.accessibleName()
        assert "<a href" not in button.toolTip()
    assert "<h1>x</h1>" in window.rooms.panes["proposals"].panel.title.text().replace("\u200b", "")


def test_a_closed_pane_hears_nothing_more(opened, answers):
    pane: Pane = opened.pane("today")
    pane.load()
    pane.take_back()
    assert pane.is_settled()
    opened.settle()
    assert pane.state is State.READY


def test_recorded_answers_are_like_the_engines(answers: Recorded):
    """The double must not drift: what it answers has the keys that the engine's code gives today."""
    from studio_brain.gateway import queries

    assert set(DATA["evidence.page"]["rows"][0]) == set(
        queries.entry_row({"place": 0, "kind": "a.b", "seal": b"", "body": _body()}).keys()
    )


def _body() -> bytes:
    import json

    return json.dumps({"id": "", "stream": "", "at": "", "actor": {}, "corr": "", "prev": None, "data": {}}).encode()
