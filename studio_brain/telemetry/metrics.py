"""Counters and durations, kept in memory and added to the views database from time to time, so that every process of a
home counts together.

A duration is kept as `<name>_count` and `<name>_ms_sum`; labels are few and never hold what people wrote.
"""

import threading
from collections import Counter
from typing import Any, Final

import orjson
from sqlalchemy import Column, Connection, Table, Text, insert, select, update

from ..store.schema import BigInt, views

metric: Final = Table(
    "metric",
    views,
    Column("name", Text, primary_key=True),
    Column("labels", Text, primary_key=True),
    Column("value", BigInt, nullable=False),
    sqlite_strict=True,
)


class Metrics:
    """Safe to use from any thread."""

    def __init__(self) -> None:
        self._pending: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def count(self, name: str, value: int = 1, **labels: str) -> None:
        key = (name, orjson.dumps(labels, option=orjson.OPT_SORT_KEYS).decode())
        with self._lock:
            self._pending[key] += value

    def duration(self, name: str, ms: int, **labels: str) -> None:
        self.count(f"{name}_count", 1, **labels)
        self.count(f"{name}_ms_sum", ms, **labels)

    def flush(self, conn: Connection) -> None:
        """Adds what was counted since the last flush."""
        with self._lock:
            pending, self._pending = self._pending, Counter()
        for (name, labels), value in pending.items():
            key = (metric.c.name == name) & (metric.c.labels == labels)
            if not conn.execute(update(metric).where(key).values(value=metric.c.value + value)).rowcount:
                conn.execute(insert(metric).values(name=name, labels=labels, value=value))


def read_metrics(conn: Connection) -> list[dict[str, Any]]:
    """[{"name", "labels", "value"}], by name."""
    rows = conn.execute(select(metric).order_by(metric.c.name, metric.c.labels))
    return [{"name": row.name, "labels": orjson.loads(row.labels), "value": row.value} for row in rows]
