"""How queries read: SQL with named parameters in, rows as dictionaries out.

A query does not know which library runs it. Pages of a running engine go through SQLAlchemy's connections; the first
page after a start is read with the standard library alone, before anything heavy is imported. Nothing here writes.
"""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

PLACE_BITS = 40
"""A place is log_id · 2⁴⁰ + index (`evidence.tables`)."""

Row = dict[str, Any]
Select = Callable[[str, Mapping[str, Any]], list[Row]]


@dataclass(frozen=True, slots=True)
class Sources:
    """The two databases as a query sees them, the time it is asked at (UTC milliseconds), and which SQL is spoken
    where the two that are known differ."""

    brain: Select
    views: Select
    now_ms: int
    dialect: str = "sqlite"


def open_sources(home: Path, now_ms: int) -> Sources:
    """Sources over the SQLite files of a home, with the standard library alone. Raises sqlite3.Error."""
    return Sources(_file_select(home / "brain.db"), _file_select(home / "views.db"), now_ms)


def _file_select(path: Path) -> Select:
    conn = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
    conn.row_factory = _dictionary

    def select(sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        return conn.execute(sql, dict(parameters)).fetchall()

    return select


def _dictionary(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def hash_text(value: bytes | memoryview | None) -> str | None:
    """A hash column as `sha256:<hex>`."""
    return None if value is None else "sha256:" + bytes(value).hex()
