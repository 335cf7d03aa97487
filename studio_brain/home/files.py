"""Writing small files of the home folder: whole or not at all, readable by their owner alone."""

import contextlib
import errno
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from ..kernel.errors import StorageError
from ..kernel.reasons import ReasonCode


def write_private(path: Path, data: bytes) -> None:
    """Replaces `path` atomically with mode 0600. Raises StorageError when the folder cannot be written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        full = error.errno == errno.ENOSPC
        code = ReasonCode.STORAGE_FULL if full else ReasonCode.STORAGE_READ_ONLY
        raise StorageError(str(path), code=code) from error


def make_home(home: Path) -> None:
    """Creates the folder with mode 0700. Raises StorageError when that is not possible."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(str(home), code=ReasonCode.STORAGE_READ_ONLY) from error
    if not os.access(home, os.W_OK | os.X_OK):
        raise StorageError(str(home), code=ReasonCode.STORAGE_READ_ONLY)


def free_bytes(folder: Path) -> int:
    """What is left for this account on the disk that holds `folder`. Raises StorageError when it cannot be told."""
    try:
        return shutil.disk_usage(folder).free
    except OSError as error:
        raise StorageError(str(folder), code=ReasonCode.STORAGE_READ_ONLY) from error


@contextlib.contextmanager
def changing(path: Path) -> Iterator[None]:
    """Keeps every other thread and process that asks the same from reading and replacing `path` meanwhile."""
    try:
        fd = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageError(str(path), code=ReasonCode.STORAGE_READ_ONLY) from error
    try:
        _wait(fd)
        yield
    finally:
        os.close(fd)


if sys.platform == "win32":
    import msvcrt

    def _wait(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def _wait(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX)
