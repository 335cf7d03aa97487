"""What the gateway writes into the log: the same fields at every stage of an action.

`capabilityId, target, proposalId, rationale, approvalState, inputHash, outputHash, requestId, reasonCode` stand in
`data` of every entry, from the draft to the result, beside what only that stage knows. Who and through which door is
in `actor`, what belongs together in `corr`. Texts and values that may be personal are in the erasable payload.
"""

from typing import Any, Final

from ..evidence.entry import ActorRef, Event
from ..kernel.canonical import canonical_entry
from ..kernel.hashing import to_text
from ..kernel.policy import POLICY_VERSION, Actor, ActorType, Decision, Role
from ..kernel.reasons import ReasonCode
from .proposals import Proposal
from .registry import Request

DRAFTED: Final = "proposal.drafted"
SUBMITTED: Final = "proposal.submitted"
APPROVED: Final = "proposal.approved"
REJECTED: Final = "proposal.rejected"
WITHDRAWN: Final = "proposal.withdrawn"
EXPIRED: Final = "proposal.expired"
ROLLED_BACK: Final = "proposal.rolled_back"
STARTED: Final = "execution.started"
RESULT: Final = "execution.result"
COMPARED: Final = "execution.compared"
LATE: Final = "execution.late_answer"
DENIED: Final = "action.denied"
REPEATED: Final = "request.repeated"
ENGAGED: Final = "killswitch.engaged"
RELEASED: Final = "killswitch.released"
SWITCH_EXPIRED: Final = "killswitch.expired"
QUOTA_USED: Final = "quota.used"
QUOTA_RESET: Final = "quota.reset"

KINDS: Final = frozenset(
    {
        DRAFTED, SUBMITTED, APPROVED, REJECTED, WITHDRAWN, EXPIRED, ROLLED_BACK, STARTED, RESULT, COMPARED, LATE,
        DENIED, REPEATED, ENGAGED, RELEASED,
        SWITCH_EXPIRED,
    }
)  # fmt: skip

FIELDS: Final = (
    "capabilityId", "target", "proposalId", "rationale", "approvalState", "inputHash", "outputHash", "requestId",
    "reasonCode",
)  # fmt: skip
"""In the data of every entry of the gateway."""

MAX_RATIONALE: Final = 2_000


def proposal_stream(proposal: str) -> str:
    return f"proposal:{proposal}"


def actor_ref(actor: Actor) -> ActorRef:
    return ActorRef(actor.type.value, actor.id, actor.via)


def engine_actor(tenant: str) -> Actor:
    """The engine itself, settling what a person began."""
    return Actor(ActorType.SYSTEM, "engine", tenant, Role.OWNER, "engine", "engine")


def gateway_event(
    kind: str,
    stream: str,
    actor: Actor,
    corr: str,
    *,
    capability: str,
    target: str,
    proposal: str | None,
    rationale: str,
    state: str,
    input_hash: bytes,
    request_id: str,
    output_hash: bytes | None = None,
    code: ReasonCode | None = None,
    payload: dict[str, Any] | None = None,
    **more: Any,
) -> Event:
    """One entry of the gateway. `payload` is the erasable part; `more` is what only this stage knows."""
    data = {
        "capabilityId": capability,
        "target": target,
        "proposalId": proposal,
        "rationale": rationale,
        "approvalState": state,
        "inputHash": to_text(input_hash),
        "outputHash": None if output_hash is None else to_text(output_hash),
        "requestId": request_id,
        "reasonCode": None if code is None else code.value,
        **more,
    }
    return Event(kind, stream, actor_ref(actor), corr, data, None if payload is None else canonical_entry(payload))


def request_event(
    kind: str,
    stream: str,
    request: Request,
    *,
    state: str,
    about: Proposal | None = None,
    proposal: str | None = None,
    **more: Any,
) -> Event:
    """An entry that a request leads to.

    A decision *about* a proposal carries that proposal's capability, target and input at every stage; which capability
    the decision itself was made with stands beside them as `requestedCapability` and `requestHash`.
    """
    capability, target, input_hash = (
        request.capability.id,
        request.capability.target_for(request.input),
        request.input_hash,
    )
    if about is not None:
        more |= {"requestedCapability": capability, "requestHash": to_text(input_hash)}
        capability, target, input_hash, proposal = about.capability, about.target, about.input_hash, about.id
    return gateway_event(
        kind,
        stream,
        request.actor,
        request.corr,
        capability=capability,
        target=target,
        proposal=proposal,
        rationale=request.rationale,
        state=state,
        input_hash=input_hash,
        request_id=request.key,
        **more,
    )


def decided_by(decision: Decision) -> dict[str, Any]:
    """The policy's part of an entry: which rule of which policy decided."""
    return {"rule": decision.rule, "policyVersion": POLICY_VERSION}
