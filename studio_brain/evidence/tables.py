"""The tables of the logs. `log_id` leads every key; hashes are BLOBs; bodies are kept byte for byte.

An entry's key is one integer, its *place*: log_id · 2⁴⁰ + index, so that a log lies in one piece and in order. The
columns beside `body` are derived from it, for search; whoever verifies derives them again.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint

metadata: Final = MetaData()

INDEX_BITS: Final = 40
Place = BigInteger().with_variant(Integer, "sqlite")

log = Table(
    "log",
    metadata,
    Column("log_id", Integer, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("origin", Text, nullable=False, unique=True),
    UniqueConstraint("tenant", "epoch"),
    sqlite_strict=True,
)

head = Table(
    "head",
    metadata,
    Column("log_id", Integer, ForeignKey("log.log_id"), primary_key=True),
    Column("size", Place, nullable=False),
    Column("roots", LargeBinary, nullable=False),
    sqlite_strict=True,
)

stream = Table(
    "stream",
    metadata,
    Column("stream_id", Integer, primary_key=True),
    Column("log_id", Integer, ForeignKey("log.log_id"), nullable=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("log_id", "name"),
    sqlite_strict=True,
)

entry = Table(
    "entry",
    metadata,
    Column("place", Place, primary_key=True, autoincrement=False),
    Column("log_id", Integer, nullable=False),
    Column("id", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("stream_id", Integer, nullable=False),
    Column("pos", Integer, nullable=False),
    Column("at_ms", Place, nullable=False),
    Column("seal", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("log_id", "id"),
    UniqueConstraint("stream_id", "pos"),
    sqlite_strict=True,
)

tile = Table(
    "tile",
    metadata,
    Column("log_id", Integer, primary_key=True),
    Column("level", Integer, primary_key=True),
    Column("idx", Place, primary_key=True),
    Column("root", LargeBinary, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    sqlite_strict=True,
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("log_id", Integer, primary_key=True),
    Column("size", Place, primary_key=True),
    Column("note", Text, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

cosignature = Table(
    "cosignature",
    metadata,
    Column("log_id", Integer, primary_key=True),
    Column("size", Place, primary_key=True),
    Column("key_id", LargeBinary, primary_key=True),
    Column("line", Text, nullable=False),
    Column("at_ms", Place, nullable=False),
    sqlite_strict=True,
)

peer = Table(
    "peer",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("size", Place, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("at_ms", Place, nullable=False),
    sqlite_strict=True,
)

payload = Table(
    "payload",
    metadata,
    Column("place", Place, primary_key=True, autoincrement=False),
    Column("salt", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_strict=True,
)

payload_key = Table(
    "payload_key",
    metadata,
    Column("place", Place, primary_key=True, autoincrement=False),
    Column("key", LargeBinary, nullable=False),
    sqlite_strict=True,
)

IMMUTABLE: Final = (entry, tile, checkpoint)
"""Triggers abort UPDATE and DELETE on these. That stops mistakes, not attackers: verification never relies on it."""


def place(log_id: int, seq: int) -> int:
    return log_id << INDEX_BITS | seq


def seq_of(place: int) -> int:
    return place & (1 << INDEX_BITS) - 1
