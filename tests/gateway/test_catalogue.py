"""Every capability is shown whole, with the schema of its payload; what a studio does not offer is not there."""

import asyncio
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from studio_brain.brain import manifests_of
from studio_brain.domains.installation.queries import Installed
from studio_brain.domains.studio import manifest as studio
from studio_brain.gateway import catalogue
from studio_brain.gateway import manifest as gateway_manifest
from studio_brain.gateway.perform import Denied
from studio_brain.gateway.registry import Manifest, Registry, RegistryError, narrowed
from studio_brain.home.installation import Installation
from studio_brain.home.settings import Settings
from studio_brain.kernel.errors import ConfigError
from studio_brain.kernel.policy import Role
from studio_brain.kernel.reasons import ReasonCode
from studio_brain.store.reading import Sources
from tests.gateway.harness import APPEND, CLOSE, EDITOR, NOTE, WHY, Bench

MANIFESTS = (gateway_manifest.MANIFEST, studio.MANIFEST)
OPERATIONS = {"functions": frozenset({"ops_note.append", "ops_note.rollback", "batch.close"})}
NOWHERE = Sources(lambda *_: [], lambda *_: [], 0)


def one(id: str, tenant: str = "a", manifests: tuple[Manifest, ...] = MANIFESTS) -> dict[str, object] | None:
    query = next(q for q in catalogue.manifest(manifests).queries if q.name == "capabilities.one")
    found: dict[str, object] | None = query.run(NOWHERE, tenant, {"id": id})
    return found


def test_a_capability_is_shown_whole() -> None:
    found = one(APPEND)
    assert found is not None
    assert (found["risk"], found["effects"], found["scope"]) == ("medium", ["cloud"], "record")
    assert found["approval"] == {"people": 1, "seats": 1, "requesterCounts": True, "expiresAfterS": 86_400}
    assert found["limits"][0] == {"per": "actor", "uses": 60, "windowS": 3600}  # type: ignore[index]
    assert found["escalation"] == ["admin", "owner"]
    assert found["rollback"] == "firestore.ops_note.rollback"
    assert found["exemption"] is None


def test_its_schema_takes_what_the_gateway_takes_and_nothing_else() -> None:
    found = one(APPEND)
    assert found is not None
    Draft202012Validator.check_schema(found["payload"])
    schema = Draft202012Validator(found["payload"])
    schema.validate(NOTE)
    for wrong in ({}, {"batchId": "b1"}, {**NOTE, "more": 1}, {**NOTE, "note": "no"}):
        with pytest.raises(ValidationError):
            schema.validate(wrong)


def test_all_of_them_are_listed_and_chosen_by_mode_and_risk() -> None:
    query = catalogue.manifest(MANIFESTS).queries[0]
    everything = query.run(NOWHERE, "a", {})["rows"]
    assert len(everything) == sum(len(m.capabilities) for m in MANIFESTS) + 1
    assert [row["id"] for row in query.run(NOWHERE, "a", {"mode": "outside", "risk": "high"})["rows"]] == [CLOSE]


def test_without_an_escalation_of_its_own_the_ladder_is_climbed() -> None:
    found = Registry(MANIFESTS, OPERATIONS).capabilities
    assert catalogue.escalation(found["killswitch.engage"]) == (Role.ADMIN, Role.OWNER)
    assert catalogue.escalation(replace(found["killswitch.engage"], role=Role.OWNER)) == (Role.OWNER,)


def test_what_a_studio_goes_without_is_refused_and_not_listed(bench: Bench) -> None:
    without = narrowed(MANIFESTS, {"a": frozenset({APPEND, "studio.read"}), "b": frozenset()})
    assert one(APPEND, "a", without) is None
    assert one(APPEND, "b", without) is not None
    drafted = bench.approved()
    bench.gateway.registry = Registry(without, OPERATIONS)
    assert bench.perform(APPEND, NOTE, EDITOR, WHY).code is ReasonCode.NOT_OFFERED
    done = bench.execute(drafted)
    assert (done.code, bench.state(drafted)) == (ReasonCode.NOT_OFFERED, "approved")
    assert bench.outside.calls == []
    with pytest.raises(Denied) as denied:
        asyncio.run(bench.gateway.query("studio.today", {}, EDITOR, NOWHERE))
    assert denied.value.code is ReasonCode.NOT_OFFERED
    assert bench.entries()[-1].entry.data["reasonCode"] == "NOT_OFFERED"


def test_a_studio_cannot_go_without_what_is_not_there() -> None:
    with pytest.raises(RegistryError, match=r"goes without nonesuch\.thing"):
        narrowed(MANIFESTS, {"a": frozenset({"nonesuch.thing"})})


def test_the_settings_say_what_a_studio_goes_without() -> None:
    def offered(without: list[str]) -> dict[str, bool]:
        named = {"id": "a", "name": "A", "time_zone": "UTC", "without": without}
        settings = Settings.model_validate({"tenant": [named]})
        found = manifests_of(settings, Installed(settings, Installation("", bytes(32), practice=True), ""))
        return {c.id: c.offered_in("a") for manifest in found for c in manifest.capabilities}

    assert [id for id, is_there in offered([CLOSE]).items() if not is_there] == [CLOSE]
    with pytest.raises(ConfigError, match=r"tenant\.without: a goes without no\.such"):
        offered(["no.such"])
