"""Cosignatures, logs of others that are witnessed here, and rows whose personal columns can be erased.

The gateway's rows follow from the log: their tables are made anew, empty, and filled from it when the brain opens.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

revision = "0002"
down_revision = "0001"

metadata = MetaData()
Big = BigInteger().with_variant(Integer, "sqlite")


def key(name: str, type_: object = Text) -> Column:
    return Column(name, type_, primary_key=True)


def must(name: str, type_: object = Text) -> Column:
    return Column(name, type_, nullable=False)


def may(name: str, type_: object = Text) -> Column:
    return Column(name, type_)


def table(name: str, *parts: object, **options: bool) -> Table:
    return Table(name, metadata, *parts, sqlite_strict=True, **options)


table("cosignature", key("log_id", Integer), key("size", Big), key("key_id", LargeBinary), must("line"),
      must("at_ms", Big))  # fmt: skip
table("peer", key("origin"), must("size", Big), must("root", LargeBinary), must("note"), must("at_ms", Big))
table("projection", key("name"), must("version", Integer))
table("proposal", key("tenant"), key("id"), must("capability"), must("target"), must("state"), must("risk"),
      must("requester"), must("requester_type"), must("rationale"), may("content"), may("commitment", LargeBinary),
      must("input_hash", LargeBinary), must("plan_hash", LargeBinary), must("proposal_hash", LargeBinary),
      must("policy_version"), may("rollback_of"), must("corr"), must("created_at_ms", Big), must("expires_at_ms", Big),
      must("changed_at_ms", Big), may("code"), may("detail"), must("drafted_place", Big), must("place", Big),
      may("erased_place", Big),
      Index("proposal_by_state", "tenant", "state", "created_at_ms"),
      Index("proposal_by_age", "tenant", "created_at_ms", "id"))  # fmt: skip
table("approval", key("tenant"), key("proposal"), key("actor"), must("role"), must("verdict"), must("rationale"),
      must("proposal_hash", LargeBinary), must("at_ms", Big), must("place", Big))  # fmt: skip
table("execution", key("tenant"), key("id"), must("proposal"), must("state"), must("attempt", Integer),
      may("lease_owner"), may("lease_until_ms", Big), must("actor"), must("request_id"), must("started_at_ms", Big),
      may("finished_at_ms", Big), must("replayed", Integer), must("deviates", Integer), may("code"), may("detail"),
      may("output"), may("output_commitment", LargeBinary), may("actual"), may("actual_commitment", LargeBinary),
      may("output_hash", LargeBinary), must("place", Big), may("erased_place", Big),
      Index("execution_by_proposal", "tenant", "proposal"), Index("execution_by_state", "state"))  # fmt: skip
table("switch", key("tenant"), key("scope"), key("target"), must("actor"), must("rationale"),
      must("engaged_at_ms", Big), must("place", Big))  # fmt: skip
table("request", key("tenant"), key("key"), must("capability"), must("input_hash", LargeBinary), must("outcome"),
      may("proposal"), may("code"), must("place", Big))  # fmt: skip


def upgrade() -> None:
    for name in ("proposal", "approval", "execution", "switch", "request"):
        op.drop_table(name)
    metadata.create_all(op.get_bind(), checkfirst=False)
