"""The life of a proposal, in one definition.

    draft → pending_approval → approved → executing → executed | refused | failed | unknown
    unknown → executed | failed (settled), executing (asked again under its key)
    executed → rolled_back; before a claim also rejected, withdrawn, expired, superseded

The context of the guards: `now_ms`, `expires_at_ms`, `shown` and `stored` (hashes of what a person saw and what is
kept), `approvals` and `quorum`.
"""

from typing import Final

from ..kernel.lifecycle import Context, Deadline, Edge, Lifecycle
from ..kernel.reasons import ReasonCode

DRAFT: Final = "draft"
PENDING: Final = "pending_approval"
APPROVED: Final = "approved"
REJECTED: Final = "rejected"
EXPIRED: Final = "expired"
WITHDRAWN: Final = "withdrawn"
EXECUTING: Final = "executing"
EXECUTED: Final = "executed"
REFUSED: Final = "refused"
FAILED: Final = "failed"
UNKNOWN: Final = "unknown"
ROLLED_BACK: Final = "rolled_back"
SUPERSEDED: Final = "superseded"

OPEN: Final = frozenset({DRAFT, PENDING, APPROVED, EXECUTING, UNKNOWN})
"""States in which somebody or something still has to act."""


def _in_time(context: Context) -> ReasonCode | None:
    return ReasonCode.EXPIRED if context["now_ms"] >= context["expires_at_ms"] else None


def _shown_is_stored(context: Context) -> ReasonCode | None:
    return None if context["shown"] == context["stored"] else ReasonCode.SHOWN_DIFFERS


def _quorum_reached(context: Context) -> ReasonCode | None:
    return None if context["approvals"] >= context["quorum"] else ReasonCode.WRONG_STATE


PROPOSAL: Final = Lifecycle(
    name="proposal",
    initial=DRAFT,
    states=(
        DRAFT, PENDING, APPROVED, REJECTED, EXPIRED, WITHDRAWN, EXECUTING, EXECUTED, REFUSED, FAILED, UNKNOWN,
        ROLLED_BACK, SUPERSEDED,
    ),
    final=frozenset({REJECTED, EXPIRED, WITHDRAWN, REFUSED, FAILED, ROLLED_BACK, SUPERSEDED}),
    edges=(
        Edge("submit", DRAFT, PENDING),
        Edge("endorse", PENDING, PENDING, ("in_time", "shown_is_stored")),
        Edge("approve", PENDING, APPROVED, ("in_time", "shown_is_stored", "quorum_reached")),
        Edge("reject", PENDING, REJECTED, ("shown_is_stored",)),
        Edge("reject", APPROVED, REJECTED, ("shown_is_stored",)),
        Edge("withdraw", DRAFT, WITHDRAWN),
        Edge("withdraw", PENDING, WITHDRAWN),
        Edge("withdraw", APPROVED, WITHDRAWN),
        Edge("supersede", PENDING, SUPERSEDED),
        Edge("supersede", APPROVED, SUPERSEDED),
        Edge("expire", DRAFT, EXPIRED),
        Edge("expire", PENDING, EXPIRED),
        Edge("expire", APPROVED, EXPIRED),
        Edge("claim", APPROVED, EXECUTING, ("in_time",)),
        Edge("refuse", APPROVED, REFUSED),
        Edge("succeed", EXECUTING, EXECUTED),
        Edge("refuse", EXECUTING, REFUSED),
        Edge("fail", EXECUTING, FAILED),
        Edge("lose", EXECUTING, UNKNOWN),
        Edge("claim", UNKNOWN, EXECUTING),
        Edge("succeed", UNKNOWN, EXECUTED),
        Edge("fail", UNKNOWN, FAILED),
        Edge("roll_back", EXECUTED, ROLLED_BACK),
    ),
    guards={"in_time": _in_time, "shown_is_stored": _shown_is_stored, "quorum_reached": _quorum_reached},
    deadlines={
        DRAFT: Deadline("expires_at_ms", "expire"),
        PENDING: Deadline("expires_at_ms", "expire"),
        APPROVED: Deadline("expires_at_ms", "expire"),
    },
)  # fmt: skip
