"""The capability registry: what can be done or seen, made of manifests and checked when the brain starts.

A *capability* is one named thing; a *query* is a named way to see, under a capability of mode read. A *manifest* is
what a module brings: capabilities, queries, lifecycles, projections, jobs, receipt kinds, and the authority of each
record kind.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from ..kernel.lifecycle import Lifecycle
from ..kernel.policy import PEOPLE, Actor, ActorType, CapabilityFacts, Mode, Risk, Role, Subject
from ..store.projections import Projection
from ..store.sequencer import Unit
from .limits import EffectClass, Limit, Scope, exemption_bar


class Payload(BaseModel):
    """The base of every payload model: unknown fields are refused, text is bounded by the models themselves."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Nothing(Payload):
    """The payload of what needs no input."""


class Idempotency(StrEnum):
    """How an unknown outcome is settled."""

    KEY = "key"  # the same call with the same key; the answer says whether it was a replay
    READ_BACK = "read-back"  # read the target and compare with what it was before
    NEITHER = "neither"  # a person settles it


class Staleness(StrEnum):
    """How a change under the proposal's feet is kept from going unnoticed."""

    ATOMIC = "atomic"  # the commit carries the update time
    CHECKED = "checked"  # read at most a second before the call, read back after


class Authority(StrEnum):
    CLOUD = "cloud"
    LOCAL = "local"
    CHAIN = "chain"


@dataclass(frozen=True, slots=True)
class Request:
    """One call of `perform` after its payload was accepted. `key` is the caller's request id, `up` the machine's uptime
    (`kernel.clock.Uptime`) when it came."""

    capability: "Capability"
    payload: Any
    input: dict[str, Any]
    input_hash: bytes
    actor: Actor
    tenant: str
    rationale: str
    key: str
    corr: str
    up: tuple[str, int] = ("", 0)


@dataclass(frozen=True, slots=True)
class Done:
    """What a local handler answers: the outcome's word, the record it is about, and what the caller may want to see."""

    outcome: str
    proposal: str | None = None
    data: dict[str, Any] = field(default_factory=dict)


Handler = Callable[[Unit, Request], Done]
"""Decides facts from state and appends them, inside one unit of work. Raises `Refusal` when it must not be."""

Resolve = Callable[[Unit, Request, "Registry"], Subject]
"""What a request is about, read inside the same unit."""


def about_the_tenant(unit: Unit, request: Request, registry: "Registry") -> Subject:
    return Subject(tenant=request.tenant)


@dataclass(frozen=True, slots=True)
class Outside:
    """What a capability of mode outside must say of itself: who carries it out and how it is settled and undone."""

    connector: str
    operation: str
    staleness: Staleness
    idempotency: Idempotency
    rollback: str | None
    rollback_note: str


@dataclass(frozen=True, slots=True)
class Capability:
    """The whole record. `target` names the record kind it touches; `failure_mode` what a person meets when it fails.

    `effects` say what an outside write touches, `limits` and `cooldown_s` how often it may be used, `escalation` who is
    asked, in this order, when nobody decides or it goes wrong; without it, whoever stands above on the ladder.
    `tenants` are the studios it is offered in, None: all. `exemption` is the id of the exemption policy that may cover
    it, None: it always asks.
    """

    id: str
    title: str
    description: str
    target: str
    mode: Mode
    risk: Risk
    role: Role
    owner: str
    failure_mode: str
    test: str
    payload: type[Payload] = Nothing
    actor_types: frozenset[ActorType] = PEOPLE
    rationale: bool = False
    outside: Outside | None = None
    handler: Handler | None = None
    subject: Resolve = about_the_tenant
    target_of: Callable[[Mapping[str, Any]], str] | None = None
    log_of: Callable[[Request], str] | None = None
    procedure: bool = False  # takes several units of work; the composition root says which object carries it out
    internal: bool = False  # reached only through another capability, as a rollback is
    scope: Scope = Scope.STUDIO
    effects: frozenset[EffectClass] = frozenset()
    limits: tuple[Limit, ...] = ()
    cooldown_s: int = 0
    escalation: tuple[Role, ...] = ()
    tenants: frozenset[str] | None = None
    exemption: str | None = None

    def facts(self) -> CapabilityFacts:
        connector = None if self.outside is None else self.outside.connector
        return CapabilityFacts(self.id, self.mode, self.risk, self.role, self.actor_types, connector)

    def target_for(self, input: Mapping[str, Any]) -> str:
        """The record this call is about, as it stands in receipts: `batches/mfb-123`."""
        return self.target if self.target_of is None else self.target_of(input)

    def offered_in(self, tenant: str) -> bool:
        return self.tenants is None or tenant in self.tenants


QueryFunction = Callable[[Any, str, Mapping[str, Any]], Any]
"""(sources, tenant, params) → JSON value. Runs on a reading thread."""


@dataclass(frozen=True, slots=True)
class Query:
    name: str
    capability: str
    run: QueryFunction


