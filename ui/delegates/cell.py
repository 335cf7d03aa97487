"""Paints a Cell: its text in its ink, mono or bold, wrapped where there is no room, in a pill if it has one."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from ..models.cells import CELL, Cell
from ..theme import theme
from ..widgets.chip import paint_pill

Index = QModelIndex | QPersistentModelIndex
WRAP = Qt.TextFlag.TextWordWrap | Qt.TextFlag.TextWrapAnywhere


class CellDelegate(QStyledItemDelegate):
    """For tables of a CellModel. `lines` is how many lines a cell may wrap to."""

    def __init__(self, lines: int = 6) -> None:
        super().__init__()
        self._lines = lines

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        cell: Cell | None = index.data(CELL)
        if cell is None:
            return
        current = theme.current()
        table = option.widget  # asked itself: the option's state is told in QStyle, which takes 8 ms to come alive
        selected = table.selectionModel().isSelected(index)
        painter.save()
        if selected:
            painter.fillRect(option.rect, current.colour("selected"))
        if table.hasFocus() and table.currentIndex() == index:
            painter.setPen(current.colour("focus"))
            painter.drawRect(option.rect.adjusted(0, 0, -1, -1))
        font = _font(cell)
        metrics = QFontMetrics(font)
        space = self._inner(option.rect)
        ink = cell.ink
        align = Qt.AlignmentFlag.AlignRight if cell.right else Qt.AlignmentFlag.AlignLeft
        if cell.pill:
            width = metrics.horizontalAdvance(cell.text) + current.unit * 4
            pill = QRectF(space.left(), space.top() - 2, min(width, space.width()), metrics.height() + 4)
            ink = paint_pill(painter, pill, cell.pill, outlined=False)
            space = space.adjusted(current.unit * 2, 0, 0, 0)
        painter.setFont(font)
        painter.setPen(current.colour(ink))
        text = cell.text
        if metrics.boundingRect(QRect(0, 0, space.width(), 0), int(WRAP), text).height() > space.height():
            text = metrics.elidedText(text.replace("\n", " "), Qt.TextElideMode.ElideRight, self._fits(space, metrics))
        painter.drawText(space, int(WRAP | align | Qt.AlignmentFlag.AlignTop), text)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        cell: Cell | None = index.data(CELL)
        if cell is None:
            return QSize()
        metrics = QFontMetrics(_font(cell))
        width = max(1, self._inner(option.rect).width()) if option.rect.isValid() else 10_000
        bound = metrics.boundingRect(QRect(0, 0, width, 0), int(WRAP), cell.text)
        height = min(bound.height(), self._lines * metrics.lineSpacing())
        unit = theme.current().unit
        pill = unit * 4 if cell.pill else 0
        return QSize(metrics.horizontalAdvance(cell.text) + unit * 4 + pill, height + unit * 2 + 2)

    def _inner(self, rect: QRect) -> QRect:
        unit = theme.current().unit
        return rect.adjusted(unit, unit + 1, -unit, -unit - 1)

    def _fits(self, space: QRect, metrics: QFontMetrics) -> int:
        lines = max(1, space.height() // metrics.lineSpacing())
        return int(space.width() * lines * 0.94)


def _font(cell: Cell) -> QFont:
    return theme.current().font("caption" if cell.mono else "body", bold=cell.bold, mono=cell.mono)
