"""A close look at one tile's worth of entries in which something is odd.

For every index there are up to three hashes: of the stored bytes, in the column beside them, in the stored tile; and
often a fourth, named as `prev` by the next entry of the stream. Which of them was sealed is settled by the next signed
checkpoint: a list of hashes that leads to its root is the list that was sealed, there is no other. What differs from
that list is what was altered, and only that.

Where no list leads there (both an entry and every copy of its hash are gone or forged), the entries since the last
checkpoint that agreed cannot be shown to be what was sealed, and are said to be altered.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, product
from math import prod
from typing import Any, Final

from sqlalchemy import Connection

from . import checkpoint as checkpoints
from .erasure import ERASED
from .forms import FormError, Wire, check_columns, read_wire
from .log import LogRow
from .merkle import Frontier, complete_root, leaf_hash
from .note import NoteError, VerifierKey
from .payload import PayloadError
from .ranges import ALTERED, MISSING
from .scan import NOTES, check_payload, erased_by, inside, levels_of, rows
from .tables import place, seq_of
from .tiles import TILE_WIDTH
from .upper import Upper

TRIALS: Final = 256
"""Combinations of hashes that are tried against one checkpoint."""

AHEAD: Final = 5_000
"""How far a checkpoint beyond the tile may lie to be asked."""

ROWS = (
    "SELECT entry.place, entry.seal, entry.body, entry.id, entry.kind, entry.stream_id, entry.pos, entry.at_ms, "
    "stream.name FROM entry LEFT JOIN stream ON stream.stream_id = entry.stream_id AND stream.log_id = entry.log_id "
    "WHERE entry.place >= ? AND entry.place < ? ORDER BY entry.place"
)
TILE = "SELECT root, hashes FROM tile WHERE log_id = ? AND level = 0 AND idx = ?"
NEXT_NOTES = "SELECT size, note FROM checkpoint WHERE log_id = ? AND size > ? ORDER BY size LIMIT 16"
# The entry of a stream at a position, and the end of a stream before a place.
AT_POSITION = "SELECT place, seal, body FROM entry WHERE stream_id = ? AND pos = ?"
EARLIER = "SELECT count(*) FROM entry WHERE stream_id = ? AND place < ?"
PAYLOAD = (
    "SELECT salt, sealed, key FROM payload LEFT JOIN payload_key ON payload_key.place = payload.place "
    "WHERE payload.place = ?"
)


@dataclass(slots=True)
class Stored:
    """A row of an entry. `leaf` is the hash of its bytes."""

    seal: bytes
    body: bytes
    id: bytes
    kind: str
    stream_id: int
    pos: int
    at_ms: int
    stream: str | None
    leaf: bytes


@dataclass(slots=True)
class Examined:
    """What was found in one tile. `truths` are the sealed hashes of the entries that differ from them; `root` is that
    of the last checkpoint that agreed, `tail` the subtrees of an unfinished tile."""

    findings: list[tuple[int, int, str, str]] = field(default_factory=list)
    truths: dict[int, bytes] = field(default_factory=dict)
    lost: bool = False
    covered: int = 0
    checkpoints: int = 0
    payloads: int = 0
    gone: list[int] = field(default_factory=list)
    erased: list[int] = field(default_factory=list)
    root: bytes | None = None
    tile_root: bytes = b""
    tail: tuple[bytes, ...] = ()

    def altered(self, index: int, what: str) -> None:
        self.findings.append((index, index + 1, ALTERED, what))


@dataclass(frozen=True, slots=True)
class _Bound:
    """A signed checkpoint that can judge."""

    size: int
    root: bytes


class _Tile:
    """One tile's entries, the copies of their hashes, and which of them is held to be the sealed one."""

    def __init__(self, conn: Connection, log: LogRow, upper: Upper, first: int, stop: int) -> None:
        self.conn, self.log, self.first, self.stop = conn, log, first, stop
        self.before = Frontier(first, upper.frontier.roots)
        self.stored, self.unreadable = _read(conn, log, first, stop)
        row = rows(conn, TILE, (log.log_id, first // TILE_WIDTH)) if stop - first == TILE_WIDTH else []
        self.is_full = stop - first == TILE_WIDTH
        self.root_beside = bytes(row[0][0]) if row else None
        hashes = bytes(row[0][1]) if row else b""
        self.hashes = [hashes[i : i + 32] for i in range(0, 32 * TILE_WIDTH, 32)] if len(hashes) == 8192 else None
        self.held: list[bytes | None] = [self._first_copy(index) for index in range(first, stop)]

    def copies(self, index: int) -> list[bytes]:
        """The different hashes that are known of an index, the likeliest first."""
        row, found = self.stored.get(index), []
        if row is not None:
            found += [row.leaf, row.seal]
        if self.hashes is not None:
            found.append(self.hashes[index - self.first])
        return list(dict.fromkeys(found))

    def _first_copy(self, index: int) -> bytes | None:
        return next(iter(self.copies(index)), None)

    def settle(self, low: int, bound: _Bound) -> bool:
        """Whether some list of known hashes for [low, min(bound, stop)) leads to the bound's root; then it is held."""
        high = min(bound.size, self.stop)
        after = self._leaves(self.stop, bound.size) if bound.size > self.stop else []
        if after is None or None in self.held[: low - self.first]:
            return False
        known = [self.copies(index) for index in range(low, high)]
        if self._try(low, known, after, bound.root):
            return True
        claims = self._claims(low, high)
        return any(claims) and self._try(
            low, [list(dict.fromkeys(a + b)) for a, b in zip(known, claims, strict=True)], after, bound.root
        )

    def _try(self, low: int, known: list[list[bytes]], after: list[bytes], root: bytes) -> bool:
        if not all(known):
            return False
        start = self.before.copy()
        for leaf in self.held[: low - self.first]:
            start.append(leaf or b"")
        mixed = product(*known) if prod(map(len, known)) <= TRIALS else ()
        for trial in chain(_uniform(known), mixed):
            edge = start.copy()
            for leaf in (*trial, *after):
                edge.append(leaf)
            if edge.root() == root:
                self.held[low - self.first : low - self.first + len(trial)] = trial
                return True
        return False

    def _leaves(self, first: int, end: int) -> list[bytes] | None:
        """The hashes of the bodies after the tile, None when they are not all there."""
        found, unreadable = _read(self.conn, self.log, first, end)
        return [found[i].leaf for i in range(first, end)] if len(found) == end - first and not unreadable else None

    def _claims(self, low: int, high: int) -> list[list[bytes]]:
        """For each index what later entries name as the seal before theirs. Of an entry that is gone nobody knows the
        stream: there it may be any `prev` that leads nowhere."""
        claims: list[list[bytes]] = []
        orphans: list[bytes] | None = None
        for index in range(low, high):
            row = self.stored.get(index)
            if row is None:
                orphans = self._orphans(index) if orphans is None else orphans
                claims.append(orphans)
                continue
            found = self._at_position(row.stream_id, row.pos + 1)
            claims.append([prev for _, _, body in found if (prev := _prev(bytes(body))) is not None])
        return claims

    def _at_position(self, stream_id: int, pos: int) -> list[Any]:
        try:
            return rows(self.conn, AT_POSITION, (stream_id, pos))
        except self.conn.dialect.loaded_dbapi.Error:
            return []

    def _orphans(self, index: int) -> list[bytes]:
        later, _ = _read(self.conn, self.log, index + 1, index + 1 + 4 * TILE_WIDTH)
        named: dict[bytes, None] = {}
        for row in later.values():
            prev = _prev(row.body)
            if prev is None:
                continue
            before = self._at_position(row.stream_id, row.pos - 1)
            if not before or prev not in (bytes(before[0][1]), leaf_hash(bytes(before[0][2]))):
                named[prev] = None
        return list(named)[:8]

    def vote(self) -> None:
        """Without a checkpoint to ask: the tile's hashes are held where they lead to the root kept beside them."""
        if self.hashes is not None and complete_root(b"".join(self.hashes)) == self.root_beside:
            self.held = list(self.hashes)


def _uniform(known: list[list[bytes]]) -> Iterator[tuple[bytes, ...]]:
    """All of the first copies, all of the second, …: an attack seldom mixes them."""
    for i in range(max(map(len, known), default=0)):
        yield tuple(copies[min(i, len(copies) - 1)] for copies in known)
    for i in range(1, max(map(len, known), default=0)):
        yield tuple(copies[max(len(copies) - 1 - i, 0)] for copies in known)


def examine(
    conn: Connection,
    log: LogRow,
    key: VerifierKey,
    upper: Upper,
    first: int,
    stop: int,
    truths: dict[int, bytes],
    *,
    deep: bool,
) -> Examined:
    """Entries [first, stop) of one tile, after the tree `upper`. `truths` are those of earlier tiles."""
    tile, found = _Tile(conn, log, upper, first, stop), Examined()
    bounds = _bounds(conn, log, key, first, stop, found)
    low = first
    unsettled: list[tuple[int, int]] = []
    for bound in bounds:
        if tile.settle(low, bound):
            found.lost, found.root = False, bound.root
            if unsettled and bound.size >= unsettled[0][0]:
                unsettled.clear()
        else:
            found.lost = True
            unsettled.append((low, min(bound.size, stop)))
            continue  # the next checkpoint is asked about these entries too
        low = min(bound.size, stop)
    if low < stop and not unsettled:
        judges = _judges(conn, log, key, stop)
        if not any(tile.settle(low, judge) for judge in judges):
            tile.vote()
    _compare(tile, found)
    _unsettled(tile, found, unsettled)
    found.covered = max([bound.size for bound in bounds], default=0)
    if deep:
        for index, row in tile.stored.items():
            if row.leaf == tile.held[index - first]:
                _look_deep(conn, log, index, row, truths | found.truths, found)
    held = [item or b"\x00" * 32 for item in tile.held]
    if tile.is_full:
        found.tile_root = complete_root(b"".join(held))
        if tile.root_beside is not None and tile.root_beside != found.tile_root and not found.lost:
            found.altered(stop - 1, f"the root beside tile (0, {first // TILE_WIDTH}) is not its root")
    else:
        found.tail = inside(levels_of(held), len(held))
    found.findings.sort()
    return found


def _read(conn: Connection, log: LogRow, first: int, end: int) -> tuple[dict[int, Stored], set[int]]:
    """The rows of [first, end) by index, and the indexes whose rows the database cannot read."""
    try:
        return {seq_of(row[0]): _row(row) for row in _rows(conn, log, first, end)}, set()
    except conn.dialect.loaded_dbapi.Error:
        if conn.dialect.name != "sqlite":
            raise
    found: dict[int, Stored] = {}
    unreadable = set()
    for index in range(first, end):
        try:
            found.update((index, _row(row)) for row in _rows(conn, log, index, index + 1))
        except conn.dialect.loaded_dbapi.Error:
            unreadable.add(index)
    return found, unreadable


def _rows(conn: Connection, log: LogRow, first: int, end: int) -> list[Any]:
    return rows(conn, ROWS, (place(log.log_id, first), place(log.log_id, end)))


def _row(row: Any) -> Stored:
    _, seal, body, id, kind, stream_id, pos, at_ms, stream = row
    return Stored(bytes(seal), bytes(body), bytes(id), kind, stream_id, pos, at_ms, stream, leaf_hash(bytes(body)))


def _bounds(conn: Connection, log: LogRow, key: VerifierKey, first: int, stop: int, found: Examined) -> list[_Bound]:
    bounds = []
    for size, note in rows(conn, NOTES, (log.log_id, first, stop)):
        try:
            bounds.append(_open(log, key, size, note))
            found.checkpoints += 1
        except NoteError as error:
            found.altered(size - 1, f"the checkpoint that covers it: {error}")
    return bounds


def _judges(conn: Connection, log: LogRow, key: VerifierKey, stop: int) -> list[_Bound]:
    """The next signed checkpoint after the tile, if it is near."""
    for size, note in rows(conn, NEXT_NOTES, (log.log_id, stop)):
        try:
            bound = _open(log, key, size, note)
        except NoteError:
            continue
        return [bound] if size - stop <= AHEAD else []
    return []


def _open(log: LogRow, key: VerifierKey, size: int, note: str) -> _Bound:
    signed = checkpoints.open_own(note, key)
    if signed.origin != log.origin or signed.size != size:
        raise NoteError("it belongs elsewhere")
    return _Bound(size, signed.root)


def _compare(tile: _Tile, found: Examined) -> None:
    """What differs from the hashes that are held."""
    index_of_tile = tile.first // TILE_WIDTH
    if tile.is_full and tile.hashes is None:
        what = "is missing" if tile.root_beside is None else "has another length"
        found.altered(tile.stop - 1, f"tile (0, {index_of_tile}) {what}")
    for index, held in enumerate(tile.held, tile.first):
        row = tile.stored.get(index)
        what = ""
        if index in tile.unreadable:
            what = "the database cannot read it"
        elif row is None:
            found.findings.append((index, index + 1, MISSING, "it is missing"))
            found.truths[index] = held or b""
        elif row.leaf != held:
            what = "its bytes are not what was sealed"
        if what:
            found.altered(index, what)
            found.truths[index] = held or b""
        elif row is not None and row.seal != held:
            found.altered(index, "the seal beside it is not that of its bytes")
            found.truths[index] = held or b""
        elif tile.hashes is not None and tile.hashes[index - tile.first] != held:
            found.altered(index, f"tile (0, {index_of_tile}) holds another hash")


def _unsettled(tile: _Tile, found: Examined, ranges: list[tuple[int, int]]) -> None:
    for low, high in ranges:
        at = low
        for index in [i for i in range(low, high) if i not in tile.stored] + [high]:
            if at < index:
                what = "the signed checkpoint does not cover these entries"
                found.findings.append((at, index, ALTERED, what))
            at = index + 1


def _look_deep(
    conn: Connection, log: LogRow, index: int, row: Stored, truths: dict[int, bytes], found: Examined
) -> None:
    try:
        wire = read_wire(row.body)
        _look_at_payload(conn, log, index, wire, found)
        if wire.kind == ERASED:
            found.erased += erased_by(conn, log, wire, index)
        check_columns(wire, log.tenant, row.id, row.kind, row.stream, row.at_ms)
        _check_link(conn, log, index, row, wire, truths)
    except (FormError, PayloadError, ValueError) as error:
        found.altered(index, str(error)[:200])
        found.truths[index] = row.leaf


def _check_link(conn: Connection, log: LogRow, index: int, row: Stored, wire: Wire, truths: dict[int, bytes]) -> None:
    """Raises FormError unless the entry follows the one before it in its stream, or one that is known to be gone."""
    prev = _prev(row.body)
    try:
        if prev is None and row.pos == 0 and not rows(conn, EARLIER, (row.stream_id, place(log.log_id, index)))[0][0]:
            return
        for at, seal, _ in rows(conn, AT_POSITION, (row.stream_id, row.pos - 1)):
            if at < place(log.log_id, index) and prev in (bytes(seal), truths.get(seq_of(at))):
                return
    except conn.dialect.loaded_dbapi.Error:
        return  # what it follows cannot be read, and is told there
    if prev is not None and (prev in truths.values() or b"" in truths.values()):
        return  # what it follows is altered or missing itself, and is told there
    raise FormError(f"it does not follow the last entry of its stream {wire.stream[:80]!r}")


def _look_at_payload(conn: Connection, log: LogRow, index: int, wire: Wire, found: Examined) -> None:
    stored = rows(conn, PAYLOAD, (place(log.log_id, index),))
    if wire.payload is None:
        if stored:
            raise FormError("a payload lies beside it that it does not commit to")
        return
    if not stored or stored[0][2] is None:
        found.gone.append(index)
        return
    check_payload(wire, stored[0])
    found.payloads += 1


def _prev(body: bytes) -> bytes | None:
    """The seal that an entry names as the one before; None for the first, and for bytes that are no entry."""
    try:
        prev = read_wire(body).prev
        return None if prev is None else bytes.fromhex(prev.removeprefix("sha256:"))
    except ValueError:
        return None
