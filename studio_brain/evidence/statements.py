"""The SQL of the log's hot path, written once for both databases and run without SQLAlchemy's expression layer.

`exec_driver_sql` with tuples runs at the speed of the driver itself; `insert()` at about half of it.
"""

from typing import Any

from sqlalchemy import Connection

from .payload import SealedPayload
from .tables import place
from .tiles import Tile

# The size and the right edge of a log; on PostgreSQL the row is the lock under which processes take turns.
HEAD = "SELECT size, roots FROM head WHERE log_id = ?"
MOVE_HEAD = "UPDATE head SET size = ?, roots = ? WHERE log_id = ?"
# The last entry of a stream: what the next one names as `prev`.
TAIL = "SELECT pos, seal FROM entry WHERE stream_id = ? ORDER BY pos DESC LIMIT 1"
STREAM = "SELECT stream_id FROM stream WHERE log_id = ? AND name = ?"
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


class Statements:
    """The statements above, bound to a connection and a log."""

    def __init__(self, conn: Connection, log_id: int) -> None:
        self._conn = conn
        self._log_id = log_id
        self._postgresql = conn.dialect.name == "postgresql"

    def _run(self, sql: str, *parameters: Any) -> Any:
        return self._conn.exec_driver_sql(sql.replace("?", "%s") if self._postgresql else sql, parameters)

    def _run_many(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            self._conn.exec_driver_sql(sql.replace("?", "%s") if self._postgresql else sql, rows)

    def lock_head(self) -> tuple[int, bytes]:
        row = self._run(HEAD + " FOR UPDATE" if self._postgresql else HEAD, self._log_id).one()
        return row[0], bytes(row[1])

    def move_head(self, size: int, roots: bytes) -> None:
        self._run(MOVE_HEAD, size, roots, self._log_id)

    def tail(self, stream: str) -> tuple[int, int, bytes | None]:
        """(stream_id, last pos, last seal); pos −1 and None for a stream without entries."""
        row = self._run(STREAM, self._log_id, stream).first()
        if row is None:
            return self._run(NEW_STREAM, self._log_id, stream).scalar_one(), -1, None
        last = self._run(TAIL, row[0]).first()
        return (row[0], -1, None) if last is None else (row[0], last[0], bytes(last[1]))

    def entry_by_id(self, id: bytes) -> tuple[int, bytes, bytes] | None:
        row = self._run(ENTRY_BY_ID, self._log_id, id).first()
        return None if row is None else (row[0], bytes(row[1]), bytes(row[2]))

    def salt(self, seq: int) -> bytes | None:
        value = self._run(SALT, place(self._log_id, seq)).scalar()
        return None if value is None else bytes(value)

    def insert_entries(self, rows: list[tuple[Any, ...]]) -> None:
        """Rows of (seq, id, kind, stream_id, pos, at_ms, seal, body)."""
        self._run_many(ADD_ENTRY, [(place(self._log_id, row[0]), self._log_id, *row[1:]) for row in rows])

    def insert_payloads(self, rows: list[tuple[int, SealedPayload]]) -> None:
        self._run_many(ADD_PAYLOAD, [(place(self._log_id, seq), item.salt, item.sealed) for seq, item in rows])
        self._run_many(ADD_PAYLOAD_KEY, [(place(self._log_id, seq), item.key) for seq, item in rows])

    def insert_tile(self, tile: Tile) -> None:
        self._run(ADD_TILE, self._log_id, tile.level, tile.index, tile.root, tile.hashes)

    def insert_checkpoint(self, size: int, note: str) -> None:
        self._run(ADD_CHECKPOINT, self._log_id, size, note)

    # tiles.TileStore

    def tile(self, level: int, index: int) -> bytes | None:
        value = self._run(TILE, self._log_id, level, index).scalar()
        return None if value is None else bytes(value)

    def seals(self, first: int, end: int) -> list[bytes]:
        return [bytes(row[0]) for row in self._run(SEALS, place(self._log_id, first), place(self._log_id, end))]

    def tile_roots(self, level: int, first: int, end: int) -> list[bytes]:
        return [bytes(row[0]) for row in self._run(TILE_ROOTS, self._log_id, level, first, end)]
