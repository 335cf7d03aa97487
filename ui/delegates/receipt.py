"""Paints receipts straight from the model's tuples: no data() call, no string made while painting.

The seal is gold with a ✓ only where this window checked it; otherwise outlined with ○; garnet with ✗ where it is wrong.
How far a receipt is kept is four dots on a line (sealed, checkpointed, witnessed, vaulted), filled where it holds.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from ..models.sparse import SparseTableModel
from ..seals import GLYPHS, Check
from ..theme import theme
from ..words import KINDS

Index = QModelIndex | QPersistentModelIndex
LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight | Qt.TextFlag.TextSingleLine
NUMBER, WHEN, WHAT, WHO, ABOUT, KEPT, SEAL = range(7)
DOTS = 4


class ReceiptDelegate(QStyledItemDelegate):
    """`check_of(row)` is what is known of the receipt in that row, `kept_of(row)` which of the four states hold."""

    def __init__(
        self,
        model: SparseTableModel,
        check_of: Callable[[int], Check],
        kept_of: Callable[[int], tuple[bool, ...]],
    ) -> None:
        super().__init__()
        self._model, self._check_of, self._kept_of = model, check_of, kept_of
        self.dress()

    def dress(self) -> None:
        """Takes fonts and colours of the theme in force."""
        current = theme.current()
        self._unit = current.unit
        self._fonts = {False: current.font("body"), True: current.font("body", bold=True)}
        self._mono = current.font("caption", mono=True)
        self._metrics = QFontMetrics(self._fonts[False])
        self._bold_metrics = QFontMetrics(self._fonts[True])
        self._inks = {name: current.colour(name) for name in ("ink", "muted", "garnet", "on_fill")}
        self._selected, self._gold = current.colour("selected"), current.colour("gold")
        self._ground, self._dot = current.colour("surface"), QPen(current.colour("ink"), 1)
        self._line = QPen(current.colour("line"), 1)
        self._wrong = QPen(current.colour("garnet"), 1)
        self._focus = QPen(current.colour("focus"), 2)

    def width_of(self, texts: Sequence[str], most: int) -> int:
        """How wide a column has to be for these texts, and no wider than `most`."""
        return min(most, max(self._metrics.horizontalAdvance(text) for text in texts) + self._unit * 3)

    def width(self, column: int) -> int:
        """How wide a column of fixed width has to be for what it can hold."""
        if column == WHO:
            return self.width_of(["a member of staff"], self._unit * 44)
        if column == SEAL:
            return QFontMetrics(self._mono).horizontalAdvance("0" * 8) + self._unit * 10
        if column == KEPT:
            return self._unit * 3 * DOTS + self._unit * 3
        if column == WHAT:
            return max(self._bold_metrics.horizontalAdvance(f"✗ {kind}") for kind in KINDS.values()) + self._unit * 3
        sample = {NUMBER: f"{max(9_999, self._model.rowCount()):,}", WHEN: "00 Mmm, 00:00"}[column]
        return self._metrics.horizontalAdvance(sample) + self._unit * 4

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, self._metrics.height() + self._unit * 3)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row, column, rect = index.row(), index.column(), option.rect
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, self._selected)
        cells = self._model.cells(row)
        if cells is None:
            if column == WHAT:
                painter.setPen(self._inks["muted"])
                painter.drawText(rect, LEFT, "…")
            return
        space = rect.adjusted(self._unit, 0, -self._unit, 0)
        if column == SEAL:
            self._paint_seal(painter, space, cells[SEAL], self._check_of(row))
            return
        if column == KEPT:
            self._paint_kept(painter, space, self._kept_of(row))
            return
        bold = column == WHAT
        painter.setFont(self._fonts[bold])
        denied = cells[WHAT].startswith("✗")
        ink = "garnet" if bold and denied else "ink" if column in (WHAT, WHO, ABOUT) else "muted"
        painter.setPen(self._inks[ink])
        text = cells[column]
        metrics = self._bold_metrics if bold else self._metrics
        if metrics.horizontalAdvance(text) > space.width():
            text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, space.width())
        painter.drawText(space, RIGHT if column == NUMBER else LEFT, text)

    def _paint_kept(self, painter: QPainter, space: QRect, states: Sequence[bool]) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        step, radius, middle = self._unit * 3, self._unit * 0.85, space.center().y() + 0.5
        left = space.left() + radius + 1
        painter.setPen(self._line)
        painter.drawLine(QPointF(left, middle), QPointF(left + step * (len(states) - 1), middle))
        for number, holds in enumerate(states):
            painter.setPen(self._dot if holds else self._line)
            painter.setBrush(self._inks["ink"] if holds else self._ground)
            painter.drawEllipse(QPointF(left + step * number, middle), radius, radius)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_seal(self, painter: QPainter, space: QRect, text: str, check: Check) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(space.left(), space.top() + 2.5, space.width(), space.height() - 5)
        gold, wrong = check is Check.CHECKED, check is Check.WRONG
        painter.setBrush(self._gold if gold else Qt.BrushStyle.NoBrush)
        painter.setPen(self._wrong if wrong else self._line)
        painter.drawRoundedRect(rect, 5, 5)
        painter.setPen(self._inks["on_fill" if gold else "garnet" if wrong else "muted"])
        painter.setFont(self._fonts[gold])
        painter.drawText(
            QRectF(rect.left() + self._unit * 2, rect.top(), self._unit * 4, rect.height()), LEFT, GLYPHS[check]
        )
        painter.setFont(self._mono)
        painter.drawText(rect.adjusted(self._unit * 6, 0, 0, 0), LEFT, text)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
