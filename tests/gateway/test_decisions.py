"""Drafting, approving, rejecting, withdrawing, expiring: who may, in which state, and what is sealed."""

import asyncio
import json

import pytest

from studio_brain.gateway.expiry import expire_due
from studio_brain.gateway.receipts import FIELDS
from studio_brain.kernel.clock import DAY, HOUR
from studio_brain.kernel.ports import ConnectorError, Preview
from studio_brain.kernel.reasons import ReasonCode
from tests.gateway.harness import AGENT, APPEND, CLOSE, EDITOR, NOTE, OWNER, STRANGER, VIEWER, WHY, Bench


def test_one_action_has_every_field_at_every_stage(bench: Bench) -> None:
    drafted = bench.approved()
    bench.execute(drafted)
    stages = [s.entry for s in bench.entries() if s.entry.stream == f"proposal:{drafted.proposal}"]
    assert [(e.kind, e.data["approvalState"]) for e in stages] == [
        ("proposal.drafted", "draft"),
        ("proposal.submitted", "pending_approval"),
        ("proposal.approved", "approved"),
        ("execution.started", "executing"),
        ("execution.result", "executed"),
    ]
    for entry in stages:
        assert set(FIELDS) <= set(entry.data), entry.kind
        assert entry.data["capabilityId"] == APPEND
        assert entry.data["target"] == "batches/b1"
        assert entry.data["proposalId"] == drafted.proposal
        assert entry.data["inputHash"] == stages[0].data["inputHash"]
        assert (entry.actor.type, entry.actor.via) == ("staff", "test")
        assert entry.corr
        assert entry.data["requestId"]
    assert stages[-1].data["outputHash"].startswith("sha256:")
    assert stages[0].data["rationale"] == WHY


def test_a_draft_keeps_what_it_saw_and_what_it_would_do(bench: Bench) -> None:
    row = bench.proposal(bench.draft())
    content = json.loads(row["content"])
    assert content["changes"][0]["field"] == "operations note"
    assert bench.outside.version in str(content["seen"])
    assert row["expires_at_ms"] - row["created_at_ms"] == 24 * HOUR
    assert bench.outside.calls == []


@pytest.mark.parametrize(
    ("payload", "why", "code"),
    [
        (NOTE | {"note": "hi"}, WHY, ReasonCode.INVALID_PAYLOAD),
        ({"note": "look at this"}, WHY, ReasonCode.INVALID_PAYLOAD),
        (NOTE | {"extra": 1}, WHY, ReasonCode.INVALID_PAYLOAD),
        (NOTE | {"batchId": "a/b"}, WHY, ReasonCode.INVALID_PAYLOAD),
        (NOTE | {"batchId": ".."}, WHY, ReasonCode.INVALID_PAYLOAD),
        (NOTE | {"note": "bell \x07 rings"}, WHY, ReasonCode.INVALID_PAYLOAD),
        (NOTE | {"note": 5}, WHY, ReasonCode.INVALID_PAYLOAD),
        (NOTE | {"note": "half \ud800 pair"}, WHY, ReasonCode.INVALID_PAYLOAD),
        (NOTE | {"note": 1.5}, WHY, ReasonCode.INVALID_PAYLOAD),
        (NOTE | {"tenant": "b"}, WHY, ReasonCode.TENANT_MISMATCH),
        (NOTE, "too short", ReasonCode.RATIONALE_REQUIRED),
        (NOTE, "          ", ReasonCode.RATIONALE_REQUIRED),
        (NOTE, "x" * 2001, ReasonCode.INVALID_PAYLOAD),
        (NOTE, "half \ud800 of a pair", ReasonCode.INVALID_PAYLOAD),
        (NOTE | {"note": "use " + "sk" + "_live_abcdef"}, WHY, ReasonCode.SECRET_IN_PAYLOAD),
        (NOTE | {"note": "use " + "rk" + "_live_abcdef"}, WHY, ReasonCode.SECRET_IN_PAYLOAD),
        (NOTE | {"note": "use " + "whsec" + "_abcdef"}, WHY, ReasonCode.SECRET_IN_PAYLOAD),
        (NOTE, "the key is " + "whsec" + "_abcdef", ReasonCode.SECRET_IN_PAYLOAD),
    ],
)
def test_what_cannot_be_asked_is_denied_and_sealed(
    bench: Bench, payload: dict[str, object], why: str, code: ReasonCode
) -> None:
    done = bench.perform(APPEND, payload, why=why)
    assert (done.outcome, done.code) == ("denied", code)
    (denied,) = bench.entries(kind="action.denied")
    assert denied.entry.data["reasonCode"] == code.value
    assert b"abcdef" not in denied.entry.body


