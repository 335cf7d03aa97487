"""The logs as they were at a cut, beside rows derived as of it: what a query of that moment reads.

Names resolve to what is nearest: first the logs' tables behind a filter that hides what came later, then the rows of
the moment, then what is stored for good. On SQLite the filters are temporary views in the scratch database, on
PostgreSQL they stand in a session of their own, with the rows beside them in temporary tables.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol
from urllib.parse import quote

from sqlalchemy import Connection, Table, text
from sqlalchemy.schema import CreateTable

from ..evidence.cut import Cut
from ..evidence.merkle import Frontier
from ..evidence.statements import Statements
from ..evidence.tables import INDEX_BITS
from ..evidence.tiles import TileReader
from .database import Databases
from .reading import Row
from .rows import TableRows, stored_rows


class Past(Protocol):
    def select(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]: ...

    def close(self) -> None: ...


def open_past(
    scratch: sqlite3.Connection, rows: Connection, databases: Databases, cut: Cut, tables: Sequence[Table]
) -> Past:
    """`rows` is a connection to the scratch database, `tables` those that it holds."""
    logs = databases.brain
    roots = logs.reading(lambda conn: {log.log_id: _roots(conn, log.log_id, size) for log, size in cut.sizes})
    if logs.dialect == "sqlite":
        path = logs.reading(lambda conn: str(conn.exec_driver_sql("PRAGMA database_list").all()[0][2]))
        return _SqlitePast(scratch, path, _filters(cut, roots, "live.", "X'{}'"))
    return _PostgresqlPast(rows, databases, _filters(cut, roots, f"{logs.name}.", r"'\x{}'::bytea"), tables)


_SIZE: Final = "CASE {} {} ELSE 0 END"


def _filters(cut: Cut, roots: Mapping[int, bytes], source: str, blob: str) -> dict[str, str]:
    """For each table of the logs the SELECT that shows it as of the cut. All numbers are ours."""
    sizes = " ".join(f"WHEN {log.log_id} THEN {size}" for log, size in cut.sizes) or "WHEN 0 THEN 0"
    edges = " ".join(f"WHEN {log_id} THEN {blob.format(data.hex())}" for log_id, data in roots.items())
    logs = ", ".join(str(log.log_id) for log, _ in cut.sizes) or "0"
    of_log, of_place = _SIZE.format("log_id", sizes), _SIZE.format(f"place >> {INDEX_BITS}", sizes)
    before = f"place & {(1 << INDEX_BITS) - 1} < {of_place}"
    edge = f"CASE log_id {edges or 'WHEN 0 THEN ' + blob.format('')} END"
    tile_end = "(idx + 1) * CASE level WHEN 0 THEN 256 WHEN 1 THEN 65536 WHEN 2 THEN 16777216 ELSE 4294967296 END"
    return {
        "log": f"SELECT * FROM {source}log WHERE log_id IN ({logs})",  # noqa: S608
        "head": f"SELECT log_id, {of_log} AS size, {edge} AS roots FROM {source}head WHERE log_id IN ({logs})",  # noqa: S608
        "entry": f"SELECT * FROM {source}entry WHERE {before}",  # noqa: S608
        "payload": f"SELECT * FROM {source}payload WHERE {before}",  # noqa: S608
        "payload_key": f"SELECT * FROM {source}payload_key WHERE {before}",  # noqa: S608
        "checkpoint": f"SELECT * FROM {source}checkpoint WHERE size <= {of_log}",  # noqa: S608
        "cosignature": f"SELECT * FROM {source}cosignature WHERE size <= {of_log} AND at_ms <= {cut.at_ms}",  # noqa: S608
        "tile": f"SELECT * FROM {source}tile WHERE {tile_end} <= {of_log}",  # noqa: S608
    }


def _roots(conn: Connection, log_id: int, size: int) -> bytes:
    """The right edge of the tree of the first `size` entries, from stored tiles."""
    node_at, begin, roots = TileReader(Statements(conn, log_id), size), 0, []
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            roots.append(node_at(level, begin >> level))
            begin += 1 << level
    return Frontier(size, tuple(roots)).to_bytes()


class _SqlitePast:
    def __init__(self, scratch: sqlite3.Connection, path: str, filters: Mapping[str, str]) -> None:
        self._conn = scratch
        scratch.execute("ATTACH ? AS live", (f"file:{quote(path)}?mode=ro",))
        for name, select in filters.items():
            scratch.execute(f"CREATE TEMP VIEW {name} AS {select}")
        scratch.execute("PRAGMA query_only=ON")

    def select(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        found = self._conn.execute(sql, dict(parameters))
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def close(self) -> None:
        """The scratch database goes, and the views with it."""


class _PostgresqlPast:
    def __init__(
        self, rows: Connection, databases: Databases, filters: Mapping[str, str], tables: Sequence[Table]
    ) -> None:
        self._conn = databases.brain.write.connect()
        self._conn.detach()  # its temporary tables end with it, not with the next borrower
        target = TableRows(self._conn)
        for table in tables:
            create = str(CreateTable(table).compile(self._conn))
            self._conn.exec_driver_sql(create.replace("CREATE TABLE", "CREATE TEMPORARY TABLE", 1))
            target.add_many(table, stored_rows(rows, table))
        for name, select in filters.items():
            self._conn.exec_driver_sql(f"CREATE TEMP VIEW {name} AS {select}".replace("%", "%%"))
        self._conn.commit()

    def select(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        try:
            return [dict(row) for row in self._conn.execute(text(sql), parameters).mappings()]
        finally:
            self._conn.rollback()  # whatever it tried: a moment does not change

    def close(self) -> None:
        self._conn.close()
