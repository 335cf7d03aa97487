"""The log as a table, newest first, what is looked for in it, and one receipt whole beside it.

The table holds pages, never the log. What is sealed while one looks waits behind "newer ↑": rows do not move.
"""

from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView, QWidget

from ...delegates.receipt import ABOUT, KEPT, NUMBER, WHO, ReceiptDelegate
from ...models.sparse import PAGE, SparseTableModel
from ...seals import Check
from ...theme import theme
from ...widgets.layout import column, grow, row
from ...widgets.text import Text
from . import kept
from .compare import compare
from .filter_bar import FilterBar
from .pages import Filter, Pages
from .presenter import HEADINGS, cells_of, linked, raw, receipt
from .proof import proof
from .receipt_panel import COMPARED, PATH, ReceiptPanel

if TYPE_CHECKING:
    from .pane import EvidencePane


WIDE: Final = 340
"""From this width on, in units, there is room to spare."""


class ReceiptsView(QWidget):
    """Asks through its pane. `filled` when the first rows are here."""

    filled = Signal()

    def __init__(self, pane: "EvidencePane") -> None:
        super().__init__()
        self.pane, self.desk = pane, pane.desk
        self.pages = Pages(0)
        self.origin = ""
        self.log = 0  # the one that was asked for; 0 is the latest, whichever that is
        self.shown_log = 0
        self.epoch = 0
        self.seen_size = 0
        self.kept = kept.UNKNOWN
        self._index: int | None = None
        self.receipt: dict[str, Any] | None = None
        self._held: dict[str, Any] | None = None
        self._links: dict[int, tuple[str, str | None]] = {}
        self.bar = FilterBar(self.desk.now_ms)
        self.bar.changed.connect(lambda: self.start(self.seen_size))
        self.bar.newest.connect(lambda: self.start(self.seen_size))
        self.bar.turned.connect(self.turn_to)
        self.model = SparseTableModel(HEADINGS, self._ask_page, self, {KEPT: self._spoken}, self._cells)
        self.nothing = Text("Nothing fits. Look for something else, or clear the search.", "muted", wrap=True)
        self.nothing.hide()
        self.table = self._table()
        self.panel = ReceiptPanel()
        self.panel.proposal.connect(lambda id: self.desk.wanted.emit("proposals", id))
        self.panel.stream.connect(self.bar.show_stream)
        self.panel.path.connect(self._ask_path)
        self.panel.keep.connect(self.keep)
        left = column(self.nothing, grow(self.table), gap=2)
        body = row(self._boxed(left), self.panel, gap=5, centred=False)
        self.setLayout(column(self.bar, grow(body), gap=3))

    @staticmethod
    def _boxed(content: Any) -> Any:
        box = QWidget()
        box.setLayout(content)
        return grow(box)

    def _table(self) -> QTableView:
        table, unit = QTableView(), theme.current().unit
        table.setObjectName("receipts")
        table.setAccessibleName("Receipts, newest first")
        table.setModel(self.model)
        self._delegate = ReceiptDelegate(self.model, self.check_of_row, self._kept_of_row)
        table.setItemDelegate(self._delegate)
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
        table.selectionModel().currentRowChanged.connect(self._current_changed)
        return table

    # the log

    def start_over(self) -> None:
        self.pages, self.receipt, self._index, self._held = Pages(0), None, None, None
        self.bar.clear()

    def turn_to(self, log: int, index: int | None = None) -> None:
        """Shows another log of this studio, 0 for the latest, and that receipt of it."""
        self.log = log
        self.start_over()
        self._index = index
        self.pane.load()

    def sized(self, page: dict[str, Any]) -> None:
        """How large the log is, and which logs there are; one that was followed by another gives way to it."""
        if self.origin and page["origin"] != self.origin:
            index = self._index if self.receipt is None else None
            self.start_over()
            self._index = index
        self.origin, self.seen_size = page["origin"], page["size"]
        self.epoch = next((known["epoch"] for known in page["logs"] if known["log"] == page["log"]), 0)
        self.shown_log = page["log"]
        if page["logs"] and page["logs"][0]["log"] == self.log:
            self.log = 0
        self.bar.offer_logs(page["logs"], self.log)

    def start(self, size: int) -> None:
        """Draws the table anew: this many receipts, those that are looked for."""
        self.pages = Pages(size, self.bar.filter(), self.log)
        self._links.clear()
        self.model.reset(self.pages.counted)
        self.table.setColumnWidth(NUMBER, self._delegate.width(NUMBER))
        self._fit()
        self.show_counts()
        if self.pages.complete:
            self.pane.take_back_tag("seek")
            self.select(self._index)
            if self.model.rowCount():
                self.model.cells(0)
        else:
            self._seek()

    def _fit(self) -> None:
        """Names and the receipt beside the table take more where there is more."""
        unit = theme.current().unit
        wide = self.width() > unit * WIDE
        names = [person.name for person in self.desk.people] or ["a member of staff"]
        self.table.setColumnWidth(WHO, self._delegate.width_of([*names, "the engine"], unit * (50 if wide else 33)))
        self.panel.setFixedWidth(unit * (122 if wide else 98))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _seek(self) -> None:
        pages = self.pages
        self.pane.query("seek", "evidence.seek", lambda answer: self._sought(pages, answer), **pages.seek())

    def _sought(self, pages: Pages, answer: dict[str, Any]) -> None:
        if pages is not self.pages:
            return
        first = not pages.counted
        pages.found(answer)
        self.model.grow(pages.counted)
        self.show_counts()
        if first and pages.counted:
            self.model.cells(0)
        if not pages.complete:
            self._seek()

    def show_counts(self) -> None:
        self.bar.count.setText(self.pages.words())
        self.bar.show_newer(self.seen_size - self.pages.size if self.pages.size else 0)
        nothing = self.pages.complete and bool(self.pages.filter) and not self.pages.counted
        self.nothing.setVisible(nothing)

    def _ask_page(self, page: int) -> None:
        pages = self.pages
        name, params = pages.question(page)
        self.pane.ask(
            f"page-{page}",
            "query",
            {"name": name, "params": params},
            lambda answer: pages is self.pages and self.put(page, answer),
            lambda error: self.model.missed(page),
        )

    def put(self, page: int, answer: dict[str, Any]) -> None:
        self.model.put(page, [raw(row_) for row_ in answer["rows"]])
        if self.pages.filter == Filter(stream=self.pages.filter.stream):  # else neighbours here are none there
            self._links |= {
                page * PAGE + place: (row_["seal"], row_["prev"]) for place, row_ in enumerate(answer["rows"])
            }
            self.bar.show_linked(linked(self._links) if self.pages.filter else "")
        self.filled.emit()
        if page == 0:
            self.select(self._index, first=True)

    def select(self, index: int | None, *, first: bool = False) -> None:
        place = None if index is None else self.pages.row_of(index)
        if place is None and first and self.model.rowCount() and (self.receipt is None or self.pages.filter):
            place = 0
        if place is not None:
            where = self.model.index(place, 0)
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.table.selectionModel().setCurrentIndex(where, flags)
            self.table.scrollTo(where)

    def step(self, by: int) -> None:
        place = self.table.currentIndex().row() + by
        if 0 <= place < self.model.rowCount():
            self.select(self.pages.index_of(place))
            self.table.setFocus()

    def _current_changed(self, current: QModelIndex, previous: QModelIndex) -> None:
        index = self.pages.index_of(current.row()) if current.isValid() else None
        if index is not None and index != (self.receipt or {}).get("index"):
            self.load_receipt(index)

    def show_record(self, index: int) -> None:
        self._index = index
        if self.pages.filter and self.pages.row_of(index) is None:
            self.bar.clear()
            self.start(self.seen_size)
        elif index >= self.pages.size and self.pages.size:
            self.start(max(self.seen_size, index + 1))
        self.load_receipt(index)
        self.select(index)

    # one receipt

    def load_receipt(self, index: int) -> None:
        self._index = index
        self.pane.query("receipt", "evidence.one", self._take_receipt, index=index, log=self.log)

    def _take_receipt(self, found: dict[str, Any] | None) -> None:
        if found is None:
            self.desk.said.emit("That receipt is not in this studio's log.")
            return
        self.receipt = found
        self.desk.seals.check(found["origin"], found)
        self.show_receipt()
        self.panel.show_proof(None, "The path is being asked for.")
        if self.panel.tabs.currentIndex() == PATH:
            self._ask_path()
        if self._held is not None and self._held["index"] != found["index"]:
            self.panel.show_comparison(compare(self._held, found))
            self.panel.open_tab(COMPARED)
        self.desk.moved.emit("seals", None)

    def show_receipt(self) -> None:
        if self.receipt is not None:
            view = receipt(self.receipt, self.desk.titles, self.desk.person, self.desk.zone, self.desk.reason)
            check = self.desk.seals.of(self.receipt["origin"], self.receipt["index"])
            self.panel.show_receipt(view, check, self.receipt["body"])
            self._show_kept()

    def show_check(self) -> None:
        self.table.viewport().update()
        if self.panel.view is not None and self.receipt is not None:
            self.panel.show_check(self.desk.seals.of(self.receipt["origin"], self.receipt["index"]))

    def _show_kept(self) -> None:
        if self.receipt is not None:
            cover = self.receipt["checkpoint"]
            own = self.kept if self.receipt["origin"] == self.origin else kept.UNKNOWN
            size = None if cover is None else int(cover["size"])
            self.panel.show_kept(kept.lines(own, self.receipt["index"], size))

    def take_anchors(self, anchors: dict[str, Any]) -> None:
        found = kept.kept(anchors, self.origin)
        if found != self.kept:
            self.kept = found
            self.table.viewport().update()
            self._show_kept()

    def _ask_path(self) -> None:
        if self.receipt is not None:
            index = self.receipt["index"]
            args = {"name": "evidence.proof", "params": {"index": index, "epoch": self.epoch}}
            self.pane.ask("path", "query", args, lambda answer: self._take_path(index, answer), self._no_path)

    def _take_path(self, index: int, answer: dict[str, Any]) -> None:
        if self.receipt is not None and self.receipt["index"] == index:
            self.panel.show_proof(proof(answer, self.receipt["seal"]))

    def _no_path(self, error: dict[str, Any]) -> None:
        from ... import words

        self.panel.show_proof(None, " ".join(words.fault(error)))

    def keep(self) -> None:
        """Holds the receipt that is shown, or lets go of the one that is held."""
        if self._held is not None or self.receipt is None:
            self._held = None
            self.panel.show_keeping(None)
            self.panel.show_comparison(None)
            return
        self._held = self.receipt
        self.panel.show_keeping(self.receipt["index"])
        self.panel.show_comparison(None, f"#{self.receipt['index']:,} is held. Choose another receipt.")
        self.desk.said.emit(f"Receipt {self.receipt['index']:,} is held: choose another one to compare it with.")

    # rows

    def check_of_row(self, row_: int) -> Check:
        index = self.pages.index_of(row_)
        return Check.UNCHECKED if index is None else self.desk.seals.of(self.origin, index)

    def _kept_of_row(self, row_: int) -> tuple[bool, ...]:
        index = self.pages.index_of(row_)
        return self.kept.states(index if index is not None else 1 << 60)

    def _cells(self, flat: tuple[Any, ...]) -> tuple[str, ...]:
        return cells_of(flat, self.desk.titles, self.desk.person, self.desk.zone)

    def _spoken(self, row_: int) -> str:
        return kept.spoken(self._kept_of_row(row_))
