"""After an erasure: no byte of what was erased is left in the files of the databases.

SQLite overwrites what is deleted (`secure_delete`), but its write-ahead log holds older pages until it is folded into
the file, and a page that was once split may keep a stale piece in its unused part. So the log is folded and emptied,
the files are searched for the very bytes, and when they are found the file is written anew.
"""

import mmap
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .database import Database, Databases
from .faults import storage_faults

PATIENCE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Wiped:
    """`traces`: how many of the byte strings are still found; None where the files are a server's."""

    traces: int | None
    rewritten: bool
    detail: str


def wipe(
    databases: Databases,
    needles: Sequence[bytes],
    *,
    rewrite: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Wiped:
    """Call it after the transaction that deleted was committed. `needles` are what may be found nowhere; with `rewrite`
    the files are written anew without looking."""
    if databases.brain.dialect != "sqlite":
        for database in (databases.brain, databases.views):
            _vacuum(database)
        return Wiped(None, True, "the server's own files, its write-ahead log and its backups are not looked into")
    rewritten = False
    for database in (databases.brain, databases.views):
        _fold(database, sleep)
        if rewrite or _count(database, needles):
            _vacuum(database)
            _fold(database, sleep)
            rewritten = True
    left = _count(databases.brain, needles) + _count(databases.views, needles)
    detail = "" if left == 0 else "another process reads an older state; what is left goes when it ends"
    return Wiped(left, rewritten, detail)


def _fold(database: Database, sleep: Callable[[float], None]) -> None:
    """Folds the write-ahead log into the file and empties it; readers of an older state are waited for."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with storage_faults():
            raw = database.write.raw_connection()
            try:
                busy = raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]  # type: ignore[union-attr]
            finally:
                raw.close()
        if not busy or time.monotonic() > deadline:
            return
        sleep(0.05)


def _vacuum(database: Database) -> None:
    with storage_faults():
        raw = database.write.raw_connection()
        try:
            driver = raw.driver_connection
            if isinstance(driver, sqlite3.Connection):
                driver.execute("VACUUM")
            else:
                driver.autocommit = True  # type: ignore[union-attr]
                driver.execute("VACUUM")  # type: ignore[union-attr]
                driver.autocommit = False  # type: ignore[union-attr]
        finally:
            raw.close()


def _count(database: Database, needles: Sequence[bytes]) -> int:
    path = database.reading(lambda conn: Path(str(conn.exec_driver_sql("PRAGMA database_list").all()[0][2])))
    return sum(_holds(file, needles) for file in (path, path.with_name(path.name + "-wal")))


def _holds(path: Path, needles: Sequence[bytes]) -> int:
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return sum(data.find(needle) >= 0 for needle in needles)
    except (FileNotFoundError, ValueError):
        return 0  # not there, or empty
