"""Days, diffs and history: one snapshot a studio day, diffs between days, all of it back after a rebuild offline."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from studio_brain.brain import Brain
from studio_brain.doors.rehearsal import Rehearsal
from tests.practice_process import PracticeProcess
from tests.studio_home import connected_home, manager, snapshot, with_brain


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has seen four practice days, the last one twice; its cloud is gone afterwards."""
    home = tmp_path_factory.mktemp("lived") / "home"
    with PracticeProcess("--days-ago", "3") as practice:
        connected_home(home, practice)

        async def live(brain: Brain) -> None:
            rehearsal = Rehearsal(brain)
            for day in range(4):
                if day:
                    await rehearsal.advance()
                await snapshot(brain)
            await snapshot(brain)

        with_brain(home, live)
    return home


def ask(home: Path, name: str, **params: Any) -> Any:
    async def work(brain: Brain) -> Any:
        return await brain.query(name, params, manager(brain))

    return with_brain(home, work)


def test_one_snapshot_a_day_and_its_diff(lived: Path) -> None:
    shown = ask(lived, "studio.today")
    assert len(shown["days"]) == 4
    assert shown["days"] == sorted(shown["days"], reverse=True)
    assert [h["day"] for h in shown["history"]] == sorted(shown["days"])
    # The open day compares its last two observations: nothing happened between them.
    assert shown["diff"]["changes"] == {}
    assert shown["diff"]["fromSnapshotDate"] == shown["diff"]["toSnapshotDate"]
    yesterday = ask(lived, "studio.today", day=shown["days"][1])
    assert yesterday["diff"]["fromSnapshotDate"] == shown["days"][2]
    assert yesterday["diff"]["changes"]


def test_any_two_days_compare_and_add_up(lived: Path) -> None:
    days = ask(lived, "studio.today")["days"][::-1]
    over_all = ask(lived, "studio.diff", **{"from": days[0], "to": days[-1]})["changes"]
    steps = [ask(lived, "studio.diff", **{"from": a, "to": b})["changes"] for a, b in itertools.pairwise(days)]
    for key, change in over_all.items():
        moved = [step[key] for step in steps if key in step]
        assert moved[0]["from"] == change["from"]
        assert moved[-1]["to"] == change["to"]
    back = ask(lived, "studio.diff", **{"from": days[-1], "to": days[0]})["changes"]
    assert {k: (c["to"], c["from"]) for k, c in back.items()} == {k: (c["from"], c["to"]) for k, c in over_all.items()}


def test_a_day_without_a_snapshot_has_none(lived: Path) -> None:
    assert ask(lived, "studio.snapshot", day="2001-01-01") is None
    assert ask(lived, "studio.diff", **{"from": "2001-01-01", "to": "2001-01-02"}) is None
    assert ask(lived, "studio.today", day="2001-01-01")["snapshot"] is None


def test_everything_is_back_after_the_views_were_deleted_and_the_cloud_is_gone(lived: Path) -> None:
    before = (
        ask(lived, "studio.today"),
        [ask(lived, "studio.snapshot", day=d) for d in ask(lived, "studio.today")["days"]],
    )

    async def hashes(brain: Brain) -> dict[str, str]:
        return brain.projections.state_sha256()

    stamped = with_brain(lived, hashes)
    for path in lived.glob("views.db*"):
        path.unlink()

    async def rebuild(brain: Brain) -> Any:
        done = await brain.perform("system.rebuild", {}, manager(brain))
        return done.data

    rebuilt = with_brain(lived, rebuild)
    assert rebuilt["rowsDiffered"] is False
    assert rebuilt["views"] == stamped
    assert with_brain(lived, hashes) == stamped
    after = (
        ask(lived, "studio.today"),
        [ask(lived, "studio.snapshot", day=d) for d in ask(lived, "studio.today")["days"]],
    )
    assert after == before
