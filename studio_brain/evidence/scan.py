"""The fast pass over a stretch of a log, for entries that are what they ought to be.

`scan` reads [first, end) with a handful of statements, seals every body anew, compares seals and tiles as wholes, and
(when it looks deep) parses each entry once for its form, its columns, its stream and its payload. It answers with a
`Chunk`: the roots of the tiles, and for each signed checkpoint what of the tree lies inside its tile, so that whoever
puts the chunks together in order needs no entry any more, and stretches can be scanned by several processes.

The first thing that is odd raises `Odd`. What is wrong, and where exactly, is for `examine` to say.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from ..kernel.hashing import from_text
from . import checkpoint as checkpoints
from .checkpoint import Checkpoint
from .entry import Commitment
from .erasure import ERASED, Statement, read_statement
from .forms import Forms, Parts
from .log import LogRow
from .merkle import leaf_hash
from .note import NoteError, VerifierKey, parse
from .payload import PayloadError, open_payload
from .tables import place, seq_of
from .tiles import TILE_WIDTH

TILES: Final = 16
WIDTH: Final = TILES * TILE_WIDTH
"""Entries of one chunk."""

STREAMS: Final = 200_000
"""How many streams' last entries are kept in memory."""

# The bodies of a stretch, in index order.
BODIES = "SELECT body FROM entry WHERE place >= ? AND place < ? ORDER BY place"
# The same with the columns that follow from the bodies.
ENTRIES = "SELECT body, seal, id, kind, stream_id, pos, at_ms FROM entry WHERE place >= ? AND place < ? ORDER BY place"
# The full tiles of the lowest level over a stretch.
TILES_OVER = "SELECT idx, root, hashes FROM tile WHERE log_id = ? AND level = 0 AND idx >= ? AND idx < ? ORDER BY idx"
# Signed checkpoints of sizes in (first, end].
NOTES = "SELECT size, note FROM checkpoint WHERE log_id = ? AND size > ? AND size <= ? ORDER BY size"
# What is left of the payloads of a stretch.
PAYLOADS = (
    "SELECT payload.place, salt, sealed, key FROM payload LEFT JOIN payload_key ON payload_key.place = payload.place "
    "WHERE payload.place >= ? AND payload.place < ?"
)
NAMES = "SELECT stream_id, log_id, name FROM stream WHERE stream_id IN ({})"
# Entries by their stream and position, before a place. CROSS JOIN makes SQLite go from the wanted to the entries.
BEFORE = (
    "WITH wanted(s, p) AS (VALUES {}) SELECT e.stream_id, e.pos, e.seal FROM wanted CROSS JOIN entry e "
    "WHERE e.stream_id = s AND e.pos = p AND e.place < ?"
)
BODY = "SELECT body, seal FROM entry WHERE place = ?"


class Odd(Exception):
    """Something in this stretch is not as it ought to be."""


@dataclass(slots=True)
class Cover:
    """A signed checkpoint inside a chunk. `inside` are the roots of the complete subtrees of the part of its tile that
    it covers, largest first; the tiles before are whole."""

    size: int
    root: bytes
    inside: tuple[bytes, ...]


@dataclass(slots=True)
class Chunk:
    """What a scan found in [first, end): every tile's root, the seals after the last full tile, the checkpoints, and
    which payloads are gone or said to be erased."""

    first: int
    end: int
    roots: list[bytes] = field(default_factory=list)
    tail: list[bytes] = field(default_factory=list)
    covers: list[Cover] = field(default_factory=list)
    payloads: int = 0
    gone: list[int] = field(default_factory=list)
    erased: list[int] = field(default_factory=list)


