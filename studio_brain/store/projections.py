"""Projections: rows that follow from entries, kept up to date by a cursor and derived again whenever wanted.

A *projection* says for each kind of entry what becomes of its tables; it lives in one of two places. Those of *brain*
(the gateway's rows) are applied inside the unit of work that appends the entry. Those of *views* catch up: a cursor
for each log and projection moves in the same transaction as their rows, so that views lag the log and never lead it.
When a projection's version changes, its tables are made anew and its cursors start again at zero.
"""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Final

from sqlalchemy import Column, Connection, Integer, Table, Text, delete, insert, inspect, select

from ..evidence.facts import Fact, facts
from ..evidence.log import LogRow, all_logs
from ..evidence.reader import LogReader
from ..kernel.errors import StorageError
from .database import Databases
from .rows import MemoryRows, Rows, TableRows, state_sha256
from .schema import BigInt, views

BATCH: Final = 2_000

cursor: Final = Table(
    "cursor",
    views,
    Column("log_id", Integer, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("applied_upto", BigInt, nullable=False),
    Column("version", Integer, nullable=False),
    sqlite_strict=True,
)

Handler = Callable[[Rows, Fact], None]


@dataclass(frozen=True)
class Projection:
    """`handlers` are by kind of entry; `version` rises with every change of what they derive.

    `redactions` are those of them that only empty personal columns: whoever looks at a moment before such an entry
    applies it all the same, because what was erased later cannot be shown again.
    """

    name: str
    version: int
    tables: tuple[Table, ...]
    handlers: Mapping[str, Handler]
    redactions: Mapping[str, Handler] = field(default_factory=dict)

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(self.handlers)

    def apply(self, rows: Rows, fact: Fact) -> None:
        handler = self.handlers.get(fact.kind)
        if handler is not None:
            handler(rows, fact)


def derive(
    conn: Connection,
    projections: Sequence[Projection],
    rows: Rows,
    sizes: Sequence[tuple[LogRow, int]],
    since: Mapping[int, int] = MappingProxyType({}),
) -> int:
    """Applies the first entries of each log, as many as `sizes` says, to `rows`. Returns how many it looked at.

    `since` says by log how many of them the rows hold already.
    """
    by_kind: dict[str, list[Handler]] = {}
    for projection in projections:
        for kind, handler in projection.handlers.items():
            by_kind.setdefault(kind, []).append(handler)
    with no_collections():
        for log, size in sizes:
            for fact in facts(conn, log, since.get(log.log_id, 0), size, by_kind):
                for handler in by_kind[fact.kind]:
                    handler(rows, fact)
    return sum(size - since.get(log.log_id, 0) for log, size in sizes)


@contextmanager
def no_collections() -> Iterator[None]:
    """While rows pile up and none becomes garbage, looking for cycles among them takes half the time and finds
    nothing."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class Projections:
    """The projections of *views* of one program over one pair of databases."""

    def __init__(self, databases: Databases, projections: Sequence[Projection]) -> None:
        self._brain = databases.brain
        self._views = databases.views
        self._projections = tuple(projections)

    def prepare(self) -> None:
        """Creates the tables that are missing; makes those anew whose projection changed or whose log is shorter."""
        if not self._is_prepared():
            self._views.writing(self._prepare)

    def _is_prepared(self) -> bool:
        """Whether nothing is to be done: then a process that holds the views is not waited for."""
        try:
            return self._views.reading(
                lambda conn: set(views.tables) <= set(inspect(conn).get_table_names()) and not self._stale(conn)
            )
        except StorageError:
            return False

    def catch_up(self) -> int:
        """Applies what the logs hold beyond the cursors. Returns the number of entries looked at."""
        done = 0
        for log, size in self._brain.reading(sizes_of):
            while True:
                batch = self._next_batch(log, size)
                if batch is None:
                    break
                self._views.writing(partial(self._apply, log=log, batch=batch))
                done += batch.end - batch.first
        return done

    def lag(self) -> int:
        """Entries that the slowest projection has not applied yet."""
        cursors = self._views.reading(_cursors)
        sizes = self._brain.reading(sizes_of)
        return max(
            (size - cursors.get((log.log_id, p.name), 0) for log, size in sizes for p in self._projections), default=0
        )

    def rebuild(self) -> int:
        """Throws away what was derived and derives it again from the logs. Returns the number of entries looked at."""
        rows = MemoryRows()

        def read(conn: Connection) -> list[tuple[LogRow, int]]:
            sizes = sizes_of(conn)
            derive(conn, self._projections, rows, sizes)
            return sizes

        sizes = self._brain.reading(read)

        def write(conn: Connection) -> None:
            self._prepare(conn)
            conn.execute(delete(cursor))
            for projection in self._projections:
                for table in projection.tables:
                    conn.execute(delete(table))
                rows.write(conn, projection.tables)
                for log, size in sizes:
                    conn.execute(
                        insert(cursor).values(
                            log_id=log.log_id, name=projection.name, applied_upto=size, version=projection.version
                        )
                    )

        self._views.writing(write)
        return sum(size for _, size in sizes) + self.catch_up()

    def state_sha256(self) -> dict[str, str]:
        """For each projection the hash of its rows."""
        return self._views.reading(
            lambda conn: {p.name: state_sha256(conn, p.tables) for p in self._projections if p.tables}
        )

    def at(self, sizes: Mapping[int, int]) -> dict[str, str] | None:
        """As `state_sha256`, if every projection has applied exactly so much of each log; None otherwise."""

        def work(conn: Connection) -> dict[str, str] | None:
            applied = _cursors(conn)
            for projection in self._projections:
                mine = {log_id: upto for (log_id, name), upto in applied.items() if name == projection.name and upto}
                if mine != dict(sizes):
                    return None
            return {p.name: state_sha256(conn, p.tables) for p in self._projections if p.tables}

        return self._views.reading(work)

    def _prepare(self, conn: Connection) -> None:
        if self._views.dialect == "postgresql":
            conn.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {self._views.name}")
        cursor.create(conn, checkfirst=True)
        for projection in self._stale(conn):
            for table in projection.tables:
                table.drop(conn, checkfirst=True)  # another version may have other columns
            conn.execute(delete(cursor).where(cursor.c.name == projection.name))
        views.create_all(conn)

    def _stale(self, conn: Connection) -> list[Projection]:
        """The projections whose rows were derived by another version, or from a log that is shorter now."""
        applied = conn.execute(select(cursor)).all()
        if not applied:
            return []
        sizes = {log.log_id: size for log, size in self._brain.reading(sizes_of)}
        bad = set()
        known = {p.name: p.version for p in self._projections}
        for row in applied:
            if row.version != known.get(row.name, row.version) or row.applied_upto > sizes.get(row.log_id, 0):
                bad.add(row.name)
        return [p for p in self._projections if p.name in bad]

    def _next_batch(self, log: LogRow, size: int) -> "_Batch | None":
        """The next entries that some projection has not seen; None when all have seen all."""
        cursors = self._views.reading(_cursors)
        first = min((cursors.get((log.log_id, p.name), 0) for p in self._projections), default=size)
        if first >= size:
            return None
        end = min(first + BATCH, size)
        wanted = frozenset[str]().union(*(p.kinds for p in self._projections))
        found = self._brain.reading(lambda conn: list(facts(conn, log, first, end, wanted)))
        return _Batch(first, end, found)

    def _apply(self, conn: Connection, log: LogRow, batch: "_Batch") -> None:
        cursors = _cursors(conn)  # again, under the write lock: another process may have been faster
        rows = TableRows(conn)
        for projection in self._projections:
            upto = cursors.get((log.log_id, projection.name), 0)
            if upto >= batch.end:
                continue
            for fact in batch.facts:
                if fact.seq >= upto:
                    projection.apply(rows, fact)
            key = {"log_id": log.log_id, "name": projection.name}
            conn.execute(delete(cursor).filter_by(**key))
            conn.execute(insert(cursor).values(**key, applied_upto=batch.end, version=projection.version))


@dataclass(frozen=True, slots=True)
class _Batch:
    """Entries [first, end) of a log, of those only the wanted kinds."""

    first: int
    end: int
    facts: list[Fact]


def sizes_of(conn: Connection) -> list[tuple[LogRow, int]]:
    """Every log and how many entries it holds, in the order of their keys."""
    return [(log, LogReader(conn, log).size()) for log in all_logs(conn)]


def _cursors(conn: Connection) -> dict[tuple[int, str], int]:
    return {(row.log_id, row.name): row.applied_upto for row in conn.execute(select(cursor))}
