"""A snapshot of a practice studio over real sockets: right to the unit, repeatable, and never made of half a read."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from studio_brain.domains.studio.diff import numbers
from studio_brain.gateway.perform import Session
from studio_brain.gateway.recovery import engine_actor
from studio_brain.kernel.policy import Actor, ActorType, Role
from studio_brain.kernel.reasons import ReasonCode
from tests.domains.studio import oracle
from tests.practice_process import ROOT, PracticeProcess
from tests.studio_home import connected_home, snapshot, with_brain

SCHEMA = json.loads((ROOT / "resources/schema/studio-state.v3.0.json").read_text())


@pytest.fixture
def home(tmp_path: Path, practice_studio: PracticeProcess) -> Path:
    return connected_home(tmp_path / "home", practice_studio)


def test_every_number_equals_what_a_plain_count_of_everything_gives(
    home: Path, practice_studio: PracticeProcess
) -> None:
    done = with_brain(home, snapshot)
    taken = done.data["snapshot"]
    now = datetime.fromisoformat(taken["cloudSync"]["firestoreReadAt"])
    expected = oracle.state(practice_studio, now)
    assert {key: value for key, value in numbers(taken).items() if key in expected} == expected
    jsonschema.validate(taken, SCHEMA)
    assert done.outcome == "observed"


def test_the_same_cloud_read_twice_gives_equal_hashes_and_leaves_no_mark(
    home: Path, practice_studio: PracticeProcess
) -> None:
    before, since = practice_studio.control("GET", "documents")["documents"], practice_studio.last
    first, second = with_brain(home, snapshot), with_brain(home, snapshot)
    assert first.data["stateHash"] == second.data["stateHash"]
    assert first.data["snapshot"]["sourceHashes"] == second.data["snapshot"]["sourceHashes"]
    assert first.data["snapshot"]["generatedAt"] != second.data["snapshot"]["generatedAt"]
    assert practice_studio.writes(since) == []
    assert practice_studio.control("GET", "documents")["documents"] == before


def test_all_documents_are_read_at_one_moment(home: Path, practice_studio: PracticeProcess) -> None:
    since = practice_studio.last
    with_brain(home, snapshot)
    asked = [r["operation"] for r in practice_studio.requests(since)]
    assert "firestore:runQuery" in asked
    assert not any(r["port"] == "iam" for r in practice_studio.requests(since))


def test_the_receipt_holds_the_whole_observation(home: Path) -> None:
    done = with_brain(home, snapshot)

    async def receipt(brain):  # type: ignore[no-untyped-def]
        return await brain.query("evidence.one", {"index": done.receipts[0].seq}, brain.session(None, None))

    body = json.loads(with_brain(home, receipt)["body"])
    assert body["kind"] == "studio.observed"
    assert body["data"]["snapshot"] == done.data["snapshot"]
    assert body["data"]["diagnostics"] == done.data["diagnostics"]


def test_a_made_up_status_shows_up_as_unknown(home: Path, practice_studio: PracticeProcess) -> None:
    before = with_brain(home, snapshot).data["snapshot"]
    url = f"{practice_studio.documents(iam=True)}/batches/made-up"
    fields = {"fields": {"state": {"stringValue": "LEVITATING"}, "isClosed": {"booleanValue": False}}}
    httpx.patch(url, json=fields, headers=practice_studio.iam).raise_for_status()
    try:
        done = with_brain(home, snapshot)
    finally:
        httpx.delete(url, headers=practice_studio.iam).raise_for_status()
    assert done.data["diagnostics"]["unknownStatuses"]["batches.state"] == {"LEVITATING": 1}
    assert done.data["snapshot"]["counts"] == before["counts"]
    assert done.data["stateHash"] != before


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503},
        {"kind": "late-error"},
        {"kind": "html"},
        {"kind": "malformed"},
        {"kind": "content-type"},
        {"kind": "cut"},
        {"kind": "reset"},
    ],
    ids=lambda fault: fault["kind"],
)
def test_half_a_read_stores_no_state(home: Path, practice_studio: PracticeProcess, fault: dict[str, Any]) -> None:
    before = with_brain(home, snapshot)
    with practice_studio.fault(target="firestore", path="runQuery", **fault):
        done = with_brain(home, snapshot)
    assert done.outcome == "failed"
    assert {f["code"] for f in done.data["faults"]} <= {"UNAVAILABLE", "BAD_RESPONSE"}

    async def latest(brain):  # type: ignore[no-untyped-def]
        return await brain.query("studio.today", {}, brain.session(None, None))

    shown = with_brain(home, latest)
    assert shown["snapshot"]["stateHash"] == before.data["stateHash"]
    assert shown["job"]["reasonCode"] is not None
    assert shown["job"]["okAt"] == shown["snapshot"]["observedAt"]


def test_a_cloud_that_does_not_answer_stores_nothing_and_says_why(tmp_path: Path) -> None:
    with PracticeProcess() as practice:
        home = connected_home(tmp_path / "home", practice)
    done = with_brain(home, snapshot)
    assert (done.outcome, done.data["reasonCode"]) == ("failed", "UNAVAILABLE")

    async def latest(brain):  # type: ignore[no-untyped-def]
        return await brain.query("studio.today", {}, brain.session(None, None))

    assert with_brain(home, latest)["snapshot"] is None


def test_a_refused_collection_is_named(home: Path, practice_studio: PracticeProcess) -> None:
    """An account without the staff claim is refused where the rules say so, collection by collection."""

    async def as_nobody(brain):  # type: ignore[no-untyped-def]
        firestore = brain.connectors["practice"]["firestore"]
        token = practice_studio.sign_in("roshan")["idToken"]

        async def member(force: bool) -> str:
            return token

        firestore._client._token = member
        return await snapshot(brain)

    done = with_brain(home, as_nobody)
    faults = {f["source"]: f["code"] for f in done.data["faults"]}
    assert faults["batches"] == "FORBIDDEN"
    assert faults["materialsOrders"] == "FORBIDDEN"
    assert "kilnFirings" not in faults


def test_only_those_who_may_take_a_snapshot(home: Path) -> None:
    async def work(brain):  # type: ignore[no-untyped-def]
        guest = Session(Actor(ActorType.STAFF, "g", "practice", Role.GUEST), "practice")
        agent = Session(Actor(ActorType.AGENT, "a", "practice", Role.EDITOR), "practice")
        engine = Session(engine_actor("practice"), "practice")
        return [(await brain.perform("studio.snapshot", {}, who)).code for who in (guest, agent, engine)]

    assert with_brain(home, work) == [ReasonCode.ROLE_REQUIRED, ReasonCode.ACTOR_TYPE_REFUSED, None]
