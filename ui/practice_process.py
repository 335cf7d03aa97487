"""The practice studio as a third process: a child of the window, so that an engine that restarts does not reset it.

It prints one line of JSON when it is ready and writes the home's settings; then the engine may open. When it comes back
after a fall it has other addresses, and the engine has to be started anew.
"""

import sys
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QObject, Signal

from .child import Child, Life

DAYS: Final = 14
"""How many practice days a new home lives through, the last of them today."""


def practice_command(home: Path) -> list[str]:
    program = [sys.executable, "-m", "studio_brain.doors.cli", "practice", "--home", str(home)]
    return [*program, "--days-ago", str(DAYS - 1), "--exit-with-stdin"]


class PracticeStudio(QObject):
    """`ready` comes with the line's document, each time it has started; `down` when it will not start."""

    ready = Signal(object)
    down = Signal(str)
    life_changed = Signal(str)

    def __init__(self, command: list[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document: dict[str, Any] | None = None
        self.child = Child(command, self)
        self.child.output.connect(self._read)
        self.child.life_changed.connect(self._lives)
        self._line = b""

    @property
    def life(self) -> Life:
        return self.child.life

    def start(self) -> None:
        self.child.start()

    def stop(self) -> None:
        self.child.stop()

    def retry(self) -> None:
        self.child.restart()

    def _read(self, data: bytes) -> None:
        self._line += data
        while b"\n" in self._line:
            line, self._line = self._line.split(b"\n", 1)
            document = _document(line)
            if document is not None and document.get("ready") is not False:
                self.document = document
                self.child.is_steady()
                self.ready.emit(document)

    def _lives(self, life: str) -> None:
        self._line = b""
        if life == Life.DOWN:
            self.down.emit(self.child.errors())
        self.life_changed.emit(life)


def _document(line: bytes) -> dict[str, Any] | None:
    import json

    try:
        document = json.loads(line)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
