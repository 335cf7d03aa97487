"""What was found about a receipt file that somebody gave: what it shows, on whose word, and what it does not show."""

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from ...safe_text import plain
from ...widgets.buttons import Button
from ...widgets.layout import column, grow, panel, row
from ...widgets.text import Text
from .presenter import VerifyView, checked_file


class FileStrip(QWidget):
    """Hidden until a file was checked. `entry` asks for the receipt in this log that the file is about."""

    entry = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("file-strip")
        self._view: VerifyView | None = None
        self.head = Text("", "strong", wrap=True)
        self.head.setObjectName("file-result")
        self.lines = Text("", "caption", wrap=True)
        self.open = Button("Show the entry", name="file-entry")
        self.open.clicked.connect(self._open)
        copy = Button("Copy", "quiet", "copy", name="file-copy")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(f"{self.head.text()}\n{self.lines.text()}"))
        close = Button("Close", "quiet", "cross", name="file-close")
        close.clicked.connect(self.hide)
        texts = panel(column(self.head, self.lines, gap=1), "clear")
        body = row(grow(texts), self.open, copy, close, gap=2, margins=(4, 3, 4, 3))
        self.setLayout(column(panel(body, "strip"), gap=0))
        self.hide()

    def show_found(self, name: str, found: dict[str, Any]) -> None:
        self._show(checked_file(name, found))

    def show_fault(self, name: str, what: str, remedy: str) -> None:
        self._show(VerifyView(f"{plain(name, 80)} proves nothing. {what}", (remedy,), "bad"))

    def _show(self, view: VerifyView) -> None:
        self._view = view
        glyph = {"good": "✓", "bad": "✗", "plain": "○"}[view.tone]
        self.head.setText(f"{glyph}  {view.head}")
        self.head.set_role("danger" if view.tone == "bad" else "strong")
        self.lines.setText("\n".join(line for line in view.lines if line))
        self.open.setVisible(view.index is not None)
        self.show()

    def _open(self) -> None:
        if self._view is not None and self._view.index is not None:
            self.entry.emit(self._view.index)
