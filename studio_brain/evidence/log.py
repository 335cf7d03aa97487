"""Appending to one log, on a connection that is inside a write transaction.

An `Appender` lives for one group commit. It starts from the log's head row (locked where the database locks rows),
takes events one by one, and `close` writes what belongs to the whole group: full tiles, the head, one signed
checkpoint. A unit of work that fails is undone with `mark` and `rollback`, beside the savepoint of its rows; the
others of the group stay.

Entries are numbered here and nowhere else. Order = order under the lock = order of commit.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from ..kernel.clock import Clock
from ..kernel.errors import StorageError, StudioBrainError
from ..kernel.ids import IdSource
from ..kernel.reasons import ReasonCode
from . import checkpoint as checkpoints
from . import tables
from .checkpoint import Checkpoint
from .entry import Commitment, Entry, Event, Receipt, decode, encode
from .merkle import Frontier, leaf_hash
from .note import Signer
from .payload import SealedPayload, seal_payload
from .statements import Statements
from .tiles import full_tiles


class AppendConflict(StudioBrainError):
    """The same id with another content."""

    code = ReasonCode.KEY_REUSED


@dataclass(frozen=True, slots=True)
class LogRow:
    """One log. `origin` names it in checkpoints: `<installation>/<tenant>/<epoch>`."""

    log_id: int
    tenant: str
    epoch: int
    origin: str


@dataclass(frozen=True, slots=True)
class Appended:
    """`repeated`: the id was in the log already, and this is its first receipt."""

    receipt: Receipt
    entry: Entry
    payload: bytes | None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    frontier: Frontier
    seals: int
    tails: dict[str, tuple[int, int, bytes | None]]


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
    """Appends to one log within one transaction. Not for use after `close`."""

    def __init__(
        self, conn: Connection, log: LogRow, clock: Clock, ids: IdSource, random_bytes: Callable[[int], bytes]
    ) -> None:
        self.log = log
        self._sql = Statements(conn, log.log_id)
        self._clock = clock
        self._ids = ids
        self._random_bytes = random_bytes
        self._start, roots = self._sql.lock_head()
        self._frontier = Frontier.from_bytes(self._start, roots)
        self._seals: list[bytes] = []  # of the whole group, from index _start on
        self._entries: list[tuple[Any, ...]] = []  # rows not inserted yet
        self._payloads: list[tuple[int, SealedPayload]] = []
        self._tails: dict[str, tuple[int, int, bytes | None]] = {}

    @property
    def size(self) -> int:
        return self._frontier.size

    def append(self, event: Event) -> Appended:
        """Adds one entry. Raises EntryError or CanonicalError for an event that cannot be sealed, AppendConflict for an
        id that was used with another content; the appender stays usable."""
        known = self._known(event)
        if known is not None:
            return known
        stream_id, pos, prev = self._tails.get(event.stream) or self._sql.tail(event.stream)
        sealed = None if event.payload is None else seal_payload(event.payload, self._random_bytes)
        commitment = None if sealed is None else sealed.commitment
        id, at_ms, tenant, seq = event.id or self._ids.uuid7(), self._clock.now_ms(), self.log.tenant, self.size
        body = encode(event, id=id, at_ms=at_ms, tenant=tenant, prev=prev, payload=commitment)
        seal = leaf_hash(body)
        self._entries.append((seq, id.bytes, event.kind, stream_id, pos + 1, at_ms, seal, body))
        if sealed is not None:
            self._payloads.append((seq, sealed))
        self._seals.append(seal)
        self._frontier.append(seal)
        self._tails[event.stream] = (stream_id, pos + 1, seal)
        return Appended(
            Receipt(self.log.log_id, tenant, seq, id, event.kind, event.stream, at_ms, seal),
            _entry(event, id=id, at_ms=at_ms, tenant=tenant, prev=prev, payload=commitment, body=body, seal=seal),
            event.payload,
        )

    def flush(self) -> None:
        """Inserts the rows collected so far: at the end of each unit of work, inside its savepoint."""
        self._sql.insert_entries(self._entries)
        self._sql.insert_payloads(self._payloads)
        self._entries.clear()
        self._payloads.clear()

    def mark(self) -> Mark:
        """The point to return to; taken when everything so far is flushed."""
        return Mark(self._frontier.copy(), len(self._seals), dict(self._tails))

    def rollback(self, mark: Mark) -> None:
        """Forgets what was appended since `mark`; the savepoint forgets the rows."""
        self._frontier, self._tails = mark.frontier, mark.tails
        del self._seals[mark.seals :]
        self._entries.clear()
        self._payloads.clear()

    def close(self, signer: Signer) -> Checkpoint | None:
        """Writes tiles, head and the group's signed checkpoint. None when nothing was appended."""
        if not self._seals:
            return None
        self.flush()
        for tile in full_tiles(self._start, self._seals, self._sql):
            self._sql.insert_tile(tile)
        checkpoint = Checkpoint(self.log.origin, self.size, self._frontier.root())
        self._sql.move_head(self.size, self._frontier.to_bytes())
        self._sql.insert_checkpoint(self.size, checkpoints.sign(checkpoint, signer).serialize())
        return checkpoint

    def _known(self, event: Event) -> Appended | None:
        """The first receipt for an id that is already in the log."""
        if event.id is None:
            return None
        self.flush()
        row = self._sql.entry_by_id(event.id.bytes)
        if row is None:
            return None
        place, seal, body = row
        first, seq = decode(body, seal), tables.seq_of(place)
        said = (first.kind, first.stream, first.actor, first.corr, first.data)
        if said != (event.kind, event.stream, event.actor, event.corr, event.data) or not self._same_payload(
            first.payload, event.payload, seq
        ):
            raise AppendConflict(f"the id {event.id} was used for another entry")
        receipt = Receipt(self.log.log_id, first.tenant, seq, first.id, first.kind, first.stream, first.at_ms, seal)
        return Appended(receipt, first, event.payload, repeated=True)

    def _same_payload(self, commitment: Commitment | None, payload: bytes | None, seq: int) -> bool:
        if commitment is None or payload is None:
            return commitment is None and payload is None
        salt = self._sql.salt(seq)  # None once it was erased: then only the length is left to compare
        same = salt is None or hashlib.sha256(salt + payload).digest() == commitment.sha256
        return same and len(payload) == commitment.size


def _entry(event: Event, **sealed: Any) -> Entry:
    return Entry(kind=event.kind, stream=event.stream, actor=event.actor, corr=event.corr, data=event.data, **sealed)
