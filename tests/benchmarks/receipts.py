"""Searching and jumping in a log of a million receipts, in the real window over the real pipe.

What a question costs the engine is bounded by its stretch, whatever is looked for; how long the window stands still is
measured as in `window_stall`. The floor of a search is SQLite's own walk over the same rows in one statement.

    python -m tests.benchmarks.receipts HOME TENANT      the window's process; prints one line of JSON
"""

import gc
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio_brain.gateway import seeking
from studio_brain.store.database import Databases, selecting
from studio_brain.store.reading import Sources
from tests.benchmarks import big_log
from tests.benchmarks.figures import Figure, at_most, limit
from tests.benchmarks.window_stall import FRAME_MS, PATIENCE_S, Heart, rest, until
from tests.practice_process import ROOT

SIZE = 1_000_000
JUMPS = 60
SEARCHES: dict[str, dict[str, Any]] = {
    "a kind that is not there": {"kind": "action.denied"},
    "a text that is not there": {"text": "celadon on the top shelf"},
    "a stream": {"stream": big_log.stream_name(17)},
}
WALKS = {
    "a kind that is not there": ("SELECT count(*) FROM entry WHERE kind LIKE :what", "action.denied%"),
    "a text that is not there": (
        "SELECT count(*) FROM entry WHERE instr(lower(CAST(body AS TEXT)), :what) > 0",
        "celadon on the top shelf",
    ),
}


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        databases, _ = big_log.build(home, SIZE)
        try:
            yield from _engine(databases)
        finally:
            databases.close()
        yield from _window(home)


def _engine(databases: Databases) -> Iterator[Figure]:
    select = selecting(databases.brain)
    sources = Sources(select, select, 0)
    for name, filters in SEARCHES.items():
        took: list[float] = []
        before = None
        while True:
            began = time.perf_counter()
            answer = seeking.evidence_seek(sources, big_log.TENANT, {**filters, "before": before})
            took.append((time.perf_counter() - began) * 1000)
            before = answer["next"]
            if before is None:
                break
        yield Figure(
            f"{SIZE:,} receipts, {name}: a question to the engine, p99",
            sorted(took)[len(took) * 99 // 100],
            "ms",
            f"{len(took)} questions",
            1.0,
            None,
            True,
        )
        if name in WALKS:
            sql, what = WALKS[name]
            began = time.perf_counter()
            select(sql, {"what": what})
            floor = time.perf_counter() - began
            yield at_most(f"{SIZE:,} receipts, {name}: to the end", sum(took) / 1000, "s", "one SQL walk", floor, None)


def _window(home: Path) -> Iterator[Figure]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.receipts", str(home), big_log.TENANT],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE_S * 4,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    yield limit(f"{SIZE:,} receipts: scroll bar to painted rows, median", found["jump_ms"], "ms", 33.0)
    for name in ("jumping", *SEARCHES, "every receipt fits"):
        yield limit(f"{SIZE:,} receipts, {name}: largest stall of the window", found[name]["stall"], "ms", FRAME_MS)


def main(home: Path, tenant: str) -> None:
    from PySide6.QtWidgets import QApplication

    from tests.ui.opening import dress
    from ui.desk import Desk
    from ui.engine_client import ProcessEngine
    from ui.shell.window import Window

    sys.excepthook = lambda *error: (sys.__excepthook__(*error), os._exit(1))  # what a slot raises is no result
    app = QApplication([])
    dress()
    engine = ProcessEngine([sys.executable, "-m", "tests.benchmarks.engine_on_a_log", str(home), tenant])
    engine.start()
    window = Window()
    desk = Desk(engine)
    rooms = window.furnish(desk)
    window.resize(1440, 900)
    window.show()
    try:
        rooms.go("evidence")
        until(lambda: rooms.panes["evidence"].receipts.model.rowCount() == SIZE)
        gc.freeze()  # as the program does when its panes are made
        sys.stdout.write(json.dumps(_measure(rooms.panes["evidence"])) + "\n")
    finally:
        engine.stop()
        window.close()
    del app


def _measure(pane: Any) -> dict[str, Any]:
    from ui.panes.evidence.pages import Filter

    view = pane.receipts
    until(pane.is_settled)
    rest(0.5)
    chance, heart, jumps = random.Random(5), Heart(), []
    for _ in range(JUMPS):
        row = chance.randrange(SIZE - 100)
        began = time.monotonic()
        view.table.verticalScrollBar().setValue(row)
        until(lambda row=row: view.model.cells(row) is not None, every_ms=1)
        view.table.viewport().repaint()
        jumps.append((time.monotonic() - began) * 1000)
    found: dict[str, Any] = {"jump_ms": round(statistics.median(jumps), 2), "jumping": heart.stop()}
    for name, filters in {**SEARCHES, "every receipt fits": {"kind": "execution."}}.items():
        heart = Heart()
        view.bar.filter = lambda filters=filters: Filter(**filters)
        view.start(view.seen_size)
        until(lambda: view.pages.complete)
        rest(0.2)
        found[name] = {**heart.stop(), "found": view.pages.counted}
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
