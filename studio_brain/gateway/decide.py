"""Decisions about a proposal: what a request to draft, approve, reject or withdraw turns into.

Each function runs inside one unit of work: it reads the rows, asks the lifecycle, and appends the facts; rows follow
from them. What must not be raises `Refusal`, before anything was appended; the gateway seals it as a denial.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import Field
from sqlalchemy import select

from ..evidence.entry import Event
from ..kernel.clock import utc_text
from ..kernel.hashing import from_text, to_text
from ..kernel.lifecycle import Accepted, Refused
from ..kernel.policy import POLICY_VERSION, TIERS, Actor, Decision, Subject
from ..kernel.reasons import ReasonCode
from ..store.sequencer import Unit
from . import receipts
from .lifecycle import OPEN, PROPOSAL
from .proposals import Plan, Proposal, approvals_of, find_proposal, proposal_hash, tenant_of
from .receipts import gateway_event, proposal_stream, request_event
from .registry import Capability, Done, Payload, Registry, Request
from .tables import proposal


class Refusal(Exception):
    """An expected refusal. `proposal` is the one it is about, if any; `final` moves that proposal to `refused`. `data`
    is what the denial says besides, in its entry and in its answer."""

    def __init__(
        self,
        code: ReasonCode,
        detail: str = "",
        proposal: Proposal | None = None,
        *,
        final: bool = False,
        data: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.proposal = proposal
        self.final = final
        self.data = dict(data)


class OnProposal(Payload):
    """Names a proposal."""

    proposalId: Annotated[str, Field(min_length=1, max_length=64)]


class OnShown(OnProposal):
    """Names a proposal and the hash of what was shown: another hash is refused."""

    shownHash: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


def the_proposal(unit: Unit, request: Request) -> Proposal:
    """The proposal a request names, in the session's tenant. Raises Refusal."""
    found = find_proposal(unit.conn, request.tenant, request.payload.proposalId)
    if found is not None:
        return found
    if tenant_of(unit.conn, request.payload.proposalId) is not None:
        raise Refusal(ReasonCode.TENANT_MISMATCH, "the proposal belongs to another studio")
    raise Refusal(ReasonCode.NOT_FOUND, f"proposal {request.payload.proposalId}")


def subject_of_proposal(unit: Unit, request: Request, registry: Registry) -> Subject:
    """What a decision on a proposal is about."""
    found = the_proposal(unit, request)
    return found.subject(connector_of(registry, found.capability))


def connector_of(registry: Registry, capability: str) -> str | None:
    known: Capability | None = registry.capabilities.get(capability)
    return None if known is None or known.outside is None else known.outside.connector


def has_rollback(registry: Registry, capability: str) -> bool:
    known = registry.capabilities.get(capability)
    return known is not None and known.outside is not None and known.outside.rollback is not None


EVENTS: Final = {
    "proposal.approve": "approve",
    "proposal.reject": "reject",
    "proposal.withdraw": "withdraw",
    "proposal.execute": "claim",
    "proposal.rollback": "roll_back",
}
"""The lifecycle event that each decision on a proposal asks for."""


def draft(unit: Unit, request: Request, plan: Plan, decision: Decision, id: str, rollback_of: str | None) -> Done:
    """Stores an intended use of an outside capability: drafted and submitted, in one unit."""
    capability = request.capability
    if rollback_of is not None and _undone_already(unit, request.tenant, rollback_of):
        raise Refusal(ReasonCode.ALREADY_ROLLED_BACK, "a rollback of it is under way or done")
    target = capability.target_for(request.input)
    expires_at_ms = unit.now_ms + TIERS[capability.risk].lifetime_ms
    stamp = proposal_hash(
        id=id,
        tenant=request.tenant,
        capability=capability.id,
        target=target,
        risk=capability.risk,
        requester=request.actor.id,
        rationale=request.rationale,
        input_hash=request.input_hash,
        plan_hash=plan.hash(),
        policy_version=POLICY_VERSION,
        expires_at_ms=expires_at_ms,
        rollback_of=rollback_of,
    )
    unit.append(
        request_event(
            receipts.DRAFTED,
            proposal_stream(id),
            request,
            state="draft",
            proposal=id,
            risk=capability.risk.value,
            planHash=to_text(plan.hash()),
            proposalHash=to_text(stamp),
            expiresAt=utc_text(expires_at_ms),
            rollbackOf=rollback_of,
            payload={
                "input": request.input,
                "arguments": plan.arguments,
                "changes": plan.changes,
                "seen": plan.seen,
            },
            **receipts.decided_by(decision),
        )
    )
    unit.append(
        request_event(
            receipts.SUBMITTED,
            proposal_stream(id),
            request,
            state="pending_approval",
            proposal=id,
            proposalHash=to_text(stamp),
            quorum=decision.quorum,
            seats=decision.seats,
        )
    )
    return Done("asked", id, {"proposalHash": to_text(stamp), "expiresAt": utc_text(expires_at_ms)})


