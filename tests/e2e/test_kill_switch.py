"""The kill switch, with the practice cloud's own request log as witness: while it is on, not one write arrives."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from studio_brain.brain import Brain
from studio_brain.gateway.perform import Performed, Session
from studio_brain.kernel.ports import OutcomeKind, WriteCall
from studio_brain.kernel.reasons import ReasonCode
from tests.practice_process import PracticeProcess
from tests.studio_home import connected_home, helper, manager, with_brain

pytestmark = pytest.mark.e2e

WHY = "because staff have to know this"
APPEND = "firestore.ops_note.append"
SCOPES = [
    {"scope": "global"},
    {"scope": "tenant"},
    {"scope": "connector", "target": "functions"},
    {"scope": "capability", "target": APPEND},
]
PATHS = ("executeStudioBrainPilotAction", "rollbackStudioBrainPilotAction", "pickedUpAndClose")


@pytest.fixture
def home(tmp_path: Path, practice_studio: PracticeProcess) -> Path:
    return connected_home(tmp_path / "home", practice_studio)


def arrived(practice: PracticeProcess, since: int) -> list[str]:
    """The writing Functions that were called at all, whatever came of it."""
    named = {f"functions:{path}" for path in PATHS}
    return [r["operation"] for r in practice.requests(since) if r["operation"] in named]


class Studio:
    """One brain, and its people."""

    def __init__(self, brain: Brain) -> None:
        self.brain = brain
        self.imke, self.teo = manager(brain), helper(brain)

    async def perform(self, capability: str, payload: dict[str, Any], who: Session) -> Performed:
        return await self.brain.perform(capability, payload, who, rationale=WHY)

    async def approve(self, drafted: Performed) -> Performed:
        assert drafted.outcome == "asked", drafted
        shown = {"proposalId": drafted.proposal, "shownHash": drafted.data["proposalHash"]}
        assert (await self.perform("proposal.approve", shown, self.imke)).outcome == "approved"
        return drafted

    async def note(self) -> Performed:
        batch = (await self.brain.batches("READY_FOR_PICKUP", self.teo, 1))[0]["id"]
        return await self.approve(await self.perform(APPEND, {"batchId": batch, "note": "look here"}, self.teo))

    async def execute(self, drafted: Performed) -> Performed:
        return await self.perform("proposal.execute", {"proposalId": drafted.proposal}, self.imke)


def test_nothing_arrives_while_it_is_on_not_even_an_undoing(home: Path, practice_studio: PracticeProcess) -> None:
    async def work(brain: Brain) -> None:
        studio = Studio(brain)
        done, waiting = await studio.note(), await studio.note()
        assert (await studio.execute(done)).outcome == "executed"
        undo = await studio.approve(
            await studio.perform("proposal.rollback", {"proposalId": done.proposal}, studio.teo)
        )
        since = practice_studio.last
        for scope in SCOPES:
            assert (await studio.perform("killswitch.engage", scope, studio.teo)).outcome == "on"
            for drafted in (waiting, undo):
                refused = await studio.execute(drafted)
                assert refused.code is ReasonCode.KILL_SWITCH, (scope, refused)
            denied = await studio.perform("killswitch.release", scope, studio.teo)
            assert denied.code is ReasonCode.ROLE_REQUIRED
            assert (await studio.perform("killswitch.release", scope, studio.imke)).outcome == "off"
        assert await asyncio.to_thread(arrived, practice_studio, since) == []
        assert (await studio.execute(waiting)).outcome == "executed"
        assert (await studio.execute(undo)).outcome == "executed"
        assert await asyncio.to_thread(arrived, practice_studio, since) == [f"functions:{path}" for path in PATHS[:2]]

    with_brain(home, work)


def test_no_adapter_opens_a_socket_without_a_permit(home: Path, practice_studio: PracticeProcess) -> None:
    """Every connector of a studio and every operation, called straight, with the switch on."""

    async def work(brain: Brain) -> None:
        studio = Studio(brain)
        tenant = studio.imke.tenant
        outside = [c for c in brain.registry.capabilities.values() if c.outside is not None]
        assert {c.outside.connector for c in outside if c.outside} == {"functions", "records"}
        since = await asyncio.to_thread(lambda: practice_studio.last)
        for capability in outside:
            assert capability.outside is not None
            call = WriteCall(
                operation=capability.outside.operation, proposal="p" * 8, execution="e" * 8, key="k" * 8,
                input={"batchId": "b1", "note": "look here"}, arguments={"ownerUid": "x", "batch": {}}, seen=(),
                actor=studio.imke.actor.id, approved_by=None, approved_at=None, request_id="r", correlation_id="c",
                deadline_s=5.0, permit=lambda: ReasonCode.KILL_SWITCH,
            )  # fmt: skip
            outcome = await brain.gateway.connectors[tenant][capability.outside.connector].execute(call)
            assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, ReasonCode.KILL_SWITCH), capability.id
        log = await asyncio.to_thread(practice_studio.requests, since)
        assert [request["operation"] for request in log if not request["operation"].startswith("control")] == []

    with_brain(home, work)
