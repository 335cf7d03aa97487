"""`Gateway`: the two paths. `perform` is the one way to do something, `query` the one way to see something.

    perform: accept the payload → policy → deny: receipt, stop; ask: preview, store a proposal, receipts, stop;
             allow: the handler decides facts, receipts are appended, rows follow
    query:   policy → rows; looking writes nothing, being refused does

Panes, the CLI, jobs and agents call these two and nothing else.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from sqlalchemy import Connection, select

from ..evidence.entry import Receipt
from ..kernel.clock import Clock, Uptime, unknown_uptime
from ..kernel.errors import StudioBrainError
from ..kernel.ids import IdSource
from ..kernel.policy import EXECUTE, Actor, Context, Decision, Effect, Mode, Subject, evaluate
from ..kernel.ports import Connector, ConnectorError, Preview
from ..kernel.reasons import REASONS, ReasonCode
from ..store.database import Database
from ..store.sequencer import Mend, Unit
from ..store.writer import UnitOfWork
from . import decide, receipts, switches
from .accept import accept
from .decide import Refusal
from .foreseeing import explained
from .intake import Intake
from .lifecycle import REFUSED
from .proposals import Plan, Proposal, find_proposal
from .quotas import Quotas
from .receipts import decided_by, request_event
from .registry import Capability, Done, Handler, Nothing, Registry, Request
from .tables import request as request_table

PREVIEW_DEADLINE_S = 15.0


@dataclass(frozen=True, slots=True)
class Session:
    """Who asks, in which studio. The tenant comes from here, never from a payload."""

    actor: Actor
    tenant: str


@dataclass(frozen=True, slots=True)
class Performed:
    """How a request ended. `outcome` is `asked`, `denied` or the handler's own word; `code` is set when denied."""

    outcome: str
    request_id: str
    corr: str
    proposal: str | None = None
    code: ReasonCode | None = None
    detail: str = ""
    rule: str = ""
    receipts: tuple[Receipt, ...] = ()
    checkpoint: int = 0
    repeated: bool = False
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def denied(self) -> bool:
        return self.outcome == "denied"

    def to_json(self) -> dict[str, Any]:
        reason = None if self.code is None else REASONS[self.code]
        return {
            "outcome": self.outcome,
            "requestId": self.request_id,
            "corr": self.corr,
            "proposalId": self.proposal,
            "reasonCode": None if self.code is None else self.code.value,
            "sentence": "" if reason is None else reason.sentence,
            "remedy": "" if reason is None else reason.remedy,
            "detail": self.detail,
            "rule": self.rule,
            "receipts": [receipt.to_json() for receipt in self.receipts],
            "checkpoint": self.checkpoint,
            "repeated": self.repeated,
            **self.data,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What a unit of work answers: done, or refused (and then the denial is in the log)."""

    done: Done
    decision: Decision | None = None
    refusal: Refusal | None = None
    repeated: bool = False


class Procedure(Protocol):
    """Carries out a local capability that takes several units of work."""

    async def __call__(self, request: Request) -> Performed: ...


class Denied(StudioBrainError):
    """A query that policy refused. `performed` holds the sealed denial."""

    def __init__(self, performed: Performed) -> None:
        super().__init__(performed.detail, code=performed.code)
        self.performed = performed


class Gateway:
    """The gateway of one installation. `connectors` are by tenant, then by connector id."""

    def __init__(
        self,
        registry: Registry,
        database: Database,
        writer: UnitOfWork,
        connectors: Mapping[str, Mapping[str, Connector]],
        clock: Clock,
        ids: IdSource,
        uptime: Uptime = unknown_uptime,
    ) -> None:
        self.registry = registry
        self.database = database
        self.writer = writer
        self.connectors = connectors
        self.clock = clock
        self.ids = ids
        self.uptime = uptime
        self.intake: Intake | None = None
        self.quotas = Quotas(clock, uptime)
        self.procedures: dict[str, Procedure] = {}

    async def perform(
        self,
        capability: str,
        payload: Mapping[str, Any],
        session: Session,
        *,
        rationale: str = "",
        key: str | None = None,
        corr: str | None = None,
    ) -> Performed:
        """Does, or proposes, or denies. An expected refusal is an answer, not an exception."""
        request, refusal = accept(
            self.registry,
            capability,
            payload,
            actor=session.actor,
            tenant=session.tenant,
            rationale=rationale,
            key=key or str(self.ids.uuid7()),
            corr=corr or str(self.ids.uuid7()),
        )
        request = replace(request, up=self.uptime())
        try:
            if refusal is not None:
                return await self.deny(request, refusal)
            if request.capability.mode is Mode.OUTSIDE:
                return await self.propose(request)
            if request.capability.procedure:
                return await self.procedures[request.capability.id](request)
            return await self.commit(request, lambda unit: self._handle(unit, request))
        except StudioBrainError as error:
            return _unavailable(request, error)

    async def propose(self, request: Request, rollback_of: str | None = None) -> Performed:
        """Predicts what an outside capability would do, and stores that as a proposal."""
        refusal = await self.foresee(request)
        if refusal is not None:
            return await self.deny(request, refusal)
        if await self._is_held(request):
            return await self.commit(request, lambda unit: self.judged(unit, request, _too_late))
        preview = await self.preview(request.capability, request.input, request.tenant)
        if isinstance(preview, Refusal):
            return await self.deny(request, preview)
        plan, id = Plan.of(preview), str(self.ids.uuid7())
        return await self.commit(
            request,
            lambda unit: self.judged(unit, request, lambda d: decide.draft(unit, request, plan, d, id, rollback_of)),
        )

    async def preview(self, capability: Capability, input: dict[str, Any], tenant: str) -> Preview | Refusal:
        """What a write would do now, read from the cloud; outside any transaction."""
        outside = capability.outside
        connector = None if outside is None else self.connectors.get(tenant, {}).get(outside.connector)
        if outside is None or connector is None:
            return Refusal(ReasonCode.NOT_CONFIGURED, f"{capability.id} has no connector in this studio")
        try:
            preview = await connector.preview(outside.operation, input, PREVIEW_DEADLINE_S)
        except ConnectorError as error:
            return Refusal(error.code, error.detail)
        return preview if preview.refusal is None else Refusal(preview.refusal, preview.detail)

    async def deny(self, request: Request, refusal: Refusal) -> Performed:
        """Seals a refusal; a request that was answered before gets that answer again."""
        return await self.commit(request, lambda unit: _repeated(unit, request) or _deny(unit, request, refusal))

    async def commit(
        self, request: Request, work: Callable[[Unit], Answer], *, mends: bool = False, next_epoch: bool = False
    ) -> Performed:
        """Runs one unit of work and waits until it is durable. `mends`: on a log that takes nothing else now;
        `next_epoch`: as the first of the log that follows."""
        log = request.tenant
        if request.capability.log_of is not None and not isinstance(request.payload, Nothing):
            log = request.capability.log_of(request)
        committed = await asyncio.wrap_future(
            self.writer.submit(log, Mend(work, next_epoch) if mends or next_epoch else work)
        )
        answer = committed.value
        return Performed(
            outcome=answer.done.outcome,
            request_id=request.key,
            corr=request.corr,
            proposal=answer.done.proposal,
            code=None if answer.refusal is None else answer.refusal.code,
            detail="" if answer.refusal is None else answer.refusal.detail,
            rule="" if answer.decision is None else answer.decision.rule,
            receipts=committed.receipts,
            checkpoint=committed.checkpoint,
            repeated=answer.repeated,
            data=answer.done.data,
        )

    def judged(self, unit: Unit, request: Request, act: Callable[[Decision], Done]) -> Answer:
        """Policy and `act` on the same rows, in one unit; a refusal by either becomes a sealed denial."""
        known = _repeated(unit, request)
        if known is not None:
            return known
        decision: Decision | None = None
        try:
            subject = request.capability.subject(unit, request, self.registry)
            decision = self._evaluate(unit.conn, request, subject, unit.now_ms)
            if decision.effect is Effect.DENY:
                raise Refusal(decision.code or ReasonCode.POLICY_ERROR, decision.detail)
            self._check_offered(request, subject)
            held = None if self.intake is None else self.intake.hold(unit, request)
            if held is not None:
                return _deny(unit, replace(request, rationale=""), held, decision)
            done = act(decision)
            if self.intake is not None:
                self.intake.note(unit, request)
            return Answer(done, decision)
        except Refusal as refusal:
            return _deny(unit, request, refusal, decision)

    async def _is_held(self, request: Request) -> bool:
        intake = self.intake
        if intake is None:
            return False
        return await asyncio.to_thread(self.database.reading, lambda conn: intake.is_held(conn, request))

    def _check_offered(self, request: Request, subject: Subject) -> None:
        """What a studio goes without is neither asked for nor carried out, however long ago it was approved."""
        names = {request.capability.id, *({subject.capability} if request.capability.id == EXECUTE else ())}
        for used in (self.registry.capabilities.get(name) for name in names if name is not None):
            if used is not None and not used.offered_in(request.tenant):
                raise Refusal(ReasonCode.NOT_OFFERED, used.id)

    async def query(self, name: str, params: Mapping[str, Any], session: Session, sources: Any) -> Any:
        """Rows of a registered query. Raises Denied when policy refuses; that refusal is sealed."""
        query = self.registry.queries.get(name)
        if query is None:
            raise Denied(await self._deny_looking(name, session, Refusal(ReasonCode.UNKNOWN_QUERY, name[:120])))
        if params.get("tenant", session.tenant) != session.tenant:
            elsewhere = Refusal(ReasonCode.TENANT_MISMATCH, "the query names another studio")
            raise Denied(await self._deny_looking(query.capability, session, elsewhere))
        await self.authorize(query.capability, session)
        return await asyncio.to_thread(query.run, sources, session.tenant, params)

    async def authorize(self, capability: str, session: Session) -> None:
        """Whether a session may look under a reading capability. Raises Denied; looking itself writes nothing."""
        found = self.registry.capabilities[capability]
        if not found.offered_in(session.tenant):
            raise Denied(await self._deny_looking(capability, session, Refusal(ReasonCode.NOT_OFFERED, capability)))
        facts = found.facts()
        context = Context(self.clock.now_ms())
        decision = evaluate(session.actor, facts, Subject(tenant=session.tenant), context)
        if decision.effect is not Effect.ALLOW:
            refusal = Refusal(decision.code or ReasonCode.POLICY_ERROR, decision.detail)
            raise Denied(await self._deny_looking(capability, session, refusal))

    async def _deny_looking(self, capability: str, session: Session, refusal: Refusal) -> Performed:
        key, corr = str(self.ids.uuid7()), str(self.ids.uuid7())
        request, _ = accept(
            self.registry,
            capability,
            {},
            actor=session.actor,
            tenant=session.tenant,
            rationale="",
            key=key,
            corr=corr,
        )
        return await self.deny(request, refusal)

    async def explain(self, proposal_id: str, session: Session) -> dict[str, dict[str, Any]]:
        """What this session may do with a proposal, and why not (`foreseeing.explained`)."""
        await self.authorize("proposal.read", session)
        look = partial(
            explained,
            id=proposal_id,
            actor=session.actor,
            tenant=session.tenant,
            registry=self.registry,
            quotas=self.quotas,
            now_ms=self.clock.now_ms(),
        )
        return await asyncio.to_thread(self.database.reading, look)

    def _handle(self, unit: Unit, request: Request) -> Answer:
        def act(decision: Decision) -> Done:
            if request.capability.handler is None or decision.effect is not Effect.ALLOW:
                raise Refusal(ReasonCode.POLICY_ERROR, f"{decision.effect.value} is no answer for this capability")
            return self._counted(unit, request, request.capability.handler)

        return self.judged(unit, request, act)

    def _counted(self, unit: Unit, request: Request, handler: Handler) -> Done:
        """The handler's answer, counted as a use where its capability is limited."""
        capability, actor = request.capability, request.actor.id
        quota = self.quotas.admit(unit, capability, actor, actor, capability.target_for(request.input))
        done = handler(unit, request)
        if quota:
            stream = f"quota:{capability.id}"
            unit.append(request_event(receipts.QUOTA_USED, stream, request, state=done.outcome, **quota))
        return done

    async def foresee(self, request: Request) -> Refusal | None:
        """Whether a request would be denied, or is a repetition, before anything costly is begun for it."""
        return await asyncio.to_thread(self.database.reading, lambda conn: self._foresee(conn, request))

    def _foresee(self, conn: Connection, request: Request) -> Refusal | None:
        if conn.execute(select(request_table.c.key).filter_by(tenant=request.tenant, key=request.key)).first():
            return Refusal(ReasonCode.KEY_REUSED)
        subject = Subject(tenant=request.tenant)
        decision = self._evaluate(conn, request, subject, self.clock.now_ms())
        if decision.effect is Effect.DENY:
            return Refusal(decision.code or ReasonCode.POLICY_ERROR, decision.detail)
        return None

    def _evaluate(self, conn: Connection, request: Request, subject: Subject, now_ms: int) -> Decision:
        context = Context(now_ms, switches.engaged(conn, request.tenant))
        return evaluate(request.actor, request.capability.facts(), subject, context)


def _too_late(decision: Decision) -> Done:
    raise Refusal(ReasonCode.CONFLICT, "what it says was let pass just now; send it again")


def _deny(unit: Unit, request: Request, refusal: Refusal, decision: Decision | None = None) -> Answer:
    """Seals a refusal, in the stream of the proposal it is about."""
    item = refusal.proposal or _named(unit, request)
    stream = f"capability:{request.capability.id}" if item is None else receipts.proposal_stream(item.id)
    unit.append(
        request_event(
            receipts.DENIED,
            stream,
            request,
            state="none" if item is None else REFUSED if refusal.final else item.state,
            about=item,
            code=refusal.code,
            detail=refusal.detail[:500],
            final=refusal.final,
            **refusal.data,
            **({} if decision is None else decided_by(decision)),
        )
    )
    return Answer(Done("denied", None if item is None else item.id, refusal.data), decision, refusal)


def _named(unit: Unit, request: Request) -> Proposal | None:
    """The proposal of this studio that a refused decision names."""
    id = request.input.get("proposalId")
    return find_proposal(unit.conn, request.tenant, id) if isinstance(id, str) else None


def _repeated(unit: Unit, request: Request) -> Answer | None:
    """The first answer to a request that comes a second time; nothing happens again, and that is traced."""
    row = unit.conn.execute(select(request_table).filter_by(tenant=unit.tenant, key=request.key)).first()
    if row is None:
        return None
    if row.capability != request.capability.id or bytes(row.input_hash) != request.input_hash:
        refusal = Refusal(ReasonCode.KEY_REUSED, f"key {request.key[:64]}")
        return _deny(unit, request, refusal)
    stream = f"capability:{request.capability.id}" if row.proposal is None else receipts.proposal_stream(row.proposal)
    unit.append(request_event(receipts.REPEATED, stream, request, state=row.outcome, proposal=row.proposal))
    refusal_before = None if row.code is None else Refusal(ReasonCode(row.code))
    return Answer(Done(row.outcome, row.proposal), None, refusal_before, repeated=True)


def _unavailable(request: Request, error: StudioBrainError) -> Performed:
    """Neither done nor sealed: the storage failed, so nothing was sent."""
    if error.code is ReasonCode.LOG_SET_BACK:
        return Performed("denied", request.key, request.corr, code=error.code, detail=error.detail)
    detail = f"{error.code.value}: {error.detail}"
    return Performed("denied", request.key, request.corr, code=ReasonCode.AUDIT_UNAVAILABLE, detail=detail)
