"""The line at the bottom: what was just done, how the studio's log stands, and the key that shows all keys."""

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from ..widgets.buttons import Button
from ..widgets.layout import grow, row
from ..widgets.text import Elided, Text

STAYS_MS = 12_000


class Status(QWidget):
    """`say` shows a sentence for a while; it is read out by screen readers as the bar's name."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("status")
        self.message = Elided("", "body")
        self.message.setObjectName("message")
        self.where = Text("", "caption")
        self.keys = Button("Keys  ?", "link", name="keys", tip_text="All keys (?)")
        self._quiet = QTimer(self, singleShot=True, interval=STAYS_MS)
        self._quiet.timeout.connect(lambda: self.message.setText(""))
        self.setLayout(row(grow(self.message), self.where, self.keys, gap=4, margins=(8, 0, 6, 0)))

    def say(self, sentence: str) -> None:
        self.message.setText(sentence)
        self.setAccessibleName(sentence)
        self._quiet.start()
