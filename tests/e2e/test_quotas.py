"""Ten first uses of a quota at once, with the practice cloud's request log as witness: exactly the limit arrives."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from studio_brain.brain import Brain
from studio_brain.gateway.limits import Limit, Per
from tests.e2e.staff import NOTE, Staff
from tests.practice_process import PracticeProcess
from tests.studio_home import with_brain

pytestmark = pytest.mark.e2e

ALLOWED = 4


def test_exactly_the_limit_arrives(either_home: Path, practice_studio: PracticeProcess) -> None:
    async def work(brain: Brain) -> None:
        shipped = brain.registry.capabilities[NOTE]
        limits = tuple(Limit(per, ALLOWED if per is Per.ACTOR else 100, 3_600) for per in Per)
        brain.registry.capabilities[NOTE] = replace(shipped, limits=limits)
        staff = Staff(brain)
        drafted = [await staff.note() for _ in range(10)]
        since = await asyncio.to_thread(lambda: practice_studio.last)
        done = await asyncio.gather(*(staff.execute(each) for each in drafted))
        assert sorted(each.outcome for each in done) == ["denied"] * (10 - ALLOWED) + ["executed"] * ALLOWED
        assert {each.code.value for each in done if each.code} == {"RATE_LIMITED"}
        named = "functions:executeStudioBrainPilotAction"
        arrived = await asyncio.to_thread(practice_studio.requests, since, named)
        assert len(arrived) == ALLOWED
        listed = await brain.query("quotas.list", {"capability": NOTE}, staff.imke)
        assert {row["per"]: row["uses"] for row in listed["rows"]} == {
            "actor": ALLOWED,
            "owner": ALLOWED,
            "capability": ALLOWED,
            "tenant": ALLOWED,
        }

    with_brain(either_home, work)
