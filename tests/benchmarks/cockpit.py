"""The cockpit against the bare toolkit: how long a start takes, and how long the window stands still under work.

A start is a process. Bare window and cockpit take turns; the median of each counts, from the moment the process is
asked for. Files and bytecode are there already, as after any earlier start. The bare window is a QMainWindow with
nothing in it. *Shell* is the painted frame of the window; *rows* is when the numbers of the studio are painted and the
key that leads to approving works, from a home that has lived through fourteen practice days.

The cockpit is two processes that work side by side, the bare window is one: where others want the cores, the wall clock
is on the side of the bare window. Therefore the processor time of the windows is printed too.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from studio_brain.doors.rehearsal import Rehearsal
from tests.benchmarks import window_stall
from tests.benchmarks.figures import Figure, at_most
from tests.practice_process import ROOT, PracticeProcess
from tests.studio_home import connected_home, with_brain

ROUNDS = 11
PATIENCE_S = 60

BARE = """
import sys, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

class Window(QMainWindow):
    def paintEvent(self, event):
        super().paintEvent(event)
        if self.windowHandle().isExposed():
            QTimer.singleShot(0, self, done)

def done():
    sys.stderr.write('{"stamp": "painted", "at": %.6f, "cpu": %.6f}\\n' % (time.monotonic(), time.process_time()))
    sys.stderr.flush()
    app.quit()

app = QApplication([])
window = Window()
window.resize(1440, 900)
window.show()
app.exec()
"""


def figures() -> Iterator[Figure]:
    with PracticeProcess("--days-ago", "13") as practice, tempfile.TemporaryDirectory() as folder:
        home = connected_home(Path(folder) / "home", practice)
        with_brain(home, lambda brain: Rehearsal(brain).prepare(14))
        yield from _starts(home, Path(folder))
        yield from window_stall.figures(home)


def _starts(home: Path, folder: Path) -> Iterator[Figure]:
    """`make cockpit` brings a practice studio with it; its home is a copy: that studio has addresses of its own."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("STUDIO_BRAIN_", "PYTHONDONTWRITE"))}
    environment |= {"QT_QPA_PLATFORM": "offscreen", "SB_TRACE": "1", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    of_practice = Path(shutil.copytree(home, folder / "with-practice"))
    cockpit = [sys.executable, "-m", "ui", "--home"]
    ways = {
        "bare": ([sys.executable, "-c", BARE], ("painted",)),
        "cockpit": ([*cockpit, str(home)], ("painted", "rows")),
        "make cockpit": ([*cockpit, str(of_practice), "--practice"], ("painted", "rows")),
    }
    took: dict[tuple[str, str, str], list[float]] = {}
    for round in range(ROUNDS + 1):
        for way, (command, stamps) in ways.items():
            for name, times in _start(command, stamps, environment).items():
                for clock, seconds in times.items():
                    if round:  # the first one writes the bytecode
                        took.setdefault((way, name, clock), []).append(seconds * 1000)
    median = {key: statistics.median(values) for key, values in took.items()}
    for clock, suffix, bounded in (("wall", "", True), ("cpu", ", processor time of the window", False)):
        floor = median["bare", "painted", clock]
        for way in ("cockpit", "make cockpit"):
            for name, said, bound in (("painted", "painted shell", 1.6), ("rows", "rows and live approve key", 3.0)):
                title = f"{way}: cold start to {said}{suffix}"
                yield at_most(title, median[way, name, clock], "ms", "bare window", floor, bound if bounded else None)


def _start(
    command: Sequence[str], stamps: Sequence[str], environment: Mapping[str, str]
) -> dict[str, dict[str, float]]:
    """For each stamp, seconds by wall clock since the process was asked for, and seconds on a processor. Its children
    are gone when this returns."""
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    found: dict[str, dict[str, float]] = {}
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith('{"stamp"'):
                stamp = json.loads(line)
                found[stamp["stamp"]] = {"wall": stamp["at"] - began, "cpu": stamp["cpu"]}
            if all(name in found for name in stamps):
                return found
        raise AssertionError(f"{command[1:4]} ended with {process.wait()} before its stamps, with {found}")
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
        process.stderr.close()
        _until_group_is_gone(process.pid)


def _until_group_is_gone(group: int) -> None:
    """Engine and practice studio end with the window; the next start has the machine and the home for itself."""
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError(f"processes of group {group} are still there")
