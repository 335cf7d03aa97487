"""The kill switch: on in any scope, nothing of that scope leaves, whichever path it takes."""

import asyncio
from typing import Any

import pytest

from studio_brain.gateway.switch_ends import end_due
from studio_brain.kernel.clock import HOUR, MINUTE, utc_text
from studio_brain.kernel.ports import Outcome, OutcomeKind, WriteCall
from studio_brain.kernel.reasons import ReasonCode
from tests.gateway.harness import APPEND, EDITOR, NOW, OWNER, VIEWER, Bench

SCOPES = [
    {"scope": "global"},
    {"scope": "tenant"},
    {"scope": "connector", "target": "functions"},
    {"scope": "capability", "target": APPEND},
]


@pytest.mark.parametrize("scope", SCOPES, ids=lambda s: s["scope"])
def test_nothing_leaves_while_it_is_on_and_everything_after(bench: Bench, scope: dict[str, str]) -> None:
    drafted = bench.approved()
    assert bench.perform("killswitch.engage", scope, EDITOR).outcome == "on"
    done = bench.execute(drafted)
    assert (done.code, bench.state(drafted)) == (ReasonCode.KILL_SWITCH, "approved")
    assert bench.outside.calls == []
    assert bench.draft().outcome == "asked"
    assert bench.perform("killswitch.release", scope, OWNER).outcome == "off"
    assert bench.execute(drafted).outcome == "executed"


def test_engaged_between_claim_and_wire_nothing_leaves(bench: Bench) -> None:
    drafted = bench.approved()
    send = bench.outside.execute

    async def late(call: WriteCall) -> Outcome:
        await bench.gateway.perform("killswitch.engage", {"scope": "global"}, EDITOR, rationale="something is wrong")
        return await send(call)

    bench.outside.execute = late  # type: ignore[method-assign]
    done = bench.execute(drafted)
    assert (done.outcome, done.code) == ("failed", ReasonCode.KILL_SWITCH)
    assert bench.outside.calls == []


def test_an_unknown_outcome_is_not_asked_again_while_it_is_on(bench: Bench) -> None:
    drafted = bench.approved()
    bench.outside.answers = [Outcome(OutcomeKind.UNKNOWN, "r", ReasonCode.UNKNOWN_OUTCOME)]
    bench.execute(drafted)
    bench.perform("killswitch.engage", {"scope": "tenant"}, EDITOR)
    bench.pass_time(600_000)
    assert asyncio.run(bench.recovery.settle_all()) == 1
    assert len(bench.outside.calls) == 1
    bench.perform("killswitch.release", {"scope": "tenant"}, OWNER)
    bench.pass_time(600_000)
    assert asyncio.run(bench.recovery.settle_all()) == 0


def test_a_rollback_is_stopped_as_well(bench: Bench) -> None:
    drafted = bench.approved()
    bench.execute(drafted)
    undo = bench.perform("proposal.rollback", {"proposalId": drafted.proposal}, EDITOR)
    bench.approve(undo)
    bench.perform("killswitch.engage", {"scope": "connector", "target": "functions"}, EDITOR)
    assert bench.execute(undo).code is ReasonCode.KILL_SWITCH
    assert len(bench.outside.calls) == 1


def test_releasing_needs_more_than_engaging_and_both_need_a_rationale(bench: Bench) -> None:
    assert (
        bench.perform("killswitch.engage", {"scope": "tenant"}, EDITOR, "short").code is ReasonCode.RATIONALE_REQUIRED
    )
    assert bench.perform("killswitch.engage", {"scope": "tenant"}, VIEWER).code is ReasonCode.ROLE_REQUIRED
    bench.perform("killswitch.engage", {"scope": "tenant"}, EDITOR)
    assert bench.perform("killswitch.engage", {"scope": "tenant"}, EDITOR).code is ReasonCode.NOTHING_TO_DO
    assert bench.perform("killswitch.release", {"scope": "tenant"}, EDITOR).code is ReasonCode.ROLE_REQUIRED
    assert bench.perform("killswitch.release", {"scope": "tenant"}, OWNER).outcome == "off"
    assert bench.perform("killswitch.release", {"scope": "tenant"}, OWNER).code is ReasonCode.NOTHING_TO_DO


@pytest.mark.parametrize(
    "payload", [{"scope": "planet"}, {"scope": "connector"}, {"scope": "capability", "target": ""}, {}]
)
def test_a_switch_that_names_nothing_is_refused(bench: Bench, payload: dict[str, str]) -> None:
    assert bench.perform("killswitch.engage", payload, EDITOR).code is ReasonCode.INVALID_PAYLOAD


