"""Appending to one log, on a connection that is inside a write transaction.

An `Appender` lives for one group commit. It starts from the log's head row (locked where the database locks rows),
takes events one by one, and `close` writes what belongs to the whole group: entries, full tiles, the head, one signed
checkpoint. A unit of work that fails is undone with `mark` and `rollback`, beside the savepoint of its rows; the
others of the group stay.

Entries are numbered here and nowhere else. Order = order under the lock = order of commit. Between two groups a process
remembers where the streams ended (`Memory`), and reads only what others have added since.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from ..kernel.clock import Clock
from ..kernel.errors import StorageError, StudioBrainError
from ..kernel.ids import IdSource
from ..kernel.reasons import ReasonCode
from . import checkpoint as checkpoints
from . import tables
from .checkpoint import Checkpoint
from .entry import Commitment, Entry, EntryError, Event, Receipt, check, decode, encode
from .merkle import Frontier, leaf_hash
from .note import Signer
from .payload import SealedPayload, seal_payload
from .statements import Statements, lock_head
from .tiles import full_tiles

REMEMBERED: Final = 20_000
"""Streams whose end a process remembers, at most."""


class AppendConflict(StudioBrainError):
    """The same id with another content."""

    code = ReasonCode.KEY_REUSED


class PrevConflict(StudioBrainError):
    """The stream does not end where the caller saw it end. `found` is the seal of its last entry, None when it has
    none; `expected` is what the event named."""

    code = ReasonCode.CONFLICT

    def __init__(self, stream: str, expected: bytes | None, found: bytes | None) -> None:
        self.stream, self.expected, self.found = stream, expected, found
        super().__init__(f"the stream {stream} has moved on since it was read")


@dataclass(frozen=True, slots=True)
class LogRow:
    """One log. `origin` names it in checkpoints: `<installation>/<tenant>/<epoch>`."""

    log_id: int
    tenant: str
    epoch: int
    origin: str


class Appended(msgspec.Struct, frozen=True):
    """`repeated`: the id was in the log already, and this is its first receipt."""

    receipt: Receipt
    entry: Entry
    payload: bytes | None
    repeated: bool = False


@dataclass(slots=True)
class Memory:
    """What a process knows of a log since its last group: size and right edge, and for each stream met its id, last
    pos and last seal. Good only after a commit; whoever rolls back forgets it."""

    log_id: int
    frontier: Frontier = field(default_factory=Frontier)
    ids: dict[str, int] = field(default_factory=dict)
    tails: dict[str, tuple[int, bytes | None]] = field(default_factory=dict)

    def catch_up(self, size: int, roots: bytes, added: list[Any]) -> None:
        """Brings it to a head that another process may have moved, with what was `added` since (stream, stream_id, pos,
        seal); starts anew where that is not the whole continuation."""
        here = self.frontier
        if len(added) == size - here.size and here.size:
            for stream, stream_id, pos, seal in added:
                here.append(bytes(seal))
                self.ids[stream] = stream_id
                self.tails[stream] = (pos, bytes(seal))
        if size != here.size or roots != here.to_bytes() or len(self.tails) > REMEMBERED:
            self.frontier = _frontier(size, roots)
            self.ids.clear()
            self.tails.clear()


@dataclass(slots=True)
class Mark:
    """A point to return to. `created` moves on when what stood before the mark is written first."""

    seals: int
    entries: int
    payloads: int
    undo: int
    created: int


def find_log(conn: Connection, tenant: str) -> LogRow | None:
    """The tenant's log of the latest epoch."""
    log = tables.log
    row = conn.execute(select(log).where(log.c.tenant == tenant).order_by(log.c.epoch.desc()).limit(1)).first()
    return None if row is None else LogRow(row.log_id, row.tenant, row.epoch, row.origin)


def open_log(conn: Connection, tenant: str, origin_prefix: str) -> LogRow:
    """As `find_log`; creates epoch 1 with the origin `<origin_prefix>/<tenant>/1` at its first use."""
    known = find_log(conn, tenant)
    if known is not None:
        return known
    upsert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    values = {"tenant": tenant, "epoch": 1, "origin": f"{origin_prefix}/{tenant}/1"}
    conn.execute(upsert(tables.log).values(values).on_conflict_do_nothing())
    made = find_log(conn, tenant)
    if made is None:
        raise StorageError(f"the log of {tenant} could not be created")
    conn.execute(upsert(tables.head).values(log_id=made.log_id, size=0, roots=b"").on_conflict_do_nothing())
    return made


def all_logs(conn: Connection) -> list[LogRow]:
    rows = conn.execute(select(tables.log).order_by(tables.log.c.log_id))
    return [LogRow(row.log_id, row.tenant, row.epoch, row.origin) for row in rows]


