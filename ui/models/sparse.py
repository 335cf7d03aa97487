"""A table of any length of which only pages are here: the row count is exact, a row is a ready tuple of texts or None.

A row may come as something else (flat and small): then it is made into its texts when it is first looked at, since most
rows of a page never are.

`cells(row)` asks for a missing page once and answers None until it comes. The last 64 pages stay. Scrolling fetches one
page ahead in its direction. There is no fetchMore (the scroll bar would lie) and no proxy (sorting and filtering are
questions to the engine).
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

PAGE: Final = 200
PAGES: Final = 64

Index = QModelIndex | QPersistentModelIndex
Cells = tuple[str, ...]


class SparseTableModel(QAbstractTableModel):
    """`ask(page)` is called for a page that is wanted; whoever answers calls `put(page, rows)`."""

    def __init__(
        self,
        headings: Sequence[str],
        ask: Callable[[int], None],
        parent: QObject | None = None,
        spoken: Mapping[int, Callable[[int], str]] | None = None,
        make: Callable[[Any], Cells] | None = None,
    ) -> None:
        """`spoken` gives words for columns that are painted from something else than their text; `make` gives a row's
        texts when rows come raw."""
        super().__init__(parent)
        self._headings = tuple(headings)
        self._ask = ask
        self._spoken = dict(spoken or {})
        self._make = make
        self._made: dict[int, dict[int, Cells]] = {}
        self._total = 0
        self._pages: OrderedDict[int, tuple[Any, ...]] = OrderedDict()
        self._totals: dict[int, int] = {}
        self._asked: set[int] = set()
        self._last = 0

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else self._total

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._headings)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """For screen readers and tests; the delegate paints from `cells` and never comes here."""
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) or not index.isValid():
            return None
        cells = self.cells(index.row())
        if cells is not None and index.column() in self._spoken:
            return self._spoken[index.column()](index.row())
        return "…" if cells is None else cells[index.column()]

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._headings[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section == 0:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def cells(self, row: int) -> Cells | None:
        """The row's texts, or None while its page is on the way."""
        number, place = divmod(row, PAGE)
        page = self._pages.get(number)
        if page is None:
            self._want(number)
            return None
        if number != self._last:
            self._pages.move_to_end(number)
            ahead = number + (1 if number > self._last else -1)
            self._last = number
            if 0 <= ahead * PAGE < self._total and ahead not in self._pages:
                self._want(ahead)
        if place < len(page):
            return page[place] if self._make is None else self._made_of(number, place, page[place])
        if self._totals.get(number) != self._total:  # it was asked for when fewer rows were known
            self._want(number)
        return None

    def reset(self, total: int) -> None:
        """Another question: nothing that is here answers it."""
        self.beginResetModel()
        self._total, self._last = total, 0
        self._pages.clear()
        self._totals.clear()
        self._made.clear()
        self._asked.clear()
        self.endResetModel()

    def grow(self, total: int) -> None:
        """More rows at the end, known now."""
        if total > self._total:
            self.beginInsertRows(QModelIndex(), self._total, total - 1)
            self._total = total
            self.endInsertRows()

    def put(self, page: int, rows: Sequence[Any]) -> None:
        self._asked.discard(page)
        self._made.pop(page, None)
        self._pages[page] = tuple(rows)
        self._pages.move_to_end(page)
        while len(self._pages) > PAGES:
            self._made.pop(self._pages.popitem(last=False)[0], None)
        first = page * PAGE
        last = min(first + len(rows), self._total) - 1
        if last >= first:
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(self._headings) - 1))

    def reload(self) -> None:
        """Asks for every page that is here once more; what is here stays until its answer comes."""
        for page in list(self._pages):
            self._want(page)

    def missed(self, page: int) -> None:
        """The page did not come; it is asked for again when it is next wanted."""
        self._asked.discard(page)

    def loaded(self) -> int:
        return len(self._pages)

    def _made_of(self, page: int, place: int, raw: Any) -> Cells:
        made = self._made.setdefault(page, {})
        if place not in made:
            made[place] = self._make(raw)
        return made[place]

    def _want(self, page: int) -> None:
        if page not in self._asked:
            self._asked.add(page)
            self._totals[page] = self._total
            self._ask(page)
