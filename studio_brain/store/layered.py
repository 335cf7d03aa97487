"""Rows in memory above stored ones: what a projection changes is kept beside the tables and written at the end.

Going forward from a snapshot touches few of its rows; those are read once and written once.
"""

from collections.abc import Iterable

from sqlalchemy import Table

from .rows import Key, TableRows, Values, key_of


class LayeredRows:
    """`rows.Rows` over the tables of `base`, which stay as they are until `write`. A None in the layer is a row that is
    gone."""

    def __init__(self, base: TableRows) -> None:
        self._base = base
        self._layer: dict[str, dict[Key, Values | None]] = {}

    def get(self, table: Table, key: Key) -> Values | None:
        layer = self._of(table)
        if key not in layer:
            layer[key] = self._base.get(table, key)
        return layer[key]

    def before(self, table: Table, key: Key) -> Values | None:
        layer = self._of(table)
        above = [k for k, row in layer.items() if row is not None and k[:-1] == key[:-1] and k[-1] < key[-1]]
        below = self._base.before(table, key)
        while below is not None and layer.get(key_of(table, below), below) is None:
            below = self._base.before(table, key_of(table, below))
        best = max(above, default=None)
        if best is None or (below is not None and key_of(table, below)[-1] > best[-1]):
            return None if below is None else self.get(table, key_of(table, below))
        return layer[best]

    def add(self, table: Table, row: Values) -> None:
        if self.get(table, key_of(table, row)) is None:
            self.put(table, row)

    def put(self, table: Table, row: Values) -> None:
        self._of(table)[key_of(table, row)] = row

    def update(self, table: Table, key: Key, values: Values) -> None:
        row = self.get(table, key)
        if row is not None:
            row.update(values)

    def delete(self, table: Table, key: Key) -> None:
        self._of(table)[key] = None

    def write(self, tables: Iterable[Table]) -> None:
        """Brings the tables below up to what stands in the layer."""
        for table in tables:
            layer = self._of(table)
            self._base.delete_many(table, [key for key, row in layer.items() if row is None])
            self._base.put_many(table, [row for row in layer.values() if row is not None])

    def _of(self, table: Table) -> dict[Key, Values | None]:
        return self._layer.setdefault(table.name, {})
