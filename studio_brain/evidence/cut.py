"""A *cut*: how many entries of each log count, for whoever asks how things stood at an index or at a moment.

A moment cuts a log before the first entry that is later. An index of one log cuts the other logs at that entry's time.
Where the clock was set back, a moment that came twice means its second coming.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from ..kernel.clock import utc_text
from ..kernel.errors import StudioBrainError
from ..kernel.reasons import ReasonCode
from .log import LogRow, all_logs, find_log
from .reader import LogReader
from .tables import INDEX_BITS, entry, place


@dataclass(frozen=True, slots=True)
class Cut:
    """The first `size` entries of each log, and the moment (UTC milliseconds) that stands for. Empty logs are left
    out."""

    at_ms: int
    sizes: tuple[tuple[LogRow, int], ...]

    @property
    def entries(self) -> int:
        return sum(size for _, size in self.sizes)

    def by_log(self) -> dict[int, int]:
        return {log.log_id: size for log, size in self.sizes}


def cut_now(conn: Connection, now_ms: int) -> Cut:
    """Everything that the logs hold."""
    return Cut(now_ms, _not_empty([(log, LogReader(conn, log).size()) for log in all_logs(conn)]))


def cut_at_time(conn: Connection, at_ms: int) -> Cut:
    """What had been sealed by a moment, that millisecond included."""
    return Cut(at_ms, _not_empty([(log, _size_by(conn, log, at_ms)) for log in all_logs(conn)]))


def cut_at_index(conn: Connection, tenant: str, index: int) -> Cut:
    """What had been sealed when the entry at `index` of the tenant's log was. Raises NOT_FOUND when there is none."""
    log = find_log(conn, tenant)
    at_ms = None if log is None or index < 0 else _at_ms(conn, log, index)
    if log is None or at_ms is None:
        raise StudioBrainError(f"the log of {tenant} has no entry {index}", code=ReasonCode.NOT_FOUND)
    sizes = []
    for other in all_logs(conn):
        if other.log_id == log.log_id:
            sizes.append((other, index + 1))
        elif other.tenant == tenant:
            sizes.append((other, LogReader(conn, other).size()))  # an earlier epoch
        else:
            sizes.append((other, _size_by(conn, other, at_ms)))
    return Cut(at_ms, _not_empty(sizes))


def cut_at(conn: Connection, tenant: str, *, index: int | None = None, at_ms: int | None = None) -> Cut:
    """By index or by moment; exactly one of them is given."""
    if (index is None) == (at_ms is None):
        raise StudioBrainError("give an index or a time, and not both", code=ReasonCode.INVALID_PAYLOAD)
    return cut_at_time(conn, at_ms) if at_ms is not None else cut_at_index(conn, tenant, index or 0)


def describe(cut: Cut) -> dict[str, object]:
    """For people and receipts: the moment, and the size of each log."""
    return {"at": utc_text(cut.at_ms), "logs": [{"origin": log.origin, "size": size} for log, size in cut.sizes]}


def _not_empty(sizes: list[tuple[LogRow, int]]) -> tuple[tuple[LogRow, int], ...]:
    return tuple((log, size) for log, size in sizes if size)


def _at_ms(conn: Connection, log: LogRow, index: int) -> int | None:
    return conn.execute(select(entry.c.at_ms).where(entry.c.place == place(log.log_id, index))).scalar()


def _size_by(conn: Connection, log: LogRow, at_ms: int) -> int:
    """Steps of falling powers of two from the start: entries added later never change the answer for the past."""
    total, size = LogReader(conn, log).size(), 0
    for step in (1 << bit for bit in range(min(total.bit_length(), INDEX_BITS) - 1, -1, -1)):
        if size + step <= total:
            found = _at_ms(conn, log, size + step - 1)
            if found is not None and found <= at_ms:
                size += step
    return size
