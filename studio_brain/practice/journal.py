"""What happened to a practice studio, in a file: the seed's parameters first, then every commit, account and day.

One line is `{"sum":"<16 hex>","entry":{...}}`, the sum being the head of the SHA-256 of the entry's bytes. A line is
written with one call and counts once its newline is there: after a kill the last line is whole or it is dropped, with a
note. Anything else that does not read back is damage and refused. At start the file is compacted: documents that
changed more than an hour ago stand in it once, as they are; the last hour stays commit by commit, since reads may still
go back there.

Entries: `start` (parameters), `base` (documents as they are), `commit`, `account`, `gone` (a deleted account), `day`
(what one practice day did, and the shift after it).
"""

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from .store import Change, Commit

_HEAD = b'{"sum":"'
_MIDDLE = b'","entry":'
_SUM = 16
_BASE_ROWS = 500

Entry = dict[str, Any]


class Damaged(Exception):
    """The journal cannot be read back. The message names the file and line and says what to do."""


class InUse(Exception):
    """Another practice studio has this folder."""


def encode(entry: Entry) -> bytes:
    body = orjson.dumps(entry)
    return _HEAD + hashlib.sha256(body).hexdigest()[:_SUM].encode() + _MIDDLE + body + b"}\n"


def _decode(line: bytes) -> Entry | None:
    """None when the line is not one that `encode` made."""
    start = len(_HEAD) + _SUM
    if not line.startswith(_HEAD) or line[start : start + len(_MIDDLE)] != _MIDDLE or not line.endswith(b"}"):
        return None
    body = line[start + len(_MIDDLE) : -1]
    if hashlib.sha256(body).hexdigest()[:_SUM].encode() != line[len(_HEAD) : start]:
        return None
    entry: Entry = orjson.loads(body)
    return entry


def read(path: Path) -> tuple[list[Entry], str | None]:
    """The entries, and a note when a torn last line was dropped. Raises Damaged."""
    if not path.exists():
        return [], None
    lines = path.read_bytes().split(b"\n")
    torn = lines.pop()
    entries = []
    for number, line in enumerate(lines, 1):
        entry = _decode(line)
        if entry is None:
            raise Damaged(f"{path}, line {number}: does not read back. Keep a copy, then start with an empty folder.")
        entries.append(entry)
    note = None
    if torn:
        note = f"{path.name}: the last entry was torn ({len(torn)} bytes) and has been dropped"
    return entries, note


def change_row(change: Change) -> list[Any]:
    return [change.path, change.fields, change.created, change.updated]


def changes(rows: Iterable[list[Any]]) -> Iterator[Change]:
    for path, fields, created, updated in rows:
        yield Change(path, fields, created, updated)


def commit_entry(commit: Commit) -> Entry:
    return {"k": "commit", "at": commit.at, "docs": [change_row(change) for change in commit.changes]}


class Journal:
    """An open journal. What a day does is kept back until its end, so that a day is there whole or not at all."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "journal.jsonl"
        self._lock: int | None = _lock(folder / "lock")
        self._file: BinaryIO | None = None
        self._day: list[Entry] | None = None

    def start(self, entries: Iterable[Entry]) -> None:
        """Replaces the file by these entries and goes on writing after them."""
        draft = self.path.with_suffix(".new")
        with draft.open("wb") as out:
            for entry in entries:
                out.write(encode(entry))
            out.flush()
            os.fsync(out.fileno())
        if self._file is not None:
            self._file.close()
        draft.replace(self.path)
        self._file = self.path.open("ab", buffering=0)

    def write(self, entry: Entry) -> None:
        if self._day is not None:
            self._day.append(entry)
            return
        if self._file is None:
            raise RuntimeError("the journal has not been started")
        self._file.write(encode(entry))

    def commit(self, commit: Commit) -> None:
        self.write(commit_entry(commit))

    def begin_day(self) -> None:
        self._day = []

    def end_day(self, day: int, shift_ms: int) -> None:
        kept, self._day = self._day or [], None
        self.write({"k": "day", "day": day, "shiftMs": shift_ms, "entries": kept})

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def compacted(
    start: Entry, base: dict[str, Change], recent: list[Commit], accounts: Iterable[Entry]
) -> Iterator[Entry]:
    """A fresh journal: parameters, accounts that differ from the seed, documents that do, and the last hour."""
    yield start
    yield from accounts
    rows = [change_row(change) for change in sorted(base.values(), key=lambda change: change.updated)]
    for first in range(0, len(rows), _BASE_ROWS):
        yield {"k": "base", "docs": rows[first : first + _BASE_ROWS]}
    for commit in recent:
        yield commit_entry(commit)


def _lock(path: Path) -> int:
    """A lock that the system lets go of when the process ends, however it ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise InUse(f"another practice studio is using {path.parent}") from error
    return descriptor
