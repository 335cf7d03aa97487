"""Rows by primary key: what a projection reads and writes, in a database or in memory.

A *row* is a dictionary of all columns of its table, a *key* the tuple of its primary key's values. The same projection
keeps tables up to date (`TableRows`) and derives everything from nothing (`MemoryRows`), so that there is one set of
rules and rebuilding is fast.
"""

import hashlib
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from operator import itemgetter
from typing import Any, Protocol

import orjson
from sqlalchemy import Connection, Table

from ..kernel.canonical import canonical

Key = tuple[Any, ...]
Values = dict[str, Any]

PERSONAL = "personal"
"""In a column's `info`: it may be erased, and stands outside the state hash; a commitment beside it stands inside."""

BATCH = 5_000


class Rows(Protocol):
    """Rows that are read and written by key."""

    def get(self, table: Table, key: Key) -> Values | None: ...

    def before(self, table: Table, key: Key) -> Values | None:
        """The last row before `key` among those that share all of the key but its last part."""
        ...

    def add(self, table: Table, row: Values) -> None:
        """Stores a new row; when there is one with its key already, that one stays."""
        ...

    def put(self, table: Table, row: Values) -> None:
        """Stores a row in place of the one with its key."""
        ...

    def update(self, table: Table, key: Key, values: Values) -> None:
        """Changes some columns of a row; nothing happens when there is none."""
        ...

    def delete(self, table: Table, key: Key) -> None: ...


