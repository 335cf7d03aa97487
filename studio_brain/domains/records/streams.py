"""Reading one stream of a studio whole, oldest first: for what is kept as a short story of its own."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection

from ...evidence.entry import Entry, decode

_STREAM: Final = (
    "SELECT entry.body FROM log JOIN stream ON stream.log_id = log.log_id "
    "JOIN entry ON entry.stream_id = stream.stream_id "
    "WHERE log.tenant = ? AND stream.name = ? ORDER BY log.epoch, entry.pos"
)


def entries_of_stream(conn: Connection, tenant: str, name: str) -> Iterator[Entry]:
    """Through all epochs of a tenant's log."""
    sql = _STREAM.replace("?", "%s") if conn.dialect.name == "postgresql" else _STREAM
    for (body,) in conn.exec_driver_sql(sql, (tenant, name)).all():
        yield decode(bytes(body))
