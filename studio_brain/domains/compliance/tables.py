"""Rows of the review queue, derived from entries; `place` is the entry a row last changed with."""

from typing import Final

from sqlalchemy import Column, Index, Integer, Table, Text

from ...store.rows import PERSONAL
from ...store.schema import BigInt, views

review: Final = Table(
    "review",
    views,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("text_class", Text, nullable=False),
    Column("classes", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("capability", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("requester", Text, nullable=False),
    Column("requester_type", Text, nullable=False),
    Column("requesters", Integer, nullable=False),
    Column("reviewer", Text),
    Column("reason", Text),
    Column("rationale", Text),
    Column("asked_at_ms", BigInt, nullable=False),
    Column("changed_at_ms", BigInt, nullable=False),
    Column("place", BigInt, nullable=False),
    Index("review_by_state", "tenant", "state", "asked_at_ms", "id"),
    sqlite_strict=True,
)

review_text: Final = Table(
    "review_text",
    views,
    Column("tenant", Text, primary_key=True),
    Column("payload", Text, primary_key=True),
    Column("review", Text, nullable=False),
    Column("text", Text, info={PERSONAL: True}),
    Column("erased_place", BigInt, info={PERSONAL: True}),
    Index("review_text_by_review", "tenant", "review"),
    sqlite_strict=True,
)
"""The text itself, by the commitment to each payload that holds it: it is gone when all of them were erased."""

REVIEWS: Final = (review, review_text)
