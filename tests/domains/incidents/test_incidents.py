"""Incidents from opening to review, on both databases: one for each kind and subject, contained in one unit, closed for
good; their rows and the trust record derived from entries, again and again the same."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from studio_brain.domains.incidents import facts
from studio_brain.domains.incidents.manifest import MANIFEST
from studio_brain.gateway.perform import Performed, Session
from studio_brain.gateway.recovery import engine_actor
from studio_brain.gateway.registry import Registry
from studio_brain.kernel.policy import Role
from studio_brain.kernel.ports import Change, ReadBack, Settled
from studio_brain.kernel.reasons import ReasonCode
from studio_brain.store.database import Databases, selecting
from studio_brain.store.projections import Projections
from studio_brain.store.reading import Sources
from tests.gateway.harness import APPEND, EDITOR, NOTE, OWNER, VIEWER, Bench

OPERATIONS = {"functions": frozenset({"ops_note.append", "ops_note.rollback", "batch.close"})}
ENGINE = Session(engine_actor("a"), "a")
ADMIN = Session(replace(OWNER.actor, id="ada", role=Role.ADMIN), "a")
DEEP = Path(__file__).resolve().parents[3] / "docs"


class House:
    """The gateway's bench with incidents in it, and their rows."""

    def __init__(self, databases: Databases) -> None:
        self.bench = Bench(databases)
        gateway = self.bench.gateway
        gateway.registry = Registry((*gateway.registry.manifests, MANIFEST), OPERATIONS)
        self.projections = Projections(databases, MANIFEST.projections)
        self.projections.prepare()

    def open(self, through: int, *, count: int = 1, subject: str = APPEND, kind: str = "deviation") -> Performed:
        indexes = list(range(max(0, through - count + 1), through + 1))[:20]
        seen = {"kind": kind, "subject": subject, "origin": "practice/x/a/0", "indexes": indexes, "through": through}
        return self.bench.perform("incident.open", {**seen, "count": count}, ENGINE)

    def do(self, verb: str, id: str, session: Session = EDITOR, **more: Any) -> Performed:
        return self.bench.perform(f"incident.{verb}", {"incidentId": id, **more}, session)

    def ask(self, name: str, tenant: str = "a", **params: Any) -> Any:
        self.projections.catch_up()
        databases = self.bench.databases
        sources = Sources(selecting(databases.brain), selecting(databases.views), 0, databases.brain.dialect)
        return self.bench.gateway.registry.queries[name].run(sources, tenant, params)

    def state(self, id: str) -> str:
        return str(self.ask("incidents.one", id=id)["state"])


@pytest.fixture
def house(databases: Databases) -> Iterator[House]:
    made = House(databases)
    yield made
    made.projections.catch_up()
    kept = made.projections.state_sha256()
    made.projections.rebuild()
    again = made.projections.state_sha256()
    report = made.bench.check()
    made.bench.close()
    assert again == kept
    assert report.ok, report.fault


def test_one_incident_for_each_kind_and_subject_takes_what_happens_again(house: House) -> None:
    first = house.open(4)
    assert first.outcome == "open"
    id = first.data["incidentId"]
    assert house.open(4).outcome == "known"  # the same receipt once more
    again = house.open(9, count=3)
    assert (again.outcome, again.data["incidentId"]) == ("open", id)
    other = house.open(9, subject="another.capability")
    assert other.data["incidentId"] != id
    shown = house.ask("incidents.one", id=id)
    assert (shown["receipts"], shown["severity"]) == (4, "high")
    assert [link["index"] for link in shown["linked"]] == [4, 7, 8, 9]
    assert [event["kind"] for event in shown["timeline"]] == ["incident.opened", "incident.linked"]
    assert len(house.bench.entries(kind="incident.opened")) == 2


def test_it_is_acknowledged_contained_resolved_and_reviewed(house: House) -> None:
    id = house.open(1).data["incidentId"]
    assert house.do("resolve", id, outcome="mended").code is ReasonCode.WRONG_STATE
    assert house.do("review", id, ADMIN).code is ReasonCode.WRONG_STATE
    assert house.do("acknowledge", id, severity="low").outcome == "acknowledged"
    assert house.do("acknowledge", id, owner="imke").data == {"incidentId": id, "severity": "low", "owner": "imke"}
    assert house.do("contain", id).outcome == "contained"
    assert house.do("resolve", id, outcome="mended").outcome == "resolved"
    assert house.do("review", id, EDITOR).code is ReasonCode.ROLE_REQUIRED
    assert house.do("review", id, ADMIN).outcome == "reviewed"
    assert house.do("acknowledge", id).code is ReasonCode.WRONG_STATE
    shown = house.ask("incidents.one", id=id)
    assert (shown["state"], shown["owner"], shown["outcome"]) == ("reviewed", "imke", "mended")
    assert house.ask("incidents.page", state="unsettled")["rows"] == []
    assert [row["id"] for row in house.ask("incidents.page", state="reviewed")["rows"]] == [id]


