"""Verify: starting it, how far it is, stopping it, and what it found, in plain words."""

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QProgressBar, QWidget

from ... import words
from ...safe_text import plain
from ...theme import theme
from ...widgets.buttons import Button
from ...widgets.layout import column, grow, panel, row
from ...widgets.text import Text
from .presenter import VerifyView

GLYPHS = {"good": "✓", "bad": "✗", "plain": "–"}


class VerifyStrip(QWidget):
    """Hidden until something was begun. `stopped` asks for the end, `entry` for the receipt that is named."""

    stopped = Signal()
    entry = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("verify-strip")
        self._view: VerifyView | None = None
        self.head = Text("", "strong", wrap=True)
        self.head.setObjectName("verify-result")
        self.lines = Text("", "caption", wrap=True)
        self.bar = QProgressBar()
        self.bar.setObjectName("verify-progress")
        self.bar.setAccessibleName("How far the verification is")
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(theme.current().unit * 60)
        self.stop = Button("Stop", name="verify-stop")
        self.stop.clicked.connect(self.stopped)
        self.open = Button("Show the entry", name="verify-entry")
        self.open.clicked.connect(lambda: self._view is not None and self.entry.emit(self._view.index or 0))
        self.copy = Button("Copy", "quiet", "copy", name="verify-copy")
        self.copy.clicked.connect(
            lambda: QGuiApplication.clipboard().setText(f"{self.head.text()}\n{self.lines.text()}")
        )
        self.close_button = Button("Close", "quiet", "cross", name="verify-close")
        self.close_button.clicked.connect(self.hide)
        texts = panel(column(self.head, self.lines, gap=1), "clear")
        body = row(
            grow(texts), self.bar, self.stop, self.open, self.copy, self.close_button, gap=2, margins=(4, 3, 4, 3)
        )
        self.setLayout(column(panel(body, "strip"), gap=0))
        self.hide()

    def show_running(self) -> None:
        self._parts(running=True)
        self.head.setText("The log is being verified from its stored bytes…")
        self.lines.setText("Hashes, chains, tiles, signed checkpoints, then the gateway's rows.")
        self.bar.setRange(0, 0)
        self.show()

    def show_progress(self, data: dict[str, Any]) -> None:
        total = int(data["total"])
        self.bar.setRange(0, max(1, total))
        self.bar.setValue(int(data["done"]))
        self.lines.setText(
            f"{plain(data['origin'], 120)}: {int(data['done']):,} of {words.count(total, 'entry', 'entries')}"
        )

    def show_result(self, view: VerifyView) -> None:
        self._view = view
        self._parts(running=False)
        self.head.setText(f"{GLYPHS[view.tone]}  {view.head}")
        self.head.set_role({"bad": "danger"}.get(view.tone, "strong"))
        self.lines.setText("\n".join(view.lines))
        self.lines.setVisible(bool(view.lines))
        self.open.setVisible(view.index is not None)
        self.show()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(f"{self.head.text()}\n{self.lines.text()}")

    def _parts(self, *, running: bool) -> None:
        self.head.set_role("strong")
        self.lines.show()
        for widget in (self.bar, self.stop):
            widget.setVisible(running)
        for button in (self.copy, self.close_button):
            button.setVisible(not running)
        self.open.hide()