class Streams:
    """The last entry of every stream up to here: stream_id → (name, pos, seal). Asks the database for what it has not
    met itself, unless it has been here since the first entry."""

    def __init__(self, log: LogRow, *, from_the_start: bool) -> None:
        self._log = log
        self._complete = from_the_start
        self.names: dict[int, str] = {}
        self.tails: dict[int, tuple[int, bytes]] = {}

    def prepare(self, conn: Connection, firsts: dict[int, int], first: int) -> None:
        """Makes names and tails known for the streams of a stretch that begins at index `first`. `firsts` says at which
        position each of them appears first there: the tail is what stands at the position before."""
        unknown = [id for id in firsts if id not in self.names]
        if not unknown:
            return
        if len(self.names) > STREAMS:
            self.names.clear()
            self.tails.clear()
            self._complete = False
            unknown = list(firsts)
        marks = ", ".join("?" * len(unknown))
        for id, log_id, name in rows(conn, NAMES.format(marks), unknown):
            if log_id == self._log.log_id:
                self.names[id] = name
        before = [(id, firsts[id] - 1) for id in unknown if firsts[id] > 0]
        if not self._complete and before:
            pairs = ", ".join(["(?, ?)"] * len(before))
            values = [part for pair in before for part in pair]
            for id, pos, seal in rows(conn, BEFORE.format(pairs), [*values, place(self._log.log_id, first)]):
                self.tails[id] = (pos, bytes(seal))

    def forget(self) -> None:
        """Starts again from the database: what was kept may have come from a stretch that is odd."""
        self.names.clear()
        self.tails.clear()
        self._complete = False


def run(conn: Connection, sql: str, parameters: Any) -> Any:
    """A cursor of the driver, at its own speed, inside the transaction of the connection."""
    if not conn.in_transaction():
        conn.begin()
    driver: Any = conn.connection.dbapi_connection
    return driver.execute(sql.replace("?", "%s") if conn.dialect.name == "postgresql" else sql, tuple(parameters))


def rows(conn: Connection, sql: str, parameters: Any) -> list[Any]:
    """Rows as plain tuples."""
    return list(run(conn, sql, parameters).fetchall())


def scan(
    conn: Connection, log: LogRow, key: VerifierKey, first: int, end: int, streams: Streams | None, forms: Forms
) -> Chunk:
    """Entries [first, end); `first` is the first of a tile. Raises Odd.

    Looks deep when `streams` is given: at forms, columns, links, payloads and signatures. Without, the bytes are
    compared with the tree and the tree with its checkpoints, whoever signed those.
    """
    sha256, at = hashlib.sha256, (place(log.log_id, first), place(log.log_id, end))
    found: list[Any] = []
    if streams is None:
        leaves = [sha256(b"\x00" + body).digest() for (body,) in run(conn, BODIES, at)]
    else:
        found = rows(conn, ENTRIES, at)
        leaves = [sha256(b"\x00" + row[0]).digest() for row in found]
        if leaves != [row[1] for row in found]:
            raise Odd
    if len(leaves) != end - first:
        raise Odd
    chunk = Chunk(first, end)
    levels = levels_of(leaves)
    _tiles(conn, log, chunk, leaves, levels)
    _covers(conn, log, key if streams is not None else None, chunk, levels)
    if streams is not None:
        if not streams.names.keys() >= {row[4] for row in found}:
            streams.prepare(conn, {row[4]: row[5] for row in reversed(found)}, first)
        _deep(conn, log, chunk, found, streams, forms)
    return chunk


def levels_of(leaves: list[bytes]) -> list[list[bytes]]:
    """The nodes above the seals up to the roots of tiles; at each level as many as are complete."""
    sha256 = hashlib.sha256
    levels = [leaves]
    for _ in range(8):
        below = levels[-1]
        pairs = iter(below if len(below) % 2 == 0 else below[:-1])
        levels.append([sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)])
    return levels


def _tiles(conn: Connection, log: LogRow, chunk: Chunk, leaves: list[bytes], levels: list[list[bytes]]) -> None:
    index, last = chunk.first // TILE_WIDTH, chunk.end // TILE_WIDTH
    chunk.roots = levels[8]
    chunk.tail = leaves[(last - index) * TILE_WIDTH :]
    stored = [
        (idx, bytes(root), bytes(hashes)) for idx, root, hashes in rows(conn, TILES_OVER, (log.log_id, index, last))
    ]
    made = [
        (index + i, root, b"".join(leaves[i * TILE_WIDTH : (i + 1) * TILE_WIDTH])) for i, root in enumerate(chunk.roots)
    ]
    if stored != made:
        raise Odd


