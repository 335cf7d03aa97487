"""Proposals as values: read from their rows, hashed, and the plan that a preview made of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from ..kernel.canonical import canonical_entry
from ..kernel.clock import utc_text
from ..kernel.hashing import sha256, to_text
from ..kernel.policy import Risk, Subject
from ..kernel.ports import Change, Preview, Seen
from .tables import approval, execution, proposal


@dataclass(frozen=True, slots=True)
class Plan:
    """What a write would do, as it was predicted: JSON without floats. Null parts were erased."""

    arguments: dict[str, Any] | None
    changes: list[dict[str, Any]] | None
    seen: list[dict[str, Any]] | None

    @classmethod
    def of(cls, preview: Preview) -> "Plan":
        return cls(
            preview.arguments,
            [change.to_json() for change in preview.changes],
            [seen.to_json() for seen in preview.seen],
        )

    def hash(self) -> bytes:
        return sha256(canonical_entry({"arguments": self.arguments, "changes": self.changes, "seen": self.seen}))


@dataclass(frozen=True, slots=True)
class Proposal:
    """A row of the gateway. Times are UTC milliseconds; `place` is the entry it last changed with."""

    tenant: str
    id: str
    capability: str
    target: str
    state: str
    risk: Risk
    requester: str
    requester_type: str
    rationale: str
    input: dict[str, Any] | None
    plan: Plan
    input_hash: bytes
    plan_hash: bytes
    proposal_hash: bytes
    policy_version: str
    rollback_of: str | None
    corr: str
    created_at_ms: int
    expires_at_ms: int
    changed_at_ms: int
    code: str | None
    detail: str | None
    place: int

    def subject(self, connector: str | None) -> Subject:
        return Subject(
            tenant=self.tenant,
            requester=self.requester,
            risk=self.risk,
            capability=self.capability,
            connector=connector,
            expires_at_ms=self.expires_at_ms,
        )


@dataclass(frozen=True, slots=True)
class Approval:
    actor: str
    role: str
    verdict: str
    rationale: str
    proposal_hash: bytes
    at_ms: int


@dataclass(frozen=True, slots=True)
class Execution:
    tenant: str
    id: str
    proposal: str
    state: str
    attempt: int
    lease_owner: str | None
    lease_until_ms: int | None
    actor: str
    request_id: str
    started_at_ms: int


def proposal_hash(
    *,
    id: str,
    tenant: str,
    capability: str,
    target: str,
    risk: Risk,
    requester: str,
    rationale: str,
    input_hash: bytes,
    plan_hash: bytes,
    policy_version: str,
    expires_at_ms: int,
    rollback_of: str | None,
) -> bytes:
    """The hash of everything an approver sees. What is approved is bound to it, and the claim computes it again."""
    return sha256(
        canonical_entry(
            {
                "v": 1,
                "proposalId": id,
                "tenant": tenant,
                "capability": capability,
                "target": target,
                "risk": risk.value,
                "requester": requester,
                "rationale": rationale,
                "inputHash": to_text(input_hash),
                "planHash": to_text(plan_hash),
                "policyVersion": policy_version,
                "expiresAt": utc_text(expires_at_ms),
                "rollbackOf": rollback_of,
            }
        )
    )


def recomputed_hash(item: Proposal) -> bytes | None:
    """The hash of a stored proposal from its parts; None when its payload was erased."""
    if item.input is None or item.plan.arguments is None or item.plan.changes is None or item.plan.seen is None:
        return None
    return proposal_hash(
        id=item.id,
        tenant=item.tenant,
        capability=item.capability,
        target=item.target,
        risk=item.risk,
        requester=item.requester,
        rationale=item.rationale,
        input_hash=sha256(canonical_entry(item.input)),
        plan_hash=item.plan.hash(),
        policy_version=item.policy_version,
        expires_at_ms=item.expires_at_ms,
        rollback_of=item.rollback_of,
    )


def find_proposal(conn: Connection, tenant: str, id: str) -> Proposal | None:
    row = conn.execute(select(proposal).where(proposal.c.tenant == tenant, proposal.c.id == id)).first()
    return None if row is None else from_row(row)


def tenant_of(conn: Connection, id: str) -> str | None:
    """The tenant that a proposal belongs to, whoever asks."""
    return conn.execute(select(proposal.c.tenant).where(proposal.c.id == id)).scalar()


def approvals_of(conn: Connection, item: Proposal) -> list[Approval]:
    rows = conn.execute(
        select(approval)
        .where(approval.c.tenant == item.tenant, approval.c.proposal == item.id)
        .order_by(approval.c.place)
    )
    return [
        Approval(row.actor, row.role, row.verdict, row.rationale, bytes(row.proposal_hash), row.at_ms) for row in rows
    ]


def execution_of(conn: Connection, tenant: str, proposal_id: str) -> Execution | None:
    row = conn.execute(
        select(execution).where(execution.c.tenant == tenant, execution.c.proposal == proposal_id)
    ).first()
    return None if row is None else _execution(row)


def find_execution(conn: Connection, tenant: str, id: str) -> Execution | None:
    row = conn.execute(select(execution).where(execution.c.tenant == tenant, execution.c.id == id)).first()
    return None if row is None else _execution(row)


def unsettled(conn: Connection) -> list[Execution]:
    """Executions that have begun and have no final outcome."""
    rows = conn.execute(
        select(execution).where(execution.c.state.in_(("started", "unknown"))).order_by(execution.c.place)
    )
    return [_execution(row) for row in rows]


def seen_of(plan: Plan) -> Sequence[Seen]:
    return [
        Seen(item["resource"], item["updateTime"], bytes.fromhex(item["sha256"].removeprefix("sha256:")))
        for item in plan.seen or ()
    ]


def changes_of(plan: Plan) -> tuple[Change, ...]:
    return tuple(Change(c["resource"], c["field"], c["before"], c["after"]) for c in plan.changes or ())


def from_row(row: Row[Any]) -> Proposal:
    content: dict[str, Any] = {} if row.content is None else json.loads(row.content)
    return Proposal(
        tenant=row.tenant,
        id=row.id,
        capability=row.capability,
        target=row.target,
        state=row.state,
        risk=Risk(row.risk),
        requester=row.requester,
        requester_type=row.requester_type,
        rationale=row.rationale,
        input=content.get("input"),
        plan=Plan(content.get("arguments"), content.get("changes"), content.get("seen")),
        input_hash=bytes(row.input_hash),
        plan_hash=bytes(row.plan_hash),
        proposal_hash=bytes(row.proposal_hash),
        policy_version=row.policy_version,
        rollback_of=row.rollback_of,
        corr=row.corr,
        created_at_ms=row.created_at_ms,
        expires_at_ms=row.expires_at_ms,
        changed_at_ms=row.changed_at_ms,
        code=row.code,
        detail=row.detail,
        place=row.place,
    )


def _execution(row: Row[Any]) -> Execution:
    return Execution(
        row.tenant,
        row.id,
        row.proposal,
        row.state,
        row.attempt,
        row.lease_owner,
        row.lease_until_ms,
        row.actor,
        row.request_id,
        row.started_at_ms,
    )
