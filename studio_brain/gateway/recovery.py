"""Settling executions whose outcome is not known: their process died, or their answer was lost.

It is done by the capability's idempotency kind: the same call with the same key, a read-back of the target, or a
person. Nothing is ever blindly sent again. Tries are spaced out, and the cloud is asked for its health first.
"""

import asyncio

from ..kernel.errors import StudioBrainError
from ..kernel.ports import Connector, HealthState, Outcome, OutcomeKind, Settled
from ..kernel.reasons import ReasonCode
from . import claim
from .execution import Executor, check_sealed
from .proposals import Execution, Proposal, find_proposal, unsettled
from .receipts import engine_actor as engine_actor
from .registry import Idempotency, Outside

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 300.0


class Recovery:
    """Run by whoever holds the engine lock; correct without it, because every step compares and sets."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._gateway = executor.gateway
        self._clock = executor.clock
        self._waits: dict[str, tuple[float, float]] = {}  # execution → not before (monotonic s), next wait

    async def settle_all(self) -> int:
        """Settles what can be settled now. Returns how many executions are still open."""
        open_ones = await asyncio.to_thread(self._gateway.database.reading, unsettled)
        for execution in open_ones:
            await self.settle(execution)
        return len(await asyncio.to_thread(self._gateway.database.reading, unsettled))

    async def settle(self, execution: Execution) -> None:
        if execution.state == "started":
            if self._is_held(execution):
                return
            actor = engine_actor(execution.tenant)
            submitted = self._gateway.writer.submit(execution.tenant, lambda unit: claim.lose(unit, execution, actor))
            await asyncio.wrap_future(submitted)
        not_before, wait = self._waits.get(execution.id, (0.0, FIRST_WAIT_S))
        if self._clock.monotonic() < not_before:
            return
        self._waits[execution.id] = (self._clock.monotonic() + wait, min(wait * 2, LONGEST_WAIT_S))
        item = await asyncio.to_thread(
            self._gateway.database.reading,
            lambda conn: find_proposal(conn, execution.tenant, execution.proposal),
        )
        capability = None if item is None else self._gateway.registry.capabilities.get(item.capability)
        if item is None or capability is None or capability.outside is None:
            return
        outside, connector = self._executor.connector(capability, execution.tenant)
        if (await connector.health(self._executor.deadline_s)).state is not HealthState.OK:
            return
        if outside.idempotency is Idempotency.KEY:
            if await asyncio.to_thread(self._executor.storage.is_low):
                return
            await self._ask_again(outside, connector, item, execution)
        elif outside.idempotency is Idempotency.READ_BACK:
            await self._read_back(outside, connector, item, execution)

    def _is_held(self, execution: Execution) -> bool:
        """Whether the process that began it lives and its lease has not run out."""
        owner = execution.lease_owner or ""
        in_time = int(self._clock.monotonic() * 1000) < (execution.lease_until_ms or 0)
        return self._executor.process.is_alive(owner) and in_time

    async def _ask_again(self, outside: Outside, connector: Connector, item: Proposal, execution: Execution) -> None:
        """Idempotency `key`: the same call under the same key, with an attempt and a receipt of its own."""
        actor = engine_actor(execution.tenant)
        lease = claim.Lease(
            self._executor.process.name, int((self._clock.monotonic() + self._executor.deadline_s * 2) * 1000)
        )
        names = self._gateway.registry.stopped_with(item.capability)
        claimed = await asyncio.wrap_future(
            self._gateway.writer.submit(
                execution.tenant,
                lambda unit: claim.claim_again(unit, execution, outside.connector, names, lease, actor),
            )
        )
        if claimed.value is None:
            return
        check_sealed(claimed)
        again = Execution(
            execution.tenant, execution.id, item.id, "started", claimed.value, self._executor.process.name, None,
            execution.actor, execution.request_id, execution.started_at_ms,
        )  # fmt: skip
        call = await asyncio.to_thread(self._executor.call, outside, item, again, None, item.corr)
        began = self._clock.monotonic()
        outcome = await self._executor.send(connector, call)
        if outcome.kind is not OutcomeKind.OK:
            # Only a yes settles it: any other answer says nothing about the attempt whose answer was lost.
            outcome = Outcome(OutcomeKind.UNKNOWN, outcome.request_id, ReasonCode.UNKNOWN_OUTCOME, outcome.detail)
        await self._executor.finish(again, outcome, actor, item.corr, int((self._clock.monotonic() - began) * 1000))

    async def _read_back(self, outside: Outside, connector: Connector, item: Proposal, execution: Execution) -> None:
        """Idempotency `read-back`: what the target says decides, once the call can no longer be under way."""
        actor = engine_actor(execution.tenant)
        call = await asyncio.to_thread(self._executor.call, outside, item, execution, None, item.corr)
        try:
            found = await connector.read_back(call)
        except StudioBrainError:
            return
        age_s = (self._clock.now_ms() - execution.started_at_ms) / 1000
        if found.settled is Settled.DONE:
            outcome = Outcome(OutcomeKind.OK, execution.request_id, None, "settled by reading back")
        elif found.settled is Settled.NOT_DONE and age_s > self._executor.deadline_s * 1.1:
            outcome = Outcome(
                OutcomeKind.FAILED, execution.request_id, ReasonCode.NOT_APPLIED, "settled by reading back"
            )
        else:
            return
        await self._executor.finish(execution, outcome, actor, item.corr, 0)
        if outcome.kind is OutcomeKind.OK:
            await self._executor.compare(connector, call, execution, actor, item.corr)
