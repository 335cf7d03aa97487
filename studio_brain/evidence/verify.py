"""Verification of one log, starting from the stored bytes and trusting nothing derived from them.

One pass in index order. For each entry: the numbering has no gap, the bytes are canonical and are an entry of this
tenant, seal and columns follow from the bytes, the stream's chain is unbroken, the payload matches its commitment or
was erased by an entry that says so, in this log or in a later one that was verified before. Along the way: every full
tile, and at every signed checkpoint the root and the signature.

The log alone cannot show that its newest entries were cut off with their checkpoints, nor that whoever holds the key
wrote it anew. *Anchors* can: sizes and roots that this log once had, kept outside of its database.

The first fault ends the pass and is named by its index. What was checked, and against which key, stands in the result.
"""

import sqlite3
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from ..kernel.canonical import is_canonical
from ..kernel.errors import StudioBrainError, VerificationError
from . import checkpoint as checkpoints
from .entry import Entry, decode
from .erasure import ERASED, Statement, read_statement
from .log import LogRow
from .merkle import Frontier, complete_root, leaf_hash
from .note import NoteError, VerifierKey
from .payload import PayloadError, open_payload
from .tables import checkpoint, entry, head, payload, payload_key, place, seq_of, stream, tile
from .tiles import TILE_WIDTH

BATCH = 1_000

Progress = Callable[[int, int], None]
"""(entries checked, entries in all) → None. May raise to cancel."""


Anchor = tuple[int, bytes]
"""(size, root) that the log once had, known from outside of its database."""


class Tampered(VerificationError):
    """The log is not what was sealed. `index` is the first bad entry; None when the fault lies outside the entries.

    Entries before `since` are covered by a root that agreed: the first bad one is one of `since` … `index`.
    """

    def __init__(self, origin: str, index: int | None, what: str, since: int | None = None) -> None:
        self.origin, self.index, self.what = origin, index, what
        self.since = index if since is None else since
        where = "the log" if index is None else f"entry {index}"
        super().__init__(f"{origin}: {where}: {what}")


@dataclass(frozen=True, slots=True)
class Verified:
    """What was checked. `checkpoints` signatures were verified with `key`; `root` is that of `size` entries. `anchors`
    are how many were held against it, `anchored` the largest size among them: what follows is signed, not anchored.
    `said` is what its entries say was erased of earlier logs."""

    origin: str
    size: int
    root: bytes
    checkpoints: int
    payloads: int
    erased: int
    key: str
    anchors: int = 0
    anchored: int = 0
    said: tuple[Statement, ...] = ()


@dataclass(slots=True)
class _Pass:
    """What one pass carries from entry to entry. `later` is what later logs say of this one, by index."""

    later: dict[int, list[Statement]] = field(default_factory=dict)
    frontier: Frontier = field(default_factory=Frontier)
    tails: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # stream → last pos, last seal
    ids: set[uuid.UUID] = field(default_factory=set)
    unfinished: list[list[bytes]] = field(default_factory=list)  # for each level the hashes of its unfinished tile
    missing: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)  # payloads not there: seal, commitment
    said: list[Statement] = field(default_factory=list)
    payloads: int = 0
    erased: int = 0
    checkpoints: int = 0
    agreed: int = 0  # size at the last root that agreed
    anchored: int = 0  # size at the last anchor that agreed


def verify_log(
    conn: Connection,
    log: LogRow,
    key: VerifierKey,
    progress: Progress | None = None,
    anchors: Collection[Anchor] = (),
    later: Sequence[Statement] = (),
) -> Verified:
    """Checks a whole log. `later` is what later logs of the tenant say was erased, from their own verification
    (`Verified.said`). Raises Tampered at the first fault."""
    try:
        return _verify(conn, log, key, progress, anchors, later)
    except DBAPIError as error:
        if not _is_damage(error):
            raise
        raise Tampered(log.origin, None, f"the database cannot read what it needs ({error.orig})") from error


def _is_damage(error: DBAPIError) -> bool:
    """Whether the database could not read what is stored, as against being held or out of reach. SQLite gives no code
    when text in it is not UTF-8."""
    return isinstance(error.orig, sqlite3.Error) and getattr(error.orig, "sqlite_errorcode", None) in _DAMAGE


