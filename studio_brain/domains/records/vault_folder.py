"""The files of a vault: one folder a log, named by its origin. Whole files or none, and durable before what names them.

A file is written under another name, flushed to the disk, and renamed. Nothing that is there is written over: `put`
takes a file that is there already with the same bytes as done and refuses one with others. Only `replace` changes one.
"""

import contextlib
import errno
import os
from pathlib import Path
from typing import Final

from ...evidence.tilepath import parse_index_path
from ...evidence.vault import CHECKPOINT, VaultRefused
from ...kernel.reasons import ReasonCode

MAX_FILE: Final = 64 * 1024 * 1024
"""A bundle has at most 16.1 MB; a payload's ciphertext may be larger, and is read up to here."""

_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR})
_INSIDE: Final = frozenset({"tile", "payload", "checkpoints"})


class LogFolder:
    """The copy of one log. Paths are those of `evidence.vault`. Raises VaultRefused when the disk does."""

    def __init__(self, root: Path, origin: str) -> None:
        parts = origin.split("/")
        if any(part in ("", ".", "..") or part in _INSIDE or not _plain(part) for part in parts):
            raise VaultRefused(f"the origin {origin[:80]!r} cannot be a folder")
        self._folder = root.joinpath(*parts)
        self._root = root
        self._touched: set[Path] = set()

    def read(self, path: str) -> bytes | None:
        try:
            with (self._folder / path).open("rb") as stream:
                data = stream.read(MAX_FILE + 1)
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise VaultRefused(_told(error), code=ReasonCode.VAULT_AWAY) from error
        if len(data) > MAX_FILE:
            raise VaultRefused(f"{path} is larger than anything that was ever written there")
        return data

    def put(self, path: str, data: bytes) -> None:
        """A new file. One that is there with other bytes is not touched: VAULT_FORKS."""
        found = self.read(path)
        if found is None:
            self.replace(path, data)
        elif found != data:
            raise VaultRefused(f"{path} is there with other bytes", code=ReasonCode.VAULT_FORKS)

    def replace(self, path: str, data: bytes) -> None:
        target = self._folder / path
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            self._make(target.parent)
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(fd, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(target)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise VaultRefused(_told(error), code=ReasonCode.VAULT_NOT_WRITTEN) from error
        self._touched.add(target.parent)

    def remove(self, path: str) -> None:
        """A file that another one made needless; its absence is as good."""
        try:
            (self._folder / path).unlink(missing_ok=True)
        except OSError as error:
            raise VaultRefused(_told(error), code=ReasonCode.VAULT_NOT_WRITTEN) from error

    def settle(self) -> None:
        """Makes the names durable: until then a power cut may take files back."""
        for folder in sorted(self._touched):
            _flush_folder(folder)
        self._touched.clear()

    def checkpoint_sizes(self) -> list[int]:
        """Those under `checkpoints/`, smallest first. What is not named as this program names it is left out."""
        base = self._folder / "checkpoints"
        sizes = []
        for folder, _, names in os.walk(base):
            for name in names:
                with contextlib.suppress(ValueError):
                    sizes.append(parse_index_path((Path(folder) / name).relative_to(base).as_posix()))
        return sorted(sizes)

    def _make(self, folder: Path) -> None:
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            each.mkdir(mode=0o700, exist_ok=True)
            self._touched |= {each, each.parent}


def origins_in(root: Path) -> list[str]:
    """The origins that have a copy under this folder, in order."""
    found = []
    for folder, folders, names in os.walk(root):
        if CHECKPOINT in names:
            found.append(Path(folder).relative_to(root).as_posix())
        folders[:] = sorted(name for name in folders if not (CHECKPOINT in names and name in _INSIDE))
    return sorted(found)


def begin(root: Path) -> None:
    """Makes the folder of a vault that was never used. The folder above it has to be there: a disk that is not
    connected is not made up. Raises VaultRefused."""
    try:
        root.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        code = ReasonCode.VAULT_AWAY if error.errno in _ABSENT else ReasonCode.VAULT_NOT_WRITTEN
        raise VaultRefused(_told(error), code=code) from error


def _plain(part: str) -> bool:
    return all(c.isascii() and (c.isalnum() or c in "-_.") for c in part)


def _told(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else type(error).__name__


def _flush_folder(folder: Path) -> None:
    """Not every system lets folders be opened; where it does not, renaming is durable enough by itself."""
    with contextlib.suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
