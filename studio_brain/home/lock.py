"""One engine a home: whoever holds `engine.lock` runs the scheduler, the outbox and recovery.

The lock is advisory and dies with its process. Correctness never hangs on it: it comes from the rows' compare-and-set.
"""

import os
import sys
from pathlib import Path

from ..kernel.errors import StorageError
from ..kernel.reasons import ReasonCode

FILE = "engine.lock"


class EngineLock:
    """`EngineLock.take(home)` → the lock, or None while another process holds it. Another `file`, another lock."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def take(cls, home: Path, file: str = FILE) -> "EngineLock | None":
        try:
            fd = os.open(home / file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StorageError(str(home / file), code=ReasonCode.STORAGE_READ_ONLY) from error
        try:
            _lock(fd)
        except OSError:
            os.close(fd)
            return None
        return cls(fd)

    def release(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_held(home: Path) -> bool:
    """Whether some process holds the lock right now."""
    try:
        lock = EngineLock.take(home)
    except StorageError:
        return False
    if lock is None:
        return True
    lock.release()
    return False
