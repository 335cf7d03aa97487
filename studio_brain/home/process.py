"""Naming a process so that another one can tell later whether it still lives.

The name is `<boot id>/<pid>/<start>`; a process id alone is used again. Where the system does not tell boot and start
(other than Linux) they are empty and only the process id is compared.
"""

import os
import time
from functools import cache
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def _boot_id() -> str:
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _start(pid: int) -> str | None:
    """Start time in clock ticks since boot (proc(5), field 22), "" where unknown, None when there is no such
    process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else ""
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


@cache
def _own_boot() -> str:
    """It stays the same for as long as this process lives."""
    return _boot_id()


def uptime() -> tuple[str, int]:
    """`kernel.clock.Uptime` of this machine."""
    boot = _own_boot()
    if not boot or not hasattr(time, "CLOCK_BOOTTIME"):
        return "", 0
    return boot, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def own_name() -> str:
    pid = os.getpid()
    return f"{_boot_id()}/{pid}/{_start(pid) or ''}"


def is_alive(name: str) -> bool:
    """Whether the process of that name lives. Unreadable names count as dead."""
    boot, _, rest = name.partition("/")
    digits, _, start = rest.partition("/")
    if not digits.isdigit() or boot != _boot_id():
        return False
    found = _start(int(digits))
    if found is None or (start and found != start):
        return False
    if found:
        return True
    try:
        os.kill(int(digits), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
