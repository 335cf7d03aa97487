"""A chip: a glyph and a word in a pill. The word carries the meaning; the colour only repeats it.

Tones: `quiet` (no fill), `plain`, `gold` (verified just now), `teal` (positive), `danger`, `nacre` (active).
"""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from ..safe_text import plain, tip
from ..theme import icons, theme

FILLS = {"gold": "gold", "teal": "teal", "nacre": "nacre", "plain": "soft"}
INKS = {"gold": "on_fill", "teal": "on_fill", "nacre": "on_fill", "danger": "garnet", "quiet": "muted"}


def paint_pill(painter: QPainter, rect: QRectF, tone: str, *, outlined: bool = True) -> str:
    """Draws the pill's body; returns the name of the ink that goes on it."""
    current = theme.current()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    fill = FILLS.get(tone)
    painter.setBrush(current.colour(fill) if fill else Qt.BrushStyle.NoBrush)
    edge = "garnet" if tone == "danger" else "line"
    painter.setPen(QPen(current.colour(edge), 1) if outlined else Qt.PenStyle.NoPen)
    radius = rect.height() / 2
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
    return INKS.get(tone, "ink")


class Chip(QAbstractButton):
    """Pressable when `press` is true; otherwise it is a label with a shape."""

    def __init__(
        self, text: str = "", tone: str = "quiet", *, icon: str = "", press: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._icon, self._tone, self._press = icon, tone, press
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if press else Qt.FocusPolicy.NoFocus)
        if press:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.show_text(text, tone)

    def show_text(self, text: str, tone: str = "", *, about: str = "", icon: str = "") -> None:
        self._tone, self._icon = tone or self._tone, icon or self._icon
        self.setText(plain(text))
        self.setAccessibleName(plain(text))
        self.setAccessibleDescription(plain(about))
        self.setToolTip(tip(about))
        self.updateGeometry()
        self.update()

    @property
    def tone(self) -> str:
        return self._tone

    def _font(self):
        return theme.current().font("caption", bold=self._tone not in ("quiet",))

    def sizeHint(self) -> QSize:
        from PySide6.QtGui import QFontMetrics

        unit, metrics = theme.current().unit, QFontMetrics(self._font())
        icon = unit * 5 if self._icon else 0
        return QSize(metrics.horizontalAdvance(self.text()) + icon + unit * 5, metrics.height() + unit * 3)

    def paintEvent(self, event: QPaintEvent) -> None:
        current = theme.current()
        painter = QPainter(self)
        rect = QRectF(self.rect())
        ink = paint_pill(painter, rect, self._tone)
        if self.underMouse() and self._press:
            painter.setPen(QPen(current.colour(ink), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(0.75, 0.75, -0.75, -0.75), rect.height() / 2, rect.height() / 2)
        if self.hasFocus():
            painter.setPen(QPen(current.colour("focus"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), rect.height() / 2, rect.height() / 2)
        left = current.unit * 2.5
        if self._icon:
            side = current.unit * 4
            icons.draw(painter, self._icon, QRectF(left - 1, (rect.height() - side) / 2, side, side), ink)
            left += current.unit * 5
        painter.setFont(self._font())
        painter.setPen(current.colour(ink))
        space = QRectF(left, 0, rect.width() - left - current.unit * 2, rect.height())
        painter.drawText(space, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, self.text())
        painter.end()
