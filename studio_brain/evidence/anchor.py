"""Anchors: what is known of a log from outside of its database, and whether the log still agrees.

An anchor is a size and a root that this log once had: a pin, a vault's checkpoint, a cosigned one, or what the first
entry of the next epoch says of the one before. A log that is shorter, or had another root at that size, was set back
or rewritten.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from . import note
from .checkpoint import open_note
from .log import all_logs
from .merkle import ProofError
from .note import VerifierKey
from .reader import LogReader


@dataclass(frozen=True, slots=True)
class Anchor:
    """`where` names the place that says so; `at_ms` when it was written there."""

    origin: str
    size: int
    root: bytes
    where: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An anchor that the log does not hold. `size` is what the log has now; None where the log is not there."""

    anchor: Anchor
    size: int | None

    @property
    def what(self) -> str:
        known = f"{self.anchor.origin} had {self.anchor.size} entries ({self.anchor.where})"
        if self.size is None:
            return f"{known}; now there is no such log"
        if self.size < self.anchor.size:
            return f"{known}; now it has {self.size}"
        return f"{known}; the first {self.anchor.size} are others now"


def read_anchor(text: str, key: VerifierKey, where: str, at_ms: int) -> Anchor:
    """A signed checkpoint as an anchor. Raises NoteError when it is none, or not signed by the key."""
    found = open_note(note.parse(text), key)
    return Anchor(found.origin, found.size, found.root, where, at_ms)


def disagreements(conn: Connection, anchors: Sequence[Anchor]) -> list[Disagreement]:
    """The anchors that their logs do not hold, in the order given."""
    logs = {log.origin: log for log in all_logs(conn)}
    found = []
    for anchor in anchors:
        log = logs.get(anchor.origin)
        if log is None:
            found.append(Disagreement(anchor, None))
            continue
        reader = LogReader(conn, log)
        size = reader.size()
        if size < anchor.size or _root(reader, anchor.size) != anchor.root:
            found.append(Disagreement(anchor, size))
    return found


def _root(reader: LogReader, size: int) -> bytes | None:
    try:
        return reader.root(size)
    except ProofError:
        return None  # the stored tree has a hole: it proves nothing
