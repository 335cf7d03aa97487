"""Policy: a pure function (actor, capability, subject, context) → allow · redact · ask · deny, with the rule that
decided.

*Actor* is who asks, *capability* what they ask for, *subject* what it is about (a proposal, a tenant's rows), *context*
what is true right now (the time, the switches). The rules are an ordered tuple of named functions. The first that
denies decides; when none denies, the first that permits does; when none permits, the answer is deny: default deny.

This plain-Python evaluator is small enough to read in a sitting, and stays as the oracle beside any other one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum

from .canonical import canonical_entry
from .clock import HOUR
from .hashing import sha256_text
from .reasons import ReasonCode


class ActorType(StrEnum):
    HUMAN = "human"
    STAFF = "staff"
    AGENT = "agent"
    SYSTEM = "system"
    CONNECTOR = "connector"


PEOPLE = frozenset({ActorType.HUMAN, ActorType.STAFF})


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"
    GUEST = "guest"

    @property
    def rank(self) -> int:
        """Higher may do more: owner 4 … guest 0."""
        return _RANKS[self]


_RANKS = {Role.OWNER: 4, Role.ADMIN: 3, Role.EDITOR: 2, Role.VIEWER: 1, Role.GUEST: 0}


class Risk(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Tier:
    """What a risk asks for: how many approvals, from how many different seats, whether the requester counts, and how
    long the proposal lives (milliseconds)."""

    quorum: int
    seats: int
    self_approval: bool
    lifetime_ms: int


TIERS: dict[Risk, Tier] = {
    Risk.LOW: Tier(1, 1, True, 72 * HOUR),
    Risk.MEDIUM: Tier(1, 1, True, 24 * HOUR),
    Risk.HIGH: Tier(1, 1, False, 8 * HOUR),
    Risk.CRITICAL: Tier(2, 2, False, 1 * HOUR),
}


class Mode(StrEnum):
    READ = "read"  # looks; never leaves a mark
    LOCAL = "local"  # changes what this installation is the authority for
    OUTSIDE = "outside"  # changes something beyond this machine: always through a proposal


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `id` is the account's id in the tenant; `via` is the door they came through."""

    type: ActorType
    id: str
    tenant: str
    role: Role
    name: str = ""
    via: str = ""


@dataclass(frozen=True, slots=True)
class CapabilityFacts:
    """What policy needs to know of a capability; the whole record lives in the gateway's registry."""

    id: str
    mode: Mode
    risk: Risk
    role: Role
    actor_types: frozenset[ActorType]
    connector: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What the request is about. For decisions on a proposal: who asked for it, at which risk, until when."""

    tenant: str
    requester: str | None = None
    risk: Risk | None = None
    capability: str | None = None
    connector: str | None = None
    expires_at_ms: int | None = None


class SwitchScope(StrEnum):
    GLOBAL = "global"
    TENANT = "tenant"
    CONNECTOR = "connector"
    CAPABILITY = "capability"


@dataclass(frozen=True, slots=True)
class Switch:
    """An engaged kill switch. `target` is empty for the global one."""

    scope: SwitchScope
    target: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    now_ms: int
    switches: frozenset[Switch] = frozenset()


class Effect(Enum):
    ALLOW = "allow"
    REDACT = "redact"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer. `rule` is the name of the rule that decided; `code` is set for deny, `quorum` and `seats` for ask,
    `fields` for redact."""

    effect: Effect
    rule: str
    code: ReasonCode | None = None
    detail: str = ""
    quorum: int = 0
    seats: int = 0
    fields: tuple[str, ...] = ()


Rule = Callable[[Actor, CapabilityFacts, Subject, Context], Decision | None]


def blocked_by(
    switches: frozenset[Switch], *, tenant: str, connector: str | None, capability: str | None
) -> Switch | None:
    """The engaged switch that stops an outside write of this capability, if any."""
    for scope, target in (
        (SwitchScope.GLOBAL, ""),
        (SwitchScope.TENANT, tenant),
        (SwitchScope.CONNECTOR, connector),
        (SwitchScope.CAPABILITY, capability),
    ):
        if target is not None and Switch(scope, target) in switches:
            return Switch(scope, target)
    return None


