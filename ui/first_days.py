"""A practice home that has no past yet lives through one: fourteen days, read and worked on by the ordinary paths.

It is begun once, when the engine is ready and there is no more than a first snapshot and no proposal. It can fail, and
can be tried again; a home that has some days is left alone.
"""

from typing import Any

from PySide6.QtCore import QObject, Signal

from .desk import Desk
from .practice_process import DAYS


class FirstDays(QObject):
    """`changed` with every day; `running` while it goes on; `error` when it stopped."""

    changed = Signal()
    ended = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self.running = False
        self.known = not desk.is_practice
        self.done, self.total = 0, DAYS
        self.error: dict[str, Any] | None = None
        desk.opened.connect(self._look)
        desk.moved.connect(self._moved)

    def start(self) -> None:
        self.error, self.running, self.done = None, True, 0
        reply = self.desk.ask("practice.prepare", {"days": DAYS})
        reply.done.connect(self._finished)
        reply.failed.connect(self._failed)
        self.changed.emit()

    def _look(self) -> None:
        if self.running or self.desk.state != "ready" or not self.desk.is_practice:
            self._known()
            return
        self.desk.query("studio.today").done.connect(self._seen)

    def _seen(self, today: dict[str, Any]) -> None:
        if len(today["days"]) > 1:
            self._known()
            return
        self.desk.query("proposals.page", limit=1).done.connect(self._begin_or_not)

    def _begin_or_not(self, page: dict[str, Any]) -> None:
        if page["counts"] or self.running:
            self._known()
        else:
            self.start()

    def _known(self) -> None:
        if not self.known:
            self.known = True
            self.changed.emit()

    def _moved(self, topic: str, data: Any) -> None:
        if topic == "progress" and self.running and data.get("what") == "prepare":
            self.done, self.total = int(data["done"]), int(data["total"])
            self.changed.emit()

    def _finished(self, result: Any) -> None:
        self.running, self.known = False, True
        self.changed.emit()
        self.ended.emit()

    def _failed(self, error: dict[str, Any]) -> None:
        self.running, self.error, self.known = False, error, True
        self.changed.emit()
