"""How far each story has followed each log. Kept in the views: losing it means that everything is told once more,
which whoever listens has to bear."""

from typing import Final

from sqlalchemy import Column, Connection, Integer, Table, Text, select

from .rows import TableRows
from .schema import BigInt, views

followed: Final = Table(
    "followed",
    views,
    Column("log_id", Integer, primary_key=True, autoincrement=False),
    Column("story", Text, primary_key=True),
    Column("upto", BigInt, nullable=False),
    sqlite_strict=True,
)


def put_followed(conn: Connection, log_id: int, story: str, upto: int) -> None:
    TableRows(conn).put(followed, {"log_id": log_id, "story": story, "upto": upto})


def all_followed(conn: Connection) -> dict[tuple[int, str], int]:
    """By log and story: how many entries of the log it has followed."""
    return {(row.log_id, row.story): row.upto for row in conn.execute(select(followed))}
