"""The kill switch, with the practice cloud's own request log as witness: while it is on, not one write arrives."""

import asyncio
from pathlib import Path

import pytest

from studio_brain.brain import Brain
from studio_brain.kernel.ports import OutcomeKind, WriteCall
from studio_brain.kernel.reasons import ReasonCode
from tests.e2e.staff import NOTE, Staff
from tests.practice_process import PracticeProcess
from tests.studio_home import with_brain

pytestmark = pytest.mark.e2e

SCOPES = [
    {"scope": "global"},
    {"scope": "tenant"},
    {"scope": "connector", "target": "functions"},
    {"scope": "capability", "target": NOTE},
]
PATHS = ("executeStudioBrainPilotAction", "rollbackStudioBrainPilotAction", "pickedUpAndClose")


def arrived(practice: PracticeProcess, since: int) -> list[str]:
    """The writing Functions that were called at all, whatever came of it."""
    named = {f"functions:{path}" for path in PATHS}
    return [r["operation"] for r in practice.requests(since) if r["operation"] in named]


def test_nothing_arrives_while_it_is_on_undoing_included(either_home: Path, practice_studio: PracticeProcess) -> None:
    async def work(brain: Brain) -> None:
        staff = Staff(brain)
        done, waiting = await staff.note(), await staff.note()
        assert (await staff.execute(done)).outcome == "executed"
        undo = await staff.approve(await staff.perform("proposal.rollback", {"proposalId": done.proposal}, staff.teo))
        since = practice_studio.last
        for scope in SCOPES:
            assert (await staff.perform("killswitch.engage", scope, staff.teo)).outcome == "on"
            for drafted in (waiting, undo):
                refused = await staff.execute(drafted)
                assert refused.code is ReasonCode.KILL_SWITCH, (scope, refused)
            denied = await staff.perform("killswitch.release", scope, staff.teo)
            assert denied.code is ReasonCode.ROLE_REQUIRED
            assert (await staff.perform("killswitch.release", scope, staff.imke)).outcome == "off"
        assert await asyncio.to_thread(arrived, practice_studio, since) == []
        assert (await staff.execute(waiting)).outcome == "executed"
        assert (await staff.execute(undo)).outcome == "executed"
        assert await asyncio.to_thread(arrived, practice_studio, since) == [f"functions:{path}" for path in PATHS[:2]]

    with_brain(either_home, work)


def test_no_adapter_opens_a_socket_without_a_permit(either_home: Path, practice_studio: PracticeProcess) -> None:
    """Every connector of a studio and every operation, called straight, with the switch on."""

    async def work(brain: Brain) -> None:
        staff = Staff(brain)
        tenant = staff.imke.tenant
        outside = [c for c in brain.registry.capabilities.values() if c.outside is not None]
        assert {c.outside.connector for c in outside if c.outside} == {"functions", "records"}
        since = await asyncio.to_thread(lambda: practice_studio.last)
        for capability in outside:
            assert capability.outside is not None
            call = WriteCall(
                operation=capability.outside.operation, proposal="p" * 8, execution="e" * 8, key="k" * 8,
                input={"batchId": "b1", "note": "look here"}, arguments={"ownerUid": "x", "batch": {}}, seen=(),
                actor=staff.imke.actor.id, approved_by=None, approved_at=None, request_id="r", correlation_id="c",
                deadline_s=5.0, permit=lambda: ReasonCode.KILL_SWITCH,
            )  # fmt: skip
            outcome = await brain.gateway.connectors[tenant][capability.outside.connector].execute(call)
            assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, ReasonCode.KILL_SWITCH), capability.id
        log = await asyncio.to_thread(practice_studio.requests, since)
        assert [request["operation"] for request in log if not request["operation"].startswith("control")] == []

    with_brain(either_home, work)
