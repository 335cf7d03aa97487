"""The three units around an outside effect: claim, finish, compare, and what a lost outcome turns into.

*Claim* compares and sets approved → executing and checks every local input again; it is durable and covered by a signed
checkpoint before anything is sent. *Finish* is fenced: an answer to an attempt that is no longer the current one
changes nothing and is only traced.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from ..kernel.canonical import canonical_entry
from ..kernel.hashing import sha256, to_text
from ..kernel.lifecycle import Accepted, Refused
from ..kernel.policy import POLICY_VERSION, TIERS, Actor
from ..kernel.ports import SET_BY_CLOUD, Change, Outcome, OutcomeKind, Preview, Seen
from ..kernel.reasons import ReasonCode
from ..store.sequencer import Unit
from . import receipts, switches
from .decide import Refusal, proposal_event, the_proposal
from .lifecycle import PROPOSAL
from .proposals import (
    Execution,
    Proposal,
    approvals_of,
    changes_of,
    find_execution,
    find_proposal,
    recomputed_hash,
    seen_of,
)
from .receipts import request_event
from .registry import Done, Request

_EVENTS = {
    OutcomeKind.OK: "succeed",
    OutcomeKind.REFUSED: "refuse",
    OutcomeKind.FAILED: "fail",
    OutcomeKind.UNKNOWN: "lose",
}


@dataclass(frozen=True, slots=True)
class Lease:
    """Names the process that carries an execution out. `until_ms` is on that machine's monotonic clock."""

    owner: str
    until_ms: int

    def to_json(self) -> dict[str, Any]:
        return {"owner": self.owner, "untilMs": self.until_ms}


Admit = Callable[[Unit, Proposal, Preview], dict[str, Any]]
"""What the start has to say of this use (`quotas.Quotas.admit`). Raises Refusal when it is one too many."""


def claim(unit: Unit, request: Request, live: Preview | Refusal, execution_id: str, lease: Lease, admit: Admit) -> Done:
    """approved → executing. Raises Refusal; a final one moves the proposal to `refused`."""
    item = the_proposal(unit, request)
    _may_claim(unit, item)
    if isinstance(live, Refusal):
        raise Refusal(live.code, live.detail, item, final=True)
    moved = _what_moved(seen_of(item.plan), live.seen)
    if moved:
        raise Refusal(ReasonCode.STALE, f"changed since it was drafted: {', '.join(moved)}", item, final=True)
    quota = admit(unit, item, live)
    unit.append(
        request_event(
            receipts.STARTED,
            receipts.proposal_stream(item.id),
            request,
            state="executing",
            about=item,
            executionId=execution_id,
            attempt=1,
            lease=lease.to_json(),
            proposalHash=to_text(item.proposal_hash),
            policyVersion=POLICY_VERSION,
            **quota,
        )
    )
    return Done("executing", item.id, {"executionId": execution_id})


def _may_claim(unit: Unit, item: Proposal) -> None:
    context = {"now_ms": unit.now_ms, "expires_at_ms": item.expires_at_ms}
    outcome = PROPOSAL.decide(item.state, "claim", context)
    if item.state != "approved" or isinstance(outcome, Refused):
        code = outcome.code if isinstance(outcome, Refused) else ReasonCode.CONFLICT
        if item.state in ("executing", "executed", "unknown"):
            code = ReasonCode.CONFLICT
        raise Refusal(code, f"the proposal is {item.state}", item)
    if recomputed_hash(item) != item.proposal_hash:
        raise Refusal(ReasonCode.SHOWN_DIFFERS, "the stored proposal is not the approved one", item, final=True)
    if item.policy_version != POLICY_VERSION:
        raise Refusal(ReasonCode.POLICY_CHANGED, "", item, final=True)
    yes = {a.actor for a in approvals_of(unit.conn, item) if _covers(a.verdict, a.proposal_hash, item)}
    if len(yes) < TIERS[item.risk].quorum:
        raise Refusal(ReasonCode.WRONG_STATE, "its approvals do not cover it", item, final=True)


def _covers(verdict: str, stamp: bytes, item: Proposal) -> bool:
    return verdict == "approved" and stamp == item.proposal_hash


def _what_moved(pinned: Any, live: tuple[Seen, ...]) -> list[str]:
    """The documents whose update time is not the one that the proposal saw."""
    now = {seen.resource: seen.update_time for seen in live}
    return [seen.resource for seen in pinned if now.get(seen.resource) != seen.update_time]


def claim_again(
    unit: Unit, execution: Execution, connector: str, stopped_with: Collection[str], lease: Lease, actor: Actor
) -> int | None:
    """unknown → executing: the same call with the same key. The new attempt's number, or None when it must wait.

    `stopped_with` are the capabilities whose kill switch stops it."""
    found = _current(unit, execution, "unknown")
    if found is None:
        return None
    item, now = found
    engaged = switches.engaged(unit.conn, execution.tenant)
    if switches.stopping(engaged, execution.tenant, connector, stopped_with):
        return None
    unit.append(
        proposal_event(
            receipts.STARTED,
            item,
            actor,
            execution.request_id,
            state="executing",
            executionId=execution.id,
            attempt=now.attempt + 1,
            lease=lease.to_json(),
            proposalHash=to_text(item.proposal_hash),
            policyVersion=POLICY_VERSION,
        )
    )
    return now.attempt + 1


