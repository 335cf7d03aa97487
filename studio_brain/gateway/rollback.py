"""Undoing an execution, as a proposal of its own: approved under the same rules, once, and linked to what it undoes."""

import asyncio
from dataclasses import replace

from ..kernel.canonical import canonical_entry
from ..kernel.hashing import sha256
from ..kernel.reasons import ReasonCode
from .decide import Refusal
from .perform import Gateway, Performed
from .proposals import Execution, Proposal, execution_of, find_proposal
from .registry import Request


class Rollback:
    """The procedure behind `proposal.rollback`: a proposal of its own that undoes an execution, once."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, request: Request) -> Performed:
        gateway = self._gateway
        id = request.payload.proposalId
        item, done = await asyncio.to_thread(
            gateway.database.reading,
            lambda conn: (find_proposal(conn, request.tenant, id), execution_of(conn, request.tenant, id)),
        )
        refusal = self._refusal(item, done, id)
        if refusal is not None or item is None or done is None:
            return await gateway.deny(request, refusal or Refusal(ReasonCode.NOT_FOUND, id))
        outside = gateway.registry.capabilities[item.capability].outside
        if outside is None or outside.rollback is None:
            return await gateway.deny(request, Refusal(ReasonCode.NO_ROLLBACK, item.capability, item))
        undo = gateway.registry.capabilities[outside.rollback]
        payload = undo.payload.model_validate(
            {"proposalId": item.id, "executionId": done.id, "reason": request.rationale[:500]}
        )
        input = payload.model_dump(mode="json")
        stamp = sha256(canonical_entry(input))
        asked = replace(request, capability=undo, payload=payload, input=input, input_hash=stamp)
        return await gateway.propose(asked, rollback_of=done.id)

    def _refusal(self, item: Proposal | None, done: Execution | None, id: str) -> Refusal | None:
        if item is None:
            return Refusal(ReasonCode.NOT_FOUND, f"proposal {id}")
        if item.state == "rolled_back":
            return Refusal(ReasonCode.ALREADY_ROLLED_BACK, "", item)
        if item.state != "executed" or done is None:
            return Refusal(ReasonCode.WRONG_STATE, f"rollback of a proposal that is {item.state}", item)
        return None