_DAMAGE: Final = (None, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _verify(
    conn: Connection,
    log: LogRow,
    key: VerifierKey,
    progress: Progress | None,
    anchors: Collection[Anchor],
    later: Sequence[Statement],
) -> Verified:
    if not isinstance(log.origin, str) or not log.origin.endswith(f"/{log.tenant}/{log.epoch}"):
        raise Tampered(log.origin, None, f"its row names epoch {log.epoch} of {log.tenant!r}")
    waiting = sorted(set(anchors), reverse=True)
    total = conn.execute(select(head.c.size).where(head.c.log_id == log.log_id)).scalar()
    if not isinstance(total, int):
        raise Tampered(log.origin, None, "its head row is missing")
    state = _Pass()
    for said in later:
        if said.origin == log.origin and said.epoch > log.epoch:
            state.later.setdefault(said.index, []).append(said)
    _check_anchors(log, state, waiting)  # of no entries
    notes = _checkpoints(conn, log)
    pending = next(notes, None)
    try:
        for index, row in enumerate(_rows(conn, log)):
            _check_entry(conn, log, state, index, row)
            _check_tiles(conn, log, state, row.seal)
            if pending is not None and pending[0] == state.frontier.size:
                _check_checkpoint(log, state, pending, key)
                pending = next(notes, None)
            _check_anchors(log, state, waiting)
            if progress is not None and index % 500 == 499:
                progress(index + 1, max(total, index + 1))
        if waiting:
            size = waiting[-1][0]
            raise Tampered(log.origin, state.frontier.size, f"it is missing: the log once had {size} entries")
        _check_end(conn, log, state, pending, total)
    except Tampered as fault:
        if fault.index is not None and fault.since == fault.index:
            fault.since = min(fault.index, state.agreed)
        raise
    if progress is not None:
        progress(state.frontier.size, state.frontier.size)
    return Verified(
        origin=log.origin,
        size=state.frontier.size,
        root=state.frontier.root(),
        checkpoints=state.checkpoints,
        payloads=state.payloads,
        erased=state.erased,
        key=key.serialize(),
        anchors=len(set(anchors)),
        anchored=state.anchored,
        said=tuple(state.said),
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """An entry as stored, with what lies beside it."""

    place: int
    log_id: int
    id: bytes
    kind: str
    stream: str | None
    stream_log: int | None
    pos: int
    at_ms: int
    seal: bytes
    body: bytes
    payload: tuple[bytes, bytes] | None
    key: bytes | None


def _rows(conn: Connection, log: LogRow) -> Iterator[_Row]:
    columns = (
        select(
            entry.c.place, entry.c.log_id, entry.c.id, entry.c.kind, stream.c.name, stream.c.log_id, entry.c.pos,
            entry.c.at_ms, entry.c.seal, entry.c.body
        )
        .join(stream, stream.c.stream_id == entry.c.stream_id, isouter=True)
        .order_by(entry.c.place)
    )  # fmt: skip
    at, last = place(log.log_id, 0), place(log.log_id + 1, 0)
    limit = BATCH
    while True:
        try:
            rows = conn.execute(columns.where(entry.c.place >= at, entry.c.place < last).limit(limit)).all()
            after = rows[-1][0] + 1 if len(rows) == limit else last
            payloads, keys = _beside(conn, log, at, after)
        except DBAPIError as error:
            if not _is_damage(error):
                raise
            if limit == 1:
                raise Tampered(log.origin, seq_of(at), f"the database cannot read it ({error.orig})") from error
            limit = 1  # one by one, to name the first entry that cannot be read
            continue
        for row in rows:
            _check_bytes(log, row[0], row[2], row[8], row[9])
            cells: list[Any] = [*row, payloads.pop(row[0], None), keys.pop(row[0], None)]
            yield _Row(*cells)
        strays = payloads.keys() | keys.keys()
        if strays:
            raise Tampered(log.origin, seq_of(min(strays)), "a payload lies there, and no entry")
        if after == last:
            return
        at = after


def _check_bytes(log: LogRow, at: int, *values: Any) -> None:
    """A damaged file can hold anything where its schema says bytes."""
    if not all(isinstance(value, bytes) for value in values):
        raise Tampered(log.origin, seq_of(at), "something else lies where its bytes belong")


def _beside(
    conn: Connection, log: LogRow, first: int, end: int
) -> tuple[dict[int, tuple[bytes, bytes]], dict[int, bytes]]:
    """(salt, ciphertext) of the payloads at these places, and their keys."""
    payloads = conn.execute(select(payload).where(payload.c.place >= first, payload.c.place < end)).all()
    keys = conn.execute(select(payload_key).where(payload_key.c.place >= first, payload_key.c.place < end)).all()
    for row in (*payloads, *keys):
        _check_bytes(log, *row)
    return {row.place: (row.salt, row.sealed) for row in payloads}, {row.place: row.key for row in keys}


def _check_entry(conn: Connection, log: LogRow, state: _Pass, index: int, row: _Row) -> None:
    if seq_of(row.place) != index:
        raise Tampered(log.origin, index, "it is missing")
    seal = leaf_hash(row.body)
    if seal != row.seal:
        raise Tampered(log.origin, index, "its bytes do not match its seal")
    if not is_canonical(row.body):
        raise Tampered(log.origin, index, "its bytes are not canonical JSON")
    try:
        found = decode(row.body, seal)
    except StudioBrainError as error:
        raise Tampered(log.origin, index, error.detail) from error
    if found.tenant != log.tenant:
        raise Tampered(log.origin, index, f"it belongs to the tenant {found.tenant!r}")
    if found.id in state.ids:
        raise Tampered(log.origin, index, "its id stands in the log twice")
    state.ids.add(found.id)
    columns = (log.log_id, found.id.bytes, found.kind, found.stream, log.log_id, found.at_ms)
    if columns != (row.log_id, row.id, row.kind, row.stream, row.stream_log, row.at_ms):
        raise Tampered(log.origin, index, "a column beside it differs from its bytes")
    pos, prev = state.tails.get(found.stream, (-1, None))
    if found.prev != prev or row.pos != pos + 1:
        raise Tampered(log.origin, index, f"it does not follow the last entry of its stream {found.stream!r}")
    state.tails[found.stream] = (pos + 1, seal)
    _check_payload(conn, log, state, index, row, found)
    state.frontier.append(seal)


def _check_payload(conn: Connection, log: LogRow, state: _Pass, index: int, row: _Row, found: Entry) -> None:
    if found.kind == ERASED:
        _check_erased(conn, log, state, found)
    if row.payload is None or row.key is None:
        if (row.payload, row.key) != (None, None):
            raise Tampered(log.origin, index, "half of its payload is gone")
        if found.payload is not None and _is_erased_later(state, index, found):
            state.erased += 1
        elif found.payload is not None:
            state.missing[index] = (found.seal, found.payload.sha256)
        return
    if found.payload is None:
        raise Tampered(log.origin, index, "a payload lies beside it, and it commits to none")
    try:
        open_payload(found.payload, *row.payload, row.key)
    except PayloadError as error:
        raise Tampered(log.origin, index, str(error)) from error
    if _is_erased_later(state, index, found):
        raise Tampered(log.origin, index, _THERE_AGAIN)
    state.payloads += 1


_THERE_AGAIN: Final = "its payload was erased and is there again"


def _is_erased_later(state: _Pass, index: int, found: Entry) -> bool:
    """Whether a later log says that the payload of this entry was erased."""
    commitment = b"" if found.payload is None else found.payload.sha256
    return any(said.is_about(found.seal, commitment) for said in state.later.get(index, ()))


def _check_erased(conn: Connection, log: LogRow, state: _Pass, found: Entry) -> None:
    """What this entry says was erased of its own log has to be gone. Of an earlier log it is kept for that log's own
    pass."""
    said = read_statement(found.data, log.origin, log.epoch, state.frontier.size)
    if said is None:
        return
    if said.is_later:
        state.said.append(said)
        return
    known = state.missing.get(said.index)
    if known is None:
        left = conn.execute(select(payload.c.place).where(payload.c.place == place(log.log_id, said.index))).first()
        if left is not None:
            raise Tampered(log.origin, said.index, _THERE_AGAIN)
    elif said.is_about(*known):
        del state.missing[said.index]
        state.erased += 1


def _check_tiles(conn: Connection, log: LogRow, state: _Pass, seal: bytes) -> None:
    """Compares each tile that the seal just read completes with what was read; a tile's root goes one level up."""
    level, item = 0, seal
    while True:
        if level == len(state.unfinished):
            state.unfinished.append([])
        hashes = state.unfinished[level]
        hashes.append(item)
        if len(hashes) < TILE_WIDTH:
            return
        state.unfinished[level] = []
        item = _check_tile(conn, log, level, (state.frontier.size - 1) // TILE_WIDTH ** (level + 1), hashes)
        level += 1


def _check_tile(conn: Connection, log: LogRow, level: int, index: int, hashes: list[bytes]) -> bytes:
    row = conn.execute(
        select(tile.c.root, tile.c.hashes).where(
            tile.c.log_id == log.log_id, tile.c.level == level, tile.c.idx == index
        )
    ).first()
    leaves = TILE_WIDTH**level  # below one hash of this level
    last = (index + 1) * TILE_WIDTH * leaves - 1
    if row is None:
        raise Tampered(log.origin, last, f"tile ({level}, {index}) is missing")
    _check_bytes(log, place(log.log_id, last), row.hashes, row.root)
    stored = row.hashes
    if stored != b"".join(hashes):
        first = next((i for i, item in enumerate(hashes) if stored[32 * i : 32 * i + 32] != item), TILE_WIDTH - 1)
        raise Tampered(log.origin, (index * TILE_WIDTH + first) * leaves, f"tile ({level}, {index}) holds another hash")
    root = complete_root(stored)
    if row.root != root:
        raise Tampered(log.origin, last, f"the root beside tile ({level}, {index}) is not its root")
    return root


def _checkpoints(conn: Connection, log: LogRow) -> Iterator[tuple[int, str]]:
    query = select(checkpoint.c.size, checkpoint.c.note).where(checkpoint.c.log_id == log.log_id)
    last: int | None = None
    while True:
        more = query if last is None else query.where(checkpoint.c.size > last)
        try:
            rows = conn.execute(more.order_by(checkpoint.c.size).limit(BATCH)).all()
        except DBAPIError as error:
            if not _is_damage(error):
                raise
            yield from _each_checkpoint(conn, log, last)
            return
        for row in rows:
            yield _size(log, row.size), row.note
        if len(rows) < BATCH:
            return
        last = rows[-1].size


def _size(log: LogRow, value: Any) -> int:
    if not isinstance(value, int):
        raise Tampered(log.origin, None, "it holds a checkpoint of no size")
    return value


def _each_checkpoint(conn: Connection, log: LogRow, after: int | None) -> Iterator[tuple[int, str]]:
    """One by one, to name the first that cannot be read."""
    sizes = select(checkpoint.c.size).where(checkpoint.c.log_id == log.log_id).order_by(checkpoint.c.size)
    for size in [_size(log, size) for size in conn.execute(sizes).scalars()]:
        if after is None or size > after:
            note = select(checkpoint.c.note).where(checkpoint.c.log_id == log.log_id, checkpoint.c.size == size)
            try:
                yield size, conn.execute(note).scalar_one()
            except DBAPIError as error:
                raise Tampered(
                    log.origin, size - 1, f"the checkpoint that covers it cannot be read ({error.orig})"
                ) from error


def _check_checkpoint(log: LogRow, state: _Pass, stored: tuple[int, str], key: VerifierKey) -> None:
    size, text = stored
    if not isinstance(text, str):
        raise Tampered(log.origin, size - 1, "the checkpoint that covers it is no text")
    try:
        found = checkpoints.open_own(text, key)
    except NoteError as error:
        raise Tampered(log.origin, size - 1, f"the checkpoint that covers it: {error}") from error
    if found.origin != log.origin or found.size != size:
        raise Tampered(log.origin, size - 1, "the checkpoint that covers it belongs elsewhere")
    if found.root != state.frontier.root():
        raise Tampered(log.origin, size - 1, "the signed checkpoint does not cover these entries")
    state.checkpoints += 1
    state.agreed = size


def _check_anchors(log: LogRow, state: _Pass, waiting: list[Anchor]) -> None:
    """Holds the anchors of the size just reached against the root. `waiting` ends with the smallest."""
    while waiting and waiting[-1][0] <= state.frontier.size:
        size, root = waiting.pop()
        if size != state.frontier.size or root != state.frontier.root():
            last = None if size <= 0 else size - 1
            raise Tampered(log.origin, last, f"the first {size} entries are not those it once had", state.anchored)
        state.anchored = size


def _check_end(conn: Connection, log: LogRow, state: _Pass, pending: tuple[int, str] | None, total: int) -> None:
    size = state.frontier.size
    if pending is not None:
        if pending[0] <= size:
            raise Tampered(log.origin, None, f"it holds a checkpoint of {pending[0]} entries")
        raise Tampered(log.origin, size, f"it is missing, though a checkpoint of {pending[0]} entries was signed")
    if state.missing:
        raise Tampered(log.origin, min(state.missing), "its payload is gone and no entry says that it was erased")
    if state.agreed != size:
        raise Tampered(log.origin, size - 1, "no signed checkpoint covers it")
    if total != size or _head_roots(conn, log) != state.frontier.to_bytes():
        raise Tampered(log.origin, None, f"its head names {total} entries, there are {size}, or another tree")
    _check_no_more_tiles(conn, log, size)


def _check_no_more_tiles(conn: Connection, log: LogRow, size: int) -> None:
    """The full tiles of every level have been compared: there are no others."""
    width, full = TILE_WIDTH, 0
    while width <= size:
        full += size // width
        width *= TILE_WIDTH
    stored = conn.execute(select(func.count()).select_from(tile).where(tile.c.log_id == log.log_id)).scalar_one()
    if stored != full:
        raise Tampered(log.origin, None, f"it has {stored} stored tiles; {size} entries fill {full}")


def _head_roots(conn: Connection, log: LogRow) -> bytes:
    roots = conn.execute(select(head.c.roots).where(head.c.log_id == log.log_id)).scalar()
    return roots if isinstance(roots, bytes) else b"none"
