"""A list whose rows are known by a key and stay where they are.

`merge` takes a newer answer: rows that are shown are changed in place, rows that came in newer wait (`newer`) until the
person asks for them, rows that are in the answer no longer stay, marked as gone. Nothing moves under the cursor.
"""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

Index = QModelIndex | QPersistentModelIndex
VIEW = Qt.ItemDataRole.UserRole + 1
KEY = Qt.ItemDataRole.UserRole + 2


class Queue(QAbstractListModel):
    """Rows are JSON objects with an `id`; a *maker* turns (row, gone) into what the delegate paints."""

    newer_changed = Signal(int)

    def __init__(self, maker: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._maker = maker
        self.rows: list[dict[str, Any]] = []
        self._views: list[Any] = []
        self._gone: set[str] = set()
        self._latest: list[dict[str, Any]] = []
        self.newer = 0

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if role == VIEW:
            return self._views[index.row()]
        if role == KEY:
            return self.rows[index.row()]["id"]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._views[index.row()].title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._views[index.row()].spoken
        return None

    def replace(self, rows: Sequence[dict[str, Any]]) -> None:
        """Draws the list anew."""
        self.beginResetModel()
        self.rows = list(rows)
        self._gone = set()
        self._make()
        self.endResetModel()
        self._latest = self.rows
        self._set_newer(0)

    def append(self, rows: Sequence[dict[str, Any]]) -> None:
        """Older rows, at the end."""
        if not rows:
            return
        self.beginInsertRows(QModelIndex(), len(self.rows), len(self.rows) + len(rows) - 1)
        self.rows += rows
        self._make()
        self.endInsertRows()

    def merge(self, rows: Sequence[dict[str, Any]]) -> None:
        """Takes the newest page of the same filter."""
        self._latest = list(rows)
        found = {row["id"]: row for row in rows}
        oldest = min((row["createdAt"] for row in rows), default="")
        known = {row["id"] for row in self.rows}
        for place, row in enumerate(self.rows):
            if row["id"] in found:
                self.rows[place] = found[row["id"]]
                self._gone.discard(row["id"])
            elif row["createdAt"] >= oldest:
                self._gone.add(row["id"])
        self.refresh()
        self._set_newer(sum(row["id"] not in known for row in rows))

    def take_newer(self) -> None:
        """The person asked: the list becomes the newest answer."""
        self.replace(self._latest)

    def refresh(self) -> None:
        """Makes the views anew: times, names and titles change."""
        self._make()
        if self.rows:
            self.dataChanged.emit(self.index(0), self.index(len(self.rows) - 1))

    def update_row(self, row: dict[str, Any]) -> None:
        """One row as it is now, wherever it stands."""
        for place, known in enumerate(self.rows):
            if known["id"] == row["id"]:
                self.rows[place] = {key: row.get(key, known.get(key)) for key in known}
                self.refresh()
                return

    def place_of(self, key: str | None) -> int:
        return next((place for place, row in enumerate(self.rows) if row["id"] == key), -1)

    def _make(self) -> None:
        self._views = [self._maker(row, row["id"] in self._gone) for row in self.rows]

    def _set_newer(self, newer: int) -> None:
        if newer != self.newer:
            self.newer = newer
            self.newer_changed.emit(newer)
