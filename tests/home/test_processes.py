"""The engine lock and the names of processes: what dies lets go, and a reused process id is not mistaken."""

import os
import subprocess
import sys
from pathlib import Path

from studio_brain.home.lock import EngineLock, is_held
from studio_brain.home.process import is_alive, own_name

HOLD = """
import sys
from pathlib import Path
from studio_brain.home.lock import EngineLock
from studio_brain.home.process import own_name
lock = EngineLock.take(Path(sys.argv[1]))
print(own_name(), lock is not None, flush=True)
sys.stdin.read()
"""


def holder(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_the_lock_is_one_processes_and_dies_with_it(tmp_path: Path) -> None:
    with holder(tmp_path) as other:
        assert other.stdout is not None
        name, got = other.stdout.readline().split()
        assert got == "True"
        assert is_alive(name)
        assert EngineLock.take(tmp_path) is None
        assert is_held(tmp_path)
        other.kill()
        other.wait()
    assert not is_alive(name)
    mine = EngineLock.take(tmp_path)
    assert mine is not None
    mine.release()
    assert not is_held(tmp_path)


def test_this_process_lives_and_another_start_of_its_id_does_not() -> None:
    name = own_name()
    assert is_alive(name)
    boot, pid, start = name.split("/")
    assert int(pid) == os.getpid()
    assert not is_alive(f"{boot}/{pid}/{int(start) + 1}")
    assert not is_alive(f"another-boot/{pid}/{start}")
    for nonsense in ("", "x", "//", f"{boot}/abc/1", f"{boot}/999999999/1"):
        assert not is_alive(nonsense)