class TableRows:
    """Rows of the tables themselves, within the transaction of a connection."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._postgresql = conn.dialect.name == "postgresql"

    def get(self, table: Table, key: Key) -> Values | None:
        return self._one(_select(table), key)

    def before(self, table: Table, key: Key) -> Values | None:
        return self._one(_select_before(table, self._postgresql), key)

    def add(self, table: Table, row: Values) -> None:
        self._run(_insert(table) + " ON CONFLICT DO NOTHING", _in_order(table, row))

    def put(self, table: Table, row: Values) -> None:
        self._run(_upsert(table), _in_order(table, row))

    def update(self, table: Table, key: Key, values: Values) -> None:
        self._run(_update(table, tuple(values)), (*values.values(), *key))

    def delete(self, table: Table, key: Key) -> None:
        self._run(_delete(table), key)

    def add_many(self, table: Table, rows: Iterable[Values]) -> None:
        """Stores new rows, fast; a key that is there already is an error."""
        tuples = map(_getter(table), rows)
        while batch := list(islice(tuples, BATCH)):
            self._run_many(_insert(table), batch)

    def put_many(self, table: Table, rows: Sequence[Values]) -> None:
        """As `put`, for many."""
        if rows:
            self._run(_upsert(table), [_in_order(table, row) for row in rows])

    def delete_many(self, table: Table, keys: Sequence[Key]) -> None:
        if keys:
            self._run(_delete(table), list(keys))

    def _run_many(self, sql: str, batch: list[tuple[Any, ...]]) -> None:
        """By the driver itself, which takes tuples as they are."""
        cursor = self._conn.connection.cursor()
        try:
            cursor.executemany(sql.replace("?", "%s") if self._postgresql else sql, batch)
        finally:
            cursor.close()

    def _one(self, sql: str, parameters: Key) -> Values | None:
        row = self._run(sql, parameters).mappings().first()
        return None if row is None else {name: _plain(value) for name, value in row.items()}

    def _run(self, sql: str, parameters: Any) -> Any:
        return self._conn.exec_driver_sql(sql.replace("?", "%s") if self._postgresql else sql, parameters)


class MemoryRows:
    """Rows in memory, until they are written somewhere."""

    def __init__(self) -> None:
        self._tables: dict[Table, dict[Key, Values]] = {}
        self._sorted: dict[Table, dict[Key, list[Any]]] = {}  # only of tables that were asked for a row before another

    def get(self, table: Table, key: Key) -> Values | None:
        return self._rows(table).get(key)

    def before(self, table: Table, key: Key) -> Values | None:
        leading, last = key[:-1], key[-1]
        known = self._lasts(table).get(leading, [])
        at = bisect_left(known, last)
        return None if at == 0 else self._rows(table)[(*leading, known[at - 1])]

    def add(self, table: Table, row: Values) -> None:
        key = key_of(table, row)
        rows = self._rows(table)
        if key not in rows:
            rows[key] = row
            self._note(table, key)

    def put(self, table: Table, row: Values) -> None:
        key = key_of(table, row)
        rows = self._rows(table)
        if key not in rows:
            self._note(table, key)
        rows[key] = row

    def update(self, table: Table, key: Key, values: Values) -> None:
        row = self._rows(table).get(key)
        if row is not None:
            row.update(values)

    def delete(self, table: Table, key: Key) -> None:
        if self._rows(table).pop(key, None) is not None and table in self._sorted:
            self._sorted[table][key[:-1]].remove(key[-1])

    def all(self, table: Table) -> Iterator[Values]:
        """In the order of their keys."""
        rows = self._rows(table)
        return (rows[key] for key in sorted(rows))

    def write(self, conn: Connection, tables: Iterable[Table]) -> None:
        """Stores the rows of these (empty) tables."""
        target = TableRows(conn)
        for table in tables:
            target.add_many(table, self.all(table))

    def _rows(self, table: Table) -> dict[Key, Values]:
        try:
            return self._tables[table]
        except KeyError:
            return self._tables.setdefault(table, {})

    def _lasts(self, table: Table) -> dict[Key, list[Any]]:
        if table not in self._sorted:
            lasts: dict[Key, list[Any]] = {}
            for key in sorted(self._rows(table)):
                lasts.setdefault(key[:-1], []).append(key[-1])
            self._sorted[table] = lasts
        return self._sorted[table]

    def _note(self, table: Table, key: Key) -> None:
        if table in self._sorted:
            insort(self._sorted[table].setdefault(key[:-1], []), key[-1])


def key_of(table: Table, row: Values) -> Key:
    return _key_getter(table)(row)


def state_sha256(rows: Connection | MemoryRows, tables: Iterable[Table]) -> str:
    """SHA-256 over the rows of tables: for each the name, then its rows in the order of their keys, each as canonical
    JSON with bytes in hex. What may be erased is left out; the commitment beside it is not."""
    digest = hashlib.sha256()
    for table in tables:
        digest.update(table.name.encode() + b"\n")
        names = _hashed_names(table)
        blobs = [place for place, name in enumerate(names) if table.c[name].type.python_type is bytes]
        for row in tuples(rows, table, names):
            digest.update(_line(list(row), blobs))
    return "sha256:" + digest.hexdigest()


def _line(values: list[Any], blobs: list[int]) -> bytes:
    """A row of texts, integers, bytes and nulls as one line of canonical JSON. For such flat values the fast encoder
    gives RFC 8785's bytes; what it refuses, the careful one looks at."""
    for place in blobs:
        if values[place] is not None:
            values[place] = values[place].hex()
    try:
        return orjson.dumps(values, option=orjson.OPT_STRICT_INTEGER | orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:
        return canonical(values) + b"\n"


def stored_rows(conn: Connection, table: Table) -> Iterator[Values]:
    """All rows of a table in the order of their keys."""
    names = _names(table)
    return (dict(zip(names, row, strict=True)) for row in tuples(conn, table))


def tuples(
    rows: Connection | MemoryRows, table: Table, names: Sequence[str] | None = None
) -> Iterator[tuple[Any, ...]]:
    """All rows of a table in the order of their keys, as tuples of these columns; without names, of all."""
    names = _names(table) if names is None else names
    if isinstance(rows, MemoryRows):
        return map(_getter_of(tuple(names)), rows.all(table))
    return _stored(rows, table, names)


def _stored(conn: Connection, table: Table, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """By the driver itself, a batch at a time."""
    postgresql = conn.dialect.name == "postgresql"
    collate = ' COLLATE "C"' if postgresql else ""
    order = ", ".join(c.name + (collate if c.type.python_type is str else "") for c in table.primary_key.columns)
    cursor = conn.connection.cursor()
    try:
        cursor.execute(f"SELECT {', '.join(names)} FROM {table.name} ORDER BY {order}")  # noqa: S608
        while batch := cursor.fetchmany(BATCH):
            for row in batch:
                yield tuple([_plain(value) for value in row]) if postgresql else row
    finally:
        cursor.close()


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def _in_order(table: Table, row: Values) -> tuple[Any, ...]:
    return _getter(table)(row)


# The SQL of each table, made once. Names of tables and columns are ours, never a caller's.


@cache
def _names(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns)


@cache
def _key_names(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.primary_key.columns)


@cache
def _key_getter(table: Table) -> Callable[[Values], Key]:
    return _getter_of(_key_names(table))


def _getter(table: Table) -> Callable[[Values], tuple[Any, ...]]:
    return _getter_of(_names(table))


@cache
def _getter_of(names: tuple[str, ...]) -> Callable[[Values], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: (row[names[0]],)


@cache
def _hashed_names(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns if not column.info.get(PERSONAL))


def _by_key(table: Table) -> str:
    return " AND ".join(f"{name} = ?" for name in _key_names(table))


@cache
def _select(table: Table) -> str:
    return f"SELECT {', '.join(_names(table))} FROM {table.name} WHERE {_by_key(table)}"  # noqa: S608


@cache
def _select_before(table: Table, postgresql: bool) -> str:
    *leading, last = _key_names(table)
    if postgresql and table.c[last].type.python_type is str:
        last += ' COLLATE "C"'
    where = " AND ".join([f"{name} = ?" for name in leading] + [f"{last} < ?"])
    return f"SELECT {', '.join(_names(table))} FROM {table.name} WHERE {where} ORDER BY {last} DESC LIMIT 1"  # noqa: S608


@cache
def _insert(table: Table) -> str:
    places = ", ".join("?" for _ in _names(table))
    return f"INSERT INTO {table.name} ({', '.join(_names(table))}) VALUES ({places})"  # noqa: S608


@cache
def _upsert(table: Table) -> str:
    keys = _key_names(table)
    rest = ", ".join(f"{name} = excluded.{name}" for name in _names(table) if name not in keys)
    return f"{_insert(table)} ON CONFLICT ({', '.join(keys)}) DO {f'UPDATE SET {rest}' if rest else 'NOTHING'}"


@cache
def _update(table: Table, names: tuple[str, ...]) -> str:
    values = ", ".join(f"{name} = ?" for name in names)
    return f"UPDATE {table.name} SET {values} WHERE {_by_key(table)}"  # noqa: S608


@cache
def _delete(table: Table) -> str:
    return f"DELETE FROM {table.name} WHERE {_by_key(table)}"  # noqa: S608
