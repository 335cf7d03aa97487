"""Retention takes what a studio gave a time to, when that is over and somebody has seen the list; a hold wins."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from studio_brain.brain import Brain
from studio_brain.domains.records.retention_rules import RULES
from studio_brain.domains.studio.diff import GROUPS
from studio_brain.evidence.entry import ActorRef, Event
from studio_brain.kernel.clock import DAY, ShiftedClock
from studio_brain.kernel.errors import ConfigError
from studio_brain.kernel.hashing import to_text
from studio_brain.kernel.reasons import ReasonCode
from tests.domains.records.homes import VAULT, do, entries, with_brain
from tests.domains.records.lived import (
    WHY,
    approve,
    destroy,
    draft,
    files_holding,
    imke,
    lived_home,
    note,
    raw,
    scripted,
    teo,
    verified,
)

RUN = "retention.run"
SETTINGS = """
[records.retention]
"proposal.drafted" = 400
"execution.result" = 400
"studio.observed" = 100
"""
OLD = "the glaze of Henrietta ran over the shelf"


def years_pass(brain: Brain, days: int = 500) -> None:
    assert isinstance(brain.clock, ShiftedClock)
    brain.clock.shift_ms += days * DAY


async def observe(brain: Brain, day: str, number: int) -> None:
    data = {
        "snapshot": {"snapshotDate": day, **{group: {"x": number} for group in GROUPS}, "cloudSync": {}},
        "diagnostics": {},
        "stateHash": to_text(bytes([number]) * 32),
    }
    event = Event("studio.observed", "studio:state", ActorRef("system", "t", "test"), "c", data)
    await asyncio.wrap_future(brain.writer.submit("a", lambda unit: unit.append(event)))


async def due(brain: Brain) -> Any:
    return await brain.query("retention.due", {}, imke(brain))


def test_what_its_time_is_over_of_goes_and_no_entry_does(tmp_path: Path) -> None:
    home = lived_home(tmp_path / "home", SETTINGS)

    async def work(brain: Brain) -> None:
        await note(brain, OLD)
        for number, day in enumerate(("2025-01-01", "2025-01-02", "2025-01-03", "2025-01-04")):
            await observe(brain, day, number + 1)
        then = len(entries(brain)) - 1
        before = await brain.query("studio.today", {}, imke(brain))
        assert (await due(brain))["items"] == []
        years_pass(brain)
        await note(brain, "something of today, not of then", "b9")
        listed = await due(brain)
        assert sorted(item["kind"] for item in listed["items"]) == [
            "execution.result", "proposal.drafted", "studio.observed", "studio.observed",
        ]  # fmt: skip
        bodies = raw(brain, "SELECT place, body FROM entry ORDER BY place")
        done = await destroy(brain, RUN, {})
        assert done.outcome == "executed", done
        assert done.data["output"]["taken"] == {"execution.result": 1, "proposal.drafted": 1, "studio.observed": 2}
        assert raw(brain, "SELECT place, body FROM entry ORDER BY place")[: len(bodies)] == bodies
        assert files_holding(home, OLD.encode()) == []
        days = (await brain.query("studio.today", {}, imke(brain)))["days"]
        assert (before["days"][-2:], days) == (["2025-01-02", "2025-01-01"], ["2025-01-04", "2025-01-03"])
        assert (await due(brain))["items"] == []
        ran = entries(brain, kind="retention.ran")[0].entry.data
        assert (ran["taken"], ran["approvedBy"]) == (done.data["output"]["taken"], "imke")
        assert (await verified(brain)).ok
        assert (await brain.perform("system.rebuild_check", {}, imke(brain))).data["differing"] == []
        assert (await brain.perform("system.rebuild", {}, imke(brain))).outcome == "rebuilt"
        assert (await brain.query("studio.today", {}, imke(brain)))["days"] == days
        past = await brain.query("studio.today", {}, imke(brain), {"index": then})
        assert past["days"] == before["days"]

    with_brain(home, work)


def test_by_default_everything_is_kept_for_ever(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        await note(brain, OLD)
        years_pass(brain, 36_500)
        assert (await due(brain))["items"] == []
        assert (await destroy(brain, RUN, {})).code is ReasonCode.NOTHING_TO_DO

    with_brain(lived_home(tmp_path / "home"), work)


def test_a_hold_wins_and_so_does_a_proposal_that_is_still_open(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        kept, other = await note(brain, OLD), await note(brain, "another note of long ago", "b2")
        await draft(brain, "a draft that nobody has decided", "b3")
        years_pass(brain)
        held = {"scope": "proposal", "target": kept}
        await brain.perform("retention.hold", held, imke(brain), rationale=WHY)
        listed = await due(brain)
        assert (len(listed["items"]), listed["held"], listed["needed"]) == (2, 2, 1)
        assert (await destroy(brain, RUN, {})).outcome == "executed"
        shown = [await brain.query("proposals.one", {"id": id}, imke(brain)) for id in (kept, other)]
        assert [one["input"] is None for one in shown] == [False, True]

    with_brain(lived_home(tmp_path / "home", SETTINGS), work)


def test_a_list_that_changed_after_the_approval_is_not_taken(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        kept = await note(brain, OLD)
        years_pass(brain)
        asked = await brain.perform(RUN, {}, teo(brain), rationale=WHY)
        await approve(brain, asked)
        await brain.perform("retention.hold", {"scope": "entry", "target": "0"}, imke(brain), rationale=WHY)
        done = await brain.perform("proposal.execute", {"proposalId": asked.proposal}, imke(brain))
        assert done.code is ReasonCode.STALE
        assert (await brain.query("proposals.one", {"id": kept}, imke(brain)))["input"] is not None

    with_brain(lived_home(tmp_path / "home", SETTINGS), work)


def test_where_there_are_vaults_nothing_goes_before_they_hold_it(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        await note(brain, OLD)
        years_pass(brain)
        assert (await destroy(brain, RUN, {})).code is ReasonCode.NOT_VAULTED
        (tmp_path / "home" / "usb").mkdir(exist_ok=True)
        assert (await do(brain, "vault.export", {"begin": True})).code is None
        assert (await destroy(brain, RUN, {})).outcome == "executed"
        assert (await verified(brain)).ok

    with_brain(lived_home(tmp_path / "home", VAULT + SETTINGS), work)


def test_no_write_reaches_the_cloud(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        cloud = scripted(brain)
        await note(brain, OLD)
        sent = len(cloud.calls)
        years_pass(brain)
        assert (await destroy(brain, RUN, {})).outcome == "executed"
        assert len(cloud.calls) == sent

    with_brain(lived_home(tmp_path / "home", SETTINGS), work)


@pytest.mark.parametrize(
    ("line", "says"),
    [('"proposal.drafted" = 30', "at least 365 days"), ('"proposal.approved" = 4000', "cannot be given a time")],
)
def test_a_time_that_is_too_short_or_names_nothing_stops_the_start(tmp_path: Path, line: str, says: str) -> None:
    async def work(brain: Brain) -> None:
        raise AssertionError("it opened")

    with pytest.raises(ConfigError, match=says):
        with_brain(lived_home(tmp_path / "home", f"[records.retention]\n{line}\n"), work)


def test_every_rule_says_why_and_names_a_kind_that_is_registered(tmp_path: Path) -> None:
    async def work(brain: Brain) -> frozenset[str]:
        return frozenset[str]().union(*(m.receipt_kinds for m in brain.registry.manifests))

    kinds = with_brain(lived_home(tmp_path / "home"), work)
    assert {rule.kind for rule in RULES} <= kinds
    assert all(len(rule.why) > 20 and rule.least_days >= 90 for rule in RULES)
