"""The logs and the gateway's rows."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

revision = "0001"
down_revision = None

metadata = MetaData()
Big = BigInteger().with_variant(Integer, "sqlite")


def key(name: str, type_: object = Text) -> Column:
    return Column(name, type_, primary_key=True)


def must(name: str, type_: object = Text) -> Column:
    return Column(name, type_, nullable=False)


def may(name: str, type_: object = Text) -> Column:
    return Column(name, type_)


def place() -> Column:
    return Column("place", Big, primary_key=True, autoincrement=False)


def log_id(**options: bool) -> Column:
    return Column("log_id", Integer, ForeignKey("log.log_id"), **options)


def table(name: str, *parts: object, **options: bool) -> Table:
    return Table(name, metadata, *parts, sqlite_strict=True, **options)


table("log", key("log_id", Integer), must("tenant"), must("epoch", Integer), Column("origin", Text, nullable=False,
      unique=True), UniqueConstraint("tenant", "epoch"))  # fmt: skip
table("head", log_id(primary_key=True), must("size", Big), must("roots", LargeBinary))
table("stream", key("stream_id", Integer), log_id(nullable=False), must("name"), UniqueConstraint("log_id", "name"))
table("entry", place(), must("log_id", Integer), must("id", LargeBinary), must("kind"), must("stream_id", Integer),
      must("pos", Integer), must("at_ms", Big), must("seal", LargeBinary), must("body", LargeBinary),
      UniqueConstraint("log_id", "id"), UniqueConstraint("stream_id", "pos"))  # fmt: skip
table("tile", key("log_id", Integer), key("level", Integer), key("idx", Big), must("root", LargeBinary),
      must("hashes", LargeBinary))  # fmt: skip
table("checkpoint", key("log_id", Integer), key("size", Big), must("note"), sqlite_with_rowid=False)
table("payload", place(), must("salt", LargeBinary), must("sealed", LargeBinary))
table("payload_key", place(), must("key", LargeBinary))
table("proposal", key("tenant"), key("id"), must("capability"), must("target"), must("state"), must("risk"),
      must("requester"), must("requester_type"), must("rationale"), may("input"), may("arguments"), may("changes"),
      may("seen"), must("input_hash", LargeBinary), must("plan_hash", LargeBinary), must("proposal_hash", LargeBinary),
      must("policy_version"), may("rollback_of"), must("corr"), must("created_at_ms", Big), must("expires_at_ms", Big),
      must("changed_at_ms", Big), may("code"), may("detail"), must("drafted_place", Big), must("place", Big),
      Index("proposal_by_state", "tenant", "state", "created_at_ms"),
      Index("proposal_by_age", "tenant", "created_at_ms", "id"))  # fmt: skip
table("approval", key("tenant"), key("proposal"), key("actor"), must("role"), must("verdict"), must("rationale"),
      must("proposal_hash", LargeBinary), must("at_ms", Big), must("place", Big))  # fmt: skip
table("execution", key("tenant"), key("id"), must("proposal"), must("state"), must("attempt", Integer),
      may("lease_owner"), may("lease_until_ms", Big), must("actor"), must("request_id"), must("started_at_ms", Big),
      may("finished_at_ms", Big), must("replayed", Integer), must("deviates", Integer), may("code"), may("detail"),
      may("output"), may("actual"), may("output_hash", LargeBinary), must("place", Big),
      Index("execution_by_proposal", "tenant", "proposal"), Index("execution_by_state", "state"))  # fmt: skip
table("switch", key("tenant"), key("scope"), key("target"), must("actor"), must("rationale"),
      must("engaged_at_ms", Big), must("place", Big))  # fmt: skip
table("request", key("tenant"), key("key"), must("capability"), must("input_hash", LargeBinary), must("outcome"),
      may("proposal"), may("code"), must("place", Big))  # fmt: skip

SEALED = ("entry", "tile", "checkpoint")


def upgrade() -> None:
    conn = op.get_bind()
    metadata.create_all(conn, checkfirst=False)
    if conn.dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'sealed: % of % is refused', TG_OP, TG_TABLE_NAME; END $$"
        )
        for name in SEALED:
            op.execute(
                f"CREATE TRIGGER {name}_is_sealed BEFORE UPDATE OR DELETE OR TRUNCATE ON {name} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
        return
    for name in SEALED:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {name}_refuses_{verb.lower()} BEFORE {verb} ON {name} "
                f"BEGIN SELECT RAISE(ABORT, 'sealed: {verb} of {name} is refused'); END"
            )
