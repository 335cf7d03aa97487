"""Kill switches, in the window: which are on, by whom and why; release one, engage another. Each with its reason."""

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from .. import times, words
from ..desk import Desk
from ..safe_text import plain
from ..widgets.buttons import Button
from ..widgets.choice import Choice
from ..widgets.layout import STRETCH, column, grow, panel, row, rule
from ..widgets.rationale import Rationale
from ..widgets.text import Text
from .banner_rules import scope_words

RELEASES = ("owner", "admin")
ENGAGES = ("owner", "admin", "editor")


class SwitchPanel(QWidget):
    """Folds out below the header."""

    closed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.setObjectName("switches")
        self._on = column(gap=1)
        self._on_widgets: list[QWidget] = []
        self.state = Text("", "body", wrap=True)
        self.scope = Choice("switch-scope", "What the kill switch stops")
        self.scope.chosen.connect(lambda _: self._offer_targets())
        self.target = Choice("switch-target", "Which one")
        self.why = Rationale("switch-rationale", "Why? A kill switch is sealed with its reason.")
        self.why.changed.connect(self._may)
        self.engage = Button("Engage", "danger", "power", name="engage")
        self.engage.clicked.connect(lambda: self._perform("killswitch.engage", *self._wanted()))
        self.answer = Text("", "caption", wrap=True)
        close = Button("Close", "quiet", "cross", name="switches-close")
        close.clicked.connect(self.closed)
        left = column(Text("Kill switches", "title"), self.state, self._on, STRETCH, gap=2)
        right = column(
            row(Text("Stop outside writes for"), self.scope, self.target, STRETCH, close),
            self.why,
            row(self.engage, grow(self.answer)),
            gap=2,
        )
        body = panel(
            row(grow(panel(left, "clear"), 2), 6, grow(panel(right, "clear"), 3), centred=False, margins=(8, 4, 8, 4)),
            "soft",
        )
        self.setLayout(column(body, rule(), gap=0))
        desk.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        items: list[tuple[str, object]] = [
            ("this studio", "tenant"),
            ("one connector", "connector"),
            ("one capability", "capability"),
            ("everything", "global"),
        ]
        if self.scope.count() == 0:
            self.scope.offer(items, "tenant")
        self._offer_targets()
        self._show_on()
        self._may()

    def _offer_targets(self) -> None:
        scope = self.scope.currentData()
        if scope == "connector":
            known = [str(c["connector"]) for c in self.desk.contacts] or list(words.CONNECTORS)
            self.target.offer([(words.CONNECTORS.get(id, id), id) for id in known])
        elif scope == "capability":
            self.target.offer([(c["title"], c["id"]) for c in self.desk.capabilities])
        self.target.setVisible(scope in ("connector", "capability"))

    def _wanted(self) -> tuple[str, str]:
        scope = str(self.scope.currentData())
        return scope, str(self.target.currentData() or "") if scope in ("connector", "capability") else ""

    def _show_on(self) -> None:
        for widget in self._on_widgets:
            widget.hide()
            widget.deleteLater()
        self._on_widgets = []
        now_ms = self.desk.now_ms()
        for switch in self.desk.switches:
            scope, target = str(switch["scope"]), str(switch["target"])
            by = plain(self.desk.person(switch["actor"]), 40)
            line = Text(f"On for {scope_words(scope, target)}", "strong", wrap=True)
            about = Text(
                f"{by}, {times.age(switch['engagedAt'], now_ms)}: {plain(switch['rationale'], 300)}", wrap=True
            )
            release = Button("Release", name=f"release-{scope}")
            release.clicked.connect(
                lambda _=False, s=scope, t=target: self._perform("killswitch.release", s, "" if s == "tenant" else t)
            )
            release.setProperty("release", True)
            holder = panel(row(grow(panel(column(line, about, gap=0), "clear")), release), "clear")
            self._on.addWidget(holder)
            self._on_widgets.append(holder)
        count = len(self.desk.switches)
        self.state.setText(
            f"{words.count(count, 'switch', 'switches')} on. Drafting and deciding go on. To release one, say why."
            if count
            else "None is on: approved proposals can be carried out."
        )

    def _may(self) -> None:
        role = self.desk.actor.role if self.desk.actor else ""
        cannot = self.desk.why_not_write()
        missing = self.why.missing()
        self.engage.block(cannot or ("" if role in ENGAGES else "Your role may not engage a kill switch.") or missing)
        for holder in self._on_widgets:
            for button in holder.findChildren(Button):
                no = "" if role in RELEASES else "Only an owner or an admin releases a kill switch."
                button.block(cannot or no or missing)

    def _perform(self, capability: str, scope: str, target: str) -> None:
        self.answer.setText("Being sealed…")
        reply = self.desk.perform(capability, {"scope": scope, "target": target}, self.why.text())
        reply.done.connect(self._done)
        reply.failed.connect(lambda error: self.answer.setText(" ".join(words.fault(error))))

    def _done(self, done: dict[str, Any]) -> None:
        if done["outcome"] in ("on", "off"):
            self.why.clear()
            self.answer.setText(f"The switch is {done['outcome']}, sealed as receipt {done['receipts'][-1]['index']}.")
        else:
            said = f"{done['sentence']} {done['detail']} {done['remedy']}"
            self.answer.setText(plain(" ".join(said.split())))

    def focus(self) -> None:
        self.why.focus()
