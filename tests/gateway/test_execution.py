"""Carrying out: claimed once, sealed before it leaves, finished behind a fence, settled by kind, never blind."""

import asyncio
from typing import Any

import pytest

from studio_brain.gateway.execution import Executor, Process
from studio_brain.kernel.errors import StorageError
from studio_brain.kernel.ports import (
    Change,
    ConnectorError,
    HealthState,
    Outcome,
    OutcomeKind,
    Preview,
    ReadBack,
    Settled,
    WriteCall,
)
from studio_brain.kernel.reasons import ReasonCode
from studio_brain.store.database import Databases
from tests.gateway.harness import CLOSE, OWNER, Bench

UNKNOWN = Outcome(OutcomeKind.UNKNOWN, "r", ReasonCode.UNKNOWN_OUTCOME, "the answer was lost")
BATCH = {"batchId": "b1"}


def test_an_approved_proposal_is_carried_out_once(bench: Bench) -> None:
    drafted = bench.approved()
    done = bench.execute(drafted)
    assert (done.outcome, bench.state(drafted)) == ("executed", "executed")
    assert bench.execute(drafted).code is ReasonCode.CONFLICT
    assert len(bench.outside.calls) == 1
    call = bench.outside.calls[0]
    assert (call.proposal, call.actor, call.approved_by, call.key) == (drafted.proposal, "imke", "imke", call.execution)


def test_what_was_not_approved_is_not_sent(bench: Bench) -> None:
    drafted = bench.draft()
    assert bench.execute(drafted).code is ReasonCode.WRONG_STATE
    assert bench.outside.calls == []
    assert bench.state(drafted) == "pending_approval"


def test_the_start_is_sealed_and_covered_before_anything_leaves(bench: Bench) -> None:
    drafted = bench.approved()
    seen: list[tuple[list[str], int]] = []

    def look(call: WriteCall) -> None:
        def work(conn: Any) -> int:
            return int(conn.exec_driver_sql("SELECT max(size) FROM checkpoint").scalar_one())

        seen.append((bench.kinds(drafted), bench.databases.brain.reading(work)))

    bench.outside.during = look
    bench.execute(drafted)
    ((kinds, covered),) = seen
    assert kinds[-1] == "execution.started"
    started = next(s for s in bench.entries() if s.entry.kind == "execution.started")
    assert covered > started.seq


def test_parallel_executions_send_one_write(bench: Bench) -> None:
    drafted = bench.approved()

    async def race() -> list[str]:
        asks = [bench.gateway.perform("proposal.execute", {"proposalId": drafted.proposal}, OWNER) for _ in range(8)]
        return [done.outcome for done in await asyncio.gather(*asks)]

    outcomes = asyncio.run(race())
    assert sorted(outcomes) == ["denied"] * 7 + ["executed"]
    assert len(bench.outside.calls) == 1


def test_approve_and_reject_at_the_same_time_have_one_winner(bench: Bench) -> None:
    for _ in range(10):
        drafted = bench.draft()
        shown = {"proposalId": drafted.proposal, "shownHash": drafted.data["proposalHash"]}

        async def race(shown: dict[str, Any] = shown) -> list[str]:
            verbs = ("proposal.approve", "proposal.reject")
            why = "decided at the very same moment"
            asks = [bench.gateway.perform(verb, shown, OWNER, rationale=why) for verb in verbs]
            return [done.outcome for done in await asyncio.gather(*asks)]

        outcomes = asyncio.run(race())
        assert bench.state(drafted) in ("approved", "rejected")
        # A rejection may still follow an approval; an approval never follows a rejection.
        assert outcomes != ["approved", "approved"]
        if bench.state(drafted) == "approved":
            assert outcomes == ["approved", "denied"]


def test_what_changed_in_the_cloud_since_is_refused_for_good(bench: Bench) -> None:
    drafted = bench.approved()
    bench.outside.version = "2026-11-21T09:30:00.000000Z"
    done = bench.execute(drafted)
    assert done.code is ReasonCode.STALE
    assert "batches/b1" in done.detail
    assert bench.state(drafted) == "refused"
    assert bench.outside.calls == []
    assert bench.execute(drafted).code is ReasonCode.WRONG_STATE


