"""Evidence: every receipt of the studio's log, newest first; one of them whole; Verify.

The table holds pages, never the log. What is sealed while one looks waits behind "newer ↑": rows do not move. A receipt
is gold only where this window hashed its bytes, or a Verify of this session covered it.
"""

from typing import Any

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView, QWidget

from ...actions import Action
from ...delegates.receipt import ABOUT, NUMBER, WHO, ReceiptDelegate
from ...desk import Desk
from ...engine_client import Reply
from ...models.sparse import SparseTableModel
from ...seals import Check
from ...theme import theme
from ...widgets.buttons import Button
from ...widgets.choice import Choice
from ...widgets.layout import STRETCH, column, grow, panel, row
from ...widgets.text import Text
from ..base import Pane, State
from .pages import Pages
from .presenter import HEADINGS, KINDS, STOPPED, cells, receipt, verified
from .receipt_panel import ReceiptPanel
from .verify_strip import VerifyStrip


class EvidencePane(Pane):
    id = "evidence"
    title = "Evidence"

    def __init__(self, desk: Desk) -> None:
        self.pages = Pages(0)
        self._origin = ""
        self._index: int | None = None
        self._receipt: dict[str, Any] | None = None
        self._seen_size = 0
        self._verify: Reply | None = None
        super().__init__(desk)

    def build(self) -> QWidget:
        self.kind = Choice("receipt-kind", "Kind of receipts")
        self.kind.offer(list(KINDS), "")
        self.kind.chosen.connect(lambda _: self._newest())
        self.count = Text("", "muted")
        self.newer = Button("", "quiet", "chevron-up", name="receipts-newer")
        self.newer.clicked.connect(self._newest)
        self.newer.hide()
        self.verify_button = Button("Verify", "primary", "shield", name="verify", tip_text="Checks the whole log (v)")
        self.verify_button.clicked.connect(self.verify)
        self.strip = VerifyStrip()
        self.strip.stopped.connect(self._stop)
        self.strip.entry.connect(self.show_record)
        self.model = SparseTableModel(HEADINGS, self._ask_page, self)
        self.table = QTableView()
        self.table.setObjectName("receipts")
        self.table.setAccessibleName("Receipts, newest first")
        self.table.setModel(self.model)
        self._delegate = ReceiptDelegate(self.model, self._check_of_row)
        self.table.setItemDelegate(self._delegate)
        self._dress_table()
        self.table.selectionModel().currentRowChanged.connect(self._current_changed)
        self.panel = ReceiptPanel()
        self.panel.proposal.connect(lambda id: self.desk.wanted.emit("proposals", id))
        self.panel.setFixedWidth(theme.current().unit * 98)
        bar = row(self.kind, self.count, self.newer, STRETCH, self.verify_button, gap=3)
        body = row(grow(self.table), self.panel, gap=5, centred=False)
        return panel(column(bar, self.strip, grow(body), gap=3, margins=(8, 5, 8, 5)), "clear")

    def _dress_table(self) -> None:
        table, unit = self.table, theme.current().unit
        table.setFrameShape(QFrame.Shape.NoFrame)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setTabKeyNavigation(False)
        vertical = table.verticalHeader()
        vertical.hide()
        vertical.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        vertical.setDefaultSectionSize(unit * 7)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column_ in range(len(HEADINGS)):
            if column_ == ABOUT:
                header.setSectionResizeMode(column_, QHeaderView.ResizeMode.Stretch)
            else:
                header.setSectionResizeMode(column_, QHeaderView.ResizeMode.Fixed)
                table.setColumnWidth(column_, self._delegate.width(column_))

    # the log

    def load(self) -> None:
        self.query("size", "evidence.page", self._sized, limit=1)

    def start_over(self) -> None:
        self.pages, self._receipt, self._index = Pages(0), None, None
        self.load()

    def first(self, page: dict[str, Any]) -> None:
        evidence = page["evidence"]
        if not self.pages.size and evidence["size"]:
            self._origin, self._seen_size = evidence["origin"], evidence["size"]
            self._start(evidence["size"])
            self._put(0, evidence)

    def _sized(self, page: dict[str, Any]) -> None:
        self._origin, self._seen_size = page["origin"], page["size"]
        if not page["size"]:
            self.show_empty(
                "evidence",
                "Nothing is sealed yet",
                "Every reading, proposal, decision and denial leaves a receipt here that can be checked later.",
                (("Take the first snapshot", "primary", lambda: self.desk.wanted.emit("today", None)),),
            )
            return
        if not self.pages.size:
            self._start(page["size"])
        self.show_ready()
        self._show_newer()

    def _start(self, size: int) -> None:
        """Draws the table anew: this many receipts, of the chosen kind."""
        self.pages = Pages(size, str(self.kind.currentData() or ""))
        self.model.reset(self.pages.counted)
        self.table.setColumnWidth(NUMBER, self._delegate.width(NUMBER))
        names = [person.name for person in self.desk.people] or ["a member of staff"]
        self.table.setColumnWidth(WHO, self._delegate.width_of([*names, "the engine"], theme.current().unit * 44))
        self.count.setText(self.pages.words())
        self._show_newer()
        if self.pages.complete:
            self._select(self._index)
        else:
            self._ask_page(0)

    def _show_newer(self) -> None:
        newer = self._seen_size - self.pages.size
        self.newer.say(f"{newer:,} newer")
        self.newer.setVisible(newer > 0 and self.pages.size > 0)

    def _ask_page(self, page: int) -> None:
        pages = self.pages
        params = pages.params(page)
        self.ask(
            f"page-{page}",
            "query",
            {"name": "evidence.page", "params": params},
            lambda answer: pages is self.pages and self._put(page, answer),
            lambda error: self.model.missed(page),
        )

    def _put(self, page: int, answer: dict[str, Any]) -> None:
        titles, who, zone = self.desk.titles, self.desk.person, self.desk.zone
        self.pages.found(page, answer["rows"])
        self.model.grow(self.pages.counted)
        self.model.put(page, [cells(row_, titles, who, zone) for row_ in answer["rows"]])
        self.count.setText(self.pages.words())
        if (following := self.pages.next_uncounted()) is not None and following > page:
            self._ask_page(following)
        if self.state is not State.READY:
            self.show_ready()
        if page == 0:
            self._select(self._index, first=True)

    def _select(self, index: int | None, *, first: bool = False) -> None:
        place = None if index is None else self.pages.row_of(index)
        if place is None and first and self._receipt is None and self.model.rowCount():
            place = 0
        if place is not None:
            where = self.model.index(place, 0)
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.table.selectionModel().setCurrentIndex(where, flags)
            self.table.scrollTo(where)

    def _current_changed(self, current: QModelIndex, previous: QModelIndex) -> None:
        index = self.pages.index_of(current.row()) if current.isValid() else None
        if index is not None and index != (self._receipt or {}).get("index"):
            self._load_receipt(index)

    def show_record(self, record: Any) -> None:
        """The index of a receipt."""
        self._index = int(record)
        if self.kind.currentData():
            self.kind.choose("")
            self._start(self._seen_size)
        elif self._index >= self.pages.size and self.pages.size:
            self._start(max(self._seen_size, self._index + 1))
        self._load_receipt(self._index)
        self._select(self._index)

    # one receipt

    def _load_receipt(self, index: int) -> None:
        self._index = index
        self.query("receipt", "evidence.one", self._take_receipt, index=index)

    def _take_receipt(self, found: dict[str, Any] | None) -> None:
        if found is None:
            self.desk.said.emit("That receipt is not in this studio's log.")
            return
        self._receipt = found
        self.desk.seals.check(found["origin"], found)
        self._show_receipt()
        self.desk.moved.emit("seals", None)

    def _show_receipt(self) -> None:
        if self._receipt is not None:
            view = receipt(self._receipt, self.desk.titles, self.desk.person, self.desk.zone, self.desk.reason)
            check = self.desk.seals.of(self._receipt["origin"], self._receipt["index"])
            self.panel.show_receipt(view, check, self._receipt["body"])

    def _check_of_row(self, row_: int) -> Check:
        index = self.pages.index_of(row_)
        return Check.UNCHECKED if index is None else self.desk.seals.of(self._origin, index)

    # verify

    def verify(self) -> None:
        if self._verify is not None:
            return
        self.strip.show_running()
        self.verify_button.block("A verification is under way.")
        self._verify = self.ask("verify", "verify", {}, self._verified, self._not_verified)

    def _verified(self, report: dict[str, Any]) -> None:
        self._verify = None
        self.on_changed()
        self.desk.verified(report)
        self.strip.show_result(verified(report, self.desk.reason))

    def _not_verified(self, error: dict[str, Any]) -> None:
        from ... import words
        from .presenter import VerifyView

        self._verify = None
        self.on_changed()
        what, remedy = words.fault(error)
        self.strip.show_result(VerifyView(f"It could not be verified. {what}", (remedy,), "bad"))

    def _stop(self) -> None:
        if self._verify is not None:
            self._asked.pop("verify", None)
            self._verify.cancel()
            self._verify = None
            self.on_changed()
            self.strip.show_result(STOPPED)

    # events

    def on_moved(self, topic: str, data: Any) -> None:
        if topic == "receipts":
            mine = [r["index"] for r in data.get("rows", ()) if r.get("tenant") == self.desk.tenant]
            if mine:
                self._seen_size = max(self._seen_size, max(mine) + 1)
                if self.pages.size:
                    self._show_newer()
                elif self.desk.live:
                    self.load()
        elif topic == "progress" and data.get("what") == "verify" and self._verify is not None:
            self.strip.show_progress(data)
        elif topic == "seals":
            self.table.viewport().update()
            if self.panel.view is not None and self._receipt is not None:
                self.panel.show_check(self.desk.seals.of(self._receipt["origin"], self._receipt["index"]))
        elif topic in ("who", "capabilities", "reasons"):
            self.model.reload()  # names and times are said anew
            self._show_receipt()

    def on_changed(self) -> None:
        live = "" if self.desk.live else self.desk.why_not_write() or "The engine is starting."
        if self._verify is None:
            self.verify_button.block(live)
        if self.state in (State.READY, State.STALE):
            if self.desk.live:
                self.show_ready()
            else:
                self.show_stale("This is what was last known. " + live)

    def actions(self) -> tuple[Action, ...]:
        here = self.id
        may_verify = lambda: self.verify_button.why_not  # noqa: E731
        return (
            Action("evidence.next", "Older receipt", ("j",), lambda: self._step(1), place=here),
            Action("evidence.previous", "Newer receipt", ("k",), lambda: self._step(-1), place=here),
            Action("evidence.verify", "Verify the log", ("v",), self.verify, may_verify, here),
            Action("evidence.copy", "Copy the sealed bytes", ("c",), self.panel.copy_bytes, place=here),
            Action(
                "evidence.refresh", "Show the newest", ("Ctrl+R",), lambda: self._start(self._seen_size), place=here
            ),
        )

    def _newest(self) -> None:
        self._start(self._seen_size)

    def _step(self, by: int) -> None:
        place = self.table.currentIndex().row() + by
        if 0 <= place < self.model.rowCount():
            self._select(self.pages.index_of(place))
            self.table.setFocus()
