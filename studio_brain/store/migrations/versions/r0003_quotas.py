"""Uses of what is limited, resets of their buckets, and kill switches that end by themselves.

The gateway's rows follow from the log: the table of switches is made anew and filled from it when the brain opens.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

revision = "0003"
down_revision = "0002"

metadata = MetaData()
Big = BigInteger().with_variant(Integer, "sqlite")


def key(name: str, type_: object = Text) -> Column:
    return Column(name, type_, primary_key=True)


def must(name: str, type_: object = Text) -> Column:
    return Column(name, type_, nullable=False)


def may(name: str, type_: object = Text) -> Column:
    return Column(name, type_)


def table(name: str, *parts: object) -> Table:
    return Table(name, metadata, *parts, sqlite_strict=True)


table("switch", key("tenant"), key("scope"), key("target"), must("actor"), must("rationale"),
      must("engaged_at_ms", Big), may("until_ms", Big), must("boot"), must("up_ms", Big),
      must("place", Big))  # fmt: skip
table("quota_use", key("tenant"), key("place", Big), must("capability"), must("actor"), must("owner"), must("target"),
      must("at_ms", Big), must("boot"), must("up_ms", Big),
      Index("quota_use_by_capability", "tenant", "capability", "place"),
      Index("quota_use_by_actor", "tenant", "capability", "actor", "place"),
      Index("quota_use_by_owner", "tenant", "capability", "owner", "place"),
      Index("quota_use_by_target", "tenant", "capability", "target", "place"))  # fmt: skip
table("quota_reset", key("tenant"), key("capability"), key("per"), key("subject"), must("actor"), must("rationale"),
      must("at_ms", Big), must("place", Big))  # fmt: skip


def upgrade() -> None:
    op.drop_table("switch")
    metadata.create_all(op.get_bind(), checkfirst=False)
