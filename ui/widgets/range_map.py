"""A log as a bar: which of its entries are ok, altered, missing, erased, or not looked at yet.

A state is a colour and a pattern, and stands in words beside the bar. What is wrong is never thinner than three pixels,
however long the log is. Gold (ok) is for what this session has swept; an older sweep's ok is drawn without it.
"""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ..theme import theme

LEAST: Final = 3.0
ORDER: Final = ("unswept", "ok", "erased", "missing", "altered")
"""What is painted later lies above."""


class RangeMap(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._ranges: Sequence[tuple[int, int, str]] = ()
        self._fresh = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_ranges(self, name: str, ranges: Sequence[tuple[int, int, str]], spoken: str, *, fresh: bool) -> None:
        """Half-open ranges of entries with their states."""
        self._ranges, self._fresh = tuple(ranges), fresh
        self.setAccessibleName(f"{name}: {spoken}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.current().unit * 80, theme.current().unit * 7)

    minimumSizeHint = sizeHint

    def paintEvent(self, event: QPaintEvent) -> None:
        current = theme.current()
        painter = QPainter(self)
        whole = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        total = max((end for _, end, _ in self._ranges), default=0)
        painter.fillRect(whole, current.colour("field"))
        for state in ORDER:
            for first, end, found in self._ranges:
                if found == state and total:
                    left = whole.left() + whole.width() * first / total
                    width = whole.width() * (end - first) / total
                    if state in ("altered", "missing", "erased"):
                        width = max(width, LEAST)
                        left = min(left, whole.right() - width)
                    paint_state(painter, QRectF(left, whole.top(), width, whole.height()), state, fresh=self._fresh)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(current.colour("line"), 1))
        painter.drawRect(whole)
        painter.end()


def paint_state(painter: QPainter, rect: QRectF, state: str, *, fresh: bool) -> None:
    """Fills a piece of a bar, or the sample of a legend."""
    current = theme.current()
    if state == "ok":
        painter.fillRect(rect, current.colour("gold" if fresh else "soft"))
        if not fresh:
            painter.fillRect(rect, QBrush(current.colour("line"), Qt.BrushStyle.Dense6Pattern))
    elif state == "altered":
        painter.fillRect(rect, current.colour("garnet"))
    elif state == "missing":
        painter.fillRect(rect, current.colour("field"))
        painter.fillRect(rect, QBrush(current.colour("garnet"), Qt.BrushStyle.BDiagPattern))
        painter.setPen(QPen(current.colour("garnet"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(rect.adjusted(0.5, 0.5, -0.5, -0.5))
    elif state == "erased":
        painter.fillRect(rect, current.colour("soft"))
        painter.fillRect(rect, QBrush(current.colour("muted"), Qt.BrushStyle.DiagCrossPattern))


class Legend(QWidget):
    """The five states, each with its sample."""

    WORDS: Final = ("ok", "altered", "missing", "erased", "unswept")

    def __init__(self) -> None:
        super().__init__()
        self.fresh = True
        self.setAccessibleName("ok, altered, missing, erased, unswept")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_fresh(self, fresh: bool) -> None:
        self.fresh = fresh
        self.update()

    def sizeHint(self) -> QSize:
        metrics, unit = QFontMetrics(theme.current().font("caption")), theme.current().unit
        width = sum(metrics.horizontalAdvance(word) + unit * 10 for word in self.WORDS)
        return QSize(width, metrics.height() + unit)

    def paintEvent(self, event: QPaintEvent) -> None:
        current, unit = theme.current(), theme.current().unit
        painter = QPainter(self)
        painter.setFont(current.font("caption"))
        left, metrics = 0.0, QFontMetrics(current.font("caption"))
        side = unit * 3.5
        for word in self.WORDS:
            sample = QRectF(left, (self.height() - side) / 2, side, side)
            painter.fillRect(sample, current.colour("field"))
            paint_state(painter, sample, word, fresh=self.fresh)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(current.colour("line"), 1))
            painter.drawRect(sample)
            painter.setPen(current.colour("ink"))
            width = metrics.horizontalAdvance(word)
            space = QRectF(left + side + unit * 1.5, 0, width + 2, self.height())
            painter.drawText(space, Qt.AlignmentFlag.AlignVCenter, word)
            left += width + unit * 10
        painter.end()
