"""The rail: which pane is shown, and where something waits. A list to screen readers; arrows move in it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QFrame,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from ..panes.catalogue import Entry
from ..theme import icons, theme
from ..widgets.chip import paint_pill
from ..widgets.layout import column, grow

if TYPE_CHECKING:
    from PySide6.QtCore import QEvent

ICON = Qt.ItemDataRole.UserRole + 1
BADGE = Qt.ItemDataRole.UserRole + 2
ALARM = Qt.ItemDataRole.UserRole + 3
SINGLE = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine


class _Delegate(QStyledItemDelegate):
    """Asks the list itself what is chosen, hovered and focused: QStyle's flags would cost the start 4 ms."""

    def __init__(self, rail: "_List") -> None:
        super().__init__(rail)
        self._list = rail

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, theme.current().unit * 11)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        current, unit = theme.current(), theme.current().unit
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        active = index.row() == self._list.currentRow()
        rect = QRectF(option.rect).adjusted(unit * 2, 1, -unit * 2, -1)
        radius = current.tokens.shape["radius"]
        if active:
            painter.setPen(QPen(current.colour("line"), 1))
            painter.setBrush(current.colour("selected"))
            painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        elif index.row() == self._list.hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(current.colour("hover"))
            painter.drawRoundedRect(rect, radius, radius)
        if active and self._list.hasFocus():
            painter.setPen(QPen(current.colour("focus"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), radius, radius)
        side = unit * 5 + 2
        icon = QRectF(rect.left() + unit * 3, rect.center().y() - side / 2, side, side)
        icons.draw(painter, index.data(ICON), icon, "ink")
        font = current.font("body", bold=active)
        painter.setFont(font)
        painter.setPen(current.colour("ink"))
        left = int(icon.right()) + unit * 3
        painter.drawText(
            QRect(left, int(rect.top()), int(rect.right()) - left, int(rect.height())), SINGLE, index.data()
        )
        self._paint_badge(painter, rect, str(index.data(BADGE) or ""), bool(index.data(ALARM)))
        painter.restore()

    def _paint_badge(self, painter: QPainter, rect: QRectF, badge: str, alarm: bool) -> None:
        if not badge:
            return
        current, unit = theme.current(), theme.current().unit
        font = current.font("caption", bold=True)
        metrics = QFontMetrics(font)
        height = metrics.height() + 2
        width = max(height, metrics.horizontalAdvance(badge) + unit * 3)
        pill = QRectF(rect.right() - width - unit * 2, rect.center().y() - height / 2, width, height)
        ink = paint_pill(painter, pill, "danger" if alarm else "quiet")
        painter.setFont(font)
        painter.setPen(current.colour(ink if alarm else "ink"))
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, badge)


class _List(QListWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("rail")
        self.setAccessibleName("Panes")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setSpacing(1)
        self.hovered = -1
        self.entered.connect(self._hover)
        self.setItemDelegate(_Delegate(self))

    def _hover(self, index: QModelIndex) -> None:
        self.hovered = index.row()
        self.viewport().update()

    def leaveEvent(self, event: "QEvent") -> None:
        self._hover(QModelIndex())
        super().leaveEvent(event)


class _Brand(QWidget):
    """The product's mark and name."""

    def sizeHint(self) -> QSize:
        return QSize(0, theme.current().unit * 16)

    def paintEvent(self, event: QPaintEvent) -> None:
        current, unit = theme.current(), theme.current().unit
        painter = QPainter(self)
        side = unit * 6
        icons.draw(painter, "mark", QRectF(unit * 5, (self.height() - side) / 2, side, side), "ink")
        painter.setFont(current.font("lead", bold=True))
        painter.setPen(current.colour("ink"))
        space = QRectF(unit * 13, 0, self.width() - unit * 13, self.height())
        painter.drawText(space, SINGLE, "Studio Brain")
        painter.end()


class Rail(QFrame):
    """`picked` carries a pane's id."""

    picked = Signal(str)

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        super().__init__()
        self.setProperty("surface", "soft")
        self.setFixedWidth(theme.current().unit * 50)
        self.list = _List()
        self._ids = [entry.id for entry in entries]
        for number, entry in enumerate(entries, 1):
            item = QListWidgetItem(entry.title)
            item.setData(ICON, entry.icon)
            item.setToolTip(f"Ctrl+{number}, or g then {entry.letter.lower()}")
            item.setData(Qt.ItemDataRole.AccessibleTextRole, entry.title)
            self.list.addItem(item)
        self.list.currentRowChanged.connect(self._moved)
        brand = _Brand()
        brand.setFixedHeight(theme.current().unit * 16)
        self.setLayout(column(brand, grow(self.list), gap=1))

    def show_pane(self, id: str) -> None:
        self.list.setCurrentRow(self._ids.index(id))

    def badge(self, id: str, text: str, words: str = "", *, alarm: bool = False) -> None:
        """Shows a number or a sign beside a pane's name."""
        item = self.list.item(self._ids.index(id))
        item.setData(BADGE, text)
        item.setData(ALARM, alarm)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{item.text()}, {words}" if words else item.text())

    def _moved(self, row: int) -> None:
        if row >= 0:
            self.picked.emit(self._ids[row])
