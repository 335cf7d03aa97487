"""The order of a start, and nothing else.

    application → engine child → (practice child) → theme → shell → first paint → fill → panes nobody asked for yet

The engine is started before anything is drawn: both cores work. With a practice studio the engine waits with its brain
(not with its first page) until that studio is ready, and that studio waits until the first page is painted.
"""

import gc
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from . import trace
from .engine_client import Engine, ProcessEngine, engine_command
from .options import Options
from .practice_process import PracticeStudio, practice_command

if TYPE_CHECKING:
    from .desk import Desk
    from .shell.rooms import Rooms

PREWARM_AFTER_MS = 700
ANYWAY_MS = 1_000
NO_FIRST_PAGE_MS = 300
"""A new home has no first page; nothing says so."""


class Cockpit(QObject):
    """The running program: children, desk, window. `close` ends all of it."""

    def __init__(self, app: QApplication, options: Options) -> None:
        super().__init__()
        self.app = app
        self.options = options
        command = engine_command(options.home, options.config, held=options.practice)
        self.engine: Engine = ProcessEngine(command, held=options.practice)
        self.engine.start()
        self.practice: PracticeStudio | None = None
        if options.practice:
            self.practice = PracticeStudio(practice_command(options.home))
        from .shell.window import Window
        from .theme import theme

        theme.apply(app, theme.preferred() if options.theme == "system" else options.theme)
        if options.theme == "system":
            app.styleHints().colorSchemeChanged.connect(self._scheme_changed)
        self.desk: Desk | None = None
        self.window = Window()
        self.window.painted.connect(self._painted)
        self._anyway = QTimer(self, singleShot=True, interval=ANYWAY_MS)
        self._anyway.timeout.connect(self.fill)
        self._prewarm = QTimer(self, singleShot=True, interval=PREWARM_AFTER_MS)
        self._prewarm.timeout.connect(lambda: self.fill().prewarm())
        self._practise = QTimer(self, singleShot=True, interval=NO_FIRST_PAGE_MS)
        if self.practice is not None:
            self._practise.timeout.connect(self.practice.start)

    def show(self, size: tuple[int, int] | None = None) -> None:
        screen = self.app.primaryScreen().availableGeometry()
        width, height = size or (min(1440, screen.width()), min(900, screen.height()))
        self.window.resize(width, height)
        self.window.show()
        self._anyway.start()

    def close(self) -> None:
        """Every child ends before this returns."""
        for timer in (self._prewarm, self._anyway, self._practise):
            timer.stop()
        self.window.close()
        self.engine.stop()
        if self.practice is not None:
            self.practice.stop()

    def fill(self) -> "Rooms":
        """What fills the shell: it comes after the first paint, or when there is none within a second."""
        if self.desk is None:
            from .desk import Desk

            self._anyway.stop()
            self.desk = Desk(self.engine, self.practice)
            self.desk.opened.connect(self._opened)
            rooms = self.window.furnish(self.desk)
            gc.freeze()
            gc.enable()
            if trace.ON:
                rooms.panes["today"].state_changed.connect(self._filled)
                self._filled(rooms.panes["today"].state)
            if self.practice is not None:  # not earlier: it takes a core for a second
                self._practise.start()
                self.desk.first_page.connect(lambda _: self._practise.isActive() and self._practise.start(0))
        return self.window.furnish(self.desk)

    def _painted(self) -> None:
        trace.stamp("painted")
        self.fill()

    def _filled(self, state: str) -> None:
        """The first pane has rows: the stamp comes when a card was painted and the key that approves is live."""
        from .after_paint import AfterPaint
        from .widgets.card import StatCard

        rooms = self.fill()
        card = rooms.panes["today"].findChild(StatCard)
        review = next(action for action in rooms.keys.actions if action.id == "today.review")
        if state in ("ready", "stale") and card is not None and not review.when():
            self._watch = AfterPaint(card, "rows")

    def _opened(self) -> None:
        trace.stamp("ready")
        self._prewarm.start()

    def _scheme_changed(self, scheme: Qt.ColorScheme) -> None:
        from .theme import theme

        theme.apply(self.app, theme.preferred())


def run(options: Options) -> int:
    """Opens the window and stays until it is closed. Returns the exit code."""
    app = QApplication.instance() or QApplication([])
    app.setApplicationName("studio-brain")
    app.setApplicationDisplayName("Studio Brain")
    cockpit = Cockpit(app, options)
    cockpit.show()
    try:
        return app.exec()
    finally:
        cockpit.close()
