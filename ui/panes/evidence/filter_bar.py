"""What is looked for in the log: text, kind, time, one stream. Changing it asks the engine; typing waits a moment."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from ...safe_text import plain
from ...theme import theme
from ...widgets.buttons import Button
from ...widgets.choice import Choice
from ...widgets.layout import STRETCH, column, grow, panel, row
from ...widgets.text import Elided, Text
from .pages import DAY_MS, Filter
from .presenter import KINDS, TIMES

TYPING_MS = 250


class FilterBar(QWidget):
    """`changed` when something else is looked for; `newest` when somebody wants what came meanwhile; `turned` carries
    the log that is to be shown, 0 for the latest."""

    changed = Signal()
    newest = Signal()
    turned = Signal(int)

    def __init__(self, now_ms: Callable[[], int | None]) -> None:
        super().__init__()
        self._now_ms = now_ms
        self._stream = ""
        unit = theme.current().unit
        self.text = QLineEdit()
        self.text.setObjectName("receipt-search")
        self.text.setAccessibleName("Search in the sealed bytes")
        self.text.setPlaceholderText("Search in the sealed bytes")
        self.text.setFixedWidth(unit * 62)
        self.kind = Choice("receipt-kind", "Kind of receipts")
        self.kind.offer(list(KINDS), "")
        self.time = Choice("receipt-time", "Since when")
        self.time.offer(list(TIMES), 0)
        self.log = Choice("receipt-log", "Which log: a new epoch begins a new one")
        self.log.chosen.connect(lambda log: self.turned.emit(int(log)))
        self.log.hide()
        self.count = Text("", "muted")
        self.newer = Button("", "quiet", "chevron-up", name="receipts-newer")
        self.newer.hide()
        self.stream_said = Elided("", "body")
        self.stream_linked = Text("", "muted")
        leave = Button("Whole log", "quiet", "cross", name="stream-close")
        leave.clicked.connect(lambda: self.show_stream(""))
        self._strip = panel(
            row(grow(self.stream_said), self.stream_linked, leave, gap=3, margins=(3, 1, 2, 1)), "strip", "stream-strip"
        )
        self._strip.hide()
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._typing.timeout.connect(self.changed)
        self.text.textEdited.connect(lambda _: self._typing.start())
        self.text.returnPressed.connect(self._at_once)
        self.text.textChanged.connect(lambda text: text or self._typing.start())
        self.kind.chosen.connect(lambda _: self._at_once())
        self.time.chosen.connect(lambda _: self._at_once())
        self.newer.clicked.connect(self.newest)
        first = row(self.text, self.kind, self.time, self.log, self.count, self.newer, STRETCH, gap=2)
        self.setLayout(column(first, self._strip, gap=2))

    def filter(self) -> Filter:
        """What is looked for now."""
        days, now_ms = int(self.time.currentData() or 0), self._now_ms()
        return Filter(
            kind=str(self.kind.currentData() or ""),
            text=self.text.text().strip(),
            stream=self._stream,
            since=now_ms - days * DAY_MS if days and now_ms is not None else None,
        )

    def show_stream(self, name: str) -> None:
        """Looks along one stream; an empty name goes back to the whole log."""
        if name == self._stream:
            return
        self._stream = name
        self.stream_said.setText(f"Stream {plain(name, 160)}")
        self.show_linked("")
        self._strip.setVisible(bool(name))
        self._at_once()

    def offer_logs(self, logs: list[dict[str, Any]], shown: int) -> None:
        """The logs of the studio, the latest first; there is nothing to choose while there is one."""
        items = [(f"epoch {log['epoch']}", 0 if place == 0 else log["log"]) for place, log in enumerate(logs)]
        self.log.offer(items, next((item for _, item in items if item == shown), 0))
        self.log.setVisible(len(logs) > 1)

    def show_linked(self, said: str) -> None:
        self.stream_linked.setText(said)

    def clear(self) -> None:
        """Everything is looked at again. Nothing is emitted."""
        self._typing.stop()
        for widget in (self.text, self.kind, self.time):
            widget.blockSignals(True)
        self.text.clear()
        self.kind.choose("")
        self.time.choose(0)
        for widget in (self.text, self.kind, self.time):
            widget.blockSignals(False)
        self._stream = ""
        self._strip.hide()

    def show_newer(self, number: int) -> None:
        self.newer.say(f"{number:,} newer")
        self.newer.setVisible(number > 0)

    def settle(self) -> None:
        """Nothing that was typed waits any more."""
        self._typing.stop()

    def _at_once(self) -> None:
        self._typing.stop()
        self.changed.emit()
