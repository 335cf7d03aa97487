"""The policy: every rule by name, default deny, and the answer for each kind of case."""

import itertools

import pytest

from studio_brain.kernel.policy import (
    APPROVE,
    DENIES,
    EXECUTE,
    PEOPLE,
    POLICY_VERSION,
    TIERS,
    Actor,
    ActorType,
    CapabilityFacts,
    Context,
    Effect,
    Mode,
    Risk,
    Role,
    Subject,
    Switch,
    SwitchScope,
    evaluate,
)
from studio_brain.kernel.reasons import ReasonCode

NOW = 1_000_000


def actor(role: Role = Role.EDITOR, type: ActorType = ActorType.STAFF, id: str = "ines", tenant: str = "a") -> Actor:
    return Actor(type, id, tenant, role)


def facts(id: str = "x.y", mode: Mode = Mode.LOCAL, risk: Risk = Risk.LOW, role: Role = Role.EDITOR) -> CapabilityFacts:
    return CapabilityFacts(id, mode, risk, role, PEOPLE, "functions")


def proposal(risk: Risk = Risk.HIGH, requester: str = "teo", expires: int = NOW + 1) -> Subject:
    return Subject("a", requester, risk, "batch.close", "functions", expires)


@pytest.mark.parametrize(
    ("who", "what", "about", "switches", "code", "rule"),
    [
        (actor(), facts(), Subject("b"), (), ReasonCode.TENANT_MISMATCH, "tenant_of_session"),
        (actor(type=ActorType.AGENT), facts(), Subject("a"), (), ReasonCode.ACTOR_TYPE_REFUSED, "kind_of_actor"),
        (actor(Role.VIEWER), facts(), Subject("a"), (), ReasonCode.ROLE_REQUIRED, "role_ladder"),
        (actor(), facts(EXECUTE), proposal(), (Switch(SwitchScope.GLOBAL),), ReasonCode.KILL_SWITCH, "kill_switch"),
        (actor(), facts(APPROVE), proposal(expires=NOW), (), ReasonCode.EXPIRED, "lifetime"),
        (actor(id="teo"), facts(APPROVE), proposal(), (), ReasonCode.SELF_APPROVAL, "four_eyes"),
    ],
)
def test_each_rule_denies_with_its_own_code(
    who: Actor, what: CapabilityFacts, about: Subject, switches: tuple[Switch, ...], code: ReasonCode, rule: str
) -> None:
    decision = evaluate(who, what, about, Context(NOW, frozenset(switches)))
    assert (decision.effect, decision.code, decision.rule) == (Effect.DENY, code, rule)


def test_every_denying_rule_is_covered_above() -> None:
    covered = {"tenant_of_session", "kind_of_actor", "role_ladder", "kill_switch", "lifetime", "four_eyes"}
    assert {rule.__name__ for rule in DENIES} == covered


@pytest.mark.parametrize("risk", list(Risk))
def test_outside_capabilities_always_ask(risk: Risk) -> None:
    decision = evaluate(actor(), facts(mode=Mode.OUTSIDE, risk=risk), Subject("a"), Context(NOW))
    assert decision.effect is Effect.ASK
    assert (decision.quorum, decision.seats) == (TIERS[risk].quorum, TIERS[risk].seats)


def test_nobody_approves_their_own_high_risk_but_medium_may_be_their_own() -> None:
    own = actor(id="teo")
    assert evaluate(own, facts(APPROVE), proposal(Risk.MEDIUM), Context(NOW)).effect is Effect.ALLOW
    assert evaluate(own, facts(APPROVE), proposal(Risk.HIGH), Context(NOW)).effect is Effect.DENY
    assert evaluate(own, facts(APPROVE), proposal(Risk.CRITICAL), Context(NOW)).effect is Effect.DENY


@pytest.mark.parametrize(
    "switch",
    [
        Switch(SwitchScope.GLOBAL),
        Switch(SwitchScope.TENANT, "a"),
        Switch(SwitchScope.CONNECTOR, "functions"),
        Switch(SwitchScope.CAPABILITY, "batch.close"),
    ],
)
def test_a_switch_of_any_scope_stops_carrying_out_and_not_deciding(switch: Switch) -> None:
    context = Context(NOW, frozenset({switch}))
    assert evaluate(actor(), facts(EXECUTE), proposal(), context).code is ReasonCode.KILL_SWITCH
    assert evaluate(actor(), facts(APPROVE), proposal(), context).effect is Effect.ALLOW


def test_a_switch_of_another_target_stops_nothing() -> None:
    others = {
        Switch(SwitchScope.TENANT, "b"),
        Switch(SwitchScope.CONNECTOR, "hubitat"),
        Switch(SwitchScope.CAPABILITY, "q"),
    }
    assert evaluate(actor(), facts(EXECUTE), proposal(), Context(NOW, frozenset(others))).effect is Effect.ALLOW


def test_authority_only_grows_with_the_ladder() -> None:
    ladder = sorted(Role, key=lambda role: role.rank)
    for lower, higher in itertools.pairwise(ladder):
        for needed in Role:
            allowed_low = evaluate(actor(lower), facts(role=needed), Subject("a"), Context(NOW)).effect is Effect.ALLOW
            allowed_high = (
                evaluate(actor(higher), facts(role=needed), Subject("a"), Context(NOW)).effect is Effect.ALLOW
            )
            assert allowed_high or not allowed_low


def test_the_policy_in_force_has_a_name() -> None:
    assert POLICY_VERSION.startswith("sha256:")