def test_what_happens_after_a_resolution_reopens_and_after_a_review_is_another(house: House) -> None:
    id = house.open(1).data["incidentId"]
    house.do("acknowledge", id)
    house.do("resolve", id, outcome="accepted")
    assert house.open(5).data["incidentId"] == id
    assert house.state(id) == "open"
    house.do("acknowledge", id)
    house.do("resolve", id, outcome="accepted")
    house.do("review", id, ADMIN)
    assert house.open(5).outcome == "known"  # told again from the beginning: nothing new
    second = house.open(7).data["incidentId"]
    assert second == id.removesuffix("-1") + "-2"
    assert (house.state(id), house.state(second)) == ("reviewed", "open")
    assert house.do("acknowledge", id).code is ReasonCode.WRONG_STATE
    assert house.do("acknowledge", id.removesuffix("-1") + "-3").code is ReasonCode.NOT_FOUND


def test_containing_engages_the_switch_in_the_same_unit_and_nothing_leaves(house: House) -> None:
    bench = house.bench
    drafted = bench.approved()
    id = house.open(1).data["incidentId"]
    assert house.ask("incidents.one", id=id)["containment"] == {"scope": "capability", "target": APPEND}
    done = house.do("contain", id)
    assert [receipt.kind for receipt in done.receipts] == ["killswitch.engaged", "incident.contained"]
    assert done.data["owner"] == EDITOR.actor.id
    assert bench.execute(drafted).code is ReasonCode.KILL_SWITCH
    assert bench.outside.calls == []
    assert house.ask("incidents.one", id=id)["switches"][0]["engaged"] is True
    wider = house.do("contain", id, scope="tenant")
    assert wider.outcome == "contained"
    again = house.do("contain", id, scope="tenant")  # it is on already: said, not engaged twice
    assert [receipt.kind for receipt in again.receipts] == ["incident.contained"]
    bench.perform("killswitch.release", {"scope": "tenant"}, ADMIN)
    switches = {s["scope"]: s["engaged"] for s in house.ask("incidents.one", id=id)["switches"]}
    assert switches == {"capability": True, "tenant": False}


def test_a_switch_that_cannot_be_named_contains_nothing(house: House) -> None:
    id = house.open(1).data["incidentId"]
    refused = house.do("contain", id, scope="connector")
    assert refused.code is ReasonCode.INVALID_PAYLOAD
    assert house.state(id) == "open"
    assert house.bench.entries(kind="killswitch.engaged") == []


def test_only_the_engine_opens_and_only_people_settle(house: House) -> None:
    seen = {"kind": "deviation", "subject": "x", "origin": "o", "indexes": [1], "through": 1, "count": 1}
    assert house.bench.perform("incident.open", seen, OWNER).code is ReasonCode.ACTOR_TYPE_REFUSED
    id = house.open(1).data["incidentId"]
    assert house.do("acknowledge", id, VIEWER).code is ReasonCode.ROLE_REQUIRED
    assert house.do("acknowledge", id, ENGINE).code is ReasonCode.ACTOR_TYPE_REFUSED
    assert house.ask("incidents.one", "b", id=id) is None
    stranger = Session(replace(OWNER.actor, tenant="b"), "b")
    assert house.do("acknowledge", id, stranger).code is ReasonCode.NOT_FOUND


def test_a_report_by_hand_keeps_its_words_erasable(house: House) -> None:
    words = "a shelf fell over beside the raku kiln"
    done = house.bench.perform("incident.report", {"summary": words, "severity": "high"}, VIEWER, "")
    shown = house.ask("incidents.one", id=done.data["incidentId"])
    assert (shown["summary"], shown["severity"], shown["kind"]) == (words, "high", "reported")
    (opened,) = house.bench.entries(kind="incident.opened")
    assert words.encode() not in opened.entry.body


def test_the_trust_record_counts_executions_and_what_differed(house: House) -> None:
    bench = house.bench
    for text in (NOTE["note"], "something else"):
        bench.outside.found = ReadBack(Settled.DONE, (Change("batches/b1", "operations note", None, text),))
        assert bench.execute(bench.approved()).outcome == "executed"
    bench.outside.found = ReadBack(Settled.UNCLEAR, ())
    bench.execute(bench.approved())
    (row,) = house.ask("trust.list")["rows"]
    assert (row["capability"], row["executions"], row["compared"], row["deviations"]) == (APPEND, 3, 2, 1)
    compared = [s for s in bench.entries(kind="execution.compared") if s.entry.data["deviates"]]
    assert row["lastDeviationIndex"] == compared[0].seq
    assert house.ask("trust.list", capability="nonesuch") == {"rows": []}
    assert house.ask("trust.list", "b") == {"rows": []}


def test_every_kind_has_a_title_a_severity_and_a_playbook() -> None:
    kinds = set(get_args(facts.Kind))
    assert kinds == set(facts.TITLES) == set(facts.SEVERITIES)
    for kind in kinds:
        text = (DEEP / facts.playbook(kind)).read_text()
        assert text.startswith("# ")
        assert "studio-brain incidents" in text
