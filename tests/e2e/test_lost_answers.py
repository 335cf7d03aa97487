"""Real processes, sockets and deaths: a write whose answer is lost exists once, and its proposal comes to rest."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.engine_pipe import Pipe
from tests.practice_process import ROOT, PracticeProcess
from tests.studio_home import cli, connected_home

pytestmark = pytest.mark.e2e

WHY = "because staff have to know this"
IMKE, TEO = ("--as", "imke@example.org"), ("--as", "teo@example.org")
NOTE = ("firestore.ops_note.append", "executeStudioBrainPilotAction")
CLOSE = ("firestore.batch.close", "pickedUpAndClose")


@pytest.fixture
def home(tmp_path: Path, practice_studio: PracticeProcess) -> Path:
    return connected_home(tmp_path / "home", practice_studio)


def batch_in(practice: PracticeProcess, state: str) -> str:
    query = {
        "structuredQuery": {
            "from": [{"collectionId": "batches"}],
            "where": {"fieldFilter": {"field": {"fieldPath": "state"}, "op": "EQUAL", "value": {"stringValue": state}}},
            "limit": 1,
        }
    }
    found = practice.http.post(f"{practice.documents(iam=True)}:runQuery", json=query, headers=practice.iam).json()
    return str(found[0]["document"]["name"].rpartition("/")[2])


def approved(home: Path, practice: PracticeProcess, tmp_path: Path, capability: str) -> str:
    """An approved proposal of this capability, drafted by one person and approved by another."""
    batch = batch_in(practice, "READY_FOR_PICKUP")
    input = tmp_path / "input.json"
    input.write_text(json.dumps({"batchId": batch} | ({"note": "look at the glaze"} if capability == NOTE[0] else {})))
    code, drafted, err = cli(home, "propose", capability, "--input", str(input), "--rationale", WHY, *TEO)
    assert code == 0, (drafted, err)
    assert cli(home, "approve", drafted["proposalId"], "--rationale", WHY, *IMKE)[1]["outcome"] == "approved"
    return str(drafted["proposalId"])


def effects(practice: PracticeProcess, since: int, function: str) -> int:
    """How often the cloud really did it."""
    return len([w for w in practice.writes(since) if w["operation"] == f"functions:{function}"])


def settled(home: Path, id: str) -> dict[str, Any]:
    """Lets a fresh engine settle what it finds; the proposal afterwards."""
    pipe = Pipe(home)
    pipe.until("engine", state="ready")
    while (one := pipe.ask("proposal", id=id)["ok"])["state"] in ("executing", "unknown"):
        pipe.until("receipts")
    assert pipe.close() == 0
    return one  # type: ignore[no-any-return]


@pytest.mark.parametrize("fault", ["apply-then-lose", "lose-before"])
def test_a_note_whose_answer_was_lost_exists_once(
    home: Path, practice_studio: PracticeProcess, tmp_path: Path, fault: str
) -> None:
    id, since = approved(home, practice_studio, tmp_path, NOTE[0]), practice_studio.last
    with practice_studio.fault(fault, target="functions", path=NOTE[1], count=1):
        code, done, _ = cli(home, "execute", id, *IMKE)
    assert (code, done["outcome"], done["reasonCode"]) == (1, "unknown", "UNKNOWN_OUTCOME")
    one = settled(home, id)
    assert one["state"] == "executed"
    assert one["execution"]["replayed"] is (fault == "apply-then-lose")
    assert effects(practice_studio, since, NOTE[1]) == 1


def test_a_close_whose_answer_was_lost_is_read_back_and_not_sent_again(
    home: Path, practice_studio: PracticeProcess, tmp_path: Path
) -> None:
    id, since = approved(home, practice_studio, tmp_path, CLOSE[0]), practice_studio.last
    with practice_studio.fault("apply-then-lose", target="functions", path=CLOSE[1], count=1):
        assert cli(home, "execute", id, *IMKE)[1]["outcome"] == "unknown"
    one = settled(home, id)
    assert (one["state"], one["execution"]["attempt"]) == ("executed", 1)
    calls = [r for r in practice_studio.requests(since) if r["operation"] == f"functions:{CLOSE[1]}"]
    assert len(calls) == 1
    assert effects(practice_studio, since, CLOSE[1]) == 1


@pytest.mark.parametrize(("capability", "function"), [NOTE, CLOSE])
def test_killed_between_the_start_and_the_answer(
    home: Path, practice_studio: PracticeProcess, tmp_path: Path, capability: str, function: str
) -> None:
    """The process is killed while its call is on the wire; another one settles it."""
    id, since = approved(home, practice_studio, tmp_path, capability), practice_studio.last
    with practice_studio.fault("latency", target="functions", path=function, ms=2500, count=1):
        command = [sys.executable, "-m", "studio_brain.doors.cli", "execute", id, "--json", "--home", str(home), *IMKE]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
        deadline = time.monotonic() + 20
        while not any(r["received"] for r in practice_studio.requests(since, f"functions:{function}", wait=20)):
            assert time.monotonic() < deadline, "the call never arrived whole"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert cli(home, "proposals", "--id", id)[1]["state"] == "executing"
        practice_studio.requests(since, f"functions:{function}", wait=20, answered="true")
    assert settled(home, id)["state"] == "executed"
    assert effects(practice_studio, since, function) == 1
    assert cli(home, "verify")[1]["ok"] is True


def test_the_engine_notices_an_absence_and_comes_back_by_itself(tmp_path: Path) -> None:
    """The cloud goes and comes; the engine says so, keeps the last good state, and reads anew when it is back."""
    state = tmp_path / "state"
    first = PracticeProcess("--state", str(state))
    port = first.urls["firestore"].rpartition(":")[2]
    home = connected_home(tmp_path / "home", first)
    pipe = Pipe(home)
    pipe.until("engine", state="ready")
    pipe.until("state", outcome="observed")
    before = pipe.ask("query", name="studio.today")["ok"]["snapshot"]
    first.kill()
    pipe.ask("connectors.check")
    away = pipe.ask("query", name="connectors.list")["ok"]
    assert {c["state"] for c in away} == {"down"}
    assert all(c["okAt"] for c in away)
    assert pipe.ask("query", name="studio.today")["ok"]["snapshot"] == before
    failed = pipe.ask("perform", capability="studio.snapshot", payload={})["ok"]
    assert failed["outcome"] == "failed"
    with PracticeProcess("--state", str(state), "--port", port):
        while {c["state"] for c in pipe.ask("query", name="connectors.list")["ok"]} != {"ok"}:
            pipe.until("connectors")
        assert pipe.ask("perform", capability="studio.snapshot", payload={})["ok"]["outcome"] == "observed"
        assert pipe.close() == 0


def member_and_staff(practice: PracticeProcess) -> list[Any]:
    """What a member and a technician do in the portal, and what they are answered."""
    base, told = practice.urls["functions"], []
    for who, function, body in (
        (
            "roshan",
            "createBatch",
            {
                "ownerUid": practice.accounts["roshan"]["uid"],
                "title": "Tea bowls",
                "estimatedCostCents": 1200,
                "intakeMode": "SHELF_PURCHASE",
            },
        ),
        ("teo", "listReports", {"limit": 5}),
        ("teo", "apiV1/v1/firings.listUpcoming", {"limit": 3}),
        ("roshan", "apiV1/v1/firings.listUpcoming", {"limit": 3}),
    ):
        answer = practice.http.post(f"{base}/{function}", json=body, headers=practice.bearer(who))
        told.append((function, answer.status_code, sorted(answer.json())))
    return told


def test_the_cloud_does_not_need_the_engine(home: Path, practice_studio: PracticeProcess) -> None:
    without = member_and_staff(practice_studio)
    pipe = Pipe(home)
    pipe.until("engine", state="ready")
    pipe.send("perform", capability="studio.snapshot", payload={})
    during = member_and_staff(practice_studio)
    pipe.kill()
    after = member_and_staff(practice_studio)
    assert without == during == after
    assert [status for _, status, _ in without] == [200] * 4, without
