"""A table as tall as what it holds: no scroll bars of its own, no grid, one pencil line below the headings."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableView

from ..delegates.cell import CellDelegate
from ..models.cells import Cell, CellModel
from ..theme import theme


class CompactTable(QTableView):
    """`stretch` names the columns that share the room; the others are as wide as their content."""

    def __init__(self, name: str, accessible: str, headings: Sequence[str], stretch: Sequence[int] = (0,)) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self.cells = CellModel(headings, self)
        self.setModel(self.cells)
        self._delegate = CellDelegate()
        self.setItemDelegate(self._delegate)
        self.setShowGrid(False)
        self.setWordWrap(True)
        self.verticalHeader().hide()
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setTabKeyNavigation(False)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setMinimumSectionSize(theme.current().unit * 8)
        for section in range(len(headings)):
            mode = QHeaderView.ResizeMode.Stretch if section in stretch else QHeaderView.ResizeMode.ResizeToContents
            header.setSectionResizeMode(section, mode)

    def show_rows(self, rows: Sequence[Sequence[Cell]], headings: Sequence[str] | None = None) -> None:
        """Measuring is the dear part: what is shown already is left alone."""
        same = self.cells.rows == tuple(tuple(row) for row in rows)
        if not same or (headings is not None and self.cells.headings != tuple(headings)):
            self.cells.show_rows(rows, headings)
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def _fit(self) -> None:
        self.resizeRowsToContents()
        self.setFixedHeight(self.sizeHint().height())

    def sizeHint(self) -> QSize:
        rows = sum(self.rowHeight(row) for row in range(self.cells.rowCount()))
        return QSize(theme.current().unit * 60, self.horizontalHeader().sizeHint().height() + rows + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.current().unit * 40, self.sizeHint().height())
