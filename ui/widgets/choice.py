"""A choice among a few: a combo box with a chevron of its own, which tells persons from program."""

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QWidget

from ..safe_text import plain
from ..theme import icons, theme


class Choice(QComboBox):
    """A combo box. `chosen` carries the data of what a person chose; setting it from code emits nothing."""

    chosen = Signal(object)

    def __init__(self, name: str, accessible: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.activated.connect(lambda index: self.chosen.emit(self.itemData(index)))

    def offer(self, items: list[tuple[str, object]], chosen: object = None) -> None:
        """Puts in (text, data) pairs; keeps what is chosen where it is still offered."""
        keep = chosen if chosen is not None else self.currentData()
        self.blockSignals(True)
        if items != [(self.itemText(index), self.itemData(index)) for index in range(self.count())]:
            self.clear()
            for text, data in items:
                self.addItem(plain(text), data)
        self.choose(keep)
        self.blockSignals(False)

    def choose(self, data: object) -> None:
        for index in range(self.count()):
            if self.itemData(index) == data:
                self.setCurrentIndex(index)
                return

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        side = theme.current().unit * 3
        x = self.width() - side - theme.current().unit * 2
        if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
            x = theme.current().unit * 2
        painter = QPainter(self)
        rect = QRect(x, (self.height() - side) // 2, side, side)
        icons.draw(painter, "chevron-down", rect, "ink" if self.isEnabled() else "muted")
        painter.end()
