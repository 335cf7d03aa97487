"""Opening the two databases, on SQLite or PostgreSQL.

Each has a writing engine (on SQLite its transactions start with BEGIN IMMEDIATE, so that whoever waits, waits at the
start) and a reading one that cannot write. WAL everywhere; `synchronous` is FULL for *brain*, so that what was
acknowledged survives a power cut, and NORMAL for *views*, which can be derived again.
"""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.pool import QueuePool, StaticPool

from ..kernel.errors import ConfigError, StorageError
from .faults import storage_faults
from .reading import Row, Select

T = TypeVar("T")

BUSY_TIMEOUT_S = 5.0
PAGE_SIZE = 8192
READERS = 4


@dataclass(frozen=True)
class Database:
    """One of the two. `write` and `read` are engines; read through `reading`."""

    name: str
    write: Engine
    read: Engine
    _held: list[Connection] = field(default_factory=list, repr=False, compare=False)

    @property
    def dialect(self) -> str:
        return self.write.dialect.name

    def reading(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in one read transaction: all it sees belongs to one moment."""
        with storage_faults(), self.read.connect() as conn:
            return work(conn)

    def writing(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in a write transaction of its own. For *brain* use the writer's units of work instead."""
        with storage_faults(), self.write.begin() as conn:
            return work(conn)

    def hold(self) -> Connection:
        """A writing connection that its taker keeps between transactions; it ends with the database at the latest."""
        conn = self.write.connect()
        self._held.append(conn)
        return conn

    def drop(self, conn: Connection) -> None:
        """Closes a held connection for good."""
        self._held.remove(conn)
        conn.invalidate()
        conn.close()

    def close(self) -> None:
        for conn in self._held:
            conn.close()
        self._held.clear()
        self.read.dispose()
        self.write.dispose()  # last: the last writing connection folds the write-ahead log into the file


@dataclass(frozen=True)
class Databases:
    brain: Database
    views: Database

    def close(self) -> None:
        self.brain.close()
        self.views.close()


def is_usable(conn: Connection) -> bool:
    """Whether a connection stands open and outside any transaction."""
    if conn.closed or conn.invalidated or conn.in_transaction():
        return False
    driver: Any = conn.connection.dbapi_connection
    return not getattr(driver, "closed", False) and not getattr(driver, "in_transaction", False)


def open_databases(home: Path, url: str | None = None, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Databases:
    """The databases of a home. Without `url`: `brain.db` and `views.db` in it; with `postgresql://…`: two schemas
    there.

    Opens lazily; the first use raises StorageError when it cannot.
    """
    if url is None:
        return Databases(
            sqlite_database("brain", home / "brain.db", synchronous="FULL", busy_timeout_s=busy_timeout_s),
            sqlite_database("views", home / "views.db", synchronous="NORMAL", busy_timeout_s=busy_timeout_s),
        )
    if not url.startswith("postgresql"):
        raise ConfigError("database.url: only postgresql:// is known; leave it out for SQLite in the home folder")
    return Databases(postgresql_database("brain", url), postgresql_database("views", url))


def sqlite_database(
    name: str, path: Path, *, synchronous: str = "FULL", busy_timeout_s: float = BUSY_TIMEOUT_S
) -> Database:
    def connect(mode: str) -> Callable[[], sqlite3.Connection]:
        def creator() -> sqlite3.Connection:
            conn = sqlite3.connect(
                f"file:{quote(str(path))}?mode={mode}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=busy_timeout_s,
            )
            conn.execute("PRAGMA trusted_schema=OFF")
            conn.execute("PRAGMA cell_size_check=ON")
            if mode == "rwc":
                conn.execute(f"PRAGMA page_size={PAGE_SIZE}")
                conn.execute("PRAGMA journal_mode=WAL")
                conn.execute(f"PRAGMA synchronous={synchronous}")
                conn.execute("PRAGMA foreign_keys=ON")
                conn.execute("PRAGMA secure_delete=ON")
            else:
                conn.execute("PRAGMA query_only=ON")
            return conn

        return creator

    write = create_engine("sqlite://", creator=connect("rwc"), poolclass=QueuePool, pool_size=1, max_overflow=2)
    read = create_engine("sqlite://", creator=connect("ro"), poolclass=QueuePool, pool_size=READERS, max_overflow=8)
    for engine in (write, read):
        event.listen(engine, "handle_error", _torn_schema)
    event.listen(write, "begin", _begin("BEGIN IMMEDIATE"))
    event.listen(read, "begin", _begin("BEGIN"))
    return Database(name, write, read)


def _torn_schema(context: ExceptionContext) -> None:
    """A schema so damaged that even SQLite's message about it is no text any more."""
    if isinstance(context.original_exception, UnicodeDecodeError):
        raise StorageError("the schema of the database is damaged")


def _begin(sql: str) -> Callable[[Connection], None]:
    """Begins a transaction of SQLAlchemy's by the driver itself."""

    def begin(conn: Connection) -> None:
        driver: Any = conn.connection.dbapi_connection
        driver.execute(sql)

    return begin


def postgresql_database(name: str, url: str) -> Database:
    """One schema of a PostgreSQL database, named as the database of ours that it holds."""
    settings: dict[str, Any] = {
        "connect_args": {"options": f"-csearch_path={name} -clock_timeout=5s -cidle_in_transaction_session_timeout=60s"}
    }
    target = make_url(url).set(drivername="postgresql+psycopg")
    write = create_engine(target, pool_size=2, max_overflow=2, **settings)
    read = create_engine(target, pool_size=READERS, max_overflow=8, isolation_level="REPEATABLE READ", **settings)
    event.listen(read, "begin", lambda conn: conn.exec_driver_sql("SET TRANSACTION READ ONLY"))
    return Database(name, write, read)


def memory_database(name: str) -> Database:
    """A private in-memory SQLite database with one connection, for rebuilding something beside the real one."""
    conn = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    engine = create_engine("sqlite://", creator=lambda: conn, poolclass=StaticPool)
    event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN"))
    return Database(name, engine, engine)


def selecting(database: Database) -> Select:
    """`reading.Select` over a database: each statement is a read transaction of its own."""

    def select(sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        return database.reading(lambda conn: [dict(row) for row in conn.execute(text(sql), parameters).mappings()])

    return select
