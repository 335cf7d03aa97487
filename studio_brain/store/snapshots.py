"""Snapshots of what is derived, at some cuts of the logs: files that make looking back quick and may go at any time.

Each is a SQLite file and, written after it, a small JSON document: the size and last seal of each log, how many
payloads were erased by then, which versions of which projections made it, the file's SHA-256. A snapshot that is
damaged, that belongs to other logs or versions, or that may still hold what was erased since, is destroyed when it is
met.
"""

import contextlib
import hashlib
import json
import os
import sqlite3
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, select

from ..evidence.cut import Cut
from ..evidence.erasure import count_erasures
from ..evidence.log import all_logs
from ..evidence.tables import entry, place
from .projections import Projection

MOST: Final = 8
"""Snapshots that are kept. Of more, the one goes whose absence leaves the smallest gap."""
CHUNK: Final = 1 << 20

Marks = dict[str, list[Any]]
"""By log id: size, last seal in hex, number of erasures ever sealed in this log or a later one of its tenant."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    path: Path
    sizes: Mapping[int, int]
    entries: int

    def load(self, target: sqlite3.Connection) -> None:
        with closing(sqlite3.connect(self.path)) as source:
            source.backup(target)


def marks(conn: Connection, sizes: Mapping[int, int]) -> Marks:
    """What a snapshot of these sizes has to match: the same entries, and every erasure sealed by now."""
    found: Marks = {}
    for log in all_logs(conn):
        size = sizes.get(log.log_id, 0)
        if size:
            query = select(entry.c.seal).where(entry.c.place == place(log.log_id, size - 1))
            seal = conn.execute(query).scalar()
            found[str(log.log_id)] = [size, None if seal is None else bytes(seal).hex(), count_erasures(conn, log)]
    return found


class Snapshots:
    """Those of one folder, for one set of projections."""

    def __init__(self, folder: Path, projections: Sequence[Projection]) -> None:
        self._folder = folder
        self._versions = sorted(
            [p.name, p.version, [[t.name, *(c.name for c in t.columns)] for t in p.tables]] for p in projections
        )

    def nearest(self, cut: Cut, marks_of: Callable[[Mapping[int, int]], Marks]) -> Snapshot | None:
        """The one from which the fewest entries are left to go; None when there is none that can be trusted."""
        limits = cut.by_log()
        fitting = []
        for document in self._folder.glob("*.json"):
            known = self._read(document)
            if known is None:
                self._destroy(document)
            elif all(size <= limits.get(log_id, 0) for log_id, size in _sizes(known).items()):
                fitting.append((sum(_sizes(known).values()), document, known))
        for entries, document, known in sorted(fitting, key=lambda item: item[0], reverse=True):
            sizes = _sizes(known)
            if known["marks"] == marks_of(sizes) and known["sha256"] == _sha256(document.with_suffix(".db")):
                return Snapshot(document.with_suffix(".db"), sizes, entries)
            self._destroy(document)
        return None

    def save(self, conn: sqlite3.Connection, held: Marks) -> None:
        """Writes the rows of `conn` as a snapshot of these marks. A folder that cannot be written is no fault."""
        with contextlib.suppress(OSError, sqlite3.Error):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            path = self._folder / f"{sum(mark[0] for mark in held.values()):012d}-{uuid.uuid4().hex[:8]}.db"
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
            with closing(sqlite3.connect(path)) as target:
                conn.backup(target)
            document = {"v": 1, "projections": self._versions, "marks": held, "sha256": _sha256(path)}
            path.with_suffix(".json").write_text(json.dumps(document), encoding="utf-8")
            self._thin_out()

    def forget(self) -> None:
        """Overwrites and removes all of them. Raises OSError when one stays."""
        for path in self._folder.glob("*"):
            _shred(path)

    def _read(self, document: Path) -> dict[str, Any] | None:
        """What a snapshot says of itself; None when it is not whole or was made by another program."""
        try:
            known: dict[str, Any] = json.loads(document.read_text(encoding="utf-8"))
            whole = known["v"] == 1 and known["projections"] == self._versions and bool(_sizes(known))
            return known if whole and isinstance(known["sha256"], str) else None
        except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
            return None

    def _thin_out(self) -> None:
        for path in self._folder.glob("*.db"):
            if not path.with_suffix(".json").exists():
                _shred(path)
        paths = sorted(self._folder.glob("*.json"))
        while len(paths) > MOST:
            at = [int(path.stem.partition("-")[0]) for path in paths]
            gaps = [after - before for before, after in zip([0, *at], at[1:], strict=False)]
            victim = paths.pop(gaps.index(min(gaps)))  # never the newest
            self._destroy(victim)

    def _destroy(self, document: Path) -> None:
        with contextlib.suppress(OSError):
            _shred(document.with_suffix(".db"))
            _shred(document)


def _sizes(known: Mapping[str, Any]) -> dict[int, int]:
    return {int(log_id): int(mark[0]) for log_id, mark in known["marks"].items()}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
    except OSError:
        return ""
    return digest.hexdigest()


def _shred(path: Path) -> None:
    """Overwrites a file with zeros before it goes."""
    with contextlib.suppress(FileNotFoundError):
        with path.open("r+b") as stream:
            left = os.fstat(stream.fileno()).st_size
            while left > 0:
                left -= stream.write(bytes(min(left, CHUNK)))
            stream.flush()
            os.fsync(stream.fileno())
        path.unlink()
