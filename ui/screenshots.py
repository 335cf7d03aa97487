"""`--screenshot DIR`: the real program without a display, one picture of every pane at every size, then the end.

Without `--home` it makes a practice home of its own in a temporary folder and lets it live through its first days. It
waits for real data, and gives up with a clear message when that does not come in time.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from . import words
from .app import Cockpit
from .options import Options
from .panes.catalogue import PANES

DEADLINE_MS = 180_000
LOOK_MS = 25


class GivenUp(Exception):
    """Why there will be no pictures."""


def take(options: Options) -> int:
    """Exit code: 0 with all pictures written, 1 with the reason on standard error."""
    app = QApplication.instance() or QApplication([])
    try:
        folder = options.screenshot or Path()
        folder.mkdir(parents=True, exist_ok=True)
        if options.home_given:
            written = _of_home(app, options, folder)
        else:
            with tempfile.TemporaryDirectory(prefix="studio-cockpit-") as home:
                written = _of_home(app, replace(options, home=Path(home) / "home", practice=True), folder)
    except (GivenUp, OSError) as reason:
        sys.stderr.write(f"studio-cockpit: no pictures: {reason}\n")
        return 1
    sys.stdout.write("".join(f"{path}\n" for path in written))
    return 0


def _of_home(app: QApplication, options: Options, folder: Path) -> list[Path]:
    cockpit = Cockpit(app, options)
    try:
        cockpit.show(options.sizes[0])
        return list(_pictures(cockpit, options, folder))
    finally:
        cockpit.close()


def _pictures(cockpit: Cockpit, options: Options, folder: Path) -> list[Path]:
    clock = _Deadline()
    rooms = cockpit.fill()
    desk = rooms.desk
    clock.wait(lambda: _fault(cockpit) or (desk.live and bool(desk.keys)), "the engine")
    clock.wait(lambda: _fault(cockpit) or (rooms.first_days.known and not rooms.first_days.running), "the first days")
    written = []
    for entry in PANES:
        rooms.go(entry.id)
        pane = rooms.panes[entry.id]
        clock.wait(
            lambda pane=pane: _fault(cockpit) or (pane.state != "loading" and pane.is_settled()),
            f"the pane {entry.title}",
        )
    for width, height in options.sizes:
        cockpit.window.resize(width, height)
        for entry in PANES:
            rooms.go(entry.id)
            clock.wait(rooms.panes[entry.id].is_settled, f"the pane {entry.title}")
            clock.breathe()
            path = folder / f"{entry.id}-{width}x{height}.png"
            if not cockpit.window.grab().save(str(path)):
                raise GivenUp(f"{path} cannot be written")
            written.append(path)
    return written


def _fault(cockpit: Cockpit) -> bool:
    """Raises GivenUp when what is waited for will not come."""
    desk = cockpit.desk
    if desk is not None and desk.state in ("failed", "down"):
        what, remedy = words.fault(desk.fault or {"sentence": "The engine does not run."})
        raise GivenUp(f"{what} {remedy}")
    if cockpit.practice is not None and cockpit.practice.life == "down":
        raise GivenUp(f"the practice studio does not start: {cockpit.practice.child.errors()[-300:]}")
    days = cockpit.fill().first_days
    if days.error is not None:
        raise GivenUp(" ".join(words.fault(days.error)))
    return False


class _Deadline:
    """Waits, all in all no longer than DEADLINE_MS."""

    def __init__(self) -> None:
        self._over = QTimer(singleShot=True, interval=DEADLINE_MS)
        self._over.start()

    def wait(self, ready: Callable[[], bool], what: str) -> None:
        loop, look = QEventLoop(), QTimer(interval=LOOK_MS)
        failure: list[GivenUp] = []

        def check() -> None:
            try:
                if ready() or not self._over.isActive():
                    loop.quit()
            except GivenUp as reason:
                failure.append(reason)
                loop.quit()

        look.timeout.connect(check)
        look.start()
        loop.exec()
        look.stop()
        if failure:
            raise failure[0]
        if not self._over.isActive():
            raise GivenUp(f"{what} took longer than {DEADLINE_MS // 1000} s")

    def breathe(self) -> None:
        """Lets layout and painting settle."""
        for _ in range(3):
            QApplication.processEvents()
