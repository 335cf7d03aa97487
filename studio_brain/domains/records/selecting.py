"""Reading with the SQL of queries on a connection that is open: inside a unit of work, so that nothing slips in."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

from ...store.reading import Row, Select


def on(conn: Connection) -> Select:
    """`store.reading.Select` over an open connection."""

    def select(sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        return [dict(row) for row in conn.execute(text(sql), parameters).mappings()]

    return select
