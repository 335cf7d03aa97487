"""The two bands of the window that are there before anything is known: above the pane the header's, below it the
status line's. What is said in them comes later."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from ..theme import theme
from ..widgets.layout import column, grow


class Band(QWidget):
    """A strip of fixed height in a surface of the theme, with a pencil line at its lower edge if wanted."""

    def __init__(self, units: int, surface: str, *, line: bool, text: str = "") -> None:
        super().__init__()
        self._surface, self._line, self._text = surface, line, text
        self.setFixedHeight(theme.current().unit * units)

    def fill(self, content: QWidget) -> None:
        """From now on this stands in it."""
        self._text = ""
        self.setLayout(column(grow(content), gap=0))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        current = theme.current()
        painter = QPainter(self)
        painter.fillRect(self.rect(), current.colour(self._surface))
        if self._line:
            painter.setPen(QPen(current.colour("line"), 1))
            painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)
        if self._text:
            painter.setFont(current.font("title"))
            painter.setPen(current.colour("ink"))
            metrics = painter.fontMetrics()
            top = (self.height() - metrics.height()) / 2
            painter.drawText(QRectF(current.unit * 8, top, self.width(), metrics.height()), self._text)
        painter.end()
