"""The *brain* database as one file: the file itself from SQLite, its rows from PostgreSQL, each as of one moment.

A dump of rows is a sequence of frames, each four bytes of length and MessagePack: first {"v", "revision", "tables"},
then [table, columns, rows] in an order in which they can be put back. Either kind can be put into a database of either
kind, as long as it has the same schema revision.
"""

import os
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
from sqlalchemy import Connection, Table, text

from ..kernel.errors import StorageError
from ..kernel.reasons import ReasonCode
from .database import Database, sqlite_database
from .faults import storage_faults
from .migrate import HEAD, migrate, revision
from .schema import brain

FILE: Final = "brain.db"
ROWS: Final = "brain.rows"
BATCH: Final = 2_000
FRAME: Final = 256 * 1024 * 1024


def dump(database: Database, folder: Path) -> Path:
    """Writes `brain.db` or `brain.rows` into a folder; the database goes on being used meanwhile."""
    return _dump_file(database, folder) if database.dialect == "sqlite" else _dump_rows(database, folder)


def load(source: Path, database: Database) -> None:
    """Puts a dump into a database that is there and empty. Raises StorageError when it is not, or the dump is of
    another schema."""
    migrate(database)
    with storage_faults():
        if source.name == FILE:
            beside = sqlite_database("brain", source)
            try:
                beside.reading(lambda conn: database.writing(lambda target: _fill(target, _frames_of(conn))))
            finally:
                beside.close()
            return
        with source.open("rb") as stream:
            database.writing(lambda target: _fill(target, _read(stream)))


def _dump_file(database: Database, folder: Path) -> Path:
    target = folder / FILE
    path = database.reading(lambda conn: str(conn.exec_driver_sql("PRAGMA database_list").all()[0][2]))
    os.close(os.open(target, os.O_CREAT | os.O_EXCL, 0o600))
    with (
        storage_faults(),
        closing(sqlite3.connect(path)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
    _sync(target)
    return target


def _dump_rows(database: Database, folder: Path) -> Path:
    target = folder / ROWS
    encode = msgspec.msgpack.Encoder().encode

    def work(conn: Connection) -> None:
        with os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream:
            for frame in _frames_of(conn):
                data = encode(frame)
                stream.write(struct.pack(">I", len(data)) + data)

    database.reading(work)
    _sync(target)
    return target


def _frames_of(conn: Connection) -> Iterator[Any]:
    tables = [str(table.name) for table in brain.sorted_tables]
    yield {"v": 1, "revision": revision(conn), "tables": tables}
    for table in brain.sorted_tables:
        names = [str(column.name) for column in table.columns]
        streamed = conn.execution_options(stream_results=True, max_row_buffer=BATCH)
        found = streamed.execute(text(f"SELECT {', '.join(names)} FROM {table.name}"))  # noqa: S608
        for rows in found.partitions(BATCH):
            yield [str(table.name), names, [[_plain(value) for value in row] for row in rows]]


def _read(stream: BinaryIO) -> Iterator[Any]:
    decode = msgspec.msgpack.Decoder().decode
    try:
        while head := stream.read(4):
            (length,) = struct.unpack(">I", head)
            data = stream.read(length) if length <= FRAME else b""
            if len(data) != length:
                raise ValueError("it ends in the middle of a frame")
            yield decode(data)
    except (ValueError, struct.error, msgspec.DecodeError) as error:
        raise StorageError(f"the dump cannot be read: {error}") from error


def _fill(conn: Connection, frames: Iterator[Any]) -> None:
    head = next(frames)
    if head["v"] != 1 or head["revision"] != HEAD:
        raise StorageError(
            f"the dump has schema {head['revision']}, this program knows {HEAD}",
            code=ReasonCode.STORAGE_READ_ONLY,
            remedy="Restore it with the version of this program that made it, then upgrade.",
        )
    if conn.execute(text("SELECT 1 FROM log LIMIT 1")).first() is not None:
        raise StorageError(
            "the database already holds a log", code=ReasonCode.CONFLICT, remedy="Restore into an empty database."
        )
    known = {table.name: table for table in brain.sorted_tables}
    for name, columns, rows in frames:
        table = known[name]
        if not set(columns) <= {column.name for column in table.columns}:
            raise StorageError(f"the dump names columns of {name} that are not there")
        _insert(conn, table, columns, rows)
    if conn.dialect.name == "postgresql":
        for counted, key in (("log", "log_id"), ("stream", "stream_id")):
            conn.execute(
                text(
                    f"SELECT setval(pg_get_serial_sequence('{counted}', '{key}'), "  # noqa: S608
                    f"(SELECT coalesce(max({key}), 1) FROM {counted}))"
                )
            )


def _insert(conn: Connection, table: Table, columns: list[str], rows: list[list[Any]]) -> None:
    place = "%s" if conn.dialect.name == "postgresql" else "?"
    sql = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join([place] * len(columns))})"  # noqa: S608
    if rows:
        conn.exec_driver_sql(sql, [tuple(row) for row in rows])


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