def finish(unit: Unit, execution: Execution, outcome: Outcome, actor: Actor, corr: str, took_ms: int) -> str:
    """Seals the result of the current attempt and gives the proposal's new state. A late answer is only traced."""
    item = find_proposal(unit.conn, execution.tenant, execution.proposal)
    now = find_execution(unit.conn, execution.tenant, execution.id)
    if item is None or now is None:
        raise Refusal(ReasonCode.NOT_FOUND, execution.id)
    common: dict[str, Any] = {
        "executionId": execution.id,
        "attempt": execution.attempt,
        "outcome": _OUTCOME_STATES[outcome.kind],
        "cloudRequestId": outcome.request_id,
        "replayed": outcome.replayed,
        "tookMs": took_ms,
        "detail": outcome.detail[:500],
        "output_hash": sha256(canonical_entry(outcome.output)),
        "payload": {"output": outcome.output},
        "corr": corr,
    }
    if now.attempt != execution.attempt or now.state not in ("started", "unknown"):
        unit.append(
            proposal_event(
                receipts.LATE, item, actor, execution.request_id, state=item.state, code=outcome.code, **common
            )
        )
        return item.state
    decision = PROPOSAL.decide(item.state, _EVENTS[outcome.kind], {})
    if not isinstance(decision, Accepted):
        raise Refusal(ReasonCode.CONFLICT, f"the proposal is {item.state}", item)
    unit.append(
        proposal_event(
            receipts.RESULT, item, actor, execution.request_id, state=decision.target, code=outcome.code, **common
        )
    )
    if decision.target == "executed" and item.rollback_of is not None:
        _mark_rolled_back(unit, item, actor, execution.request_id)
    return decision.target


_OUTCOME_STATES = {
    OutcomeKind.OK: "executed",
    OutcomeKind.REFUSED: "refused",
    OutcomeKind.FAILED: "failed",
    OutcomeKind.UNKNOWN: "unknown",
}


def _mark_rolled_back(unit: Unit, undo: Proposal, actor: Actor, request_id: str) -> None:
    """The proposal whose execution was undone says so in its own stream."""
    done = find_execution(unit.conn, undo.tenant, undo.rollback_of or "")
    original = None if done is None else find_proposal(unit.conn, undo.tenant, done.proposal)
    if original is None or original.state != "executed":
        return
    unit.append(
        proposal_event(
            receipts.ROLLED_BACK,
            original,
            actor,
            request_id,
            state="rolled_back",
            rationale=undo.rationale,
            rolledBackBy=undo.id,
        )
    )


def compare(unit: Unit, execution: Execution, actual: tuple[Change, ...], actor: Actor, corr: str) -> bool:
    """Seals what was read back beside what was predicted. True when they differ."""
    item = find_proposal(unit.conn, execution.tenant, execution.proposal)
    if item is None:
        raise Refusal(ReasonCode.NOT_FOUND, execution.proposal)
    deviates = deviation(changes_of(item.plan), actual)
    unit.append(
        proposal_event(
            receipts.COMPARED,
            item,
            actor,
            execution.request_id,
            state=item.state,
            code=ReasonCode.DEVIATION if deviates else None,
            executionId=execution.id,
            deviates=deviates,
            payload={"actual": [change.to_json() for change in actual]},
            corr=corr,
        )
    )
    return deviates


def deviation(predicted: tuple[Change, ...], actual: tuple[Change, ...]) -> bool:
    """Whether a predicted field ended elsewhere than predicted. Fields that nobody predicted a value for are free."""
    found = {(change.resource, change.field): change.after for change in actual}
    return any(
        (change.resource, change.field) in found and found[change.resource, change.field] != change.after
        for change in predicted
        if change.after != SET_BY_CLOUD
    )


def lose(unit: Unit, execution: Execution, actor: Actor) -> bool:
    """started → unknown, when the process that held the lease is gone."""
    found = _current(unit, execution, "started")
    if found is None or found[1].attempt != execution.attempt:
        return False
    lost = Outcome(OutcomeKind.UNKNOWN, "", ReasonCode.UNKNOWN_OUTCOME, "the process that sent it is gone")
    finish(unit, execution, lost, actor, found[0].corr, 0)
    return True


def _current(unit: Unit, execution: Execution, state: str) -> tuple[Proposal, Execution] | None:
    """The proposal and the execution as they are now, while the execution is still in `state`."""
    now = find_execution(unit.conn, execution.tenant, execution.id)
    item = find_proposal(unit.conn, execution.tenant, execution.proposal)
    return (item, now) if now is not None and item is not None and now.state == state else None