@pytest.mark.parametrize("code", [ReasonCode.UNAVAILABLE, ReasonCode.TIMEOUT, ReasonCode.AUTH, ReasonCode.RATE_LIMITED])
def test_a_cloud_out_of_reach_leaves_it_approved(bench: Bench, code: ReasonCode) -> None:
    drafted = bench.approved()
    bench.outside.previews = [ConnectorError("away", code=code)]
    assert bench.execute(drafted).code is code
    assert bench.state(drafted) == "approved"
    assert bench.execute(drafted).outcome == "executed"


def test_what_became_pointless_is_refused_for_good(bench: Bench) -> None:
    drafted = bench.approved(CLOSE, BATCH)
    bench.outside.previews = [Preview((), (), refusal=ReasonCode.NOTHING_TO_DO)]
    assert bench.execute(drafted).code is ReasonCode.NOTHING_TO_DO
    assert bench.state(drafted) == "refused"


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome(OutcomeKind.REFUSED, "r", ReasonCode.FORBIDDEN, "no"), "refused"),
        (Outcome(OutcomeKind.FAILED, "r", ReasonCode.UNAVAILABLE, "no connection"), "failed"),
        (UNKNOWN, "unknown"),
        (RuntimeError("a bug in the connector"), "unknown"),
        (TimeoutError(), "unknown"),
    ],
)
def test_each_outcome_comes_to_rest_in_its_state(bench: Bench, outcome: Outcome | Exception, state: str) -> None:
    drafted = bench.approved()
    bench.outside.answers = [outcome]
    done = bench.execute(drafted)
    assert (done.outcome, bench.state(drafted)) == (state, state)
    assert bench.kinds(drafted)[-1] == "execution.result"


def test_a_row_that_was_changed_behind_the_log_is_not_carried_out(bench: Bench) -> None:
    drafted = bench.approved()
    original = bench.proposal(drafted)["content"]
    with bench.databases.brain.write.begin() as conn:
        conn.exec_driver_sql("UPDATE proposal SET content = replace(content, 'glaze', 'safe!')")
    assert bench.execute(drafted).code is ReasonCode.SHOWN_DIFFERS
    assert bench.outside.calls == []
    with bench.databases.brain.write.begin() as conn:
        conn.exec_driver_sql("UPDATE proposal SET content = replace(content, 'safe!', 'glaze')")
    assert bench.proposal(drafted)["content"] == original


def test_an_approval_of_another_text_does_not_count(bench: Bench) -> None:
    drafted = bench.approved()
    blob = "decode('00','hex')" if bench.databases.brain.dialect == "postgresql" else "x'00'"
    with bench.databases.brain.write.begin() as conn:
        before = conn.exec_driver_sql("SELECT proposal_hash FROM approval").scalar_one()
        conn.exec_driver_sql(f"UPDATE approval SET proposal_hash = {blob}")
    assert bench.execute(drafted).code is ReasonCode.WRONG_STATE
    assert bench.outside.calls == []
    with bench.databases.brain.write.begin() as conn:
        from sqlalchemy import text

        conn.execute(text("UPDATE approval SET proposal_hash = :h"), {"h": bytes(before)})


