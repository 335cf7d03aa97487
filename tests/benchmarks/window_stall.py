"""How long the window stands still while its engine works: the real program, measured from inside its process.

A timer of one millisecond runs on the window's thread, next to everything else there; a *gap* is the time between two
of its ticks, less that millisecond. A *stall* is the part of a gap in which this thread was on a processor: what it did
itself. The rest of a gap it waited for a core that others had; it is printed too, and only a quiet machine keeps it
small. The work is a snapshot of the cloud, a verification of the log, drafts and decisions on them, and the largest
pages, as many at once as a person could never ask for; it is done with each pane on screen in turn, so that whatever
the pane paints anew is in the gaps.

    python -m tests.benchmarks.window_stall HOME      the process; prints one line of JSON
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import Figure, at_most, limit
from tests.practice_process import ROOT

FRAME_MS = 16.7
TICK_MS = 1
ROUNDS = 3
QUIET_S = 1.0
DRAFTS = 12
PAGES = 20
PATIENCE_S = 120


def figures(home: Path) -> Iterator[Figure]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.window_stall", str(home)],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE_S * 4,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    work, quiet = found["work"], found["quiet"]
    worst = max(work, key=lambda gaps: gaps["stall"])
    name = "window: largest stall while the engine works"
    yield limit(f"{name} ({worst['pane']} on screen)", worst["stall"], "ms", FRAME_MS)
    for key, said in (("p99", "99 % of the gaps"), ("gap", "largest gap")):
        working, idle = max(g[key] for g in work), max(g[key] for g in quiet)
        yield at_most(f"window: {said}, waiting for a core included", working, "ms", "without work", idle, None)


def main(home: Path) -> None:
    from PySide6.QtWidgets import QApplication

    from ui.app import Cockpit
    from ui.options import Options

    sys.excepthook = lambda *error: (sys.__excepthook__(*error), os._exit(1))  # what a slot raises is no result
    app = QApplication([])
    cockpit = Cockpit(app, Options(home, None, False, None, ((1440, 900),), "light", True))
    cockpit.show((1440, 900))
    try:
        sys.stdout.write(json.dumps(_measure(cockpit)) + "\n")
    finally:
        cockpit.close()


def _measure(cockpit: Any) -> dict[str, Any]:
    from ui.panes.catalogue import PANES

    rooms = cockpit.fill()
    desk = rooms.desk
    until(lambda: desk.live and bool(desk.people) and len(rooms.panes) == len(PANES))
    until(lambda: all(pane.is_settled() for pane in rooms.panes.values()))
    batches: list[dict[str, Any]] = []
    desk.ask("batches", {"state": "SHELVED"}).done.connect(batches.extend)
    until(lambda: bool(batches))
    found: dict[str, Any] = {"quiet": [], "work": []}
    for round in range(ROUNDS):
        for pane in PANES:
            rooms.go(pane.id)
            until(lambda: all(p.is_settled() for p in rooms.panes.values()))
            rest(0.3)
            heart = Heart()
            rest(QUIET_S)
            found["quiet"].append({"pane": pane.id, **heart.stop()})
            heart, work = Heart(), Work(desk, batches, round)
            until(lambda work=work: work.done == work.asked)
            rest(0.3)
            assert not work.failed, work.failed[:3]
            found["work"].append({"pane": pane.id, "requests": work.asked, **heart.stop()})
    return found


class Heart:
    """Ticks every millisecond on this thread; `stop` gives the gaps in milliseconds."""

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self._ticks: list[tuple[float, float]] = []
        self._timer = QTimer(interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def _tick(self) -> None:
        self._ticks.append((time.monotonic(), time.thread_time()))

    def stop(self) -> dict[str, Any]:
        self._timer.stop()
        pairs = list(zip(self._ticks, self._ticks[1:], strict=False))
        gaps = sorted((b[0] - a[0]) * 1000 - TICK_MS for a, b in pairs)
        cpu = max((b[1] - a[1]) * 1000 - TICK_MS for a, b in pairs)
        return {
            "gap": round(gaps[-1], 2),
            "p99": round(gaps[len(gaps) * 99 // 100], 2),
            "late": sum(gap > FRAME_MS for gap in gaps),
            "stall": round(cpu, 2),
            "seconds": round(self._ticks[-1][0] - self._ticks[0][0], 2),
        }


class Work:
    """Everything at once, asked for through the window's own desk."""

    def __init__(self, desk: Any, batches: list[dict[str, Any]], round: int) -> None:
        self.desk, self.asked, self.done, self.failed = desk, 0, 0, []
        self._verify()
        self._follow(desk.perform("studio.snapshot", {}))
        for number in range(DRAFTS):
            batch = batches[(round * DRAFTS + number) % len(batches)]["id"]
            note = {"batchId": batch, "note": f"Glaze test {round}-{number} goes to the top shelf."}
            self._follow(
                desk.perform("firestore.ops_note.append", note, "Said at the desk this morning."), self._reject
            )
        for number in range(PAGES):
            self._follow(desk.query("evidence.page", limit=200, kind="" if number % 2 else "proposal."))
            self._follow(desk.query("proposals.page", limit=200, state=("open", "decided", "")[number % 3]))
            self._follow(desk.query("studio.today"))

    def _verify(self) -> None:
        self._follow(self.desk.ask("verify"))

    def _reject(self, drafted: dict[str, Any]) -> None:
        shown = {"proposalId": drafted["proposalId"], "shownHash": drafted["proposalHash"]}
        self._follow(self.desk.perform("proposal.reject", shown, "It is on the shelf label already."))

    def _follow(self, reply: Any, then: Callable[[Any], None] | None = None) -> None:
        self.asked += 1
        if then is not None:
            reply.done.connect(then)
        reply.done.connect(lambda _: self._ended())
        reply.failed.connect(self._failed)

    def _ended(self) -> None:
        self.done += 1

    def _failed(self, error: dict[str, Any]) -> None:
        self.failed.append(error)
        self.done += 1


def until(ready: Callable[[], bool], every_ms: int = 50) -> None:
    """Turns the event loop until it is so."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop, give_up = QEventLoop(), time.monotonic() + PATIENCE_S
    look = QTimer(interval=every_ms)
    look.timeout.connect(lambda: (ready() or time.monotonic() > give_up) and loop.quit())
    look.start()
    loop.exec()
    look.stop()
    assert time.monotonic() < give_up, "it took too long"


def rest(seconds: float) -> None:
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
