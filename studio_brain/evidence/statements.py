"""The SQL of the log's hot path, written once for both databases and run by the driver itself.

It runs on the driver's connection, inside the transaction that SQLAlchemy began on it: what SQLAlchemy does around a
statement costs more than the statement. Both drivers offer `execute` and `cursor().executemany`.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection

from .payload import SealedPayload
from .tables import place
from .tiles import Tile

CATCH_UP: Final = 2_000
"""Entries of other processes that one reads to keep what it remembers; after more it starts anew."""

# The size and the right edge of a log; on PostgreSQL the row is the lock under which processes take turns.
LOCK_HEAD = (
    "SELECT log.log_id, log.tenant, log.epoch, log.origin, head.size, head.roots "
    "FROM log JOIN head ON head.log_id = log.log_id WHERE log.tenant = ? ORDER BY log.epoch DESC LIMIT 1"
)
HEAD = "SELECT size, roots FROM head WHERE log_id = ?"
MOVE_HEAD = "UPDATE head SET size = ?, roots = ? WHERE log_id = ?"
# The last entry of a stream: what the next one names as `prev`.
TAIL = "SELECT pos, seal FROM entry WHERE stream_id = ? ORDER BY pos DESC LIMIT 1"
STREAM = "SELECT stream_id FROM stream WHERE log_id = ? AND name = ?"
# The last entries of streams that another process has moved since.
MOVED = (
    "SELECT stream.name, entry.stream_id, entry.pos, entry.seal FROM entry "
    "JOIN stream ON stream.stream_id = entry.stream_id WHERE entry.place >= ? AND entry.place < ? "
    "ORDER BY entry.place LIMIT ?"
)
NEW_STREAM = "INSERT INTO stream (log_id, name) VALUES (?, ?) RETURNING stream_id"
ENTRY_BY_ID = "SELECT place, seal, body FROM entry WHERE log_id = ? AND id = ?"
ADD_ENTRY = (
    "INSERT INTO entry (place, log_id, id, kind, stream_id, pos, at_ms, seal, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
ADD_PAYLOAD = "INSERT INTO payload (place, salt, sealed) VALUES (?, ?, ?)"
ADD_PAYLOAD_KEY = "INSERT INTO payload_key (place, key) VALUES (?, ?)"
SALT = "SELECT salt FROM payload WHERE place = ?"
SEALS = "SELECT seal FROM entry WHERE place >= ? AND place < ? ORDER BY place"
TILE = "SELECT hashes FROM tile WHERE log_id = ? AND level = ? AND idx = ?"
TILE_ROOTS = "SELECT root FROM tile WHERE log_id = ? AND level = ? AND idx >= ? AND idx < ? ORDER BY idx"
ADD_TILE = "INSERT INTO tile (log_id, level, idx, root, hashes) VALUES (?, ?, ?, ?, ?)"
ADD_CHECKPOINT = "INSERT INTO checkpoint (log_id, size, note) VALUES (?, ?, ?)"


@cache
def _for_postgresql(sql: str) -> str:
    return sql.replace("?", "%s")


def together(conn: Connection) -> AbstractContextManager[Any]:
    """What is written in this block goes to a server in one piece; nothing waits for the answer to what came before."""
    driver: Any = conn.connection.dbapi_connection
    return driver.pipeline() if conn.dialect.name == "postgresql" else nullcontext()


def lock_head(
    conn: Connection, tenant: str, known: tuple[int, int] | None = None
) -> tuple[tuple[Any, ...], list[Any]] | None:
    """(log_id, tenant, epoch, origin, size, roots) of the tenant's latest log, locked until the end of the transaction
    where the database locks rows, and what has been added to it since it had the `known` (log_id, size), as `MOVED`
    tells it, at most `CATCH_UP` entries. None when the tenant has no log."""
    driver: Any = conn.connection.dbapi_connection
    if conn.dialect.name == "postgresql":
        with driver.pipeline():  # the transaction's begin, the lock and what was added: one way to the server
            cursor = driver.execute(_for_postgresql(LOCK_HEAD) + " FOR UPDATE OF head", (tenant,))
            added = [] if known is None else driver.execute(_for_postgresql(MOVED), _since(known)).fetchall()
            row = cursor.fetchone()
    else:
        row = driver.execute(LOCK_HEAD, (tenant,)).fetchone()
        moved = row is not None and known is not None and row[4] != known[1]
        added = driver.execute(MOVED, _since(known)).fetchall() if moved and known is not None else []
    return None if row is None else (tuple(row), added)


def _since(known: tuple[int, int]) -> tuple[int, int, int]:
    log_id, size = known
    return place(log_id, size), place(log_id + 1, 0), CATCH_UP + 1


class Statements:
    """The statements above, bound to a connection and a log."""

    def __init__(self, conn: Connection, log_id: int) -> None:
        if not conn.in_transaction():
            conn.begin()  # the driver's statements do not begin one by themselves, as SQLAlchemy's would
        self._driver: Any = conn.connection.dbapi_connection
        self._log_id = log_id
        self._postgresql = conn.dialect.name == "postgresql"

    def _run(self, sql: str, *parameters: Any) -> Any:
        return self._driver.execute(_for_postgresql(sql) if self._postgresql else sql, parameters)

    def _run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        if len(rows) == 1:
            self._run(sql, *rows[0])
        elif rows:
            self._driver.cursor().executemany(_for_postgresql(sql) if self._postgresql else sql, rows)

    def head(self) -> tuple[int, bytes]:
        """(size, roots) of the right edge, not locked. Raises LookupError when the log has no head."""
        row = self._run(HEAD, self._log_id).fetchone()
        if row is None:
            raise LookupError(f"log {self._log_id} has no head")
        return row[0], bytes(row[1])

    def move_head(self, size: int, roots: bytes) -> None:
        self._run(MOVE_HEAD, size, roots, self._log_id)

    def tail(self, stream: str) -> tuple[int | None, int, bytes | None]:
        """(stream_id, last pos, last seal); pos −1 and None for a stream without entries, id None for a new one."""
        row = self._run(STREAM, self._log_id, stream).fetchone()
        if row is None:
            return None, -1, None
        last = self._run(TAIL, row[0]).fetchone()
        return (row[0], -1, None) if last is None else (row[0], last[0], bytes(last[1]))

    def new_stream(self, stream: str) -> int:
        return int(self._run(NEW_STREAM, self._log_id, stream).fetchone()[0])

    def entry_by_id(self, id: bytes) -> tuple[int, bytes, bytes] | None:
        row = self._run(ENTRY_BY_ID, self._log_id, id).fetchone()
        return None if row is None else (row[0], bytes(row[1]), bytes(row[2]))

    def salt(self, seq: int) -> bytes | None:
        return self._bytes(SALT, place(self._log_id, seq))

    def insert_entries(self, rows: Sequence[Sequence[Any]]) -> None:
        """Rows of (place, log_id, id, kind, stream_id, pos, at_ms, seal, body)."""
        self._run_many(ADD_ENTRY, rows)

    def insert_payloads(self, rows: list[tuple[int, SealedPayload]]) -> None:
        self._run_many(ADD_PAYLOAD, [(place(self._log_id, seq), item.salt, item.sealed) for seq, item in rows])
        self._run_many(ADD_PAYLOAD_KEY, [(place(self._log_id, seq), item.key) for seq, item in rows])

    def insert_tile(self, tile: Tile) -> None:
        self._run(ADD_TILE, self._log_id, tile.level, tile.index, tile.root, tile.hashes)

    def insert_checkpoint(self, size: int, note: str) -> None:
        self._run(ADD_CHECKPOINT, self._log_id, size, note)

    # tiles.TileStore

    def tile(self, level: int, index: int) -> bytes | None:
        return self._bytes(TILE, self._log_id, level, index)

    def seals(self, first: int, end: int) -> list[bytes]:
        rows = self._run(SEALS, place(self._log_id, first), place(self._log_id, end)).fetchall()
        return [bytes(row[0]) for row in rows]

    def tile_roots(self, level: int, first: int, end: int) -> list[bytes]:
        return [bytes(row[0]) for row in self._run(TILE_ROOTS, self._log_id, level, first, end).fetchall()]

    def _bytes(self, sql: str, *parameters: Any) -> bytes | None:
        row = self._run(sql, *parameters).fetchone()
        return None if row is None else bytes(row[0])
