"""Faults of the database, told apart so that a person learns what to mend: full, locked, read-only or damaged."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from ..kernel.errors import StorageError
from ..kernel.reasons import ReasonCode

# Primary result codes of SQLite (sqlite.org/rescode.html); the extended ones carry them in their low byte.
_SQLITE = {
    sqlite3.SQLITE_BUSY: ReasonCode.STORAGE_LOCKED,
    sqlite3.SQLITE_LOCKED: ReasonCode.STORAGE_LOCKED,
    sqlite3.SQLITE_FULL: ReasonCode.STORAGE_FULL,
    sqlite3.SQLITE_READONLY: ReasonCode.STORAGE_READ_ONLY,
    sqlite3.SQLITE_PERM: ReasonCode.STORAGE_READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: ReasonCode.STORAGE_READ_ONLY,
    sqlite3.SQLITE_CORRUPT: ReasonCode.STORAGE_DAMAGED,
    sqlite3.SQLITE_NOTADB: ReasonCode.STORAGE_DAMAGED,
    sqlite3.SQLITE_IOERR: ReasonCode.STORAGE_DAMAGED,
}
# SQLSTATE classes of PostgreSQL (documentation, appendix A).
_POSTGRESQL = {
    "53100": ReasonCode.STORAGE_FULL,
    "55P03": ReasonCode.STORAGE_LOCKED,
    "40P01": ReasonCode.STORAGE_LOCKED,
    "25006": ReasonCode.STORAGE_READ_ONLY,
    "42501": ReasonCode.STORAGE_READ_ONLY,
    "XX001": ReasonCode.STORAGE_DAMAGED,
}
_WRITE_FAILED = 0x30A  # SQLITE_IOERR_WRITE: what some file systems report for a full disk


def storage_fault(error: BaseException) -> StorageError | None:
    """The storage error that `error` stands for, or None when it is something else."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, sqlite3.Error):
        extended = getattr(original, "sqlite_errorcode", 0) or 0
        code = _SQLITE.get(extended & 0xFF)
        if extended == _WRITE_FAILED:
            code = ReasonCode.STORAGE_FULL
        return None if code is None else StorageError(str(original), code=code)
    state = getattr(original, "sqlstate", None)
    if state in _POSTGRESQL:
        return StorageError(str(original), code=_POSTGRESQL[state])
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return StorageError("the database connection was lost", code=ReasonCode.UNAVAILABLE)
    return None


@contextmanager
def storage_faults() -> Iterator[None]:
    """Turns database errors of the block, SQLAlchemy's and the drivers' own, into `StorageError`."""
    try:
        yield
    except Exception as error:
        fault = storage_fault(error)
        if fault is None:
            raise
        raise fault from error