def test_markup_and_direction_marks_stay_what_they_are(bench: Bench) -> None:
    note = "<b>bold</b> \u202eevil\u202c =SUM(A1) {{x}}"
    row = bench.proposal(bench.draft(payload=NOTE | {"note": note}))
    assert json.loads(row["content"])["input"]["note"] == note


def test_what_nobody_registered_is_denied(bench: Bench) -> None:
    assert bench.perform("firestore.everything.delete", {}).code is ReasonCode.UNKNOWN_CAPABILITY
    assert bench.perform("proposal.read", {}).code is ReasonCode.INVALID_PAYLOAD
    assert bench.perform("firestore.ops_note.rollback", {}).code is ReasonCode.INVALID_PAYLOAD
    assert bench.perform("sk" + "_live_abcdef", {}).code is ReasonCode.UNKNOWN_CAPABILITY
    assert all(b"abcdef" not in s.entry.body for s in bench.entries())


def test_roles_and_kinds_of_actors(bench: Bench) -> None:
    assert bench.perform(APPEND, NOTE, VIEWER).code is ReasonCode.ROLE_REQUIRED
    drafted = bench.draft(session=AGENT)
    assert bench.approve(drafted, AGENT).code is ReasonCode.ACTOR_TYPE_REFUSED
    assert bench.approve(drafted, VIEWER).code is ReasonCode.ROLE_REQUIRED
    assert bench.execute(drafted, AGENT).code is ReasonCode.ACTOR_TYPE_REFUSED
    assert bench.state(drafted) == "pending_approval"
    assert bench.outside.calls == []


def test_nobody_approves_their_own_high_risk_proposal(bench: Bench) -> None:
    own = bench.draft(CLOSE, {"batchId": "b1"}, session=EDITOR)
    assert bench.approve(own, EDITOR).code is ReasonCode.SELF_APPROVAL
    assert bench.approve(own, OWNER).outcome == "approved"
    medium = bench.draft(session=EDITOR)
    assert bench.approve(medium, EDITOR).outcome == "approved"


def test_another_studio_cannot_touch_a_proposal_and_its_try_is_sealed_in_its_own_log(bench: Bench) -> None:
    drafted = bench.draft()
    for capability in ("proposal.approve", "proposal.reject"):
        shown = {"proposalId": drafted.proposal, "shownHash": drafted.data["proposalHash"]}
        assert bench.perform(capability, shown, STRANGER).code is ReasonCode.TENANT_MISMATCH
    assert bench.execute(drafted, STRANGER).code is ReasonCode.TENANT_MISMATCH
    assert bench.perform("proposal.rollback", {"proposalId": drafted.proposal}, STRANGER).code is ReasonCode.NOT_FOUND
    assert {s.entry.data["reasonCode"] for s in bench.entries("b")} == {"TENANT_MISMATCH", "NOT_FOUND"}
    assert bench.state(drafted) == "pending_approval"


def test_what_was_shown_has_to_be_what_is_stored(bench: Bench) -> None:
    drafted = bench.draft()
    shown = {"proposalId": drafted.proposal, "shownHash": "sha256:" + "0" * 64}
    assert bench.perform("proposal.approve", shown, OWNER).code is ReasonCode.SHOWN_DIFFERS
    assert bench.perform("proposal.reject", shown, OWNER).code is ReasonCode.SHOWN_DIFFERS
    assert bench.state(drafted) == "pending_approval"


def test_a_rejected_proposal_stays_rejected(bench: Bench) -> None:
    drafted = bench.draft()
    shown = {"proposalId": drafted.proposal, "shownHash": drafted.data["proposalHash"]}
    assert bench.perform("proposal.reject", shown, OWNER).outcome == "rejected"
    assert bench.approve(drafted).code is ReasonCode.WRONG_STATE
    assert bench.execute(drafted).code is ReasonCode.WRONG_STATE
    assert bench.outside.calls == []


