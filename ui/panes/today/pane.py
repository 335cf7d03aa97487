"""Today: what is the state, what changed, what needs me.

From the top: the change in one sentence and what waits for a person; which days are compared, and what the numbers are
made of; a card for every number; the changes as a table, beside it what needs somebody, or the answer to "why?".
"""

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QGridLayout, QLabel, QStackedWidget, QWidget

from ... import words
from ...actions import Action
from ...desk import Desk
from ...safe_text import plain
from ...seals import Check
from ...theme import theme
from ...widgets.buttons import Button
from ...widgets.card import StatCard
from ...widgets.choice import Choice
from ...widgets.hash_label import HashLabel
from ...widgets.layout import STRETCH, column, grow, panel, row
from ...widgets.scroll import Scroll
from ...widgets.table import CompactTable
from ...widgets.text import Text
from ..base import Pane
from . import presenter
from .cells import diff_cells
from .needs import needs
from .needs_list import NeedsList
from .numbers import GROUPS

if TYPE_CHECKING:
    from .why_panel import WhyPanel

COLUMNS = 5


class TodayPane(Pane):
    """Also the first pane of a start: it can be filled from the files before the engine is ready."""

    id = "today"
    title = "Today"

    def __init__(self, desk: Desk) -> None:
        self._today: dict[str, Any] | None = None
        self._base: str | None = None
        self._fetched: dict[str, Any] | None = None
        self._page: dict[str, Any] = {"rows": [], "counts": {}}
        self._why: str | None = None
        self._cards: dict[str, StatCard] = {}
        self._show_latest = False
        self._trouble = ""
        self._state_check: tuple[int, Check | None] = (-1, None)
        super().__init__(desk)
        self._blocked = desk.why_not_write()

    # content

    def build(self) -> QWidget:
        self.headline = Text("", "headline", wrap=True)
        self.headline.setObjectName("headline")
        self.waiting = Text("", "lead", wrap=True)
        self.review = Button("Review", "primary", "forward", name="review")
        self.review.clicked.connect(lambda: self.desk.wanted.emit("proposals", None))
        self.refresh_button = Button("Refresh", icon="refresh", name="refresh", tip_text="Read the cloud now (Ctrl+R)")
        self.refresh_button.clicked.connect(self.refresh)
        self.advance_button = Button("Advance a day", icon="forward", name="advance")
        self.advance_button.clicked.connect(self.advance)
        head = row(
            grow(panel(column(self.headline, self.waiting, gap=1), "clear")),
            self.advance_button,
            self.refresh_button,
            self.review,
            gap=2,
        )
        self.days_to = Choice("day-shown", "Day that is shown")
        self.days_to.chosen.connect(self._show_day)
        self.days_from = Choice("day-compared", "Day it is compared with")
        self.days_from.chosen.connect(self._compare)
        self.read = Text("", "caption")
        self.state_hash = HashLabel("State hash", label="state")
        self.source_hash = HashLabel("Source hash of the cloud's documents", label="documents")
        self.receipt = Button("", "link", name="state-receipt")
        self.receipt.clicked.connect(lambda: self.desk.wanted.emit("evidence", {"place": self._place()}))
        bar = row(
            self.days_to,
            Text("compared with", "muted"),
            self.days_from,
            STRETCH,
            self.read,
            2,
            self.state_hash,
            self.source_hash,
            self.receipt,
            gap=2,
        )
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(theme.current().unit * 3)
        self.unknown = Text("", "body", wrap=True)
        self._unknown = panel(
            column(Text("Values the cloud knows and this version does not; they are counted nowhere.", "strong"),
                   self.unknown, gap=1, margins=(4, 3, 4, 3)),
            "strip", "unknown-statuses",
        )  # fmt: skip
        self._unknown.hide()
        page = column(head, 1, bar, 2, self._grid, self._unknown, 2, grow(self._lower()), gap=2, margins=(8, 5, 8, 3))
        return Scroll(page)

    def _lower(self) -> Any:
        self.diff = CompactTable("diff", "What changed", ("Number", "Before", "After", "Change"), stretch=(0,))
        self.unchanged = Text("", "caption")
        changes = column(Text("What changed", "title"), self.diff, self.unchanged, STRETCH, gap=2)
        self.needs = NeedsList()
        self.needs.picked.connect(lambda id: self.desk.wanted.emit("proposals", id))
        self._side = QStackedWidget()
        self._side.addWidget(self.needs)
        return row(grow(panel(changes, "clear"), 3), 4, grow(self._side, 2), gap=0, centred=False)

    @cached_property
    def why(self) -> "WhyPanel":
        """Made when somebody first asks."""
        from .why_panel import WhyPanel

        panel = WhyPanel()
        panel.closed.connect(self._close_why)
        panel.receipt.connect(lambda _: self.desk.wanted.emit("evidence", {"place": self._place()}))
        self._side.addWidget(panel)
        return panel

    # loading

    def load(self) -> None:
        day = self._today["snapshot"]["day"] if self._today and self._chose_day() and not self._show_latest else None
        self._show_latest = False
        self._load_day(day)
        self.query("needs", "proposals.page", self._take_needs, state="open")

    def _load_day(self, day: str | None) -> None:
        params = {"day": day} if day else {}
        self.ask("today", "query", {"name": "studio.today", "params": params}, self._take, self._not_loaded)

    def _not_loaded(self, error: dict[str, Any]) -> None:
        self._trouble = " ".join(words.fault(error))
        self.show_error(error)

    def on_moved(self, topic: str, data: Any) -> None:
        if topic == "state" and self.desk.live:
            self.load()
        elif topic == "receipts" and self.desk.live:
            kinds = [str(r.get("kind", "")) for r in data.get("rows", ())]
            if any(kind.startswith("studio.") for kind in kinds):
                self.load()
            elif any(not kind.startswith("killswitch.") for kind in kinds):
                self.query("needs", "proposals.page", self._take_needs, state="open")
        elif topic in ("reasons", "capabilities", "who", "contacts"):
            self._show()

    def on_changed(self) -> None:
        blocked = self.desk.why_not_write()
        if "refresh" not in self._asked:
            self.refresh_button.block(blocked)
        if "advance" not in self._asked:
            self.advance_button.block(blocked)
        self.advance_button.setVisible(self.desk.is_practice)
        if blocked != self._blocked:
            self._blocked = blocked
            self._show()

    def tick(self) -> None:
        self._show()

    def first(self, page: dict[str, Any]) -> None:
        if self._today is None and page["today"]["snapshot"] is not None:
            self._page = page["proposals"]
            self._take(page["today"])

    def _take(self, today: dict[str, Any]) -> None:
        self._today, self._trouble = today, ""
        if today["snapshot"] is None:
            self._nothing_yet(today)
            return
        self._show()
        if not self._chose_day():
            self.desk.observed(today["snapshot"]["observedAt"])

    def _take_fetched(self, observation: dict[str, Any] | None) -> None:
        self._fetched = observation
        self._show()

    def _take_needs(self, page: dict[str, Any]) -> None:
        self._page = page
        self._show_needs()

    def _nothing_yet(self, today: dict[str, Any]) -> None:
        if not self.desk.live and self.desk.state != "failed":
            return  # the first snapshot may be on its way; the engine says
        job, act = today.get("job"), ("Take the first snapshot", "primary", self.refresh)
        if job and job["reasonCode"]:
            sentence, remedy = self.desk.reason(job["reasonCode"])
            self.show_error(
                {"sentence": f"The cloud could not be read. {sentence}", "detail": job["detail"], "remedy": remedy}
            )
            return
        self.show_empty(
            "today",
            "No snapshot yet",
            "A snapshot reads the studio's cloud at one moment and seals the state it is in. It changes nothing there.",
            (act,),
        )

    # showing

    def _show(self) -> None:
        if self._today is None or self._today["snapshot"] is None:
            return
        now_ms, zone = self.desk.now_ms(), self.desk.zone
        base = presenter.base_of(self._today, self._base, self._fetched, zone)
        view = presenter.present(self._today, base, now_ms, self.desk.reason, zone)
        if view is None:
            return
        self.headline.setText(view.headline)
        self.read.setText(view.read)
        self.state_hash.show_hash(view.state_hash, self._check())
        self.source_hash.show_hash(view.source_hash)
        self.receipt.say(f"receipt {view.index:,}")
        self.days_to.offer(presenter.days(self._today), view.day)
        others = presenter.bases(self._today, zone)
        self.days_from.offer(others or [("nothing yet", "")], view.base)
        self.days_from.setEnabled(bool(others))
        self._show_cards(view.cards)
        self.diff.show_rows(diff_cells(view), ("Number", *view.columns, "Change"))
        self.diff.setVisible(bool(view.lines))
        self.unchanged.setText(view.unchanged or "No number changed between the two.")
        self.unknown.setText("\n".join(view.unknown))
        self._unknown.setVisible(bool(view.unknown))
        self._show_needs()
        if self._why is not None:
            self._fill_why(self._why)
        said = "" if self.desk.offline is None else "The cloud is out of reach; it is read anew when it is back."
        if not self.desk.live and self.desk.state != "starting":
            said = self.desk.why_not_write()
        why_stale = presenter.stale(self._today, now_ms, said or self._trouble, self.desk.reason)
        if why_stale:
            self.show_stale(why_stale)
        else:
            self.show_ready()

    def _show_needs(self) -> None:
        waiting = needs(self._page, self.desk.titles, self.desk.person, self.desk.now_ms())
        self.waiting.setText(waiting.sentence)
        self.review.say(waiting.button or "Review")
        self.review.setVisible(bool(waiting.items))
        self.needs.show_needs(waiting)

    def _show_cards(self, cards: tuple[presenter.CardView, ...]) -> None:
        if list(self._cards) != [card.key for card in cards]:
            self._lay_cards(cards)
        for view in cards:
            self._cards[view.key].show_view(view)

    def _lay_cards(self, cards: tuple[presenter.CardView, ...]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().deleteLater()
        self._cards = {}
        line, place = 0, 0
        for group, title in GROUPS.items():
            of_group = [card for card in cards if card.group == group]
            if place and place + len(of_group) > COLUMNS:
                line, place = line + 2, 0
            caption: QLabel = Text(title, "overline")
            self._grid.addWidget(caption, line, place, 1, max(1, min(COLUMNS - place, len(of_group))))
            for card in of_group:
                if place == COLUMNS:
                    line, place = line + 2, 0
                widget = StatCard(card.key)
                widget.clicked.connect(lambda _=False, key=card.key: self._open_why(key))
                self._grid.addWidget(widget, line + 1, place)
                self._cards[card.key] = widget
                place += 1
        for place in range(COLUMNS):
            self._grid.setColumnStretch(place, 1)

    # why

    def _open_why(self, key: str) -> None:
        self._why = key
        for name, card in self._cards.items():
            card.mark_open(name == key)
        self._fill_why(key)
        self._side.setCurrentWidget(self.why)
        self.why.focus()
        self.query("why", "evidence.one", self._take_receipt, place=self._place())

    def _close_why(self) -> None:
        key, self._why = self._why, None
        self._side.setCurrentWidget(self.needs)
        for name, card in self._cards.items():
            card.mark_open(False)
            if name == key:
                card.setFocus()

    def _fill_why(self, key: str) -> None:
        from .why import why

        if self._today is not None and self._today["snapshot"] is not None:
            self.why.show_why(why(key, self._today["snapshot"], self.desk.reason, self.desk.zone), self._index())

    def _take_receipt(self, receipt: dict[str, Any] | None) -> None:
        """Gold for the state hash asks for both: the bytes give the seal, and they name this very hash."""
        if receipt is None or self._today is None or self._today["snapshot"] is None:
            return
        check = self.desk.seals.check(receipt["origin"], receipt)
        self.why.show_receipt(receipt, check, self.desk.person(receipt["actor"]["id"]))
        sealed = json.loads(receipt["body"]).get("data", {}).get("stateHash") if check is Check.CHECKED else None
        shown = self._today["snapshot"]
        if receipt["place"] == shown["place"]:
            same = sealed == shown["stateHash"]
            self._state_check = (shown["place"], Check.CHECKED if same else Check.WRONG)
        self.desk.moved.emit("seals", None)
        self._show()

    def _check(self) -> Check | None:
        """Of the state hash that is shown; None while nobody has looked."""
        return self._state_check[1] if self._state_check[0] == self._place() else None

    def _index(self) -> int:
        return -1 if self._today is None or self._today["snapshot"] is None else int(self._today["snapshot"]["index"])

    def _place(self) -> int:
        return -1 if self._today is None or self._today["snapshot"] is None else int(self._today["snapshot"]["place"])

    # doing

    def refresh(self) -> None:
        """Reads the cloud now; the numbers follow when the snapshot is sealed."""
        if self.desk.why_not_write():
            return
        self.refresh_button.block("The cloud is being read.")
        self.refresh_button.say("Reading…")
        self.ask(
            "refresh", "perform", {"capability": "studio.snapshot", "payload": {}}, self._read_done, self._read_failed
        )

    def _read_done(self, done: dict[str, Any]) -> None:
        self._read_over()
        self.load()
        if done["outcome"] == "observed":
            self.desk.said.emit("Snapshot taken and sealed.")
        else:
            what = words.sentence(done["sentence"]) or "The cloud could not be read whole; the last good state stays."
            self.desk.said.emit(f"{what} {done['remedy']}".strip())

    def _read_failed(self, error: dict[str, Any]) -> None:
        self._read_over()
        self.show_error(error)

    def _read_over(self) -> None:
        self.refresh_button.say("Refresh")
        self.refresh_button.block(self.desk.why_not_write())

    def advance(self) -> None:
        """Practice only: a day passes in the practice studio, then it is read."""
        if self.desk.why_not_write():
            return
        self.advance_button.block("A practice day is passing.")
        self.ask("advance", "practice.advance", {"days": 1}, self._advanced, self._advance_failed)

    def _advanced(self, done: dict[str, Any]) -> None:
        self.advance_button.block(self.desk.why_not_write())
        self._base = None
        self._show_latest = True
        self.refresh()

    def _advance_failed(self, error: dict[str, Any]) -> None:
        self.advance_button.block(self.desk.why_not_write())
        self.desk.said.emit(" ".join(words.fault(error)))

    # days

    def _chose_day(self) -> bool:
        """Whether another day than the latest is shown."""
        return bool(self._today and self._today["days"] and self._today["snapshot"]["day"] != self._today["days"][0])

    def _show_day(self, day: Any) -> None:
        self._base = None
        self._load_day(str(day))

    def _compare(self, key: Any) -> None:
        """With a day of the history at once; a later one is asked for."""
        self._base = str(key)
        known = {day["day"] for day in (self._today or {}).get("history", ())}
        if key == presenter.EARLIER or key in known:
            self._show()
        else:
            self.query("base", "studio.snapshot", self._take_fetched, day=str(key))

    def actions(self) -> tuple[Action, ...]:
        return (
            Action("today.refresh", "Read the cloud now", ("Ctrl+R",), self.refresh, self.desk.why_not_write, self.id),
            Action("today.review", "Review what needs me", ("a",), self._review, self._why_not_review, self.id),
            Action("today.why-close", "Close “why?”", ("Esc",), self._close_why, lambda: "", self.id),
        )

    def _review(self) -> None:
        """The riskiest proposal, with its reason field ready to be typed into."""
        waiting = needs(self._page, self.desk.titles, self.desk.person, self.desk.now_ms())
        self.desk.wanted.emit("proposals", {"id": waiting.items[0].id, "act": "approve"})

    def _why_not_review(self) -> str:
        waiting = needs(self._page, self.desk.titles, plain, None)
        return "" if waiting.items else "nothing waits for a decision"
