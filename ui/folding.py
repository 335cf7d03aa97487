"""Events of the engine, at most thirty times a second for each topic.

The first of a topic goes out at once; what follows within a thirtieth of a second is folded into one. Receipts are
added up, of everything else the latest counts. Nothing is lost and nothing comes out of order within its topic.
"""

from collections.abc import Callable
from typing import Any, Final

from PySide6.QtCore import QElapsedTimer, QObject, QTimer

EVERY_MS: Final = 34
UNFOLDED: Final = frozenset({"engine", "first"})
ROWS: Final = 50

Deliver = Callable[[str, dict[str, Any]], None]


class Folder(QObject):
    """Takes events as they come, gives them to `deliver` at a pace a window can follow."""

    def __init__(self, deliver: Deliver, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._deliver = deliver
        self._waiting: dict[tuple[str, str], dict[str, Any]] = {}
        self._last: dict[tuple[str, str], int] = {}
        self._time = QElapsedTimer()
        self._time.start()
        self._timer = QTimer(self, singleShot=True, interval=EVERY_MS)
        self._timer.timeout.connect(self.flush)

    def take(self, topic: str, data: dict[str, Any]) -> None:
        if topic in UNFOLDED:
            self.flush()
            self._deliver(topic, data)
            return
        key = (topic, str(data.get("what", "")))
        if key in self._waiting:
            self._waiting[key] = fold(topic, self._waiting[key], data)
        elif self._time.elapsed() - self._last.get(key, -EVERY_MS) >= EVERY_MS:
            self._last[key] = self._time.elapsed()
            self._deliver(topic, data)
        else:
            self._waiting[key] = data
            if not self._timer.isActive():
                self._timer.start()

    def flush(self) -> None:
        """Delivers what waits."""
        waiting, self._waiting = self._waiting, {}
        for key, data in waiting.items():
            self._last[key] = self._time.elapsed()
            self._deliver(key[0], data)


def fold(topic: str, older: dict[str, Any], newer: dict[str, Any]) -> dict[str, Any]:
    """Two events of a topic as one."""
    if topic != "receipts":
        return newer
    rows = [*older.get("rows", ()), *newer.get("rows", ())][-ROWS:]
    return {"rows": rows, "count": older.get("count", 0) + newer.get("count", 0)}
