"""Policy lint passes what is shipped and names everything that is missing or contradictory."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from studio_brain.doors.lint import ROOT, main, shipped
from studio_brain.gateway.limits import EffectClass, Limit, Per, per_hour
from studio_brain.gateway.lint import faults
from studio_brain.gateway.registry import Capability, Manifest, Payload, Registry, RegistryError
from studio_brain.kernel.policy import ActorType, Risk, Role

ALL = {capability.id: capability for manifest in shipped() for capability in manifest.capabilities}
NOTE, CLOSE = ALL["firestore.ops_note.append"], ALL["firestore.batch.close"]
APPROVE, LOOK, SNAPSHOT = ALL["proposal.approve"], ALL["proposal.read"], ALL["studio.snapshot"]
RELEASE = ALL["killswitch.release"]


class Loose(BaseModel):
    note: str


class Unbounded(Payload):
    note: str | None = None


def said(capability: Capability) -> list[str]:
    others = [found for found in ALL.values() if found.id != capability.id]
    manifest = Manifest("all", capabilities=(*others, capability), authority=dict(shipped()[0].authority))
    return [fault.what for fault in faults([manifest]) if fault.where == capability.id]


def test_what_is_shipped_has_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert [str(fault) for fault in faults(shipped(), ROOT)] == []
    assert main() == 0
    assert "0 faults" in capsys.readouterr().out


def changed(base: Capability, **changes: Any) -> Capability:
    return replace(base, **changes)


@pytest.mark.parametrize(
    ("capability", "says"),
    [
        (changed(NOTE, id="Append Note"), "id:"),
        (changed(NOTE, title=" "), "title: missing"),
        (changed(NOTE, owner=""), "owner: missing"),
        (changed(NOTE, target=""), "target: missing"),
        (changed(NOTE, description="a note"), "description:"),
        (changed(NOTE, failure_mode="fails"), "failure_mode:"),
        (changed(NOTE, test="the usual"), "test:"),
        (changed(NOTE, tenants=frozenset()), "tenants:"),
        (changed(NOTE, payload=Loose), "payload: Loose takes fields"),
        (changed(NOTE, payload=Unbounded), "payload: note is text of any length"),
        (changed(NOTE, actor_types=frozenset()), "nobody may use it"),
        (changed(NOTE, actor_types=frozenset({ActorType.AGENT})), "people have to be able"),
        (changed(NOTE, actor_types=NOTE.actor_types | {ActorType.CONNECTOR}), "a connector carries out"),
        (changed(NOTE, limits=()), "limits: none per tenant"),
        (changed(NOTE, limits=NOTE.limits[1:]), "limits: none per actor"),
        (changed(NOTE, limits=(*NOTE.limits, Limit(Per.ACTOR, 9, 3_600))), "stands there twice"),
        (changed(NOTE, limits=per_hour(actor=0, owner=1, capability=1, tenant=1)), "at least 1"),
        (changed(NOTE, limits=per_hour(actor=2_001, owner=1, capability=1, tenant=1)), "take a shorter window"),
        (changed(NOTE, cooldown_s=-1), "cooldown_s:"),
        (changed(NOTE, effects=frozenset()), "effects: say what it touches"),
        (changed(NOTE, effects=frozenset({EffectClass.MONEY})), "risk: money is high or critical"),
        (changed(CLOSE, effects=frozenset({EffectClass.POWER}), cooldown_s=0), "rests between two uses"),
        (changed(NOTE, rationale=False), "rationale:"),
        (changed(NOTE, escalation=()), "escalation: name the roles"),
        (changed(NOTE, escalation=(Role.OWNER, Role.ADMIN)), "in rising order"),
        (changed(NOTE, role=Role.OWNER), "none below the role"),
        (changed(CLOSE, escalation=(Role.ADMIN,)), "it ends with the owner"),
        (changed(CLOSE, exemption="usual-closings"), "what is of high risk is never exempted"),
        (changed(NOTE, exemption="No Such Thing"), "the id of a policy"),
        (changed(APPROVE, exemption="usual-yes"), "nothing is asked before it"),
        (changed(APPROVE, effects=frozenset({EffectClass.CLOUD})), "only what leaves this machine"),
        (changed(LOOK, rationale=True), "nobody has to say why they look"),
        (changed(LOOK, risk=Risk.HIGH), "looking is low"),
        (changed(LOOK, cooldown_s=5), "looking leaves no mark"),
        (changed(SNAPSHOT, limits=per_hour(actor=1, owner=1, capability=1, tenant=1)), "uses of a procedure"),
        (changed(RELEASE, actor_types=RELEASE.actor_types | {ActorType.AGENT}), "an agent may not"),
        (changed(RELEASE, role=Role.VIEWER), "viewer is too low"),
        (changed(NOTE, outside=None), "outside: name connector"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_is_named(capability: Capability, says: str) -> None:
    assert any(says in what for what in said(capability)), said(capability)


def test_a_rollback_that_does_not_fit_is_named() -> None:
    assert NOTE.outside is not None
    lost = replace(NOTE, outside=replace(NOTE.outside, rollback="firestore.nothing"))
    assert "rollback: firestore.nothing is not registered" in said(lost)
    other = replace(NOTE, outside=replace(NOTE.outside, rollback="evidence.erase"))
    assert "rollback: evidence.erase goes through another connector" in said(other)
    silent = replace(NOTE, outside=replace(NOTE.outside, rollback_note=" "))
    assert "rollback_note: say what undoing does, or that there is none" in said(silent)


def test_a_test_that_does_not_exist_and_a_manifest_without_authority_are_named() -> None:
    lost = Manifest("lost", capabilities=(replace(NOTE, test="tests/nonesuch.py"),))
    found = {str(fault) for fault in faults([lost], ROOT)}
    assert f"{NOTE.id}: test: there is no tests/nonesuch.py" in found
    assert any(text.startswith("lost: authority") for text in found)


@pytest.mark.parametrize("risk", [Risk.HIGH, Risk.CRITICAL])
@pytest.mark.parametrize("effect", list(EffectClass))
def test_the_program_does_not_start_with_an_exemption_that_is_barred(risk: Risk, effect: EffectClass) -> None:
    grave = replace(CLOSE, risk=risk, effects=frozenset({effect}), exemption="usual-closings")
    with pytest.raises(RegistryError, match="never exempted"):
        Registry([Manifest("m", capabilities=(grave,))], {"functions": frozenset({"batch.close"})})


@pytest.mark.parametrize(
    "effect",
    [EffectClass.PHYSICAL, EffectClass.MONEY, EffectClass.POWER, EffectClass.MOBILITY, EffectClass.RECORDS],
)
def test_doors_locks_power_mobility_and_money_are_never_exempted_at_any_risk(effect: EffectClass) -> None:
    for risk in (Risk.LOW, Risk.MEDIUM):
        barred = replace(CLOSE, risk=risk, effects=frozenset({effect}), exemption="usual-closings")
        with pytest.raises(RegistryError, match=effect.value):
            Registry([Manifest("m", capabilities=(barred,))], {"functions": frozenset({"batch.close"})})


def test_what_is_low_or_medium_and_ordinary_may_be_exempted() -> None:
    usual = replace(NOTE, exemption="usual-notes")
    assert said(usual) == []
