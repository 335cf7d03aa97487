"""Labels. Whatever they are given is text: never markup, whoever wrote it.

`Text` wraps if asked to; `Elided` stays on one line and gives its whole text as tooltip and to screen readers.
"""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from ..safe_text import breakable, tip


class Text(QLabel):
    """A label of a role: caption, muted, body, lead, title, headline, strong, overline, mono, danger, good."""

    def __init__(self, text: str = "", role: str = "body", *, wrap: bool = False, selectable: bool = False) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        if wrap:
            self.setWordWrap(True)
            policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
            policy.setHeightForWidth(True)
            self.setSizePolicy(policy)
        if selectable:
            self.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )

        self.setText(text)

    def setText(self, text: str) -> None:
        """A text that wraps may break its longest words; it never widens what it stands in."""
        super().setText(breakable(text) if self.wordWrap() else text)

    def set_role(self, role: str) -> None:
        """Dresses it anew when the role is another one."""
        if self.property("role") != role:
            self.setProperty("role", role)
            repolish(self)


class Elided(Text):
    """One line that ends in an ellipsis where there is no room."""

    def __init__(
        self, text: str = "", role: str = "body", mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight
    ) -> None:
        super().__init__("", role)
        self._mode = mode
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def setText(self, text: str) -> None:
        super().setText(text)
        self.setToolTip(tip(text))

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.text()) + 2, metrics.height())

    def minimumSizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(min(metrics.averageCharWidth() * 4, self.sizeHint().width()), metrics.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.text():
            return
        painter = QPainter(self)
        shown = self.fontMetrics().elidedText(self.text(), self._mode, self.width())
        align = Qt.AlignmentFlag.AlignVCenter | (self.alignment() & Qt.AlignmentFlag.AlignHorizontal_Mask)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), align | Qt.TextFlag.TextSingleLine, shown)
        painter.end()

    def is_elided(self) -> bool:
        return self.sizeHint().width() > self.width()


def repolish(widget: QWidget) -> None:
    """Applies the style sheet again after a dynamic property has changed."""
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)
    widget.update()
