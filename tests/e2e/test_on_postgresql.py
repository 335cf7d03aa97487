"""The same thread with everything in PostgreSQL: settings name the database, nothing else changes."""

import json
from pathlib import Path

import pytest

from tests.practice_process import PracticeProcess
from tests.store.databases import fresh_postgresql
from tests.studio_home import cli, connected_home

pytestmark = pytest.mark.e2e

WHY = "because staff have to know this"


def test_snapshot_proposal_execution_verification_and_rebuild(
    tmp_path: Path, practice_studio: PracticeProcess, postgresql_server: str
) -> None:
    home = connected_home(tmp_path / "home", practice_studio)
    address = fresh_postgresql(postgresql_server).replace("postgres:@", "postgres@")
    (home / "studio.toml").write_text(f'practice = true\n[database]\nurl = "{address}"\n')
    code, taken, err = cli(home, "snapshot")
    assert (code, taken["outcome"]) == (0, "observed"), err
    batch = practice_studio.http.get(
        f"{practice_studio.documents(iam=True)}/batches", params={"pageSize": 1}, headers=practice_studio.iam
    ).json()["documents"][0]["name"].rpartition("/")[2]  # fmt: skip
    input = tmp_path / "input.json"
    input.write_text(json.dumps({"batchId": batch, "note": "look at the glaze"}))
    _, drafted, _ = cli(home, "propose", "firestore.ops_note.append", "--input", str(input), "--rationale", WHY)
    id, since = drafted["proposalId"], practice_studio.last
    assert cli(home, "approve", id, "--rationale", WHY)[1]["outcome"] == "approved"
    assert cli(home, "execute", id)[1]["outcome"] == "executed"
    assert len(practice_studio.writes(since)) == 1
    assert cli(home, "rebuild")[1]["rowsDiffered"] is False
    assert cli(home, "verify")[1]["ok"] is True
    assert cli(home, "state")[1]["stateHash"] == taken["stateHash"]
    assert not list(home.glob("*.db*"))
