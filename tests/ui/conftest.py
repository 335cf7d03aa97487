"""Fixtures of the cockpit's tests.

answers        recorded answers that a test can change
opened         a window filled from them
practice_past  a practice studio and a home that has lived through its first days (once a session)
home           a copy of that home
brained        a window on a real brain in this process, on that copy
cockpit        the program's own objects, with the engine as a child process, on that copy
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtCore import QThreadPool, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.practice_process import PracticeProcess
from tests.ui.opening import Opened, bury, dress, on_brain, on_recorded
from tests.ui.recorded import Recorded


@pytest.fixture(scope="session", autouse=True)
def _dressed(qapp: QApplication) -> None:
    dress()


@pytest.fixture(autouse=True)
def _nothing_left(qapp: QApplication) -> Iterator[None]:
    """No window, timer or thread survives the test that made it."""
    yield
    bury()
    left = [widget for widget in qapp.topLevelWidgets() if widget.isVisible()]
    ticking = [timer for timer in qapp.findChildren(QTimer) if timer.isActive()]
    assert not left, left
    assert not ticking, ticking
    assert QThreadPool.globalInstance().activeThreadCount() == 0


@pytest.fixture
def answers() -> Recorded:
    return Recorded()


@pytest.fixture
def open_recorded(qtbot: QtBot, answers: Recorded) -> Iterator[Callable[..., Opened]]:
    """`open_recorded()` opens a window on the answers as they are then; it is closed at the end."""
    made: list[Opened] = []

    def open(*, start: bool = True, **more: Any) -> Opened:
        made.append(on_recorded(qtbot, answers, **more))
        return made[-1].start() if start else made[-1]

    yield open
    for window in made:
        window.close()
    made.clear()


@pytest.fixture
def opened(open_recorded: Callable[..., Opened]) -> Opened:
    return open_recorded()


@pytest.fixture(scope="session")
def practice_past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PracticeProcess, Path]]:
    from studio_brain.doors.rehearsal import Rehearsal
    from tests.studio_home import connected_home, with_brain

    with PracticeProcess("--days-ago", "13", "--batches", "120") as practice:
        home = connected_home(tmp_path_factory.mktemp("past") / "home", practice)
        with_brain(home, lambda brain: Rehearsal(brain).prepare(14))
        yield practice, home


@pytest.fixture
def practice(practice_past: tuple[PracticeProcess, Path]) -> PracticeProcess:
    return practice_past[0]


@pytest.fixture
def home(practice_past: tuple[PracticeProcess, Path], tmp_path: Path) -> Path:
    """On the practice studio's present time: another test may have let days pass there."""
    from studio_brain.home.practice import read_practice, write_practice

    practice, past = practice_past
    copy = Path(shutil.copytree(past, tmp_path / "home"))
    known = read_practice(copy)
    assert known is not None
    write_practice(copy, replace(known, shift_ms=practice.state()["shiftMs"]))
    return copy


@pytest.fixture
def brained(qtbot: QtBot, home: Path) -> Iterator[Opened]:
    window = on_brain(qtbot, home).start()
    yield window
    window.close()


@pytest.fixture
def cockpit(qtbot: QtBot, qapp: QApplication) -> Iterator[Callable[..., Any]]:
    """`cockpit(home)` starts the program's own objects; they are closed at the end."""
    from ui.app import Cockpit
    from ui.options import Options

    made: list[Cockpit] = []

    def start(home: Path, *, config: Path | None = None, practice: bool = False) -> Cockpit:
        options = Options(home, config, practice, None, ((1440, 900),), "light", True)
        made.append(Cockpit(qapp, options))
        made[-1].show((1440, 900))
        qtbot.waitUntil(lambda: made[-1].desk is not None)
        return made[-1]

    yield start
    for found in made:
        found.close()
        found.window.deleteLater()
        if found.desk is not None:
            found.desk.deleteLater()
        found.engine.deleteLater()
        found.deleteLater()
    made.clear()