def test_only_the_requester_withdraws(bench: Bench) -> None:
    drafted = bench.draft(session=EDITOR)
    assert (
        bench.perform("proposal.withdraw", {"proposalId": drafted.proposal}, OWNER, "").code is ReasonCode.ROLE_REQUIRED
    )
    assert bench.perform("proposal.withdraw", {"proposalId": drafted.proposal}, EDITOR, "").outcome == "withdrawn"
    assert bench.approve(drafted).code is ReasonCode.WRONG_STATE


def test_silence_never_means_yes(bench: Bench) -> None:
    pending, approved = bench.draft(), bench.approved(CLOSE, {"batchId": "b2"})
    bench.pass_time(DAY)
    assert bench.approve(pending).code is ReasonCode.EXPIRED
    assert bench.execute(approved).code is ReasonCode.EXPIRED
    assert asyncio.run(expire_due(bench.gateway)) == 2
    assert asyncio.run(expire_due(bench.gateway)) == 0
    assert {bench.state(pending), bench.state(approved)} == {"expired"}
    assert bench.outside.calls == []


def test_a_request_sent_twice_happens_once_and_is_traced(bench: Bench) -> None:
    drafted = bench.draft()
    shown = {"proposalId": drafted.proposal, "shownHash": drafted.data["proposalHash"]}
    first = bench.perform("proposal.approve", shown, OWNER, key="click-1")
    again = bench.perform("proposal.approve", shown, OWNER, key="click-1")
    assert (first.repeated, again.repeated) == (False, True)
    assert again.proposal == drafted.proposal
    assert bench.kinds(drafted).count("proposal.approved") == 1
    assert bench.kinds(drafted)[-1] == "request.repeated"


def test_a_draft_sent_twice_is_one_proposal(bench: Bench) -> None:
    first = bench.perform(APPEND, NOTE, key="draft-1")
    again = bench.perform(APPEND, NOTE, key="draft-1")
    assert again.repeated
    assert again.proposal == first.proposal
    assert len(bench.entries(kind="proposal.drafted")) == 1


def test_a_key_used_for_something_else_is_refused(bench: Bench) -> None:
    bench.perform(APPEND, NOTE, key="k")
    assert bench.perform(APPEND, NOTE | {"note": "another note"}, key="k").code is ReasonCode.KEY_REUSED
    assert bench.perform(CLOSE, {"batchId": "b1"}, key="k").code is ReasonCode.KEY_REUSED


@pytest.mark.parametrize(
    ("scripted", "code"),
    [
        (ConnectorError("no connection", code=ReasonCode.UNAVAILABLE), ReasonCode.UNAVAILABLE),
        (ConnectorError("slow", code=ReasonCode.TIMEOUT), ReasonCode.TIMEOUT),
        (Preview((), (), refusal=ReasonCode.NOT_FOUND, detail="no batch"), ReasonCode.NOT_FOUND),
        (Preview((), (), refusal=ReasonCode.NOTHING_TO_DO), ReasonCode.NOTHING_TO_DO),
    ],
)
def test_what_cannot_be_predicted_is_not_proposed(
    bench: Bench, scripted: Preview | Exception, code: ReasonCode
) -> None:
    bench.outside.previews = [scripted]
    assert bench.perform(APPEND, NOTE).code is code
    assert bench.entries(kind="proposal.drafted") == []


def test_policy_explains_beforehand_what_it_will_answer(bench: Bench) -> None:
    drafted = bench.draft(CLOSE, {"batchId": "b1"}, session=EDITOR)
    id = drafted.proposal or ""
    own = asyncio.run(bench.gateway.explain(id, EDITOR))
    other = asyncio.run(bench.gateway.explain(id, OWNER))
    assert own["proposal.approve"]["reasonCode"] == "SELF_APPROVAL"
    assert own["proposal.withdraw"]["allowed"]
    assert other["proposal.approve"]["allowed"]
    assert other["proposal.withdraw"]["reasonCode"] == "ROLE_REQUIRED"
    assert other["proposal.execute"]["reasonCode"] == "WRONG_STATE"
    assert other["proposal.rollback"]["reasonCode"] == "WRONG_STATE"
    assert asyncio.run(bench.gateway.explain("nonesuch", OWNER)) == {}
