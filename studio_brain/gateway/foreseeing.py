"""What somebody may do with a proposal, told before they try: policy, lifecycle and quotas are asked as the acts
themselves will ask them. It writes nothing and promises nothing.
"""

from typing import Any

from sqlalchemy import Connection

from ..kernel.policy import EXECUTE, Actor, Context, evaluate
from ..kernel.reasons import REASONS, ReasonCode
from . import decide, switches
from .decide import Refusal
from .lifecycle import PROPOSAL
from .proposals import Proposal, find_proposal
from .quotas import Quotas, owner_of
from .registry import Registry


def explained(
    conn: Connection, id: str, actor: Actor, tenant: str, registry: Registry, quotas: Quotas, now_ms: int
) -> dict[str, dict[str, Any]]:
    """{"proposal.approve": {"allowed", "reasonCode", "sentence", "remedy", "detail", "rule"}, …}; empty when the tenant
    has no such proposal."""
    item = find_proposal(conn, tenant, id)
    if item is None:
        return {}
    context = Context(now_ms, switches.engaged(conn, tenant))
    subject = item.subject(decide.connector_of(registry, item.capability))
    result: dict[str, dict[str, Any]] = {}
    for name, event in decide.EVENTS.items():
        capability = registry.capabilities[name]
        decision = evaluate(actor, capability.facts(), subject, context)
        code, detail = decision.code, decision.detail
        if event not in PROPOSAL.events(item.state):
            code, detail = ReasonCode.WRONG_STATE, f"it is {item.state.replace('_', ' ')}"
        elif name == "proposal.withdraw" and item.requester != actor.id:
            code, detail = ReasonCode.ROLE_REQUIRED, "only the requester withdraws"
        elif name == "proposal.rollback" and not decide.has_rollback(registry, item.capability):
            code, detail = ReasonCode.NO_ROLLBACK, ""
        elif name == EXECUTE and code is None and (full := _full(conn, item, registry, quotas)) is not None:
            code, detail = full.code, full.detail
        reason = None if code is None else REASONS[code]
        result[name] = {
            "allowed": code is None,
            "reasonCode": None if code is None else code.value,
            "sentence": "" if reason is None else reason.sentence,
            "remedy": "" if reason is None else reason.remedy,
            "detail": detail,
            "rule": decision.rule,
        }
    return result


def _full(conn: Connection, item: Proposal, registry: Registry, quotas: Quotas) -> Refusal | None:
    """Why the quotas would refuse to carry it out now."""
    capability = registry.capabilities.get(item.capability)
    if capability is None:
        return None
    owner = owner_of(item.plan.arguments, item.requester)
    return quotas.foresee(conn, item.tenant, capability, item.requester, owner, item.target)
