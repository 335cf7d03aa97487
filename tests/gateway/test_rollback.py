"""Rollback: a proposal of its own, linked, approved under the same rules, once."""

import pytest

from studio_brain.kernel.ports import Outcome, OutcomeKind
from studio_brain.kernel.reasons import ReasonCode
from tests.gateway.harness import CLOSE, EDITOR, OWNER, Bench

WHY = "it was the wrong batch, sorry"


def test_a_rollback_is_proposed_approved_and_marks_the_original(bench: Bench) -> None:
    drafted = bench.approved()
    done = bench.execute(drafted)
    back = bench.perform("proposal.rollback", {"proposalId": drafted.proposal}, EDITOR, WHY)
    row = bench.proposal(back)
    assert (back.outcome, row["rollback_of"]) == ("asked", done.data["executionId"])
    assert bench.execute(back).code is ReasonCode.WRONG_STATE
    bench.approve(back)
    assert bench.execute(back).outcome == "executed"
    assert bench.state(drafted) == "rolled_back"
    call = bench.outside.calls[-1]
    assert call.operation == "ops_note.rollback"
    assert call.input == {"proposalId": drafted.proposal, "executionId": done.data["executionId"], "reason": WHY}


def test_it_happens_once(bench: Bench) -> None:
    drafted = bench.approved()
    bench.execute(drafted)
    back = bench.perform("proposal.rollback", {"proposalId": drafted.proposal}, EDITOR, WHY)
    again = bench.perform("proposal.rollback", {"proposalId": drafted.proposal}, OWNER, WHY)
    assert again.code is ReasonCode.ALREADY_ROLLED_BACK
    bench.approve(back)
    bench.execute(back)
    assert (
        bench.perform("proposal.rollback", {"proposalId": drafted.proposal}, EDITOR, WHY).code
        is ReasonCode.ALREADY_ROLLED_BACK
    )


def test_a_rejected_rollback_may_be_proposed_again(bench: Bench) -> None:
    drafted = bench.approved()
    bench.execute(drafted)
    back = bench.perform("proposal.rollback", {"proposalId": drafted.proposal}, EDITOR, WHY)
    shown = {"proposalId": back.proposal, "shownHash": back.data["proposalHash"]}
    bench.perform("proposal.reject", shown, OWNER, WHY)
    assert bench.perform("proposal.rollback", {"proposalId": drafted.proposal}, EDITOR, WHY).outcome == "asked"


def test_what_has_no_rollback_says_so(bench: Bench) -> None:
    drafted = bench.approved(CLOSE, {"batchId": "b1"})
    bench.execute(drafted)
    assert (
        bench.perform("proposal.rollback", {"proposalId": drafted.proposal}, EDITOR, WHY).code is ReasonCode.NO_ROLLBACK
    )


@pytest.mark.parametrize("outcome", [OutcomeKind.FAILED, OutcomeKind.UNKNOWN, None])
def test_only_what_was_executed_is_rolled_back(bench: Bench, outcome: OutcomeKind | None) -> None:
    drafted = bench.approved()
    if outcome is not None:
        bench.outside.answers = [Outcome(outcome, "r")]
        bench.execute(drafted)
    assert (
        bench.perform("proposal.rollback", {"proposalId": drafted.proposal}, EDITOR, WHY).code is ReasonCode.WRONG_STATE
    )


def test_a_failed_rollback_leaves_the_original_as_it_was(bench: Bench) -> None:
    drafted = bench.approved()
    bench.execute(drafted)
    back = bench.perform("proposal.rollback", {"proposalId": drafted.proposal}, EDITOR, WHY)
    bench.approve(back)
    bench.outside.answers = [Outcome(OutcomeKind.REFUSED, "r", ReasonCode.NOT_FOUND)]
    bench.execute(back)
    assert bench.state(drafted) == "executed"


def test_a_rationale_is_needed(bench: Bench) -> None:
    drafted = bench.approved()
    bench.execute(drafted)
    done = bench.perform("proposal.rollback", {"proposalId": drafted.proposal}, EDITOR, "oops")
    assert done.code is ReasonCode.RATIONALE_REQUIRED
