"""Connectors: how each way to something outside is, when it was last met, and what to do where it is not well."""

from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame, QGridLayout, QWidget

from ... import words
from ...actions import Action
from ...desk import Desk
from ...theme import theme
from ...widgets.buttons import Button
from ...widgets.chip import Chip
from ...widgets.layout import STRETCH, column, grow, panel, row
from ...widgets.scroll import Scroll
from ...widgets.sparkline import Sparkline
from ...widgets.text import Text
from ..base import Pane
from .presenter import ConnectorView, present, summary

POLL_MS = 5_000
SAMPLES = 60
AT_LEAST = 3


class _Card(QFrame):
    """One connector."""

    def __init__(self, id: str) -> None:
        super().__init__()
        self.setObjectName(f"connector-{id}")
        self.setProperty("surface", "card")
        self._checked = ""
        self._samples: list[int | None] = []
        self.name = Text("", "title")
        self.about = Text("", "muted", wrap=True)
        self.state = Chip()
        self.spark = Sparkline()
        self.spark.setFixedWidth(theme.current().unit * 50)
        self.spark_words = Text("latency since this window opened", "caption")
        self.error = Text("", "danger", wrap=True)
        self.remedy = Text("", "body", wrap=True)
        self._wrong = panel(column(self.error, self.remedy, gap=1, margins=(3, 2, 3, 2)), "strip")
        self._facts: list[tuple[Text, Text]] = []
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.current().unit * 8)
        grid.setVerticalSpacing(theme.current().unit // 2)
        for place in range(5):
            label, value = Text("", "caption"), Text("", "strong")
            grid.addWidget(label, 0, place)
            grid.addWidget(value, 1, place)
            grid.setColumnStretch(place, 1)
            self._facts.append((label, value))
        side = panel(column(self.spark, self.spark_words, gap=0), "clear")
        self._side = side
        head = row(grow(panel(column(row(self.name, self.state, STRETCH, gap=3), self.about, gap=1), "clear")), side)
        self.setLayout(column(head, grid, self._wrong, gap=4, margins=(5, 4, 5, 4)))

    def show_view(self, view: ConnectorView) -> None:
        self.name.setText(view.name)
        self.about.setText(view.about)
        self.about.setVisible(bool(view.about))
        self.state.show_text(view.state, view.tone)
        for (label, value), fact in zip(self._facts, view.facts, strict=True):
            label.setText(fact[0])
            value.setText(fact[1])
            value.setAccessibleName(f"{fact[0]}: {fact[1]}")
        self.error.setText(view.error)
        self.remedy.setText(view.remedy)
        self.remedy.setVisible(bool(view.remedy))
        self._wrong.setVisible(bool(view.error))
        if view.checked_at != self._checked:
            self._checked = view.checked_at
            self._samples = [*self._samples, view.latency_ms][-SAMPLES:]
        enough = sum(sample is not None for sample in self._samples) >= AT_LEAST
        self._side.setVisible(enough)
        spoken = f"Latency since this window opened, now {view.facts[0][1]}"
        self.spark.show_values(self._samples, good=False, spoken=spoken)


class ConnectorsPane(Pane):
    id = "connectors"
    title = "Connectors"

    def __init__(self, desk: Desk) -> None:
        self._contacts: list[dict[str, Any]] | None = None
        self._cards: dict[str, _Card] = {}
        super().__init__(desk)
        self._poll = QTimer(self, interval=POLL_MS)
        self._poll.timeout.connect(self._look)

    def build(self) -> QWidget:
        self.summary = Text("", "headline", wrap=True)
        self.check_button = Button("Check now", "primary", "refresh", name="check", tip_text="Look at all of them (c)")
        self.check_button.clicked.connect(self.check)
        about = Text("Everything outside is read-only unless a person approved one named action.", "muted", wrap=True)
        head = row(grow(panel(column(self.summary, about, gap=1), "clear")), self.check_button)
        self._column = column(gap=3)
        content = column(head, 1, self._column, STRETCH, gap=3, margins=(8, 6, 8, 6))
        return Scroll(content)

    def load(self) -> None:
        self.query("contacts", "connectors.list", self._take)

    def _look(self) -> None:
        if self.desk.live:
            self.load()

    def _take(self, contacts: list[dict[str, Any]]) -> None:
        self._contacts = contacts
        self._show()

    def _show(self) -> None:
        if self._contacts is None:
            return
        if not self._contacts:
            if self.desk.live:
                self.show_empty(
                    "connectors",
                    "No connector was looked at yet",
                    "A studio's cloud is entered in its settings; then its health, latency and clock show here.",
                    (("Check now", "primary", self.check),),
                )
            return
        now_ms, zone = self.desk.now_ms(), self.desk.zone
        views = [present(contact, self.desk.reason, now_ms, zone) for contact in self._contacts]
        for view in views:
            if view.id not in self._cards:
                self._cards[view.id] = _Card(view.id)
                self._column.addWidget(self._cards[view.id])
            self._cards[view.id].show_view(view)
        self.summary.setText(summary(views))
        if self.desk.live:
            self.show_ready()
        else:
            self.show_stale("This is what was last known. " + self.desk.why_not_write())

    def check(self) -> None:
        """Looks at every connector now."""
        if self.check_button.why_not:
            return
        self.check_button.block("The connectors are being looked at.")
        self.check_button.say("Checking…")
        self.ask("check", "connectors.check", {}, self._checked, self._not_checked)

    def _checked(self, contacts: list[dict[str, Any]]) -> None:
        self._check_over()
        self._take(contacts)

    def _not_checked(self, error: dict[str, Any]) -> None:
        self._check_over()
        self.desk.said.emit(" ".join(words.fault(error)))

    def _check_over(self) -> None:
        self.check_button.say("Check now")
        self.on_changed()

    def on_moved(self, topic: str, data: Any) -> None:
        if topic == "contacts":
            self._take(data)
        elif topic in ("reasons", "who"):
            self._show()

    def on_changed(self) -> None:
        if "check" not in self._asked:
            cannot = {"read-only": "The other cockpit looks after the connectors."}.get(self.desk.state, "")
            self.check_button.block(cannot or ("" if self.desk.live else self.desk.why_not_write()))
        if self._contacts:
            self._show()

    def visit(self) -> None:
        super().visit()
        self._poll.start()
        self._look()

    def leave(self) -> None:
        super().leave()
        self._poll.stop()

    def tick(self) -> None:
        self._show()

    def actions(self) -> tuple[Action, ...]:
        why_not = lambda: self.check_button.why_not  # noqa: E731
        return (Action("connectors.check", "Check all connectors now", ("c", "Ctrl+R"), self.check, why_not, self.id),)
