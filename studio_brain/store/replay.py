"""Replay: how everything derived stood at any index or moment, in a scratch database beside the real ones.

A *moment* is a SQLite database in memory that holds every projection as of a cut, and sees the logs only up to it.
Nothing in it can be written back. It starts from the nearest *snapshot* and goes forward; without one it starts at
nothing. What was erased in the meantime stays erased: personal columns are empty and name the entry that says so, and
the state hash is what it was, because such columns stand outside it.
"""

import sqlite3
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Table, create_engine
from sqlalchemy.pool import StaticPool

from ..evidence.cut import Cut, cut_at
from ..evidence.erasure import erasures
from ..evidence.log import all_logs
from ..kernel.errors import StorageError
from ..kernel.reasons import ReasonCode
from .database import Database, Databases
from .faults import storage_faults
from .layered import LayeredRows
from .past import Past, open_past
from .projections import Projection, derive, no_collections
from .reading import Row, Sources
from .rows import MemoryRows, Rows, TableRows, state_sha256
from .schema import views
from .snapshots import Marks, Snapshot, Snapshots, marks

FAR: Final = 20_000
"""Entries: whoever had to go forward that far leaves a snapshot for the next one."""

OPEN: Final = 2
"""Moments that stay open: the one that is looked at, and the one it is compared with."""