def _undone_already(unit: Unit, tenant: str, execution: str) -> bool:
    rows = unit.conn.execute(
        select(proposal.c.state).where(proposal.c.tenant == tenant, proposal.c.rollback_of == execution)
    )
    return any(row.state in OPEN or row.state == "executed" for row in rows)


def approve(unit: Unit, request: Request) -> Done:
    item = the_proposal(unit, request)
    others = {a.actor for a in approvals_of(unit.conn, item) if a.verdict == "approved"} - {request.actor.id}
    quorum = TIERS[item.risk].quorum
    approvals = len(others) + 1
    context = _context(unit, request, item) | {"approvals": approvals, "quorum": quorum}
    event = "approve" if approvals >= quorum else "endorse"
    target = _move(item, event, context)
    _append_decision(unit, request, item, receipts.APPROVED, target, approvals=approvals, quorum=quorum)
    return Done(target, item.id, {"approvals": approvals, "quorum": quorum})


def reject(unit: Unit, request: Request) -> Done:
    item = the_proposal(unit, request)
    target = _move(item, "reject", _context(unit, request, item))
    _append_decision(unit, request, item, receipts.REJECTED, target)
    return Done(target, item.id)


def withdraw(unit: Unit, request: Request) -> Done:
    """Only the requester takes a proposal back; everybody else rejects it."""
    item = the_proposal(unit, request)
    if item.requester != request.actor.id:
        raise Refusal(ReasonCode.ROLE_REQUIRED, "only the requester withdraws; reject it instead", item)
    target = _move(item, "withdraw", {})
    unit.append(request_event(receipts.WITHDRAWN, proposal_stream(item.id), request, state=target, about=item))
    return Done(target, item.id)


def expire(unit: Unit, id: str, actor: Actor, request_id: str) -> None:
    """Seals that a proposal's time has run out, if it still has."""
    item = find_proposal(unit.conn, unit.tenant, id)
    if item is None:
        return
    if PROPOSAL.due(item.state, {"now_ms": unit.now_ms, "expires_at_ms": item.expires_at_ms}) is None:
        return
    unit.append(
        proposal_event(
            receipts.EXPIRED, item, actor, request_id, state="expired", rationale="", code=ReasonCode.EXPIRED
        )
    )


def proposal_event(
    kind: str,
    item: Proposal,
    actor: Actor,
    request_id: str,
    *,
    state: str,
    corr: str | None = None,
    rationale: str | None = None,
    **more: Any,
) -> Event:
    """An entry in a proposal's stream that follows from the proposal rather than from a request of its own."""
    return gateway_event(
        kind,
        proposal_stream(item.id),
        actor,
        corr or item.corr,
        capability=item.capability,
        target=item.target,
        proposal=item.id,
        rationale=item.rationale if rationale is None else rationale,
        state=state,
        input_hash=item.input_hash,
        request_id=request_id,
        **more,
    )


def _append_decision(unit: Unit, request: Request, item: Proposal, kind: str, state: str, **more: Any) -> None:
    unit.append(
        request_event(
            kind,
            proposal_stream(item.id),
            request,
            state=state,
            role=request.actor.role.value,
            proposalHash=to_text(item.proposal_hash),
            policyVersion=POLICY_VERSION,
            about=item,
            **more,
        )
    )


def _context(unit: Unit, request: Request, item: Proposal) -> dict[str, object]:
    return {
        "now_ms": unit.now_ms,
        "expires_at_ms": item.expires_at_ms,
        "shown": from_text(request.payload.shownHash),
        "stored": item.proposal_hash,
    }


def _move(item: Proposal, event: str, context: dict[str, object]) -> str:
    """The state that `event` leads to, or the Refusal that the lifecycle gives as its answer."""
    outcome = PROPOSAL.decide(item.state, event, context)
    if isinstance(outcome, Accepted):
        return outcome.target
    code = outcome.code if isinstance(outcome, Refused) else ReasonCode.WRONG_STATE
    raise Refusal(code, f"{event} of a proposal that is {item.state}", item)