@dataclass(frozen=True, slots=True)
class Job:
    """What the system does by itself: a capability at a time of day (`HH:MM`, the studio's time zone) on some days of
    the week (0 is Monday)."""

    id: str
    capability: str
    payload: Mapping[str, Any]
    at: str
    owner: str
    days: frozenset[int] = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class Manifest:
    name: str
    capabilities: Sequence[Capability] = ()
    queries: Sequence[Query] = ()
    lifecycles: Sequence[Lifecycle] = ()
    projections: Sequence[Projection] = ()
    jobs: Sequence[Job] = ()
    receipt_kinds: frozenset[str] = frozenset()
    authority: Mapping[str, Authority] = field(default_factory=dict)


def narrowed(manifests: Sequence[Manifest], withheld: Mapping[str, frozenset[str]]) -> tuple[Manifest, ...]:
    """Manifests with capabilities that are not offered in some studios. `withheld` has every studio, with the ids that
    it goes without. Raises RegistryError for an id that nobody registered."""
    known = {capability.id for manifest in manifests for capability in manifest.capabilities}
    for tenant, names in withheld.items():
        for name in sorted(names - known):
            raise RegistryError(f"{tenant} goes without {name}, which is no capability")

    def offered(capability: Capability) -> Capability:
        without = {tenant for tenant, names in withheld.items() if capability.id in names}
        allowed = frozenset(withheld) if capability.tenants is None else capability.tenants
        return replace(capability, tenants=allowed - without) if without else capability

    return tuple(replace(m, capabilities=tuple(offered(c) for c in m.capabilities)) for m in manifests)


_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class RegistryError(ValueError):
    """Manifests that contradict each other or leave something out; raised when the brain starts."""


class Registry:
    """All manifests together, looked up by name."""

    def __init__(self, manifests: Sequence[Manifest], operations: Mapping[str, frozenset[str]]) -> None:
        """`operations` are those that each configured connector can carry out."""
        self.manifests = tuple(manifests)
        self.capabilities: dict[str, Capability] = {}
        self.queries: dict[str, Query] = {}
        self.authority: dict[str, Authority] = {}
        self.jobs: dict[str, Job] = {}
        for manifest in manifests:
            for capability in manifest.capabilities:
                _add(self.capabilities, capability.id, capability, "capability")
            for query in manifest.queries:
                _add(self.queries, query.name, query, "query")
            for kind, authority in manifest.authority.items():
                _add(self.authority, kind, authority, "authority of")
            for job in manifest.jobs:
                _add(self.jobs, job.id, job, "job")
        for capability in self.capabilities.values():
            self._check(capability, operations)
        for query in self.queries.values():
            needed = self.capabilities.get(query.capability)
            if needed is None or needed.mode is not Mode.READ:
                raise RegistryError(f"query {query.name}: {query.capability} is not a reading capability")
        for job in self.jobs.values():
            self._check_job(job)

    def stopped_with(self, capability: str) -> tuple[str, ...]:
        """The capabilities whose kill switch stops this one: itself, and what it undoes."""
        undone = (c.id for c in self.capabilities.values() if c.outside and c.outside.rollback == capability)
        return (capability, *undone)

    def _check_job(self, job: Job) -> None:
        wanted = self.capabilities.get(job.capability)
        if wanted is None or wanted.mode is not Mode.LOCAL or ActorType.SYSTEM not in wanted.actor_types:
            raise RegistryError(f"job {job.id}: {job.capability} is not a local capability that the system may use")
        if not _TIME_OF_DAY.fullmatch(job.at) or not job.days or not job.days <= set(range(7)) or not job.owner.strip():
            raise RegistryError(f"job {job.id}: it needs a time of day, days of the week and an owner")

    def _check(self, capability: Capability, operations: Mapping[str, frozenset[str]]) -> None:
        name, outside = capability.id, capability.outside
        for text in ("title", "description", "owner", "failure_mode", "test", "target"):
            if not getattr(capability, text).strip():
                raise RegistryError(f"{name}: {text} is missing")
        if (capability.mode is Mode.OUTSIDE) != (outside is not None):
            raise RegistryError(f"{name}: what leaves this machine names its connector, and nothing else does")
        if (capability.mode is Mode.LOCAL) != (capability.handler is not None or capability.procedure):
            raise RegistryError(f"{name}: a local capability, and no other, has a handler or is a procedure")
        bar = exemption_bar(capability.risk, capability.effects)
        if capability.exemption is not None and bar is not None:
            raise RegistryError(f"{name}: what is {bar} is never exempted")
        if outside is None:
            return
        if outside.operation not in operations.get(outside.connector, frozenset()):
            raise RegistryError(f"{name}: no adapter: {outside.connector} cannot carry out {outside.operation}")
        if outside.rollback is None and not outside.rollback_note:
            raise RegistryError(f"{name}: without a rollback, say so")
        if outside.rollback is not None:
            undo = self.capabilities.get(outside.rollback)
            if undo is None or undo.mode is not Mode.OUTSIDE:
                raise RegistryError(f"{name}: its rollback {outside.rollback} is not a registered outside capability")


def _add(table: dict[str, Any], name: str, value: Any, what: str) -> None:
    if name in table:
        raise RegistryError(f"{what} {name} is registered twice")
    table[name] = value