def test_the_global_switch_is_sealed_in_the_installations_own_log(bench: Bench) -> None:
    bench.perform("killswitch.engage", {"scope": "global"}, EDITOR)
    assert [s.entry.kind for s in bench.entries("_system")] == ["killswitch.engaged"]
    assert bench.entries("a") == []


def test_a_database_that_cannot_be_read_stops_the_wire(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    drafted = bench.approved()
    send = bench.outside.execute

    async def unreadable(call: WriteCall) -> Outcome:
        with monkeypatch.context() as patch:
            patch.setattr("studio_brain.store.database.Database.reading", lambda *_: 1 / 0)
            return await send(call)

    bench.outside.execute = unreadable  # type: ignore[method-assign]
    assert bench.execute(drafted).code is ReasonCode.AUDIT_UNAVAILABLE
    assert bench.outside.calls == []


def engaged(bench: Bench) -> int:
    def count(conn: Any) -> int:
        return int(conn.exec_driver_sql("SELECT count(*) FROM switch").scalar_one())

    return bench.databases.brain.reading(count)


def test_a_switch_ends_by_itself_when_its_time_is_over_and_that_is_sealed(bench: Bench) -> None:
    drafted = bench.approved()
    on = bench.perform("killswitch.engage", {"scope": "tenant", "forMinutes": 30}, EDITOR)
    assert on.data["until"] == utc_text(NOW + 30 * MINUTE)
    bench.pass_time(30 * MINUTE - 1)
    assert bench.execute(drafted).code is ReasonCode.KILL_SWITCH
    bench.pass_time(1)
    assert bench.execute(drafted).outcome == "executed"
    sealed = bench.entries(kind="killswitch.expired")[0].entry
    assert (sealed.actor.type, sealed.data["scope"], sealed.data["approvalState"]) == ("system", "tenant", "off")
    assert engaged(bench) == 0


def test_a_clock_that_jumps_ends_no_switch(bench: Bench) -> None:
    up = ["first", 1_000_000]
    bench.gateway.uptime = lambda: (str(up[0]), int(up[1]))  # type: ignore[call-overload]
    drafted = bench.approved()
    bench.perform("killswitch.engage", {"scope": "global", "forMinutes": 30}, EDITOR)
    bench.pass_time(HOUR)  # the wall says an hour, the machine has been on for no longer
    assert asyncio.run(end_due(bench.gateway)) == 0
    assert bench.execute(drafted).code is ReasonCode.KILL_SWITCH
    up[1] = 1_000_000 + 30 * MINUTE
    assert asyncio.run(end_due(bench.gateway)) == 1
    assert [s.entry.kind for s in bench.entries("_system")] == ["killswitch.engaged", "killswitch.expired"]


def test_a_switch_without_an_end_stays_on(bench: Bench) -> None:
    bench.perform("killswitch.engage", {"scope": "tenant"}, EDITOR)
    bench.pass_time(400 * 24 * HOUR)
    assert asyncio.run(end_due(bench.gateway)) == 0
    assert engaged(bench) == 1


def test_a_released_switch_is_not_ended_a_second_time(bench: Bench) -> None:
    bench.perform("killswitch.engage", {"scope": "tenant", "forMinutes": 1}, EDITOR)
    bench.perform("killswitch.release", {"scope": "tenant"}, OWNER)
    bench.pass_time(HOUR)
    assert asyncio.run(end_due(bench.gateway)) == 0
    assert bench.perform("killswitch.engage", {"scope": "tenant", "forMinutes": 0}, EDITOR).code is (
        ReasonCode.INVALID_PAYLOAD
    )


def test_the_switch_of_a_capability_stops_its_undoing_too(bench: Bench) -> None:
    done = bench.approved()
    bench.execute(done)
    undo = bench.perform("proposal.rollback", {"proposalId": done.proposal}, EDITOR)
    bench.approve(undo)
    bench.perform("killswitch.engage", {"scope": "capability", "target": APPEND}, EDITOR)
    assert bench.execute(undo).code is ReasonCode.KILL_SWITCH
    assert bench.state(undo) == "approved"
    bench.perform("killswitch.release", {"scope": "capability", "target": APPEND}, OWNER)
    send = bench.outside.execute

    async def late(call: WriteCall) -> Outcome:
        scope = {"scope": "capability", "target": APPEND}
        await bench.gateway.perform("killswitch.engage", scope, EDITOR, rationale="something is wrong")
        return await send(call)

    bench.outside.execute = late  # type: ignore[method-assign]
    assert bench.execute(undo).code is ReasonCode.KILL_SWITCH
    assert len(bench.outside.calls) == 1