@pytest.mark.parametrize("stage", ["drafted", "approved", "started"])
def test_without_a_receipt_nothing_happens(bench: Bench, stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log refuses to take the entry of one stage: that stage did not happen, and nothing was sent."""
    drafted = None if stage == "drafted" else bench.draft() if stage == "approved" else bench.approved()
    broken = StorageError("the disk is full", code=ReasonCode.STORAGE_FULL)
    before = None if drafted is None else bench.state(drafted)

    def fails(*_: Any) -> None:
        raise broken

    with monkeypatch.context() as patch:
        patch.setattr("studio_brain.evidence.log.Appender.close", fails)
        done = (
            bench.perform("firestore.ops_note.append", {"batchId": "b1", "note": "look here"})
            if drafted is None
            else (bench.approve(drafted) if stage == "approved" else bench.execute(drafted))
        )
    assert (done.outcome, done.code) == ("denied", ReasonCode.AUDIT_UNAVAILABLE)
    assert "STORAGE_FULL" in done.detail
    assert bench.outside.calls == []
    if drafted is None:
        assert bench.entries() == []
    else:
        assert bench.state(drafted) == before


def test_a_result_that_cannot_be_sealed_is_unknown_and_settled_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafted = bench.approved()
    broken = StorageError("the disk is full", code=ReasonCode.STORAGE_FULL)

    def break_now(call: WriteCall) -> None:
        patch.setattr("studio_brain.evidence.log.Appender.close", fails)

    def fails(*_: Any) -> None:
        raise broken

    bench.outside.during = break_now
    with monkeypatch.context() as patch:
        done = bench.execute(drafted)
    bench.outside.during = None
    assert (done.outcome, done.code) == ("unknown", ReasonCode.UNKNOWN_OUTCOME)
    assert bench.state(drafted) == "executing"
    bench.pass_time(60_000)  # the lease of this process runs out
    assert asyncio.run(bench.recovery.settle_all()) == 0
    assert bench.state(drafted) == "executed"
    assert list(bench.outside.applied.values()) == [1]


def test_what_was_read_back_is_compared_with_what_was_predicted(bench: Bench) -> None:
    drafted = bench.approved(CLOSE, BATCH)
    bench.outside.found = ReadBack(Settled.DONE, (Change("batches/b1", "isClosed", False, True),))
    bench.execute(drafted)
    compared = bench.entries(kind="execution.compared")[0].entry.data
    assert (compared["deviates"], compared["reasonCode"]) == (False, None)


def test_a_deviation_is_sealed_as_one(bench: Bench) -> None:
    drafted = bench.approved(CLOSE, BATCH)
    bench.outside.found = ReadBack(Settled.NOT_DONE, (Change("batches/b1", "isClosed", False, False),))
    bench.execute(drafted)
    compared = bench.entries(kind="execution.compared")[0].entry.data
    assert (compared["deviates"], compared["reasonCode"]) == (True, "DEVIATION")


def restart(bench: Bench, name: str = "another") -> Bench:
    """The same database after the process that held it died."""
    bench.writer.close()
    again = Bench(bench.databases, Process(name, lambda owner: owner == name))
    again.outside, again.clock.ms = bench.outside, bench.clock.ms
    again.gateway.connectors = {"a": {"functions": bench.outside}}
    bench.writer, bench.gateway, bench.recovery, bench.executor = (
        again.writer,
        again.gateway,
        again.recovery,
        again.executor,
    )
    bench.clock = again.clock
    return bench


class Killed(BaseException):
    """Stands for the end of the process: nothing after it runs."""


def die_during(bench: Bench, drafted: Any, *, applied: bool) -> None:
    def die(call: WriteCall) -> None:
        if applied:
            bench.outside.applied[call.key] = 1
        raise Killed

    bench.outside.during = die
    with pytest.raises(Killed):
        bench.execute(drafted)
    bench.outside.during = None


@pytest.mark.parametrize("applied", [True, False])
def test_a_death_between_start_and_answer_is_settled_by_the_key(bench: Bench, applied: bool) -> None:
    drafted = bench.approved()
    die_during(bench, drafted, applied=applied)
    assert bench.state(drafted) == "executing"
    restart(bench)
    assert asyncio.run(bench.recovery.settle_all()) == 0
    assert bench.state(drafted) == "executed"
    assert list(bench.outside.applied.values()) == [1]
    result = bench.entries(kind="execution.result")[-1].entry
    assert result.data["replayed"] is applied
    assert result.actor.type == "system"
    assert bench.kinds(drafted).count("execution.started") == 2


def test_a_living_process_keeps_its_lease(bench: Bench) -> None:
    drafted = bench.approved()
    die_during(bench, drafted, applied=False)
    assert asyncio.run(bench.recovery.settle_all()) == 1  # the same name lives, and its time is not over
    assert bench.state(drafted) == "executing"


def test_a_lost_answer_of_a_keyless_write_is_settled_by_reading_back(bench: Bench) -> None:
    drafted = bench.approved(CLOSE, BATCH)
    bench.outside.answers = [UNKNOWN]
    bench.execute(drafted)
    bench.outside.found = ReadBack(Settled.DONE, (Change("batches/b1", "isClosed", False, True),))
    assert asyncio.run(bench.recovery.settle_all()) == 0
    assert bench.state(drafted) == "executed"
    assert len(bench.outside.calls) == 1


def test_not_done_counts_only_when_the_call_can_no_longer_be_under_way(bench: Bench) -> None:
    drafted = bench.approved(CLOSE, BATCH)
    bench.outside.answers = [UNKNOWN]
    bench.execute(drafted)
    bench.outside.found = ReadBack(Settled.NOT_DONE, ())
    assert asyncio.run(bench.recovery.settle_all()) == 1
    bench.pass_time(23_000)
    assert asyncio.run(bench.recovery.settle_all()) == 0
    assert bench.state(drafted) == "failed"
    assert bench.proposal(drafted)["code"] == "NOT_APPLIED"
    assert len(bench.outside.calls) == 1


def test_an_unclear_target_waits_for_a_person(bench: Bench) -> None:
    drafted = bench.approved(CLOSE, BATCH)
    bench.outside.answers = [UNKNOWN]
    bench.execute(drafted)
    for _ in range(5):
        bench.pass_time(600_000)
        assert asyncio.run(bench.recovery.settle_all()) == 1
    assert bench.state(drafted) == "unknown"
    assert len(bench.outside.calls) == 1


def test_a_second_answer_other_than_yes_settles_nothing(bench: Bench) -> None:
    drafted = bench.approved()
    bench.outside.answers = [
        UNKNOWN,
        Outcome(OutcomeKind.FAILED, "r", ReasonCode.UNAVAILABLE),
        Outcome(OutcomeKind.REFUSED, "r"),
    ]
    bench.execute(drafted)
    for _ in range(2):
        bench.pass_time(600_000)
        asyncio.run(bench.recovery.settle_all())
        assert bench.state(drafted) == "unknown"
    bench.pass_time(600_000)
    assert asyncio.run(bench.recovery.settle_all()) == 0
    assert bench.state(drafted) == "executed"


def test_nothing_is_asked_again_while_the_cloud_is_away(bench: Bench) -> None:
    drafted = bench.approved()
    bench.outside.answers = [UNKNOWN]
    bench.execute(drafted)
    bench.outside.state = HealthState.DOWN
    for _ in range(4):
        bench.pass_time(600_000)
        asyncio.run(bench.recovery.settle_all())
    assert bench.kinds(drafted).count("execution.started") == 1
    assert len(bench.outside.calls) == 1


def test_a_late_answer_of_an_older_attempt_changes_nothing(bench: Bench) -> None:
    """The zombie: its lease ran out, recovery settled, and then its own answer arrives."""
    drafted = bench.approved()

    async def slow(call: WriteCall) -> None:
        bench.outside.during = None
        bench.pass_time(60_000)
        bench.outside.applied[call.key] = 1
        await bench.recovery.settle_all()

    bench.outside.during = slow
    bench.execute(drafted)
    assert bench.state(drafted) == "executed"
    assert bench.kinds(drafted)[-1] == "execution.late_answer"
    assert list(bench.outside.applied.values()) == [1]


def test_the_write_deadline_is_kept_even_when_the_connector_forgets_it(databases: Databases) -> None:
    bench = Bench(databases)
    drafted = bench.approved()
    bench.gateway.procedures["proposal.execute"] = Executor(
        bench.gateway, bench.clock, Process("me", lambda name: True), write_deadline_s=0.1
    )

    async def forgets(call: WriteCall) -> None:
        await asyncio.Event().wait()

    bench.outside.during = forgets
    assert bench.execute(drafted).outcome == "unknown"
    bench.close()
