"""The shape of what is coming, while it is loaded: still bars, nothing that moves. Shown only after 150 ms."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from ..theme import theme

AFTER_MS = 150
_WIDTHS = (0.42, 0.7, 0.58, 0.64, 0.35)


class Skeleton(QWidget):
    """Blank until `reveal`."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Loading")
        self._shown = False

    def reveal(self, shown: bool) -> None:
        self._shown = shown
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._shown:
            return
        current, unit = theme.current(), theme.current().unit
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(current.colour("hover"))
        width = min(self.width() - unit * 16, unit * 220)
        painter.drawRoundedRect(QRectF(unit * 8, unit * 8, width * 0.5, unit * 6), 4, 4)
        for index, share in enumerate(_WIDTHS):
            y = unit * (20 + 8 * index)
            painter.drawRoundedRect(QRectF(unit * 8, y, width * share, unit * 3.5), 3, 3)
        painter.setPen(current.colour("muted"))
        painter.setFont(current.font("caption"))
        painter.drawText(QRectF(unit * 8, unit * 60, width, unit * 6), "Loading…")
        painter.end()
