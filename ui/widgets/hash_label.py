"""A hash on screen: shortened, in the mono face, copied whole when pressed.

Gold only where the window itself checked what it stands for (see seals.py); otherwise outlined.
"""

from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QFontMetrics, QGuiApplication, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from ..safe_text import plain, short_hash, tip
from ..seals import GLYPHS, WORDS, Check
from ..theme import icons, theme

COPIED_MS = 1_200


class HashLabel(QAbstractButton):
    """`check` is what is known of it, None for a hash that is only a name."""

    def __init__(self, what: str = "Hash", value: str = "", check: Check | None = None, *, label: str = "") -> None:
        super().__init__()
        self._what, self._label = what, label
        self.value, self.check = "", None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._copied = QTimer(self, singleShot=True, interval=COPIED_MS)
        self._copied.timeout.connect(self.update)
        self.clicked.connect(self.copy)
        self.show_hash(value, check)

    def show_hash(self, value: str | None, check: Check | None = None, *, about: str = "") -> None:
        self.value, self.check = value or "", check
        words = "" if check is None else f", {WORDS[check]}"
        self.setText(short_hash(self.value) if self.value else "none")
        self.setAccessibleName(f"{self._what} {plain(self.value) or 'none'}{words}")
        self.setAccessibleDescription(f"{plain(about)} Press to copy it whole.".strip())
        self.setToolTip(tip(f"{self._what}\n{self.value}{words}\n{about}".strip()))
        self.setEnabled(bool(self.value))
        self.updateGeometry()
        self.update()

    def copy(self) -> None:
        QGuiApplication.clipboard().setText(self.value)
        self._copied.start()
        self.update()

    def sizeHint(self) -> QSize:
        current = theme.current()
        mono, text = QFontMetrics(current.font("caption", mono=True)), QFontMetrics(current.font("caption"))
        width = mono.horizontalAdvance(self.text()) + current.unit * 9
        if self._label:
            width += text.horizontalAdvance(self._label) + current.unit * 2
        if self.check is not None:
            width += current.unit * 4
        return QSize(width, max(mono.height(), text.height()) + current.unit * 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        current, unit = theme.current(), theme.current().unit
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left = 0.0
        if self._label:
            painter.setFont(current.font("caption"))
            painter.setPen(current.colour("muted"))
            width = painter.fontMetrics().horizontalAdvance(self._label)
            painter.drawText(QRectF(0, 0, width + 2, self.height()), Qt.AlignmentFlag.AlignVCenter, self._label)
            left = width + unit * 2
        rect = QRectF(left, 0, self.width() - left, self.height()).adjusted(0.5, 0.5, -0.5, -0.5)
        radius = current.tokens.shape["radius_small"]
        gold, wrong = self.check is Check.CHECKED, self.check is Check.WRONG
        painter.setBrush(current.colour("gold") if gold else Qt.BrushStyle.NoBrush)
        edge = "focus" if self.hasFocus() else "garnet" if wrong else "line"
        painter.setPen(QPen(current.colour(edge), 2 if self.hasFocus() else 1))
        painter.drawRoundedRect(rect, radius, radius)
        ink = "on_fill" if gold else "garnet" if wrong else "ink"
        painter.setPen(current.colour(ink))
        left += unit * 2
        if self.check is not None:
            painter.setFont(current.font("caption", bold=True))
            painter.drawText(QRectF(left, 0, unit * 4, self.height()), SINGLE, GLYPHS[self.check])
            left += unit * 4
        painter.setFont(current.font("caption", mono=not self._copied.isActive()))
        text = "copied" if self._copied.isActive() else self.text()
        painter.drawText(QRectF(left, 0, self.width() - left, self.height()), SINGLE, text)
        side = unit * 3
        icons.draw(painter, "copy", QRectF(rect.right() - side - unit, (self.height() - side) / 2, side, side), ink)
        painter.end()


SINGLE = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
