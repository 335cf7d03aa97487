"""The stages of an execution in a row: which are done, which is under way, which went wrong. Words below each sign."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ..theme import theme

GLYPHS = {"done": "✓", "now": "●", "wrong": "✗", "unknown": "?", "next": ""}


@dataclass(frozen=True, slots=True)
class Step:
    """`state` is done, now, wrong, unknown or next; `when` is a time of day or empty."""

    title: str
    state: str
    when: str = ""


class Stepper(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._steps: tuple[Step, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_steps(self, steps: Sequence[Step]) -> None:
        self._steps = tuple(steps)
        words = {"done": "done", "now": "under way", "wrong": "went wrong", "unknown": "not known", "next": "to come"}
        self.setAccessibleName("; ".join(f"{step.title}: {words[step.state]} {step.when}".strip() for step in steps))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        current = theme.current()
        return QSize(current.unit * 80, current.unit * 7 + QFontMetrics(current.font("caption")).height() * 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._steps:
            return
        current, unit = theme.current(), theme.current().unit
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width, side = self.width() / len(self._steps), unit * 5
        caption = QFontMetrics(current.font("caption"))
        for index, step in enumerate(self._steps):
            left = index * width
            ring = QRectF(left + 1, 1, side, side)
            if index + 1 < len(self._steps):
                reached = self._steps[index + 1].state != "next"
                style = Qt.PenStyle.SolidLine if reached else Qt.PenStyle.DotLine
                painter.setPen(QPen(current.colour("line"), 1.5, style))
                painter.drawLine(int(ring.right() + unit), int(side / 2), int(left + width - unit), int(side / 2))
            self._paint_ring(painter, ring, step)
            painter.setFont(current.font("caption", bold=step.state == "now"))
            painter.setPen(current.colour("muted" if step.state == "next" else "ink"))
            title = caption.elidedText(step.title, Qt.TextElideMode.ElideRight, int(width) - unit)
            painter.drawText(QRectF(left, side + unit, width, caption.height()), title)
            painter.setFont(current.font("caption"))
            painter.setPen(current.colour("muted"))
            painter.drawText(QRectF(left, side + unit + caption.height(), width, caption.height()), step.when)
        painter.end()

    def _paint_ring(self, painter: QPainter, ring: QRectF, step: Step) -> None:
        current = theme.current()
        ink = {"wrong": "garnet", "unknown": "garnet", "next": "line"}.get(step.state, "ink")
        painter.setPen(QPen(current.colour(ink), 2 if step.state == "now" else 1.5))
        painter.setBrush(current.colour("nacre") if step.state == "now" else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(ring)
        painter.setPen(current.colour("on_fill" if step.state == "now" else ink))
        painter.setFont(current.font("caption", bold=True))
        painter.drawText(ring, Qt.AlignmentFlag.AlignCenter, GLYPHS[step.state])