class Moment:
    """Everything derived, as of a cut. Use it from any thread; close it."""

    def __init__(self, cut: Cut, projections: Sequence[Projection], started_at: int) -> None:
        self.cut = cut
        self.started_at = started_at
        self._projections = projections
        self._lock = threading.Lock()
        self.connection = _scratch()
        engine = create_engine("sqlite://", creator=lambda: self.connection, poolclass=StaticPool)
        self.database = Database("replay", engine, engine)
        self._past: Past | None = None

    def state_sha256(self) -> dict[str, str]:
        """For each projection the hash of its rows: what `Projections.state_sha256` said at that moment."""
        with self._lock:
            return self.database.reading(
                lambda conn: {p.name: state_sha256(conn, p.tables) for p in self._projections if p.tables}
            )

    def sources(self) -> Sources:
        """For queries: rows and logs as of the cut, the clock at its moment."""
        return Sources(self._select, self._select, self.cut.at_ms)

    def save(self, path: Path) -> None:
        """Writes what is derived into a SQLite file. Raises StorageError when there is one."""
        if path.exists():
            raise StorageError(str(path), code=ReasonCode.CONFLICT, remedy="Name a file that is not there yet.")
        with storage_faults(), self._lock, closing(sqlite3.connect(path)) as target:
            self.connection.backup(target)

    def close(self) -> None:
        with self._lock:
            if self._past is not None:
                self._past.close()
            self._past = None
            self.database.close()
            self.connection.close()

    def look_back(self, databases: Databases) -> None:
        """Lets queries see the logs themselves, up to the cut."""
        self._past = self.database.reading(
            lambda rows: open_past(self.connection, rows, databases, self.cut, _tables(self._projections))
        )

    def _select(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        with storage_faults(), self._lock:
            if self._past is None:
                raise StorageError("the moment was closed; ask again", code=ReasonCode.CONFLICT)
            return self._past.select(sql, parameters)


class Replay:
    """Moments of one pair of databases. `projections` are all of them, wherever their rows live."""

    def __init__(
        self, databases: Databases, projections: Sequence[Projection], folder: Path | None, far: int = FAR
    ) -> None:
        self._databases = databases
        self._far = far
        self._brain = databases.brain
        self.projections = self._projections = tuple(projections)
        self._lock = threading.Lock()
        self._open: dict[tuple[int, tuple[tuple[int, int], ...]], tuple[Marks, Moment]] = {}
        self._snapshots = None if folder is None else Snapshots(folder, self._projections)

    def cut(self, tenant: str, *, index: int | None = None, at_ms: int | None = None) -> Cut:
        """By index of the tenant's log or by moment. Raises NOT_FOUND for an index that is not there."""
        return self._brain.reading(lambda conn: cut_at(conn, tenant, index=index, at_ms=at_ms))

    def at(self, cut: Cut, *, logs: bool = True, fresh: bool = False) -> Moment:
        """Everything as of a cut. With `fresh` from nothing, whatever snapshots there are; without `logs` for its rows
        alone."""
        moment = self._brain.reading(lambda conn: self._derive(conn, cut, fresh=fresh))
        if self._snapshots is not None and not fresh and cut.entries - moment.started_at >= self._far:
            held = self._brain.reading(lambda conn: marks(conn, cut.by_log()))
            self._snapshots.save(moment.connection, held)
        if logs:
            moment.look_back(self._databases)
        return moment

    def derived(self, cut: Cut) -> dict[str, str]:
        """For each projection the hash of its rows, derived in memory from nothing but the logs."""
        rows = MemoryRows()
        with no_collections():
            self._brain.reading(lambda conn: derive(conn, self._projections, rows, cut.sizes))
            return {p.name: state_sha256(rows, p.tables) for p in self._projections if p.tables}

    def sources(self, cut: Cut) -> Sources:
        """For queries as of a cut. The moments asked for last stay open for the next question."""
        key = (cut.at_ms, tuple(cut.by_log().items()))
        with self._lock:
            held = self._brain.reading(lambda conn: marks(conn, cut.by_log()))
            known = self._open.pop(key, None)
            if known is not None and known[0] != held:  # something was erased since
                known[1].close()
                known = None
            self._open[key] = known or (held, self.at(cut))
            while len(self._open) > OPEN:
                self._open.pop(next(iter(self._open)))[1].close()
            return self._open[key][1].sources()

    def forget(self) -> None:
        """Destroys every snapshot and open moment: before and after something is erased, because they hold what it
        held."""
        self.close()
        if self._snapshots is not None:
            self._snapshots.forget()

    def close(self) -> None:
        with self._lock:
            for _, moment in self._open.values():
                moment.close()
            self._open.clear()

    def _derive(self, conn: Connection, cut: Cut, *, fresh: bool) -> Moment:
        found: Snapshot | None = None
        if self._snapshots is not None and not fresh:
            found = self._snapshots.nearest(cut, lambda sizes: marks(conn, sizes))
        moment = Moment(cut, self._projections, 0 if found is None else found.entries)
        tables = [table for projection in self._projections for table in projection.tables]
        if found is not None:
            found.load(moment.connection)
        with moment.database.write.begin() as scratch:
            if found is None:
                for table in _tables(self._projections):
                    table.create(scratch)
                rows = MemoryRows()
                derive(conn, self._projections, rows, cut.sizes)
                self._redact(conn, cut, rows)
                rows.write(scratch, tables)
            else:
                layered = LayeredRows(TableRows(scratch))
                derive(conn, self._projections, layered, cut.sizes, found.sizes)
                self._redact(conn, cut, layered)
                layered.write(tables)
        return moment

    def _redact(self, conn: Connection, cut: Cut, rows: Rows) -> None:
        """Applies the erasures that were sealed after the cut, those of logs that began after it included."""
        sizes = cut.by_log()
        for log in all_logs(conn):
            for fact in erasures(conn, log, sizes.get(log.log_id, 0)):
                for projection in self._projections:
                    redact = projection.redactions.get(fact.kind)
                    if redact is not None:
                        redact(rows, fact)


def _scratch() -> sqlite3.Connection:
    conn = sqlite3.connect("file::memory:", uri=True, isolation_level=None, check_same_thread=False)
    conn.execute("PRAGMA trusted_schema=OFF")
    conn.execute("PRAGMA secure_delete=ON")
    return conn


def _tables(projections: Sequence[Projection]) -> list[Table]:
    """What a moment holds: every table of a projection, and, empty, those of *views* that follow from no entry."""
    derived = [table for projection in projections for table in projection.tables]
    return [*derived, *(table for table in views.sorted_tables if table not in derived)]
