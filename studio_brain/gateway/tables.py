"""The gateway's rows: proposals, approvals, executions, kill switches, requests, quotas.

Each row follows from entries of the log alone (and from the payloads that were not erased), so that all of them can be
rebuilt byte-equal. `place` is the entry a row last changed with. Columns that hold what may be personal are the
payloads of entries, as they were sealed; they become null when the payload is erased (`erased_place` says by which
entry) and stand outside the state hash, inside which the commitment beside them stands.
"""

from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text

from ..store.rows import PERSONAL
from ..store.schema import BigInt, brain

_PERSONAL: Final = {PERSONAL: True}

proposal: Final = Table(
    "proposal",
    brain,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("capability", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("risk", Text, nullable=False),
    Column("requester", Text, nullable=False),
    Column("requester_type", Text, nullable=False),
    Column("rationale", Text, nullable=False),
    Column("content", Text, info=_PERSONAL),
    Column("commitment", LargeBinary),
    Column("input_hash", LargeBinary, nullable=False),
    Column("plan_hash", LargeBinary, nullable=False),
    Column("proposal_hash", LargeBinary, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("rollback_of", Text),
    Column("corr", Text, nullable=False),
    Column("created_at_ms", BigInt, nullable=False),
    Column("expires_at_ms", BigInt, nullable=False),
    Column("changed_at_ms", BigInt, nullable=False),
    Column("code", Text),
    Column("detail", Text),
    Column("drafted_place", BigInt, nullable=False),
    Column("place", BigInt, nullable=False),
    Column("erased_place", BigInt, info=_PERSONAL),
    Index("proposal_by_state", "tenant", "state", "created_at_ms"),
    Index("proposal_by_age", "tenant", "created_at_ms", "id"),
    sqlite_strict=True,
)

approval: Final = Table(
    "approval",
    brain,
    Column("tenant", Text, primary_key=True),
    Column("proposal", Text, primary_key=True),
    Column("actor", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("rationale", Text, nullable=False),
    Column("proposal_hash", LargeBinary, nullable=False),
    Column("at_ms", BigInt, nullable=False),
    Column("place", BigInt, nullable=False),
    sqlite_strict=True,
)

execution: Final = Table(
    "execution",
    brain,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("proposal", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until_ms", BigInt),
    Column("actor", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("started_at_ms", BigInt, nullable=False),
    Column("finished_at_ms", BigInt),
    Column("replayed", Integer, nullable=False),
    Column("deviates", Integer, nullable=False),
    Column("code", Text),
    Column("detail", Text),
    Column("output", Text, info=_PERSONAL),
    Column("output_commitment", LargeBinary),
    Column("actual", Text, info=_PERSONAL),
    Column("actual_commitment", LargeBinary),
    Column("output_hash", LargeBinary),
    Column("place", BigInt, nullable=False),
    Column("erased_place", BigInt, info=_PERSONAL),
    Index("execution_by_proposal", "tenant", "proposal"),
    Index("execution_by_state", "state"),
    sqlite_strict=True,
)

switch: Final = Table(
    "switch",
    brain,
    Column("tenant", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("actor", Text, nullable=False),
    Column("rationale", Text, nullable=False),
    Column("engaged_at_ms", BigInt, nullable=False),
    Column("until_ms", BigInt),
    Column("boot", Text, nullable=False),
    Column("up_ms", BigInt, nullable=False),
    Column("place", BigInt, nullable=False),
    sqlite_strict=True,
)

request: Final = Table(
    "request",
    brain,
    Column("tenant", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("capability", Text, nullable=False),
    Column("input_hash", LargeBinary, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("proposal", Text),
    Column("code", Text),
    Column("place", BigInt, nullable=False),
    sqlite_strict=True,
)

quota_use: Final = Table(
    "quota_use",
    brain,
    Column("tenant", Text, primary_key=True),
    Column("place", BigInt, primary_key=True),
    Column("capability", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("at_ms", BigInt, nullable=False),
    Column("boot", Text, nullable=False),
    Column("up_ms", BigInt, nullable=False),
    Index("quota_use_by_capability", "tenant", "capability", "place"),
    Index("quota_use_by_actor", "tenant", "capability", "actor", "place"),
    Index("quota_use_by_owner", "tenant", "capability", "owner", "place"),
    Index("quota_use_by_target", "tenant", "capability", "target", "place"),
    sqlite_strict=True,
)

quota_reset: Final = Table(
    "quota_reset",
    brain,
    Column("tenant", Text, primary_key=True),
    Column("capability", Text, primary_key=True),
    Column("per", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("actor", Text, nullable=False),
    Column("rationale", Text, nullable=False),
    Column("at_ms", BigInt, nullable=False),
    Column("place", BigInt, nullable=False),
    sqlite_strict=True,
)

ROWS: Final = (proposal, approval, execution, switch, request, quota_use, quota_reset)
"""All of them, in the order in which a state hash covers them."""
