"""Opening the cockpit in a test: on recorded answers, on a real brain in this process, or as the program does it."""

import gc
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tests.ui.recorded import Recorded
from ui.desk import Desk
from ui.engine_client import Engine, InlineEngine
from ui.panes.base import Pane
from ui.shell.rooms import Rooms
from ui.shell.window import Window
from ui.theme import theme


class Opened:
    """A window with everything in it. `pane` goes to a pane and waits until it has what it asked for."""

    def __init__(self, qtbot: QtBot, engine: Engine, size: tuple[int, int] = (1440, 900)) -> None:
        self.qtbot, self.engine = qtbot, engine
        self.desk = Desk(engine)
        self.window = Window()
        self.rooms: Rooms = self.window.furnish(self.desk)
        self.window.resize(*size)
        self.window.show()
        qtbot.waitExposed(self.window)

    def start(self) -> "Opened":
        """Starts the engine and waits until the first pane is filled."""
        self.engine.start()
        self.until(lambda: self.desk.live and bool(self.desk.people) and bool(self.desk.reasons))
        self.settle()
        return self

    def until(self, condition: Callable[[], Any], timeout: int = 15_000) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=timeout)

    def settle(self) -> None:
        """Nothing that a pane asked for is under way."""
        self.until(lambda: all(pane.is_settled() for pane in self.rooms.panes.values()))

    def pane(self, id: str) -> Any:
        self.rooms.go(id)
        found: Pane = self.rooms.panes[id]
        self.until(lambda: found.is_settled() and found.state != "loading")
        return found

    def find(self, name: str, kind: type[QWidget] = QWidget) -> Any:
        """The widget of that object name; fails when there is none."""
        found = self.window.findChild(kind, name)
        assert found is not None, name
        return found

    def close(self) -> None:
        self.engine.stop()
        self.window.close()
        self.desk.deleteLater()
        self.window.deleteLater()
        self.engine.deleteLater()
        bury()


def bury() -> None:
    """Lets go of what was deleted, in the window's library and here."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()


def on_recorded(qtbot: QtBot, answers: Recorded, **more: Any) -> Opened:
    """A window on recorded answers; not yet started."""
    return Opened(qtbot, InlineEngine(answers.start), **more)


def on_brain(qtbot: QtBot, home: Path) -> Opened:
    """A window on a real dispatcher, brain and engine in this process; not yet started."""
    from studio_brain.doors.dispatch import Dispatcher

    async def start(emit: Callable[[str, dict[str, Any]], None]) -> Awaitable[Any] | Any:
        dispatcher = Dispatcher(home, None, emit)
        await dispatcher.open()
        return dispatcher

    return Opened(qtbot, InlineEngine(start))


def dress(variant: str = "light") -> None:
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, variant)
