"""The field for a reason: empty, required, never pre-filled, with a count to the ten characters that are the least."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from ..theme import theme
from .layout import STRETCH, column, row
from .text import Text

LEAST = 10
MOST = 2_000


class _Edit(QPlainTextEdit):
    """Tab leaves it; Ctrl+Enter sends."""

    sent = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and event.modifiers() & (
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.MetaModifier
        ):
            self.sent.emit()
            return
        super().keyPressEvent(event)


class Rationale(QWidget):
    """`changed` with every letter, `sent` on Ctrl+Enter."""

    changed = Signal()
    sent = Signal()

    def __init__(self, name: str, question: str = "Why? This is sealed with your name.") -> None:
        super().__init__()
        self.label = Text(question, "strong")
        self.counter = Text("", "caption")
        self.edit = _Edit()
        self.edit.setObjectName(name)
        self.edit.setTabChangesFocus(True)
        self.edit.setPlaceholderText("What you checked, and why this is right")
        self.edit.setAccessibleName("Rationale, required")
        self.label.setBuddy(self.edit)
        lines = self.edit.fontMetrics().lineSpacing() * 2
        self.edit.setFixedHeight(lines + theme.current().unit * 6)
        self.edit.textChanged.connect(self._changed)
        self.edit.sent.connect(self.sent)
        self.setLayout(column(row(self.label, STRETCH, self.counter), self.edit, gap=1))
        self._count()

    def text(self) -> str:
        return self.edit.toPlainText().strip()

    def is_enough(self) -> bool:
        return LEAST <= len(self.text()) <= MOST

    def missing(self) -> str:
        """What is missing, in words; empty when nothing is."""
        length = len(self.text())
        if length < LEAST:
            return f"Say why, in at least {LEAST} characters: {LEAST - length} to go."
        return f"At most {MOST:,} characters fit." if length > MOST else ""

    def ask(self, question: str) -> None:
        self.label.setText(question)

    def clear(self) -> None:
        self.edit.clear()

    def focus(self) -> None:
        self.edit.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _changed(self) -> None:
        self._count()
        self.changed.emit()

    def _count(self) -> None:
        length = len(self.text())
        enough = self.is_enough()
        self.counter.setText(f"✓ {length} characters" if enough else f"{length} of at least {LEAST} characters")
        self.edit.setAccessibleDescription(self.missing() or "Long enough.")
