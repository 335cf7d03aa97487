"""A risk as a sign: a glyph, a word, an outline. It is loud only where it is high."""

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QWidget

from ..theme import theme
from .chip import Chip, paint_pill

GLYPHS = {"low": "·", "medium": "◆", "high": "▲", "critical": "▲▲"}
TONES = {"low": "quiet", "medium": "plain", "high": "danger", "critical": "danger"}


def risk_words(risk: str) -> str:
    return f"{risk} risk"


def paint_risk(painter: QPainter, rect: QRect, risk: str) -> int:
    """Draws the sign at the left of `rect`, as tall as it; returns its width."""
    current = theme.current()
    font = current.font("caption", bold=True)
    metrics = QFontMetrics(font)
    text = f"{GLYPHS.get(risk, '?')} {risk}"
    width = metrics.horizontalAdvance(text) + current.unit * 4
    painter.save()
    pill = QRectF(rect.left(), rect.top() - 1, width, rect.height() + 2)
    ink = paint_pill(painter, pill, TONES.get(risk, "plain"))
    painter.setFont(font)
    painter.setPen(current.colour(ink))
    painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
    return width


class RiskChip(Chip):
    def __init__(self, risk: str = "low", parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.show_risk(risk)

    def show_risk(self, risk: str) -> None:
        self.show_text(f"{GLYPHS.get(risk, '?')} {risk_words(risk)}", TONES.get(risk, "plain"))
