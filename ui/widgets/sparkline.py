"""A small line of a number's days: 60 lines of QPainter, a tenth of a millisecond.

The line is drawn in ink. Teal fills the area below it only where the trend is positive. A day without a value leaves a
gap; a single day is a dot.
"""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ..theme import theme

Values = Sequence[int | None]


def paint_sparkline(painter: QPainter, rect: QRectF, values: Values, *, good: bool, ink: str = "muted") -> None:
    """Draws into `rect`; nothing when no value is known."""
    points = _points(rect.adjusted(2, 3, -4, -3), values)
    if not points:
        return
    current = theme.current()
    line = current.colour("teal_ink" if good else ink)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for run in points:
        path = QPainterPath(run[0])
        for point in run[1:]:
            path.lineTo(point)
        if good and len(run) > 1:
            area = QPainterPath(path)
            area.lineTo(run[-1].x(), rect.bottom())
            area.lineTo(run[0].x(), rect.bottom())
            painter.fillPath(area, current.colour("teal"))
        painter.setPen(QPen(line, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(line)
    painter.drawEllipse(points[-1][-1], 2.5, 2.5)
    painter.restore()


def _points(rect: QRectF, values: Values) -> list[list[QPointF]]:
    """Runs of neighbouring known values, as points."""
    known = [value for value in values if value is not None]
    if not known:
        return []
    low, high = min(known), max(known)
    step = rect.width() / max(1, len(values) - 1)
    runs: list[list[QPointF]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
            continue
        share = 0.5 if high == low else (value - low) / (high - low)
        runs[-1].append(QPointF(rect.left() + index * step, rect.bottom() - share * rect.height()))
    return [run for run in runs if run]


class Sparkline(QWidget):
    """The same as a widget; `spoken` is what a screen reader says of it."""

    def __init__(self, values: Values = (), *, good: bool = False, spoken: str = "") -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_values(values, good=good, spoken=spoken)

    def show_values(self, values: Values, *, good: bool, spoken: str) -> None:
        self._values, self._good = tuple(values), good
        self.setAccessibleName(spoken)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.current().unit * 30, theme.current().unit * 9)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_sparkline(painter, QRectF(self.rect()), self._values, good=self._good)
        painter.end()