def _deny(rule: str, code: ReasonCode, detail: str = "") -> Decision:
    return Decision(Effect.DENY, rule, code, detail)


def tenant_of_session(actor: Actor, capability: CapabilityFacts, subject: Subject, context: Context) -> Decision | None:
    if subject.tenant != actor.tenant:
        return _deny("tenant_of_session", ReasonCode.TENANT_MISMATCH, f"the session is for {actor.tenant}")
    return None


def kind_of_actor(actor: Actor, capability: CapabilityFacts, subject: Subject, context: Context) -> Decision | None:
    if actor.type not in capability.actor_types:
        return _deny("kind_of_actor", ReasonCode.ACTOR_TYPE_REFUSED, f"{capability.id} is not for {actor.type.value}s")
    return None


def role_ladder(actor: Actor, capability: CapabilityFacts, subject: Subject, context: Context) -> Decision | None:
    if actor.role.rank < capability.role.rank:
        return _deny(
            "role_ladder", ReasonCode.ROLE_REQUIRED, f"{capability.id} needs {capability.role.value} or higher"
        )
    return None


def kill_switch(actor: Actor, capability: CapabilityFacts, subject: Subject, context: Context) -> Decision | None:
    """Drafting and deciding go on under a kill switch; carrying out does not."""
    if capability.id != EXECUTE:
        return None
    switch = blocked_by(
        context.switches, tenant=subject.tenant, connector=subject.connector, capability=subject.capability
    )
    if switch is None:
        return None
    return _deny("kill_switch", ReasonCode.KILL_SWITCH, f"{switch.scope.value} {switch.target}".strip())


def lifetime(actor: Actor, capability: CapabilityFacts, subject: Subject, context: Context) -> Decision | None:
    over = subject.expires_at_ms is not None and context.now_ms >= subject.expires_at_ms
    return _deny("lifetime", ReasonCode.EXPIRED) if over and capability.id in (APPROVE, EXECUTE) else None


def four_eyes(actor: Actor, capability: CapabilityFacts, subject: Subject, context: Context) -> Decision | None:
    if capability.id != APPROVE or subject.risk is None or TIERS[subject.risk].self_approval:
        return None
    if actor.id == subject.requester:
        return _deny("four_eyes", ReasonCode.SELF_APPROVAL, f"risk {subject.risk.value}")
    return None


def outside_asks(actor: Actor, capability: CapabilityFacts, subject: Subject, context: Context) -> Decision | None:
    if capability.mode is not Mode.OUTSIDE:
        return None
    tier = TIERS[capability.risk]
    return Decision(Effect.ASK, "outside_asks", quorum=tier.quorum, seats=tier.seats)


def registered(actor: Actor, capability: CapabilityFacts, subject: Subject, context: Context) -> Decision | None:
    """What the rules above let through for a reading or local capability is allowed by its manifest."""
    if capability.mode is Mode.OUTSIDE:
        return None
    return Decision(Effect.ALLOW, "registered")


APPROVE = "proposal.approve"
EXECUTE = "proposal.execute"

DENIES: tuple[Rule, ...] = (tenant_of_session, kind_of_actor, role_ladder, kill_switch, lifetime, four_eyes)
PERMITS: tuple[Rule, ...] = (outside_asks, registered)


def evaluate(actor: Actor, capability: CapabilityFacts, subject: Subject, context: Context) -> Decision:
    """The decision of the rules above. Pure: the same arguments give the same answer."""
    for rule in (*DENIES, *PERMITS):
        decision = rule(actor, capability, subject, context)
        if decision is not None:
            return decision
    return _deny("default_deny", ReasonCode.POLICY_ERROR, "no rule permits this")


POLICY_VERSION = sha256_text(
    canonical_entry(
        {
            "rules": [rule.__name__ for rule in (*DENIES, *PERMITS)],
            "tiers": {
                risk.value: [tier.quorum, tier.seats, tier.self_approval, tier.lifetime_ms]
                for risk, tier in TIERS.items()
            },
            "roles": {role.value: role.rank for role in Role},
        }
    )
)
"""Names the policy in force: the hash of its rule names, tiers and ladder. Every decision carries it."""
