"""The window's process, looked at from outside: what it has imported, and that the toolkit keeps its references."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.practice_process import ROOT

HEAVY = ("sqlalchemy", "httpx", "pydantic", "keyring", "numpy", "pyqtgraph", "alembic", "cryptography", "typer")

WINDOW = """
import json, sys, time
from pathlib import Path
from PySide6.QtWidgets import QApplication
from ui.app import Cockpit
from ui.options import Options
from ui.panes.catalogue import PANES

app = QApplication([])
cockpit = Cockpit(app, Options(Path(sys.argv[1]), None, False, None, ((1440, 900),), "light", True))
cockpit.show((1440, 900))
rooms = cockpit.fill()
give_up = time.monotonic() + 60

def filled():
    app.processEvents()
    return rooms.desk.live and all(rooms.pane(p.id).state == "ready" and rooms.pane(p.id).is_settled() for p in PANES)

while not filled() and time.monotonic() < give_up:
    pass
for entry in PANES:
    rooms.go(entry.id)
    app.processEvents()
rooms.toggle_switches()
states = {pane.id: pane.state for pane in rooms.panes.values()}
cockpit.close()
print(json.dumps({"states": states, "modules": sorted(sys.modules)}))
"""


def test_the_window_process_imports_nothing_of_the_engine(home: Path) -> None:
    """All panes are built and filled by a real engine, the kill switches are open; then the list is taken."""
    done = subprocess.run(
        [sys.executable, "-c", WINDOW, str(home)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["states"] == dict.fromkeys(found["states"], "ready")
    assert len(found["states"]) == 4
    modules = set(found["modules"])
    assert "ui.panes.evidence.pane" in modules
    assert not modules & {*HEAVY, "studio_brain"}


CALLS = 2_000

REFERENCES = f"""
import sys
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication, QLabel

class Bell(QObject):
    rung = Signal()

app = QApplication([])
timer, label, bell = QTimer(), QLabel(), Bell()
for name, call in dict(
    stop=timer.stop, update=label.update, text=lambda: label.setText("x"), emit=bell.rung.emit, parent=timer.parent
).items():
    call()
    before = sys.getrefcount(None)
    for _ in range({CALLS}):
        call()
    print(name, sys.getrefcount(None) - before)
"""


def test_the_pinned_toolkit_keeps_its_references_to_none() -> None:
    """PySide6 6.12.0 on Python 3.11 loses one reference to `None` a call (PYSIDE-3474) and aborts a long session."""
    done = subprocess.run(
        [sys.executable, "-c", REFERENCES],
        capture_output=True,
        text=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    changes = {name: int(change) for name, change in (line.split() for line in done.stdout.splitlines())}
    assert len(changes) == 5
    assert all(abs(change) < CALLS // 100 for change in changes.values()), changes
