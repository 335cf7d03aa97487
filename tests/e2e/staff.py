"""Two people of the practice studio at one brain: drafting, approving, carrying out."""

from pathlib import Path
from typing import Any

import pytest

from studio_brain.brain import Brain
from studio_brain.gateway.perform import Performed, Session
from tests.practice_process import PracticeProcess
from tests.store.databases import fresh_postgresql
from tests.studio_home import connected_home, helper, manager

WHY = "because staff have to know this"
NOTE = "firestore.ops_note.append"


@pytest.fixture(params=["sqlite", "postgresql"])
def either_home(request: pytest.FixtureRequest, tmp_path: Path, practice_studio: PracticeProcess) -> Path:
    """A practice home, with its databases in files or in PostgreSQL."""
    home = connected_home(tmp_path / "home", practice_studio)
    if request.param == "postgresql":
        url = fresh_postgresql(request.getfixturevalue("postgresql_server")).replace("postgres:@", "postgres@")
        (home / "studio.toml").write_text(f'practice = true\n[database]\nurl = "{url}"\n')
    return home


class Staff:
    """`imke` owns the studio, `teo` edits."""

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
        """An approved note on a batch."""
        batch = (await self.brain.batches("READY_FOR_PICKUP", self.teo, 1))[0]["id"]
        return await self.approve(await self.perform(NOTE, {"batchId": batch, "note": "look here"}, self.teo))

    async def execute(self, drafted: Performed) -> Performed:
        return await self.perform("proposal.execute", {"proposalId": drafted.proposal}, self.imke)
