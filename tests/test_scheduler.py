"""The engine's scheduler: jobs run as the system when they are due, a missed one once, and what came of it is kept."""

from pathlib import Path
from typing import Any

from studio_brain.brain import Brain
from studio_brain.kernel.clock import DAY, ShiftedClock
from studio_brain.scheduler import Scheduler
from studio_brain.store.schedule import states
from tests.domains.records.homes import entries, seal, with_brain
from tests.domains.records.lived import lived_home


def shift(brain: Brain, ms: int) -> None:
    """Moves the brain's clock, as a practice studio does."""
    assert isinstance(brain.clock, ShiftedClock)
    brain.clock.shift_ms += ms


def test_a_new_studio_waits_and_missed_runs_are_caught_up_once(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        told: list[tuple[str, dict[str, Any]]] = []
        scheduler = Scheduler(brain, lambda topic, data: told.append((topic, data)))
        assert await scheduler.turn() == 0  # nothing was ever sealed
        await seal(brain, 1, 2, 3)
        assert await scheduler.turn() == 0
        shift(brain, 9 * DAY)
        jobs = brain.registry.jobs
        assert {"sweep.daily", "sweep.weekly"} <= set(jobs)
        assert await scheduler.turn() == len(jobs)
        assert await scheduler.turn() == 0
        sealed = [stored.entry for stored in entries(brain, kind="sweep.done")]
        assert [entry.data["full"] for entry in sealed] == [False, True]
        assert {(entry.actor.type, entry.actor.id) for entry in sealed} == {("system", "engine")}
        kept = brain.databases.views.reading(lambda conn: states(conn, "a"))
        weekly = kept["sweep.weekly"]
        assert (weekly.outcome, weekly.code) == ("swept", None)
        assert entries(brain)[weekly.receipt or -1].entry.data["full"] is True
        assert weekly.due_at_ms <= weekly.ran_at_ms <= (weekly.finished_at_ms or 0)
        assert {"tenant": "a", "job": "sweep.weekly", "state": "running"} in [data for _, data in told]
        shift(brain, DAY)
        assert 1 <= await scheduler.turn() <= len(jobs)

    with_brain(lived_home(tmp_path / "home"), work)


def test_a_job_that_is_denied_is_kept_with_its_reason(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        await seal(brain, 1)
        shift(brain, 2 * DAY)

        async def refuse(request: Any) -> Any:
            from studio_brain.gateway.decide import Refusal
            from studio_brain.kernel.reasons import ReasonCode

            return await brain.gateway.deny(request, Refusal(ReasonCode.CONFLICT, "not now"))

        brain.gateway.procedures["evidence.sweep"] = refuse
        scheduler = Scheduler(brain, lambda topic, data: None)
        assert await scheduler.turn() >= 1
        kept = brain.databases.views.reading(lambda conn: states(conn, "a"))
        outcomes = {(s.outcome, s.code) for job, s in kept.items() if job.startswith("sweep.")}
        assert outcomes == {("denied", "CONFLICT")}
        assert await scheduler.turn() == 0

    with_brain(lived_home(tmp_path / "home"), work)
