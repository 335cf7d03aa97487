"""The review queue on both databases: risky texts wait before anything leaves, decisions are final and remembered for
that exact text, and nothing that restrains is ever held back for what it says."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from studio_brain.domains.compliance.classify import rules
from studio_brain.domains.compliance.decide import Intake
from studio_brain.domains.compliance.facts import id_of
from studio_brain.domains.compliance.manifest import MANIFEST
from studio_brain.gateway.perform import Performed, Session
from studio_brain.gateway.registry import Registry
from studio_brain.kernel.policy import Role
from studio_brain.kernel.reasons import ReasonCode
from studio_brain.store.database import Databases, selecting
from studio_brain.store.projections import Projections
from studio_brain.store.reading import Sources
from tests.gateway.harness import AGENT, APPEND, CLOSE, EDITOR, NOTE, OWNER, STRANGER, VIEWER, WHY, Bench

OPERATIONS = {"functions": frozenset({"ops_note.append", "ops_note.rollback", "batch.close"})}
RISKY = "please make fifty counterfeit Meissen plates"
HARMLESS = "the firing pin of the kiln lid is stuck"
ADMIN = Session(replace(OWNER.actor, id="ada", role=Role.ADMIN), "a")


class Desk:
    """The gateway's bench with the intake at its door, and the queue's rows."""

    def __init__(self, databases: Databases) -> None:
        self.bench = Bench(databases)
        gateway = self.bench.gateway
        gateway.registry = Registry((*gateway.registry.manifests, MANIFEST), OPERATIONS)
        gateway.intake = Intake(rules())
        self.projections = Projections(databases, MANIFEST.projections)
        self.projections.prepare()

    def note(self, text: str, session: Session = EDITOR, why: str = WHY) -> Performed:
        return self.bench.perform(APPEND, {**NOTE, "note": text}, session, why)

    def decide(self, verb: str, text: str = RISKY, session: Session = OWNER, reason: str | None = None) -> Performed:
        reason = reason or {"grant": "rights_verified", "deny": "prohibited_content"}[verb]
        return self.bench.perform(f"review.{verb}", {"reviewId": id_of(text), "reason": reason}, session)

    def page(self, tenant: str = "a", **params: Any) -> Any:
        return self.ask("reviews.page", tenant, **params)["rows"]

    def ask(self, name: str, tenant: str = "a", **params: Any) -> Any:
        self.projections.catch_up()
        databases = self.bench.databases
        sources = Sources(selecting(databases.brain), selecting(databases.views), 0, databases.brain.dialect)
        return self.bench.gateway.registry.queries[name].run(sources, tenant, params)


@pytest.fixture
def desk(databases: Databases) -> Iterator[Desk]:
    made = Desk(databases)
    yield made
    made.projections.catch_up()
    kept = made.projections.state_sha256()
    made.projections.rebuild()
    again = made.projections.state_sha256()
    report = made.bench.check()
    made.bench.close()
    assert again == kept
    assert report.ok, report.fault


def test_a_harmless_text_is_drafted_and_leaves_no_trace_in_the_queue(desk: Desk) -> None:
    assert desk.note(HARMLESS).outcome == "asked"
    assert desk.page(state="") == []


def test_a_risky_text_waits_before_anything_is_read_for_it(desk: Desk) -> None:
    looked: list[Any] = []
    preview = desk.bench.outside.preview

    async def counted(*args: Any) -> Any:
        looked.append(args)
        return await preview(*args)

    desk.bench.outside.preview = counted  # type: ignore[method-assign]
    held = desk.note(RISKY)
    assert (held.outcome, held.code) == ("denied", ReasonCode.REVIEW_REQUIRED)
    assert id_of(RISKY) in held.detail
    assert looked == []
    (row,) = desk.page()
    assert (row["id"], row["class"], row["text"], row["requester"]) == (id_of(RISKY), "ip_infringement", RISKY, "teo")
    assert [receipt.kind for receipt in held.receipts] == ["review.flagged", "action.denied"]


def test_a_grant_is_for_that_exact_text_whoever_sends_it(desk: Desk) -> None:
    desk.note(RISKY)
    assert desk.decide("grant").outcome == "granted"
    assert desk.page() == []
    assert desk.note(RISKY).outcome == "asked"
    assert desk.note(RISKY, AGENT).outcome == "asked"
    assert desk.note(RISKY + "!").code is ReasonCode.REVIEW_REQUIRED
    assert desk.note(RISKY.upper()).code is ReasonCode.REVIEW_REQUIRED
    assert len(desk.page()) == 2


def test_a_denial_is_final_and_remembered(desk: Desk) -> None:
    desk.note(RISKY)
    assert desk.decide("deny").outcome == "denied"
    for session in (EDITOR, AGENT, OWNER):
        assert desk.note(RISKY, session).code is ReasonCode.REVIEW_DENIED
    assert desk.decide("grant").code is ReasonCode.WRONG_STATE
    assert desk.decide("deny").code is ReasonCode.WRONG_STATE
    (row,) = desk.page(state="denied")
    assert (row["reviewer"], row["reason"], row["rationale"]) == ("imke", "prohibited_content", WHY)
    assert desk.page() == []


def test_a_denial_through_the_rationale_counts_too_and_beats_a_grant(desk: Desk) -> None:
    other = "sell the new pot as an antique from the Tang dynasty"
    both = desk.bench.perform(CLOSE, {"batchId": "b1", "notes": other}, EDITOR, RISKY)
    assert both.code is ReasonCode.REVIEW_REQUIRED
    assert {row["text"] for row in desk.page()} == {RISKY, other}
    desk.decide("grant", other)
    assert desk.bench.perform(CLOSE, {"batchId": "b1", "notes": other}, EDITOR, RISKY).code is (
        ReasonCode.REVIEW_REQUIRED
    )
    desk.decide("deny", RISKY)
    assert desk.bench.perform(CLOSE, {"batchId": "b1", "notes": other}, EDITOR, RISKY).code is ReasonCode.REVIEW_DENIED


def test_nobody_lets_their_own_text_pass_and_everybody_may_turn_it_down(desk: Desk) -> None:
    desk.note(RISKY, OWNER)
    desk.note(RISKY, ADMIN)
    assert desk.page()[0]["requesters"] == 2
    assert desk.decide("grant", session=OWNER).code is ReasonCode.SELF_APPROVAL
    assert desk.decide("grant", session=ADMIN).code is ReasonCode.SELF_APPROVAL
    assert desk.decide("grant", session=EDITOR).code is ReasonCode.ROLE_REQUIRED
    assert desk.decide("grant", session=AGENT).code is ReasonCode.ACTOR_TYPE_REFUSED
    assert desk.decide("deny", session=VIEWER).code is ReasonCode.ROLE_REQUIRED
    assert desk.decide("deny", session=OWNER).outcome == "denied"


def test_the_same_asker_again_adds_nothing_to_the_queue(desk: Desk) -> None:
    for _ in range(3):
        assert desk.note(RISKY).code is ReasonCode.REVIEW_REQUIRED
    assert len(desk.bench.entries(kind="review.flagged")) == 1
    assert len(desk.bench.entries(kind="action.denied")) == 3


def test_decisions_need_a_reason_of_the_list_and_a_known_text(desk: Desk) -> None:
    desk.note(RISKY)
    assert desk.decide("grant", reason="because").code is ReasonCode.INVALID_PAYLOAD
    assert desk.decide("grant", reason="prohibited_content").code is ReasonCode.INVALID_PAYLOAD
    assert desk.decide("grant", "never sent").code is ReasonCode.NOT_FOUND


def test_what_restrains_is_never_held_back_and_is_noted_once(desk: Desk) -> None:
    drafted = desk.bench.draft()
    shown = {"proposalId": drafted.proposal, "shownHash": drafted.data["proposalHash"]}
    why = "they want to build a pipe bomb, stop everything"
    assert desk.bench.perform("killswitch.engage", {"scope": "tenant"}, EDITOR, why).outcome == "on"
    assert desk.bench.perform("proposal.reject", shown, OWNER, why).outcome == "rejected"
    (row,) = desk.page(state="noted")
    assert (row["class"], row["text"]) == ("weaponization", why)
    assert len(desk.bench.entries(kind="review.noted")) == 1
    assert desk.page() == []  # nothing waits: the queue is for what was held back
    assert desk.note(why).code is ReasonCode.REVIEW_REQUIRED  # as a request, it waits
    assert [row["text"] for row in desk.page()] == [why]


def test_undoing_is_never_held_back(desk: Desk) -> None:
    drafted = desk.bench.approved()
    assert desk.bench.execute(drafted).outcome == "executed"
    why = "it was a request for counterfeit Meissen plates"
    undone = desk.bench.perform("proposal.rollback", {"proposalId": drafted.proposal}, EDITOR, why)
    assert undone.outcome == "asked"


def test_the_reviewers_own_words_do_not_fill_the_queue(desk: Desk) -> None:
    desk.note(RISKY)
    why = "counterfeit Meissen plates are not made here, make no more requests"
    done = desk.bench.perform("review.deny", {"reviewId": id_of(RISKY), "reason": "prohibited_content"}, OWNER, why)
    assert done.outcome == "denied"
    assert desk.page(state="") == desk.page(state="denied")


def test_the_text_stands_in_the_erasable_part_alone(desk: Desk) -> None:
    desk.bench.perform(CLOSE, {"batchId": "b1"}, EDITOR, RISKY)
    for stored in desk.bench.entries():
        assert RISKY.encode() not in stored.entry.body
    assert desk.page()[0]["text"] == RISKY


def test_each_studio_decides_for_itself(desk: Desk) -> None:
    desk.note(RISKY)
    desk.decide("grant")
    assert desk.bench.perform(APPEND, {**NOTE, "note": RISKY}, STRANGER).code is ReasonCode.REVIEW_REQUIRED
    assert [row["requester"] for row in desk.page("b")] == ["sam"]
    assert desk.ask("reviews.one", "b", id=id_of(RISKY)[:8])["state"] == "waiting"
    assert desk.ask("reviews.one", id=id_of(RISKY)[:8])["state"] == "granted"
    assert desk.ask("reviews.one", id="zz%") is None


def test_classification_permits_nothing_that_policy_denies(desk: Desk) -> None:
    desk.note(RISKY)
    desk.decide("grant")
    assert desk.note(RISKY, VIEWER).code is ReasonCode.ROLE_REQUIRED
