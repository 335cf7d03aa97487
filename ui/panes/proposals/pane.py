"""Proposals: the queue at the left, one proposal whole at the right, the decision below it.

The list is keyed by id: a refresh changes rows in place, what is newer waits behind "newer ↑". The detail that is shown
is the one that is decided on: its hash goes with the decision, and while another one is being read nothing can be
pressed.
"""

from typing import Any

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QStackedWidget, QTabBar, QWidget

from ... import words
from ...actions import Action
from ...delegates.proposal import ProposalDelegate
from ...desk import Desk
from ...models.queue import KEY, Queue
from ...safe_text import plain
from ...seals import Check
from ...theme import theme
from ...widgets.buttons import Button
from ...widgets.choice import Choice
from ...widgets.layout import STRETCH, column, grow, panel, row
from ...widgets.notice import Notice
from ...widgets.text import Text
from ..base import Pane, State
from .detail_panel import DetailPanel
from .dock import Dock
from .draft_panel import DraftPanel
from .presenter import counts, detail, row_view

FILTERS = (("open", "Open"), ("decided", "Decided"), ("", "All"))
PAGE = 200


class ProposalsPane(Pane):
    id = "proposals"
    title = "Proposals"

    def __init__(self, desk: Desk) -> None:
        self._wanted: str | None = None
        self._arm = ""
        self._shown: dict[str, Any] | None = None
        self._ruling: dict[int, dict[str, Any]] = {}
        self._counts: dict[str, int] = {}
        self._fresh = True
        super().__init__(desk)

    # content

    def build(self) -> QWidget:
        self.tabs = QTabBar()
        self.tabs.setObjectName("proposal-state")
        self.tabs.setAccessibleName("Which proposals")
        self.tabs.setExpanding(False)
        for _, title in FILTERS:
            self.tabs.addTab(title)
        self.tabs.currentChanged.connect(lambda _: self._filter_changed())
        self.risk = Choice("proposal-risk", "Risk")
        self.risk.offer([("any risk", ""), *((f"{risk} risk", risk) for risk in words.RISKS)], "")
        self.risk.chosen.connect(lambda _: self._filter_changed())
        self.new = Button("New", icon="plus", name="new-proposal", tip_text="Draft a proposal (n)")
        self.new.clicked.connect(self.draft)
        self.newer = Button("", "quiet", "chevron-up", name="newer")
        self.newer.clicked.connect(self._take_newer)
        self.newer.hide()
        self.tenant = Text("", "caption")
        self.queue = Queue(self._row_view, self)
        self.queue.newer_changed.connect(self._show_newer)
        self.list = QListView()
        self.list.setObjectName("proposal-list")
        self.list.setAccessibleName("Proposals")
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setMouseTracking(True)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setModel(self.queue)
        self._delegate = ProposalDelegate()
        self.list.setItemDelegate(self._delegate)
        self.list.selectionModel().currentChanged.connect(self._current_changed)
        self.list.activated.connect(lambda _: self.panel.setFocus())
        self.older = Button("Show older ones", "quiet", "chevron-down", name="older")
        self.older.clicked.connect(self._load_older)
        self.older.hide()
        self.nothing = Text("", "muted", wrap=True)
        left = column(
            row(self.tabs, STRETCH, self.new, gap=2),
            row(self.risk, STRETCH, self.tenant, gap=2),
            self.newer,
            self.nothing,
            grow(self.list),
            self.older,
            gap=2,
            margins=(8, 5, 0, 4),
        )
        side = panel(left, "clear")
        side.setFixedWidth(theme.current().unit * 110)
        self.panel = DetailPanel()
        self.panel.receipt.connect(lambda place: self.desk.wanted.emit("evidence", {"place": place}))
        self.dock = Dock()
        self.dock.decided.connect(self._decide)
        self.pick = Notice("pick")
        self.draft_panel = DraftPanel(self.desk)
        self.draft_panel.closed.connect(self._close_draft)
        self.draft_panel.drafted.connect(self._drafted)
        whole = panel(column(grow(self.panel), self.dock, gap=0), "clear")
        self._side = QStackedWidget()
        for widget in (self.pick, whole, self.draft_panel):
            self._side.addWidget(widget)
        self._whole = whole
        self._pick_one()
        return panel(row(side, grow(self._side), gap=5, margins=(0, 0, 4, 0), centred=False), "clear")

    def _pick_one(self) -> None:
        how = "Choose one at the left to see it whole, or draft a new one."
        self.pick.show_notice("proposals", "No proposal is chosen", how)
        self._side.setCurrentWidget(self.pick)

    # the queue

    def load(self) -> None:
        self.query("page", "proposals.page", self._take, **self._filter())
        if self._shown is not None and self._wanted is None:
            self._load_detail(self._shown["id"])

    def start_over(self) -> None:
        self._fresh = True
        self.load()

    def first(self, page: dict[str, Any]) -> None:
        if not self.queue.rows and not self.desk.live and page["proposals"]["rows"]:
            self._take(page["proposals"])

    def _filter(self) -> dict[str, Any]:
        return {"state": FILTERS[self.tabs.currentIndex()][0], "risk": str(self.risk.currentData() or "")}

    def _filter_changed(self) -> None:
        self._fresh = True
        self.query("page", "proposals.page", self._take, **self._filter())

    def _take(self, page: dict[str, Any]) -> None:
        self._counts = page["counts"]
        for place, number in enumerate(counts(self._counts).values()):
            self.tabs.setTabText(place, f"{FILTERS[place][1]}  {number:,}")
        if not sum(self._counts.values()) and self._side.currentWidget() is not self.draft_panel:
            self.show_empty(
                "proposals",
                "No proposal yet",
                "A proposal says what should change in the cloud, and why. Somebody decides on exactly that.",
                (("Draft the first one", "primary", self.draft),),
            )
            return
        self.show_ready()
        if self._fresh or not self.queue.rows:
            self._fresh = False
            self.queue.replace(page["rows"])
            self.older.setVisible(len(page["rows"]) == PAGE)
        else:
            self.queue.merge(page["rows"])
        self.nothing.setText(self._nothing_words())
        self.nothing.setVisible(not self.queue.rows)
        total = len(self.queue.rows)
        self.tenant.setText(f"{plain(self.desk.studio, 30)} · {total:,}")
        self._select(self._wanted or (self._shown or {}).get("id"), first=True)

    def _nothing_words(self) -> str:
        if self.risk.currentData():
            return f"No proposal of {self.risk.currentText()} is here."
        return ("Nothing waits for a decision.", "Nothing has been decided yet.", "")[self.tabs.currentIndex()]

    def _load_older(self) -> None:
        if self.queue.rows:
            before = self.queue.rows[-1]["cursor"]
            self.query("older", "proposals.page", self._take_older, **self._filter(), before=before)

    def _take_older(self, page: dict[str, Any]) -> None:
        self.queue.append(page["rows"])
        self.older.setVisible(len(page["rows"]) == PAGE)

    def _take_newer(self) -> None:
        self.queue.take_newer()
        self._select((self._shown or {}).get("id"))

    def _show_newer(self, newer: int) -> None:
        self.newer.say(f"{newer} newer")
        self.newer.setVisible(newer > 0)

    def _row_view(self, row: dict[str, Any], gone: bool) -> Any:
        return row_view(row, self.desk.titles, self.desk.person, self.desk.now_ms(), gone=gone)

    def _select(self, id: str | None, *, first: bool = False) -> None:
        place = self.queue.place_of(id)
        if place < 0 and first and id is None and self.queue.rows:
            place = 0
        if place >= 0:
            index = self.queue.index(place)
            self.list.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            self.list.scrollTo(index)
        elif id is not None:
            self._load_detail(id)
        elif not self.queue.rows and self._shown is None:
            self._pick_one()

    def _current_changed(self, current: QModelIndex, previous: QModelIndex) -> None:
        id = current.data(KEY)
        if id is not None and id != (self._shown or {}).get("id"):
            self._load_detail(id)

    # one proposal

    def show_record(self, record: Any) -> None:
        """A proposal's id, or {"id", "act"}: shows it and arms that act."""
        if isinstance(record, dict):
            self._arm, record = f"proposal.{record['act']}", record["id"]
        self._wanted = str(record)
        if self.state in (State.READY, State.STALE) and not self._fresh:
            self._select(self._wanted)
            if self._shown is not None and self._shown["id"] == self._wanted:
                self._show_detail()

    def _load_detail(self, id: str) -> None:
        if self._side.currentWidget() is self.draft_panel and self._wanted is None:
            return
        if self._shown is None or self._shown["id"] != id:
            self.dock.busy("The proposal is being read…")
        self.ask("detail", "proposal", {"id": id}, self._take_detail)

    def _take_detail(self, proposal: dict[str, Any] | None) -> None:
        if proposal is None:
            self._wanted = None
            self.desk.said.emit("That proposal is not in this studio.")
            return
        other = self._shown is None or self._shown["id"] != proposal["id"]
        if other:
            self.dock.done()
            self.dock.say("")
        self._shown = proposal
        self._wanted = None if self._wanted == proposal["id"] else self._wanted
        self.queue.update_row(proposal)
        if "decide" not in self._asked:
            self.dock.busy("")
        self._side.setCurrentWidget(self._whole)
        self._show_detail()
        for receipt in proposal["receipts"]:
            place = receipt["place"]
            if place not in self._ruling:
                self.query(f"receipt-{place}", "evidence.one", self._take_receipt, place=place)

    def _take_receipt(self, receipt: dict[str, Any] | None) -> None:
        if receipt is None:
            return
        import json

        check = self.desk.seals.check(receipt["origin"], receipt)
        data = json.loads(receipt["body"]).get("data", {}) if check is Check.CHECKED else {}
        self._ruling[receipt["place"]] = {**data, "kind": receipt["kind"], "origin": receipt["origin"]}
        self._show_detail()

    def _show_detail(self) -> None:
        proposal = self._shown
        if proposal is None:
            return
        known = [self._ruling[r["place"]] for r in proposal["receipts"] if r["place"] in self._ruling]
        ruling: dict[str, Any] = {}
        for data in reversed(known):
            ruling |= {key: data[key] for key in ("rule", "quorum", "seats") if key in data}
        view = detail(
            proposal,
            who=self.desk.person,
            people=self.desk.people,
            reason=self.desk.reason,
            zone=self.desk.zone,
            now_ms=self.desk.now_ms(),
            ruling=ruling or None,
            blocked=self.desk.why_not_write(),
        )
        checks = self.panel_checks()
        drafted = next((data for data in known if data["kind"] == "proposal.drafted"), None)
        bound = None if drafted is None else Check.CHECKED if drafted.get("proposalHash") == view.hash else Check.WRONG
        self.panel.show_detail(view, checks)
        self.dock.show_hash(view.hash, bound)
        self.dock.show_buttons(view.buttons, view.nothing_left, self.desk.why_not_write())
        if self._arm:
            act, self._arm = self._arm, ""
            self._armed(act)

    def panel_checks(self) -> dict[int, Check]:
        """By place, what this window knows of the receipts that are shown."""
        receipts = () if self._shown is None else self._shown["receipts"]
        return {
            r["place"]: self.desk.seals.of(self._ruling[r["place"]]["origin"], r["index"])
            for r in receipts
            if r["place"] in self._ruling
        }

    # deciding

    def _decide(self, act: str, rationale: str) -> None:
        proposal = self._shown
        if proposal is None:
            return
        payload = {"proposalId": proposal["id"]}
        if act in ("proposal.approve", "proposal.reject"):
            payload["shownHash"] = proposal["proposalHash"]
        doing = {"proposal.execute": "Carrying it out…"}.get(act, "Being sealed…")
        self.dock.busy(doing)
        args = {"capability": act, "payload": payload, "rationale": rationale}
        self.ask("decide", "perform", args, self._decided, self._not_decided)

    def _decided(self, done: dict[str, Any]) -> None:
        self.dock.busy("")
        if done["reasonCode"] and done["outcome"] != "executed":
            said = f"{done['sentence']} {words.sentence(plain(done['detail'], 300))} {done['remedy']}"
            self.dock.say(" ".join(said.split()), "danger")
        else:
            self.dock.done()
            receipt = f", receipt {done['receipts'][-1]['index']:,}" if done["receipts"] else ""
            said = f"{words.state(done['outcome']).capitalize()}{receipt}."
            if done["outcome"] == "asked":
                said = "The rollback is proposed; it needs its own approval."
                self._wanted, self._fresh = done["proposalId"], True
            self.dock.say(said)
            self.desk.said.emit(said)
        self.load()

    def _not_decided(self, error: dict[str, Any]) -> None:
        self.dock.busy("")
        self.dock.say(" ".join(words.fault(error)), "danger")

    def _armed(self, act: str) -> None:
        refused = self.dock.arm(act)
        if refused:
            self.desk.said.emit(words.sentence(refused))

    # drafting

    def draft(self) -> None:
        self.show_ready()
        self._side.setCurrentWidget(self.draft_panel)
        self.draft_panel.open()

    def _close_draft(self) -> None:
        self._side.setCurrentWidget(self._whole if self._shown is not None else self.pick)
        if not sum(self._counts.values()):
            self.load()

    def _drafted(self, id: str) -> None:
        self._wanted, self._fresh = id, True
        self.tabs.setCurrentIndex(0)
        self.desk.said.emit("Proposed and sealed. It waits for a decision.")
        self.load()

    # events

    def on_moved(self, topic: str, data: Any) -> None:
        if topic == "receipts" and self.desk.live:
            streams = [str(r.get("stream", "")) for r in data.get("rows", ())]
            if any(stream.startswith("proposal:") for stream in streams):
                self.query("page", "proposals.page", self._take, **self._filter())
            if self._shown is not None and f"proposal:{self._shown['id']}" in streams:
                self._load_detail(self._shown["id"])
        elif topic in ("session", "switches") and self._shown is not None and self.desk.live:
            self._load_detail(self._shown["id"])
        elif topic in ("reasons", "capabilities", "who", "seals"):
            self.queue.refresh()
            self._show_detail()

    def on_changed(self) -> None:
        self.new.block(self.desk.why_not_write())
        if self.state in (State.READY, State.STALE):
            if self.desk.live:
                self.show_ready()
            else:
                self.show_stale("This is what was last known. " + self.desk.why_not_write())
        self._show_detail()

    def tick(self) -> None:
        self.queue.refresh()
        self._show_detail()

    def actions(self) -> tuple[Action, ...]:
        def deciding(name: str, key: str, title: str) -> Action:
            act = f"proposal.{name}"
            return Action(f"proposals.{name}", title, (key,), lambda: self._armed(act), lambda: self._may(act), here)

        here = self.id
        return (
            Action("proposals.next", "Next proposal", ("j",), lambda: self._step(1), place=here),
            Action("proposals.previous", "Previous proposal", ("k",), lambda: self._step(-1), place=here),
            deciding("approve", "a", "Approve: asks for the reason, then Ctrl+Return"),
            deciding("reject", "r", "Reject: asks for the reason, then Ctrl+Return"),
            deciding("execute", "e", "Execute: then Return"),
            Action("proposals.undo", "Roll back or withdraw", ("u",), self._undo, place=here),
            Action("proposals.new", "New proposal", ("n",), self.draft, self.desk.why_not_write, here),
            Action("proposals.refresh", "Read the queue again", ("Ctrl+R",), self.load, place=here),
        )

    def _may(self, act: str) -> str:
        return self.dock.why_not(act) if self._shown is not None else "no proposal is chosen"

    def _undo(self) -> None:
        undo = ("proposal.rollback", "proposal.withdraw")
        self._armed(next((act for act in undo if not self.dock.why_not(act)), undo[-1]))

    def _step(self, by: int) -> None:
        place = self.list.currentIndex().row() + by
        if 0 <= place < self.queue.rowCount():
            self._select(self.queue.rows[place]["id"])
            self.list.setFocus()
