"""The two sets of tables. Modules that own tables hang them in here: the logs and the gateway into `brain`, everything
that can be derived again into `views`."""

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

from ..evidence import tables as evidence_tables

brain: Final = evidence_tables.metadata
views: Final = MetaData()

projection: Final = Table(
    "projection",
    brain,
    Column("name", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    sqlite_strict=True,
)
"""By which version of a projection its rows in *brain* were derived."""

BigInt = BigInteger().with_variant(Integer, "sqlite")
"""64-bit integers: milliseconds, places. STRICT tables of SQLite know them as INTEGER."""
