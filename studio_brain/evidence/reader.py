"""Reading a log: entries in order, their payloads, checkpoints, proofs. Never writes."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum

from sqlalchemy import Connection, select

from .entry import Entry, decode
from .log import LogRow
from .merkle import Frontier, consistency_proof, inclusion_proof, root
from .payload import open_payload
from .statements import Statements
from .tables import checkpoint, entry, payload, payload_key, place, seq_of
from .tiles import TileReader

BATCH = 1_000


class Erased(Enum):
    """Stands for a payload whose key was destroyed."""

    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry with its index."""

    seq: int
    entry: Entry


class LogReader:
    """One log on an open connection."""

    def __init__(self, conn: Connection, log: LogRow) -> None:
        self._conn = conn
        self.log = log
        self._sql = Statements(conn, log.log_id)

    def size(self) -> int:
        return self.frontier().size

    def frontier(self) -> Frontier:
        return Frontier.from_bytes(*self._sql.head())

    def entries(
        self, first: int = 0, end: int | None = None, *, kinds: Collection[str] | None = None
    ) -> Iterator[Stored]:
        """Entries [first, end) in index order, of these kinds, fetched in batches."""
        columns = select(entry.c.place, entry.c.body, entry.c.seal).order_by(entry.c.place).limit(BATCH)
        if kinds is not None:
            columns = columns.where(entry.c.kind.in_(sorted(kinds)))
        last = place(self.log.log_id + 1, 0) if end is None else place(self.log.log_id, end)
        at = place(self.log.log_id, first)
        while True:
            rows = self._conn.execute(columns.where(entry.c.place >= at, entry.c.place < last)).all()
            for row in rows:
                yield Stored(seq_of(row.place), decode(bytes(row.body), bytes(row.seal)))
            if len(rows) < BATCH:
                return
            at = rows[-1].place + 1

    def entry(self, seq: int) -> Entry | None:
        row = self._conn.execute(
            select(entry.c.body, entry.c.seal).where(entry.c.place == place(self.log.log_id, seq))
        ).first()
        return None if row is None else decode(bytes(row.body), bytes(row.seal))

    def payload(self, seq: int, of: Entry) -> bytes | Erased | None:
        """The payload of an entry: its bytes, `Erased`, or None when it has none. Raises PayloadError when altered."""
        if of.payload is None:
            return None
        row = self._conn.execute(
            select(payload.c.salt, payload.c.sealed, payload_key.c.key)
            .join(payload_key, payload_key.c.place == payload.c.place)
            .where(payload.c.place == place(self.log.log_id, seq))
        ).first()
        if row is None:
            return Erased.ERASED
        return open_payload(of.payload, bytes(row.salt), bytes(row.sealed), bytes(row.key))

    def checkpoint_note(self, covering: int | None = None) -> str | None:
        """The latest signed checkpoint, or the first that covers the entry at index `covering`."""
        query = select(checkpoint.c.note).where(checkpoint.c.log_id == self.log.log_id).limit(1)
        if covering is None:
            query = query.order_by(checkpoint.c.size.desc())
        else:
            query = query.where(checkpoint.c.size > covering).order_by(checkpoint.c.size)
        return self._conn.execute(query).scalar()

    def inclusion(self, seq: int, size: int) -> list[bytes]:
        """The inclusion proof of entry `seq` in the tree of `size`, from stored tiles."""
        return inclusion_proof(seq, size, self.tiles(size))

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the tree of `new` entries extends that of `old`, from stored tiles."""
        return consistency_proof(old, new, self.tiles(new))

    def root(self, size: int) -> bytes:
        """The root at any size up to the log's own, from stored tiles."""
        return root(size, self.tiles(size))

    def tiles(self, size: int) -> TileReader:
        """The stored tree as it was at `size`."""
        return TileReader(self._sql, size, self.frontier())
