"""Conduct is judged from the entries alone: what happened under the rules passes, anything else is named."""

from typing import Any

import pytest
from msgspec.structs import replace

from studio_brain.evidence.facts import Fact, facts
from studio_brain.evidence.log import find_log
from studio_brain.gateway.conduct import Conduct, judge
from studio_brain.kernel.clock import HOUR
from studio_brain.kernel.policy import TIERS, Risk
from studio_brain.kernel.ports import Outcome, OutcomeKind
from studio_brain.kernel.reasons import ReasonCode
from tests.gateway.harness import Bench
from tests.gateway.test_rebuild import live_through_everything


def story(bench: Bench) -> tuple[list[Fact], list[int]]:
    def read(conn: Any) -> tuple[list[Fact], list[int]]:
        log = find_log(conn, "a")
        assert log is not None
        sizes = conn.exec_driver_sql(f"SELECT size FROM checkpoint WHERE log_id = {log.log_id} ORDER BY size")
        return list(facts(conn, log, 0, 1 << 30)), [row[0] for row in sizes]

    return bench.databases.brain.reading(read)


def test_everything_that_the_gateway_does_is_under_its_own_rules(bench: Bench) -> None:
    live_through_everything(bench)
    found = judge(*story(bench))
    assert found.ok, found.faults
    assert found.proposals >= 5
    assert (found.writes, found.matched) == (3, 3)


def test_a_write_that_was_lost_and_asked_again_counts_once(bench: Bench) -> None:
    import asyncio

    drafted = bench.approved()
    bench.outside.answers = [Outcome(OutcomeKind.UNKNOWN, "r", ReasonCode.UNKNOWN_OUTCOME)]
    bench.execute(drafted)
    bench.pass_time()
    asyncio.run(bench.recovery.settle_all())
    assert bench.state(drafted) == "executed"
    found = judge(*story(bench))
    assert (found.ok, found.writes, found.matched) == (True, 1, 1), found.faults


def index_of(entries: list[Fact], kind: str) -> int:
    return next(i for i, fact in enumerate(entries) if fact.kind == kind)


def judged_without(bench: Bench, kind: str) -> Conduct:
    entries, sizes = story(bench)
    del entries[index_of(entries, kind)]
    return judge(entries, sizes)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("proposal.drafted", "never drafted"),
        ("proposal.submitted", "approve of a proposal that is draft"),
        ("proposal.approved", "without an approval"),
        ("execution.started", "never begun"),
    ],
)
def test_what_is_left_out_of_the_story_is_missed(bench: Bench, kind: str, says: str) -> None:
    bench.execute(bench.approved())
    found = judged_without(bench, kind)
    assert any(says in what for _, what in found.faults), found.faults
    assert found.matched == 0


def changed(bench: Bench, kind: str, **changes: Any) -> Conduct:
    entries, sizes = story(bench)
    at = index_of(entries, kind)
    fact = entries[at]
    top = {name: value for name, value in changes.items() if name in ("at_ms", "actor")}
    data = {name: value for name, value in changes.items() if name not in top}
    entries[at] = replace(fact, **top, data=fact.data | data)
    found = judge(entries, sizes)
    assert found.faults
    assert found.faults[0][0] == fact.seq
    return found


def test_forged_entries_are_named_by_their_index(bench: Bench) -> None:
    bench.execute(bench.approved())
    entries, sizes = story(bench)
    approved = entries[index_of(entries, "proposal.approved")]
    other = "sha256:" + "0" * 64
    late = approved.at_ms + TIERS[Risk.MEDIUM].lifetime_ms + HOUR
    assert "in_time" in changed(bench, "proposal.approved", at_ms=late).faults[0][1]
    assert "SHOWN_DIFFERS" in changed(bench, "proposal.approved", proposalHash=other).faults[0][1]
    assert "not to executed" in changed(bench, "proposal.approved", approvalState="executed").faults[0][1]
    assert "without an approval" in changed(bench, "execution.started", proposalHash=other).faults[0][1]
    assert "never begun" in changed(bench, "execution.result", executionId="other").faults[0][1]
    started = entries[index_of(entries, "execution.started")]
    twice = [
        *entries,
        replace(
            started, place=started.place + len(entries) - started.seq, data=started.data | {"executionId": "second"}
        ),
    ]
    assert "second outside write" in judge(twice, sizes).faults[0][1]
    assert "no signed checkpoint" in judge(entries, sizes[-1:]).faults[0][1]
    assert "without what it has to say" in judge([replace(entries[0], data={"proposalId": "x"})], sizes).faults[0][1]


def test_a_requester_may_not_approve_what_needs_other_eyes(bench: Bench) -> None:
    from tests.gateway.harness import CLOSE

    bench.approved(CLOSE, {"batchId": "b2"})
    entries, sizes = story(bench)
    requester = entries[index_of(entries, "proposal.drafted")].actor
    found = changed(bench, "proposal.approved", actor=requester)
    assert "by its requester" in found.faults[0][1]
    assert judge(entries, sizes).ok
