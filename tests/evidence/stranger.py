"""Somebody who has nothing of ours installed: `python3 -I -S verify.py`, in an empty folder."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

VERIFIER = Path(__file__).resolve().parents[2] / "resources" / "verify" / "verify.py"
PYTHONS = [sys.executable, *filter(None, [os.environ.get("OLDEST_PYTHON")])]
"""OLDEST_PYTHON names a Python 3.9 where there is one."""

VERIFIED, REFUSED, UNANCHORED = 0, 1, 3


def look(path: Path, *keys: str, python: str = sys.executable) -> tuple[int, str]:
    """(exit code, what it printed)."""
    with tempfile.TemporaryDirectory() as empty:
        given = [part for key in keys for part in ("--key", key)]
        done = subprocess.run(
            [python, "-I", "-S", str(VERIFIER), *given, str(path)],
            cwd=empty, env={"PATH": "/nonexistent"}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.stderr == "", done.stderr
    return done.returncode, done.stdout
