"""Stamps for the benchmarks: with SB_TRACE=1, one line of JSON on standard error for each, in milliseconds since start.

painted  the shell is exposed and painted
rows     the first real rows are painted, and the Approve key is live
ready    the engine is ready
"""

import os
import sys
import time
from pathlib import Path

ON = os.environ.get("SB_TRACE") == "1"
_seen: set[str] = set()


def process_start() -> float:
    """The monotonic time (seconds) at which this process began, where the system tells it; else now."""
    try:
        stat = Path("/proc/self/stat").read_text(encoding="ascii")
        ticks = int(stat.rsplit(")", 1)[1].split()[19])
        return ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return time.monotonic()


_START = process_start() if ON else 0.0


def stamp(name: str) -> None:
    """Each stamp is given once."""
    if ON and name not in _seen:
        _seen.add(name)
        ms = (time.clock_gettime(time.CLOCK_BOOTTIME) - _START) * 1000 if hasattr(time, "CLOCK_BOOTTIME") else 0.0
        sys.stderr.write(f'{{"stamp": "{name}", "ms": {ms:.1f}}}\n')
        sys.stderr.flush()
