"""Audit bundles on the disk: a folder, or one USTAR file that is the same whoever writes it.

A bundle is made in a folder beside its place and moved there when it is whole and its receipt is sealed. A tar file has
its members in order of name, mode 0444, owner and time zero, so that the same files give the same bytes.
"""

import contextlib
import shutil
import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, BinaryIO, Final, Self, cast

from ...evidence.audit import MANIFEST
from ...evidence.receipt import ProofRefused
from ...kernel.errors import StorageError, StudioBrainError
from ...kernel.reasons import ReasonCode

TAR: Final = ".tar"
MAX_MEMBERS: Final = 64


class NewBundle:
    """The folder that a bundle is made in. What was not placed is removed at the end."""

    def __init__(self, target: Path) -> None:
        """Raises StudioBrainError when something is there already, or the folder cannot be written."""
        self._target = target
        self._folder = target.with_name(f".{target.name}.making")
        if target.exists() or self._folder.exists():
            raise StudioBrainError(
                f"{target.name} is there already", code=ReasonCode.INVALID_PAYLOAD, remedy="Choose another name."
            )
        with _storage(target):
            self._folder.mkdir(mode=0o700)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def create(self, name: str) -> BinaryIO:
        with _storage(self._target):
            return (self._folder / name).open("xb")

    def place(self) -> None:
        """Moves the finished bundle to its place."""
        with _storage(self._target):
            if self._target.suffix != TAR:
                self._folder.rename(self._target)
                return
            packed = self._folder.with_suffix(".packed")
            try:
                _pack(self._folder, packed)
                packed.rename(self._target)
            finally:
                packed.unlink(missing_ok=True)


def _pack(folder: Path, packed: Path) -> None:
    with tarfile.open(packed, "w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(folder.iterdir()):
            info = tarfile.TarInfo(path.name)
            info.size, info.mode = path.stat().st_size, 0o444
            with path.open("rb") as stream:
                tar.addfile(info, stream)


class FolderFiles:
    """`evidence.audit.Files` of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> Collection[str]:
        return {path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*") if not path.is_dir()}

    def open(self, name: str) -> BinaryIO:
        return (self._folder / name).open("rb")


class TarFiles:
    """`evidence.audit.Files` of a tar file. Nothing is unpacked."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        """Raises ProofRefused for members that are no plain files, stand twice, or are too many."""
        self._tar = tar
        self._members: dict[str, tarfile.TarInfo] = {}
        for member in tar:
            if not member.isreg() or member.name in self._members or len(self._members) == MAX_MEMBERS:
                raise ProofRefused(f"{member.name[:80]}: no plain file, or there twice")
            self._members[member.name] = member

    def names(self) -> Collection[str]:
        return self._members.keys()

    def open(self, name: str) -> BinaryIO:
        return cast(BinaryIO, cast(IO[bytes], self._tar.extractfile(self._members[name])))


@contextlib.contextmanager
def open_bundle(path: Path) -> Iterator[FolderFiles | TarFiles]:
    """The files of a bundle, folder or tar. Raises ProofRefused when it is neither, StudioBrainError when it is not
    there."""
    if path.is_dir():
        if not (path / MANIFEST).is_file():
            raise ProofRefused(f"{path.name} holds no {MANIFEST}")
        yield FolderFiles(path)
        return
    if not path.is_file():
        raise StudioBrainError(str(path), code=ReasonCode.NOT_FOUND)
    try:
        with tarfile.open(path, "r:") as tar:
            yield TarFiles(tar)
    except tarfile.TarError as error:
        raise ProofRefused(f"{path.name} is no audit bundle: {error}") from error


@contextlib.contextmanager
def _storage(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}", code=ReasonCode.STORAGE_READ_ONLY) from error
