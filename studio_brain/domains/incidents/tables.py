"""Rows of incidents and of trust, derived from entries; `place` is the entry a row last changed with."""

from typing import Final

from sqlalchemy import Column, Index, Integer, Table, Text

from ...store.rows import PERSONAL
from ...store.schema import BigInt, views

incident: Final = Table(
    "incident",
    views,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("owner", Text),
    Column("receipts", BigInt, nullable=False),
    Column("outcome", Text),
    Column("opened_at_ms", BigInt, nullable=False),
    Column("changed_at_ms", BigInt, nullable=False),
    Column("opened_place", BigInt, nullable=False),
    Column("place", BigInt, nullable=False),
    Index("incident_by_age", "tenant", "opened_at_ms", "id"),
    sqlite_strict=True,
)

incident_text: Final = Table(
    "incident_text",
    views,
    Column("tenant", Text, primary_key=True),
    Column("payload", Text, primary_key=True),
    Column("incident", Text, nullable=False),
    Column("summary", Text, info={PERSONAL: True}),
    Column("erased_place", BigInt, info={PERSONAL: True}),
    sqlite_strict=True,
)
"""What a person wrote who reported one, by the commitment to the payload that holds it."""

incident_receipt: Final = Table(
    "incident_receipt",
    views,
    Column("tenant", Text, primary_key=True),
    Column("incident", Text, primary_key=True),
    Column("origin", Text, primary_key=True),
    Column("seq", BigInt, primary_key=True, autoincrement=False),
    sqlite_strict=True,
)

incident_switch: Final = Table(
    "incident_switch",
    views,
    Column("tenant", Text, primary_key=True),
    Column("incident", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("at_ms", BigInt, nullable=False),
    sqlite_strict=True,
)
"""The kill switches an incident was contained with; whether they are still on is the gateway's to say."""

trust: Final = Table(
    "trust",
    views,
    Column("tenant", Text, primary_key=True),
    Column("capability", Text, primary_key=True),
    Column("executions", Integer, nullable=False),
    Column("compared", Integer, nullable=False),
    Column("deviations", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("executed_at_ms", BigInt),
    Column("deviated_at_ms", BigInt),
    Column("deviated_place", BigInt),
    sqlite_strict=True,
)
"""What became of each capability's executions. `unknown` counts answers that were lost, settled since or not."""

INCIDENTS: Final = (incident, incident_text, incident_receipt, incident_switch, trust)
