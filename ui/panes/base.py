"""What every pane is: one of exactly five states, and requests that end with it.

    loading  nothing known yet; after 150 ms the shape of what comes
    empty    there is nothing; what would fill it, and the one thing to do
    ready    what was asked for
    stale    the same, older than it should be: how old, and why
    error    what failed, what to do, try again, copy the details

A pane asks under a *tag*: a new question under the same tag takes back the one before, so that an answer never arrives
behind a later one. What was asked is taken back when the pane is left for good.
"""

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, ClassVar

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QStackedWidget, QWidget

from .. import words
from ..actions import Action
from ..desk import Desk
from ..engine_client import Reply
from ..theme import theme
from ..widgets.layout import column, grow, panel, row
from ..widgets.notice import Act, Notice
from ..widgets.skeleton import AFTER_MS, Skeleton
from ..widgets.text import Text

TICK_MS = 20_000


class State(StrEnum):
    LOADING = "loading"
    EMPTY = "empty"
    READY = "ready"
    STALE = "stale"
    ERROR = "error"


class Pane(QWidget):
    """A room of the window. Subclasses build their content once and call one of the five `show_…`."""

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""

    state_changed = Signal(str)
    settled = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.setObjectName(f"pane-{self.id}")
        self.setProperty("surface", "main")
        self.state = State.LOADING
        self._asked: dict[str, Reply] = {}
        self._skeleton = Skeleton()
        self._notice = Notice(f"{self.id}-notice")
        self._stale = Text("", "caption", wrap=True)
        self._strip = panel(row(grow(self._stale), margins=(4, 2, 4, 2)), "strip", f"{self.id}-stale")
        self._strip.hide()
        self._stack = QStackedWidget()
        self._stack.addWidget(self._skeleton)
        self._stack.addWidget(self._notice)
        self._content = self.build()
        self._stack.addWidget(self._content)
        strip = column(self._strip, margins=(8, 0, 8, 0))
        self._above = strip
        self.setLayout(column(strip, grow(self._stack), gap=0))
        self._patience = QTimer(self, singleShot=True, interval=AFTER_MS)
        self._patience.timeout.connect(lambda: self._skeleton.reveal(self.state is State.LOADING))
        self._tick = QTimer(self, interval=TICK_MS)
        self._tick.timeout.connect(self.tick)
        desk.opened.connect(self._opened)
        desk.moved.connect(self.on_moved)
        desk.changed.connect(self.on_changed)
        self.show_loading()

    # for subclasses

    def build(self) -> QWidget:
        """The content, made once."""
        raise NotImplementedError

    def load(self) -> None:
        """Asks for what is shown. Called when the engine opens and when a person refreshes."""
        raise NotImplementedError

    def start_over(self) -> None:
        """Everything became another: what is shown is drawn anew, not changed in place."""
        self.load()

    def first(self, page: dict[str, Any]) -> None:
        """What the files held before the engine was ready; may come twice."""

    def on_moved(self, topic: str, data: Any) -> None:
        """Something happened in the engine."""

    def on_changed(self) -> None:
        """Something that header or banners show changed: rights, engine, switches."""

    def tick(self) -> None:
        """Ages grow: every twenty seconds while the pane is on screen."""

    def show_record(self, record: Any) -> None:
        """Somebody asked for this record here."""

    def actions(self) -> tuple[Action, ...]:
        return ()

    # the five states

    def show_loading(self) -> None:
        self._set(State.LOADING, self._skeleton)
        self._skeleton.reveal(False)
        self._patience.start()

    def show_empty(self, icon: str, head: str, body: str, acts: tuple[Act, ...] = ()) -> None:
        self._notice.show_notice(icon, head, body, acts=acts)
        self._set(State.EMPTY, self._notice)

    def show_ready(self) -> None:
        self._set(State.READY, self._content)

    def show_stale(self, why: str) -> None:
        self._stale.setText(f"◷  {why}")
        self._set(State.STALE, self._content)

    def show_error(self, error: Mapping[str, Any]) -> None:
        """Keeps what is shown, marked as old, when there is something; else says what failed."""
        what, remedy = words.fault(error)
        if self.state in (State.READY, State.STALE):
            self.show_stale(f"This is what was last known. {what} {remedy}")
            return
        details = json.dumps(dict(error), ensure_ascii=False, indent=1)
        acts: tuple[Act, ...] = (
            ("Try again", "primary", self.retry),
            ("Copy details", "plain", lambda: QGuiApplication.clipboard().setText(details)),
        )
        self._notice.show_notice("warn", f"{self.title} cannot be shown", what, remedy, acts, ink="garnet")
        self._set(State.ERROR, self._notice)

    def retry(self) -> None:
        self.show_loading()
        self.load()

    # asking

    def ask(
        self,
        tag: str,
        op: str,
        args: dict[str, Any] | None,
        done: Callable[[Any], None],
        failed: Callable[[Any], None] | None = None,
    ) -> Reply:
        """Asks the engine; `failed` is `show_error` unless another is given."""
        previous = self._asked.pop(tag, None)
        if previous is not None:
            previous.cancel()
        reply = self.desk.ask(op, args)
        self._asked[tag] = reply
        reply.done.connect(lambda result: self._over(tag, reply, done, result))
        reply.failed.connect(lambda error: self._over(tag, reply, failed or self.show_error, error))
        return reply

    def query(self, tag: str, name: str, done: Callable[[Any], None], **params: Any) -> Reply:
        return self.ask(tag, "query", {"name": name, "params": params}, done)

    def take_back_tag(self, tag: str) -> None:
        """Takes back what was asked under a tag."""
        asked = self._asked.pop(tag, None)
        if asked is not None:
            asked.cancel()

    def is_asked(self, tag: str) -> bool:
        """Whether something is under way under a tag."""
        return tag in self._asked

    def is_settled(self) -> bool:
        """Nothing is under way."""
        return not self._asked

    def take_back(self) -> None:
        """Takes back everything that was asked."""
        asked, self._asked = self._asked, {}
        for reply in asked.values():
            reply.cancel()

    # coming and going

    def visit(self) -> None:
        self._tick.start()
        self.tick()

    def leave(self) -> None:
        self._tick.stop()

    def _opened(self) -> None:
        self.load()

    def _over(self, tag: str, reply: Reply, take: Callable[[Any], None], value: Any) -> None:
        if self._asked.get(tag) is not reply:
            return
        del self._asked[tag]
        take(value)
        if not self._asked:
            self.settled.emit()

    def _set(self, state: State, shown: QWidget) -> None:
        self._patience.stop()
        stale = state is State.STALE
        self._strip.setVisible(stale)
        unit = theme.current().unit
        self._above.setContentsMargins(8 * unit, 4 * unit if stale else 0, 8 * unit, 0)
        self._stack.setCurrentWidget(shown)
        if state is not self.state:
            self.state = state
            self.state_changed.emit(state.value)
