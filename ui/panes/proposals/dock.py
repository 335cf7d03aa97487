"""Where a proposal is decided: the reason, and the buttons that need it. Nothing here can be done in one key press.

A key *arms* an act: the reason field is in focus and says what for, Ctrl+Enter or the button does it. An act that needs
no reason puts its button in focus.
"""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from ...seals import Check
from ...widgets.buttons import Button
from ...widgets.hash_label import HashLabel
from ...widgets.layout import STRETCH, column, grow, panel, row, rule
from ...widgets.rationale import Rationale
from ...widgets.text import Text, repolish
from .deciding import ButtonView

QUESTIONS = {
    "proposal.approve": "Why approve? This is sealed with your name.",
    "proposal.reject": "Why reject? This is sealed with your name.",
    "proposal.rollback": "Why roll it back? This is sealed with your name.",
}
ACTS = ("proposal.approve", "proposal.reject", "proposal.execute", "proposal.rollback", "proposal.withdraw")


class Dock(QWidget):
    """`decided` carries the capability and the reason."""

    decided = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("dock")
        self._views: dict[str, ButtonView] = {}
        self._busy = ""
        self._armed = ""
        self.rationale = Rationale("rationale")
        self.rationale.changed.connect(self._may)
        self.rationale.sent.connect(self._send)
        self.buttons = {act: Button(act, name=act.split(".")[1]) for act in ACTS}
        for act, button in self.buttons.items():
            button.clicked.connect(lambda _=False, act=act: self._do(act))
        self.bound = Text("bound to", "caption")
        self.hash = HashLabel("Hash of exactly what is decided on")
        self.reasons = Text("", "caption", wrap=True)
        self.reasons.setObjectName("why-not")
        self.answer = Text("", "body", wrap=True)
        self.answer.setObjectName("answer")
        inside = column(
            self.rationale,
            row(*self.buttons.values(), STRETCH, self.bound, self.hash, gap=2),
            self.reasons,
            self.answer,
            gap=2,
            margins=(0, 3, 4, 3),
        )
        self.setLayout(column(rule(), grow(panel(inside, "clear")), gap=0))

    def show_buttons(self, views: tuple[ButtonView, ...], nothing_left: str, blocked: str) -> None:
        """`blocked` is why nothing can be done now at all; a reason that was begun stays on screen meanwhile."""
        self._views = {view.act: view for view in views}
        for act, button in self.buttons.items():
            view = self._views.get(act)
            button.setVisible(view is not None)
            if view is not None:
                button.say(view.label)
                if button.property("kind") != view.kind:
                    button.setProperty("kind", view.kind)
                    repolish(button)
        self.rationale.setVisible(any(v.rationale and v.why_not in ("", blocked) for v in views))
        self._armed = self._armed if self._armed in self._views else ""
        self.rationale.ask(QUESTIONS.get(self._armed, "Why? This is sealed with your name."))
        said = [f"{view.label}: {view.why_not}" for view in views if view.why_not]
        if views and len({view.why_not for view in views}) == 1 and views[0].why_not:
            said = [views[0].why_not]
        self.reasons.setText("\n".join(said) or nothing_left)
        self.reasons.setVisible(bool(said or nothing_left))
        self._may()

    def show_hash(self, value: str, check: Check | None) -> None:
        """The hash that binds a decision to what is shown; `check` is whether the sealed draft names it too."""
        self.hash.show_hash(value, check, about="A decision is bound to what this hash covers: what you see.")

    def arm(self, act: str) -> str:
        """Makes an act the one that Ctrl+Enter does; why not, when it cannot be done."""
        view = self._views.get(act)
        if view is None:
            return "it does not apply to this proposal now"
        if view.why_not:
            return view.why_not
        self._armed = act
        if view.rationale:
            self.rationale.ask(QUESTIONS[act])
            self.rationale.focus()
        else:
            self.buttons[act].setFocus(Qt.FocusReason.ShortcutFocusReason)
        return ""

    def why_not(self, act: str) -> str:
        view = self._views.get(act)
        return "it does not apply to this proposal now" if view is None else view.why_not

    def busy(self, words: str) -> None:
        """While something is being sealed nothing else is pressed; empty ends it."""
        self._busy = words
        if words:
            self.say(words)
        self._may()

    def say(self, words: str, tone: str = "body") -> None:
        self.answer.setText(words)
        self.answer.set_role(tone)
        self.answer.setVisible(bool(words))

    def done(self) -> None:
        """It was accepted: the reason has been used."""
        self.rationale.clear()
        self._armed = ""

    def _may(self) -> None:
        for act, view in self._views.items():
            missing = self.rationale.missing() if view.rationale else ""
            self.buttons[act].block(self._busy or view.why_not or missing)

    def _send(self) -> None:
        if self._armed:
            self._do(self._armed)
        elif (first := next((v.act for v in self._views.values() if v.rationale and not v.why_not), "")) != "":
            self._armed = first
            self.rationale.ask(QUESTIONS[first] + " Ctrl+Enter again does it.")

    def _do(self, act: str) -> None:
        view = self._views.get(act)
        if view is None or self._busy or view.why_not or (view.rationale and self.rationale.missing()):
            return
        self.decided.emit(act, self.rationale.text() if view.rationale else "")