class Appender:
    """Appends to one log within one transaction. Not for use after `close`.

    `memory` is what an earlier group of this process left; the appender changes it, so it counts only once the
    transaction is committed.
    """

    def __init__(
        self,
        conn: Connection,
        tenant: str,
        origin_prefix: str,
        clock: Clock,
        ids: IdSource,
        random_bytes: Callable[[int], bytes],
        memory: Memory | None = None,
    ) -> None:
        known = None if memory is None or not memory.frontier.size else (memory.log_id, memory.frontier.size)
        locked = lock_head(conn, tenant, known)
        if locked is None:
            open_log(conn, tenant, origin_prefix)
            locked = lock_head(conn, tenant)
        if locked is None:
            raise StorageError(f"the log of {tenant} has no head")
        row, added = locked
        self.log = LogRow(*row[:4])
        self._sql = Statements(conn, self.log.log_id)
        self._clock = clock
        self._ids = ids
        self._random_bytes = random_bytes
        self.memory = memory if memory is not None and memory.log_id == self.log.log_id else Memory(self.log.log_id)
        self.memory.catch_up(row[4], bytes(row[5]), added)
        self._frontier = self.memory.frontier
        self._tails = self.memory.tails
        self._start = self._frontier.size
        self._first_place = tables.place(self.log.log_id, 0)
        self._seals: list[bytes] = []  # of the whole group, from index _start on
        self._fresh: dict[bytes, Appended] = {}  # what the group appended, by id
        self._entries: list[list[Any]] = []  # rows not inserted yet, with the stream's name for its id
        self._payloads: list[tuple[int, SealedPayload]] = []
        self._undo: list[tuple[bytes, str, tuple[int, bytes | None]]] = []  # id, stream and its tail before
        self._created: list[str] = []  # streams made in this group

    @property
    def size(self) -> int:
        return self._start + len(self._seals)

    def append(self, event: Event) -> Appended:
        """Adds one entry. Raises EntryError or CanonicalError for an event that cannot be sealed, AppendConflict for an
        id that was used with another content, PrevConflict when the stream is not where the event expects it; the
        appender stays usable."""
        if event.id is not None and (known := self._known(event, event.id.bytes)) is not None:
            return known
        stream = event.stream
        tail = self._tails.get(stream) or self._load_tail(event)
        pos, prev = tail
        if event.after is not None and event.after.seal != prev:
            raise PrevConflict(stream, event.after.seal, prev)
        sealed = None if event.payload is None else seal_payload(event.payload, self._random_bytes)
        commitment = None if sealed is None else sealed.commitment
        id, at_ms, tenant, seq = event.id or self._ids.uuid7(), self._clock.now_ms(), self.log.tenant, self.size
        body = encode(event, id=id, at_ms=at_ms, tenant=tenant, prev=prev, payload=commitment)
        seal = leaf_hash(body)
        key, log_id = id.bytes, self.log.log_id
        self._entries.append([self._first_place + seq, log_id, key, event.kind, stream, pos + 1, at_ms, seal, body])
        if sealed is not None:
            self._payloads.append((seq, sealed))
        self._seals.append(seal)
        self._undo.append((key, stream, tail))
        self._tails[stream] = (pos + 1, seal)
        appended = self._fresh[key] = Appended(
            Receipt(log_id, tenant, seq, id, event.kind, stream, at_ms, seal),
            Entry(
                id, at_ms, tenant, event.kind, stream, prev, event.actor, event.corr, event.data, commitment, body, seal
            ),
            event.payload,
        )
        return appended

    def adopt(self, body: bytes) -> Appended:
        """Adds an entry that was sealed before, its bytes as they are: part of a tail that was lost and is taken back.
        Raises EntryError when it does not belong here next, AppendConflict when its id stands in the log already."""
        seal = leaf_hash(body)
        entry = decode(body, seal)
        stream, key = entry.stream, entry.id.bytes
        event = Event(entry.kind, stream, entry.actor, entry.corr, entry.data)
        pos, prev = tail = self._tails.get(stream) or self._load_tail(event)
        if entry.tenant != self.log.tenant or entry.prev != prev:
            raise EntryError(f"the entry {entry.id} does not follow what stands in this log")
        if key in self._fresh or self._sql.entry_by_id(key) is not None:
            raise AppendConflict(f"the id {entry.id} stands in the log already")
        log_id, seq = self.log.log_id, self.size
        self._entries.append(
            [self._first_place + seq, log_id, key, entry.kind, stream, pos + 1, entry.at_ms, seal, body]
        )
        self._seals.append(seal)
        self._undo.append((key, stream, tail))
        self._tails[stream] = (pos + 1, seal)
        receipt = Receipt(log_id, entry.tenant, seq, entry.id, entry.kind, stream, entry.at_ms, seal)
        appended = self._fresh[key] = Appended(receipt, entry, None)
        return appended

    def adopt_checkpoint(self, size: int, note: str) -> None:
        """Stores a checkpoint that was signed before, of a size that the log has passed again by now."""
        self._sql.insert_checkpoint(size, note)

    def flush(self, before: Mark | None = None) -> None:
        """Inserts the rows collected so far, or those collected before a mark: what follows it can still be undone."""
        entries = self._entries if before is None else self._entries[: before.entries]
        payloads = self._payloads if before is None else self._payloads[: before.payloads]
        for row in entries:
            row[4] = self._stream_id(row[4])
        self._sql.insert_entries(entries)
        self._sql.insert_payloads(payloads)
        del self._entries[: len(entries)], self._payloads[: len(payloads)]
        if before is not None:
            before.entries = before.payloads = 0
            before.created = len(self._created)

    def mark(self) -> Mark:
        """The point to return to."""
        return Mark(len(self._seals), len(self._entries), len(self._payloads), len(self._undo), len(self._created))

    def rollback(self, mark: Mark) -> None:
        """Forgets what was appended since `mark`; the savepoint, if there was one, forgets the rows."""
        for key, stream, tail in reversed(self._undo[mark.undo :]):
            del self._fresh[key]
            self._tails[stream] = tail
        for stream in self._created[mark.created :]:
            del self.memory.ids[stream]
        del self._seals[mark.seals :], self._undo[mark.undo :], self._created[mark.created :]
        del self._entries[mark.entries :], self._payloads[mark.payloads :]

    def close(self, signer: Signer) -> Checkpoint | None:
        """Writes entries, tiles, head and the group's signed checkpoint. None when nothing was appended."""
        if not self._seals:
            return None
        self._frontier.extend(self._seals)
        checkpoint = Checkpoint(self.log.origin, self.size, self._frontier.root())
        note = checkpoints.sign(checkpoint, signer).serialize()
        self.flush()
        for tile in full_tiles(self._start, self._seals, self._sql):
            self._sql.insert_tile(tile)
        self._sql.move_head(self.size, self._frontier.to_bytes())
        self._sql.insert_checkpoint(self.size, note)
        return checkpoint

    def _load_tail(self, event: Event) -> tuple[int, bytes | None]:
        check(event)  # before its stream's name goes into a query
        stream = event.stream
        stream_id, pos, seal = self._sql.tail(stream)
        if stream_id is not None:
            self.memory.ids[stream] = stream_id
        tail = self._tails[stream] = (pos, seal)
        return tail

    def _stream_id(self, stream: str) -> int:
        known = self.memory.ids.get(stream)
        if known is None:
            known = self.memory.ids[stream] = self._sql.new_stream(stream)
            self._created.append(stream)
        return known

    def _known(self, event: Event, key: bytes) -> Appended | None:
        """The first receipt for an id that is already in the log. Raises AppendConflict for another content."""
        fresh = self._fresh.get(key)
        if fresh is not None:
            _same(event, fresh.entry, fresh.payload == event.payload)
            return Appended(fresh.receipt, fresh.entry, fresh.payload, True)
        row = self._sql.entry_by_id(key)
        if row is None:
            return None
        place, seal, body = row
        first, seq = decode(body, seal), tables.seq_of(place)
        _same(event, first, self._same_payload(first.payload, event.payload, seq))
        receipt = Receipt(self.log.log_id, first.tenant, seq, first.id, first.kind, first.stream, first.at_ms, seal)
        return Appended(receipt, first, event.payload, True)

    def _same_payload(self, commitment: Commitment | None, payload: bytes | None, seq: int) -> bool:
        if commitment is None or payload is None:
            return commitment is None and payload is None
        salt = self._sql.salt(seq)  # None once it was erased: then only the length is left to compare
        same = salt is None or hashlib.sha256(salt + payload).digest() == commitment.sha256
        return same and len(payload) == commitment.size


def _frontier(size: int, roots: bytes) -> Frontier:
    try:
        return Frontier.from_bytes(size, roots)
    except ValueError as error:
        raise StorageError(f"the head of the log: {error}") from error


def _same(event: Event, first: Entry, same_payload: bool) -> None:
    said = (first.kind, first.stream, first.actor, first.corr, first.data)
    if said != (event.kind, event.stream, event.actor, event.corr, event.data) or not same_payload:
        raise AppendConflict(f"the id {event.id} was used for another entry")