def _covers(conn: Connection, log: LogRow, key: VerifierKey | None, chunk: Chunk, levels: list[list[bytes]]) -> None:
    for size, note in rows(conn, NOTES, (log.log_id, chunk.first, chunk.end)):
        try:
            signed = Checkpoint.parse(parse(note).text) if key is None else checkpoints.open_own(note, key)
        except NoteError as error:
            raise Odd from error
        if signed.origin != log.origin or signed.size != size:
            raise Odd
        chunk.covers.append(Cover(size, signed.root, inside(levels, size - chunk.first)))


def inside(levels: list[list[bytes]], count: int) -> tuple[bytes, ...]:
    """The complete subtrees of the first `count` leaves, without the full tiles before the last one."""
    rest, at, found = count % TILE_WIDTH, count - count % TILE_WIDTH, []
    for level in reversed(range(8)):
        if rest >> level & 1:
            found.append(levels[level][at >> level])
            at += 1 << level
    return tuple(found)


def _deep(conn: Connection, log: LogRow, chunk: Chunk, found: list[Any], streams: Streams, forms: Forms) -> None:
    payloads = {seq_of(row[0]): row[1:] for row in _payloads(conn, log, chunk)}
    names, tails, matches = streams.names, streams.tails, forms.matches
    for index, (body, seal, id, kind, stream_id, pos, at_ms) in enumerate(found, chunk.first):
        tail = tails.get(stream_id)
        last, prev = (-1, "null") if tail is None else (tail[0], f'"sha256:{tail[1].hex()}"')
        parts = matches(body, id, kind, names.get(stream_id, ""), prev, at_ms)
        if parts is None or pos != last + 1:
            raise Odd
        tails[stream_id] = (pos, seal)
        if parts.payload is not None:
            _payload(chunk, index, parts, payloads.pop(index, None))
        if kind == ERASED:
            chunk.erased += erased_by(conn, log, parts, index)
    if payloads:
        raise Odd  # bytes beside an entry that commits to none


def _payloads(conn: Connection, log: LogRow, chunk: Chunk) -> list[Any]:
    return rows(conn, PAYLOADS, (place(log.log_id, chunk.first), place(log.log_id, chunk.end)))


def _payload(chunk: Chunk, index: int, parts: Parts, stored: Any) -> None:
    if stored is None or stored[2] is None:
        chunk.gone.append(index)
        return
    try:
        check_payload(parts, stored)
    except (PayloadError, ValueError) as error:
        raise Odd from error
    chunk.payloads += 1


def check_payload(parts: Parts, stored: Any) -> None:
    """Raises PayloadError or ValueError unless the stored (salt, sealed, key) open to what the entry commits to."""
    if parts.payload is not None:
        salt, sealed, key = stored
        open_payload(
            Commitment(from_text(parts.payload.sha256), parts.payload.size), bytes(salt), bytes(sealed), bytes(key)
        )


class _Commits(msgspec.Struct):
    payload: Any = None


_commits = msgspec.json.Decoder(_Commits).decode


def erased_by(conn: Connection, log: LogRow, parts: Parts, index: int) -> list[int]:
    """The indexes of its own log that the entry `index` about an erasure erases: that of an earlier entry whose seal
    and commitment it names, or none."""
    said = read_statement(parts.data, log.origin, log.epoch, index)
    return [] if said is None or said.is_later or not is_true(conn, log, said) else [said.index]


def is_true(conn: Connection, log: LogRow, said: Statement) -> bool:
    """Whether the entry that a statement is about, in `log`, has the seal and the commitment that it names. The seal
    may be that of the bytes or the one kept beside them: which of the two was altered is told elsewhere."""
    found = rows(conn, BODY, (place(log.log_id, said.index),))
    try:
        payload = _commits(bytes(found[0][0])).payload if found else None
        sha256 = from_text(payload["sha256"]) if isinstance(payload, dict) else b""
        return any(said.is_about(seal, sha256) for body, column in found for seal in (leaf_hash(body), bytes(column)))
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError, ValueError):
        return False
