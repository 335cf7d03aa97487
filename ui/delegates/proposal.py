"""Paints one line of the queue: what, how risky, why, by whom, and how long it still waits."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from ..models.queue import VIEW
from ..theme import theme
from ..widgets.risk import paint_risk

Index = QModelIndex | QPersistentModelIndex
SINGLE = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight | Qt.TextFlag.TextSingleLine
SIGNS = {
    "approved": "✓",
    "executed": "✓",
    "rejected": "✗",
    "failed": "✗",
    "refused": "✗",
    "unknown": "?",
    "executing": "●",
    "expired": "◷",
    "rolled_back": "↩",
    "withdrawn": "↩",
}


class ProposalDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        current = theme.current()
        body, caption = QFontMetrics(current.font("body", bold=True)), QFontMetrics(current.font("caption"))
        return QSize(0, body.height() + caption.height() * 2 + current.unit * 8)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        view = index.data(VIEW)
        if view is None:
            return
        current, unit = theme.current(), theme.current().unit
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        rect = option.rect.adjusted(0, unit // 2, -unit, -(unit // 2))
        self._paint_body(painter, rect, option, selected)
        inner = rect.adjusted(unit * 4, unit * 2 + unit // 2, -unit * 3, -unit * 2)
        bold, caption = QFontMetrics(current.font("body", bold=True)), QFontMetrics(current.font("caption"))
        risk = paint_risk(painter, QRect(inner.left(), inner.top(), 0, bold.height()), view.risk)
        left = inner.left() + risk + unit * 2
        painter.setFont(current.font("body", bold=True))
        painter.setPen(current.colour("ink"))
        width = inner.right() - left
        line = QRect(left, inner.top(), width, bold.height())
        painter.drawText(line, SINGLE, bold.elidedText(view.title, Qt.TextElideMode.ElideRight, width))
        painter.setFont(current.font("caption"))
        y = line.bottom() + unit
        about = QRect(inner.left(), y, inner.width(), caption.height())
        painter.drawText(about, SINGLE, caption.elidedText(view.about, Qt.TextElideMode.ElideRight, about.width()))
        painter.setPen(current.colour("muted"))
        y = about.bottom() + unit
        sign = SIGNS.get(view.state, "")
        state = f"{sign} {view.state_words}".strip()
        right = f"{state}  ·  {view.left}" if view.left else state
        taken = caption.horizontalAdvance(right)
        below = QRect(inner.left(), y, inner.width() - taken - unit * 2, caption.height())
        painter.drawText(below, SINGLE, caption.elidedText(view.who, Qt.TextElideMode.ElideRight, below.width()))
        painter.drawText(QRect(inner.right() - taken - 2, y, taken + 2, caption.height()), RIGHT, right)
        painter.restore()

    def _paint_body(self, painter: QPainter, rect: QRect, option: QStyleOptionViewItem, selected: bool) -> None:
        current = theme.current()
        radius = current.tokens.shape["radius"]
        fill = "selected" if selected else "hover" if option.state & QStyle.StateFlag.State_MouseOver else "soft"
        painter.setBrush(current.colour(fill))
        focused = option.state & QStyle.StateFlag.State_HasFocus
        pen = QPen(current.colour("focus"), 2) if focused else QPen(current.colour("line"), 1)
        painter.setPen(pen if selected or focused else Qt.PenStyle.NoPen)
        painter.drawRoundedRect(QRectF(rect).adjusted(1, 1, -1, -1), radius, radius)
