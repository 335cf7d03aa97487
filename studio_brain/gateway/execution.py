"""Carrying out an approved proposal.

    live inputs → claim (sealed) → the connector's call → finish (sealed) → read back and compare (sealed)

No transaction spans the call. What is lost on the way is settled in `recovery`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ..kernel.clock import Clock, utc_text
from ..kernel.errors import StudioBrainError
from ..kernel.policy import Actor
from ..kernel.ports import Connector, Outcome, OutcomeKind, Preview, Settled, WriteCall
from ..kernel.reasons import ReasonCode
from ..store.sequencer import Committed, Unit
from . import claim, switches
from .decide import Refusal
from .perform import Answer, Gateway, Performed
from .proposals import (
    Execution,
    Proposal,
    approvals_of,
    find_proposal,
    seen_of,
)
from .quotas import owner_of
from .registry import Capability, Outside, Request
from .switch_ends import end_due

WRITE_DEADLINE_S: Final = 20.0
FRESH_S: Final = 1.0
"""`checked` staleness: how old the last look may be when the call begins."""

PASSING: Final = frozenset(
    {
        ReasonCode.AUTH, ReasonCode.TIMEOUT, ReasonCode.UNAVAILABLE, ReasonCode.RATE_LIMITED, ReasonCode.BAD_RESPONSE,
        ReasonCode.CLOCK_SKEW, ReasonCode.NOT_CONFIGURED, ReasonCode.NOT_SIGNED_IN,
    }
)  # fmt: skip
"""Faults of the way to the cloud: the proposal stays approved and waits."""


@dataclass(frozen=True, slots=True)
class Process:
    """This process by name, and how to tell whether another one lives."""

    name: str
    is_alive: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Storage:
    """The space that is left (bytes), and how much of it is kept back: what was sent has to be sealed afterwards."""

    free: Callable[[], int] = lambda: 0
    reserve: int = 0

    def is_low(self) -> bool:
        return self.free() < self.reserve

    def check(self, item: Proposal) -> None:
        """Raises Refusal STORAGE_LOW; the proposal stays approved."""
        free = self.free()
        if free < self.reserve:
            said = f"{free // 1_000_000} MB are left, {self.reserve // 1_000_000} MB are kept back"
            raise Refusal(ReasonCode.STORAGE_LOW, said, item)


def check_sealed(claimed: Performed | Committed[Any]) -> None:
    """*Sealed before act*: raises unless a signed checkpoint covers the start that was just committed."""
    if not claimed.receipts or claimed.checkpoint <= claimed.receipts[-1].seq:
        raise StudioBrainError("no checkpoint covers the start", code=ReasonCode.AUDIT_UNAVAILABLE)


class Executor:
    """The procedure behind `proposal.execute`."""

    def __init__(
        self,
        gateway: Gateway,
        clock: Clock,
        process: Process,
        write_deadline_s: float = WRITE_DEADLINE_S,
        storage: Storage = Storage(),
    ) -> None:
        self.gateway = gateway
        self.clock = clock
        self.process = process
        self.deadline_s = write_deadline_s
        self.storage = storage

    async def __call__(self, request: Request) -> Performed:
        gateway = self.gateway
        await end_due(gateway)
        item = await asyncio.to_thread(self._find, request)
        capability = None if item is None else gateway.registry.capabilities.get(item.capability)
        if item is None or capability is None or item.input is None or item.state != "approved":
            # The claim says why, in a sealed denial: nothing of this kind can pass it.
            absent = Refusal(ReasonCode.NO_ADAPTER)
            return await gateway.commit(request, lambda unit: self._claim(unit, request, absent, ""))
        live = await gateway.preview(capability, item.input, request.tenant)
        if isinstance(live, Refusal) and live.code in PASSING:
            waiting = Refusal(live.code, live.detail, item)
            return await gateway.deny(request, waiting)
        looked_at = self.clock.monotonic()
        execution_id = str(gateway.ids.uuid7())
        claimed = await gateway.commit(request, lambda unit: self._claim(unit, request, live, execution_id))
        if claimed.outcome != "executing" or isinstance(live, Refusal):
            return claimed
        check_sealed(claimed)
        execution = Execution(
            request.tenant, execution_id, item.id, "started", 1, self.process.name, None, request.actor.id, request.key,
            self.clock.now_ms(),
        )  # fmt: skip
        return await self._carry_out(request, item, capability, execution, live, looked_at, claimed)

    def _claim(self, unit: Unit, request: Request, live: Preview | Refusal, execution_id: str) -> Answer:
        until = int((self.clock.monotonic() + self.deadline_s * 2) * 1000)
        lease = claim.Lease(self.process.name, until)
        return self.gateway.judged(
            unit, request, lambda decision: claim.claim(unit, request, live, execution_id, lease, self._admit)
        )

    def _admit(self, unit: Unit, item: Proposal, live: Preview) -> dict[str, Any]:
        """What the claim checks besides: space to seal the result, and switches of what it undoes. Then the use is
        counted, for who asked for it and for whose thing it is as the cloud says, else for who asked."""
        self.storage.check(item)
        capability = self.gateway.registry.capabilities[item.capability]
        connector = None if capability.outside is None else capability.outside.connector
        engaged = switches.engaged(unit.conn, item.tenant)
        stop = switches.stopping(engaged, item.tenant, connector, self.gateway.registry.stopped_with(item.capability))
        if stop is not None:
            raise Refusal(ReasonCode.KILL_SWITCH, f"{stop.scope.value} {stop.target}".strip(), item)
        owner = owner_of(live.arguments, item.requester)
        try:
            return self.gateway.quotas.admit(unit, capability, item.requester, owner, item.target)
        except Refusal as refusal:
            raise Refusal(refusal.code, refusal.detail, item, data=refusal.data) from refusal

    def _find(self, request: Request) -> Proposal | None:
        return self.gateway.database.reading(
            lambda conn: find_proposal(conn, request.tenant, request.payload.proposalId)
        )

    async def _carry_out(
        self,
        request: Request,
        item: Proposal,
        capability: Capability,
        execution: Execution,
        live: Preview,
        looked_at: float,
        claimed: Performed,
    ) -> Performed:
        outside, connector = self.connector(capability, request.tenant)
        outcome: Outcome | None = None
        if self.clock.monotonic() - looked_at > FRESH_S:
            outcome, live = await self._look_again(capability, item, live)
        call = await asyncio.to_thread(self.call, outside, item, execution, live, request.corr)
        began = self.clock.monotonic()
        if outcome is None:
            outcome = await self.send(connector, call)
        took_ms = int((self.clock.monotonic() - began) * 1000)
        try:
            done = await self.finish(execution, outcome, request.actor, request.corr, took_ms)
        except StudioBrainError as error:
            # It was sent and cannot be sealed now: the start is on record, and recovery settles it.
            detail = f"sent, but its result could not be sealed ({error.code.value})"
            return Performed(
                "unknown", request.key, request.corr, item.id, ReasonCode.UNKNOWN_OUTCOME, detail, claimed.rule,
                claimed.receipts, claimed.checkpoint, data={"executionId": execution.id},
            )  # fmt: skip
        receipts = (*claimed.receipts, *done.receipts)
        if outcome.kind is OutcomeKind.OK:
            receipts = (*receipts, *await self.compare(connector, call, execution, request.actor, request.corr))
        return Performed(
            outcome=str(done.value),
            request_id=request.key,
            corr=request.corr,
            proposal=item.id,
            code=outcome.code,
            detail=outcome.detail,
            rule=claimed.rule,
            receipts=receipts,
            checkpoint=done.checkpoint,
            data={"executionId": execution.id, "replayed": outcome.replayed, "output": outcome.output},
        )

    async def _look_again(
        self, capability: Capability, item: Proposal, live: Preview
    ) -> tuple[Outcome | None, Preview]:
        """A claim that took long: the target is read once more before the call begins."""
        again = await self.gateway.preview(capability, item.input or {}, item.tenant)
        if isinstance(again, Refusal):
            return Outcome(OutcomeKind.FAILED, "", again.code, again.detail), live
        if [s.update_time for s in again.seen] != [s.update_time for s in live.seen]:
            return Outcome(OutcomeKind.REFUSED, "", ReasonCode.CLOUD_CHANGED, "it changed during the claim"), live
        return None, again

    def call(
        self, outside: Outside, item: Proposal, execution: Execution, live: Preview | None, corr: str
    ) -> WriteCall:
        names = self.gateway.registry.stopped_with(item.capability)
        approvals = self.gateway.database.reading(lambda conn: approvals_of(conn, item))
        last = next((a for a in reversed(approvals) if a.verdict == "approved"), None)
        return WriteCall(
            operation=outside.operation,
            proposal=item.id,
            execution=execution.id,
            key=execution.id,
            input=item.input or {},
            arguments=(item.plan.arguments or {}) if live is None else live.arguments,
            seen=tuple(seen_of(item.plan)),
            actor=execution.actor,
            approved_by=None if last is None else last.actor,
            approved_at=None if last is None else utc_text(last.at_ms),
            request_id=execution.request_id,
            correlation_id=corr,
            deadline_s=self.deadline_s,
            permit=lambda: switches.blocking(self.gateway.database, item.tenant, outside.connector, names),
        )

    async def send(self, connector: Connector, call: WriteCall) -> Outcome:
        """The one place where something leaves. Whatever is raised here may have happened outside all the same."""
        try:
            async with asyncio.timeout(call.deadline_s * 1.1):
                return await connector.execute(call)
        except TimeoutError:
            return Outcome(OutcomeKind.UNKNOWN, call.request_id, ReasonCode.UNKNOWN_OUTCOME, "no answer in time")
        except Exception as error:
            return Outcome(OutcomeKind.UNKNOWN, call.request_id, ReasonCode.UNKNOWN_OUTCOME, type(error).__name__)

    async def finish(self, execution: Execution, outcome: Outcome, actor: Actor, corr: str, took_ms: int) -> Any:
        return await asyncio.wrap_future(
            self.gateway.writer.submit(
                execution.tenant, lambda unit: claim.finish(unit, execution, outcome, actor, corr, took_ms)
            )
        )

    async def compare(
        self, connector: Connector, call: WriteCall, execution: Execution, actor: Actor, corr: str
    ) -> tuple[Any, ...]:
        try:
            found = await connector.read_back(call)
        except StudioBrainError:
            return ()  # the result stands; that it could not be read back is visible by the missing comparison
        if found.settled is Settled.UNCLEAR:
            return ()
        committed = await asyncio.wrap_future(
            self.gateway.writer.submit(
                execution.tenant, lambda unit: claim.compare(unit, execution, found.changes, actor, corr)
            )
        )
        return committed.receipts

    def connector(self, capability: Capability, tenant: str) -> tuple[Outside, Connector]:
        outside = capability.outside
        connector = None if outside is None else self.gateway.connectors.get(tenant, {}).get(outside.connector)
        if outside is None or connector is None:
            raise StudioBrainError(capability.id, code=ReasonCode.NO_ADAPTER)
        return outside, connector
