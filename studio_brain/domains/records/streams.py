"""Reading one stream of a log whole, oldest first: for what is kept as a short story of its own."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection

from ...evidence.entry import Entry, decode
from ...evidence.log import LogRow

_STREAM: Final = (
    "SELECT entry.body FROM stream JOIN entry ON entry.stream_id = stream.stream_id "
    "WHERE stream.log_id = ? AND stream.name = ? ORDER BY entry.pos"
)


def entries_of_stream(conn: Connection, log: LogRow, name: str) -> Iterator[Entry]:
    sql = _STREAM.replace("?", "%s") if conn.dialect.name == "postgresql" else _STREAM
    for (body,) in conn.exec_driver_sql(sql, (log.log_id, name)).all():
        yield decode(bytes(body))
