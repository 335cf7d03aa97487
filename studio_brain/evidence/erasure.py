"""Erasing a payload: its key, salt and ciphertext go; the entry, its seal and every proof stay.

The entry that says so has the kind `payload.erased`, stands in the stream `erasures`, and carries in `data` at least
`index`, `seal`, `erasedKind` and `payloadSha256` of what was erased. Whoever verifies counts a missing payload as
erased when such an entry follows, and as a fault when none does.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection

from .facts import Fact, fact_of_row
from .log import LogRow
from .tables import place

ERASED: Final = "payload.erased"
STREAM: Final = "erasures"
PRUNED: Final = "retention.ran"
"""Retention took what its time was over of; the entry names the derived rows that went, so that they go again at every
rebuild."""

_DELETE: Final = ("DELETE FROM payload_key WHERE place = ?", "DELETE FROM payload WHERE place = ?")
# The entries about erasures from a place on, found through their stream: a log is never searched for them.
_ERASURES: Final = (
    "SELECT entry.place, entry.kind, entry.at_ms, entry.body FROM stream "
    "JOIN entry ON entry.stream_id = stream.stream_id "
    "WHERE stream.log_id = ? AND stream.name = ? AND entry.kind = ? AND entry.place >= ? ORDER BY entry.pos"
)
_COUNT: Final = (
    "SELECT count(*) FROM stream JOIN entry ON entry.stream_id = stream.stream_id "
    "WHERE stream.log_id = ? AND stream.name = ?"
)


def destroy_payload(conn: Connection, place: int) -> None:
    """Removes what is left of a payload, in the transaction that appends the entry about it."""
    for sql in _DELETE:
        conn.exec_driver_sql(_for(conn, sql), (place,))


def erasures(conn: Connection, log: LogRow, first: int = 0) -> Iterator[Fact]:
    """The facts of all erasures of a log that were sealed at index `first` or later."""
    parameters = (log.log_id, STREAM, ERASED, place(log.log_id, first))
    for row in conn.exec_driver_sql(_for(conn, _ERASURES), parameters).all():
        yield fact_of_row(log, row, None)


def count_erasures(conn: Connection, log: LogRow) -> int:
    """How many entries stand in the log's stream of erasures."""
    return int(conn.exec_driver_sql(_for(conn, _COUNT), (log.log_id, STREAM)).scalar_one())


def _for(conn: Connection, sql: str) -> str:
    return sql.replace("?", "%s") if conn.dialect.name == "postgresql" else sql
