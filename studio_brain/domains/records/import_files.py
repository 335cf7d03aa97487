"""Exports of `ledger_entries`: JSON lines, CSV with a heading, or a SQLite file that holds the table. Told apart by
what they begin with; read row by row."""

import csv
import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from ...evidence.seal_v0 import COLUMNS, MAX_PAYLOAD, OldRow, RowError
from ...kernel.errors import ConfigError

TABLE: Final = "ledger_entries"
_SQLITE: Final = b"SQLite format 3\x00"
MAX_LINE: Final = 2 * MAX_PAYLOAD


class ImportFileError(ConfigError):
    """A file that is no export of that table; the detail names the file and the row."""


def old_rows(path: Path) -> Iterator[OldRow]:
    """The rows of an export, in its order. Raises ImportFileError at the first that is none."""
    number = 0
    try:
        found = iter(_raw(path))
        while True:
            number += 1
            row = next(found, None)
            if row is None:
                return
            yield OldRow.read(row)
    except (RowError, json.JSONDecodeError, csv.Error, UnicodeDecodeError, RecursionError) as error:
        remedy = "Export the table again; nothing of this file was imported."
        raise ImportFileError(f"{path.name}: row {number}: {error}", remedy=remedy) from error
    except (OSError, sqlite3.Error) as error:
        raise ImportFileError(f"{path.name}: {error}", remedy="Check that the file is there and whole.") from error


def _raw(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open("rb") as stream:
        start = stream.read(64)
    if start.startswith(_SQLITE):
        return _from_sqlite(path)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _from_lines(path)
    return _from_csv(path)


def _from_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open("rb") as stream:
        while line := stream.readline(MAX_LINE + 1):
            if len(line) > MAX_LINE:
                raise RowError(f"a line of more than {MAX_LINE} bytes")
            if not line.strip():
                continue
            row = json.loads(line.decode("utf-8-sig"))
            if not isinstance(row, dict):
                raise RowError("a line is one JSON object")
            yield row


def _from_csv(path: Path) -> Iterator[Mapping[str, Any]]:
    csv.field_size_limit(MAX_LINE)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        yield from csv.DictReader(stream, strict=True)


def _from_sqlite(path: Path) -> Iterator[Mapping[str, Any]]:
    conn = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)
    try:
        conn.execute("PRAGMA trusted_schema=OFF")
        conn.execute("PRAGMA query_only=ON")
        for row in conn.execute(f"SELECT {', '.join(COLUMNS)} FROM {TABLE} ORDER BY timestamp, id"):  # noqa: S608
            yield dict(zip(COLUMNS, row, strict=True))
    finally:
        conn.close()
