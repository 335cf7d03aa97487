"""The command line as people and scripts use it: whole processes, exit codes, JSON, and words to act on."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.practice_process import ROOT, PracticeProcess
from tests.studio_home import cli, connected_home

WHY = "because staff have to know this"
TEO, IMKE = ("--as", "teo@example.org"), ("--as", "imke@example.org")


@pytest.fixture
def home(tmp_path: Path, practice_studio: PracticeProcess) -> Path:
    return connected_home(tmp_path / "home", practice_studio)


def some_batch(practice: PracticeProcess, state: str = "FIRED") -> str:
    query = {
        "structuredQuery": {
            "from": [{"collectionId": "batches"}],
            "where": {"fieldFilter": {"field": {"fieldPath": "state"}, "op": "EQUAL", "value": {"stringValue": state}}},
            "limit": 1,
        }
    }
    found = practice.http.post(f"{practice.documents(iam=True)}:runQuery", json=query, headers=practice.iam).json()
    return str(found[0]["document"]["name"].rpartition("/")[2])


def propose(home: Path, practice: PracticeProcess, tmp_path: Path, who: tuple[str, str] = TEO) -> dict[str, Any]:
    input = tmp_path / "input.json"
    input.write_text(json.dumps({"batchId": some_batch(practice), "note": "Two mugs show hairline cracks."}))
    code, done, err = cli(home, "propose", "firestore.ops_note.append", "--input", str(input), "--rationale", WHY, *who)
    assert (code, done["outcome"]) == (0, "asked"), err
    return done


def test_the_thread_from_snapshot_to_verified_receipt(
    home: Path, practice_studio: PracticeProcess, tmp_path: Path
) -> None:
    code, taken, _ = cli(home, "snapshot")
    assert (code, taken["outcome"]) == (0, "observed")
    assert cli(home, "state")[1]["stateHash"] == taken["stateHash"]
    id = propose(home, practice_studio, tmp_path)["proposalId"]
    assert [row["id"] for row in cli(home, "proposals")[1]["rows"]] == [id]
    since = practice_studio.last
    assert cli(home, "execute", id)[0] == 1
    assert cli(home, "approve", id, "--rationale", "short")[1]["reasonCode"] == "RATIONALE_REQUIRED"
    assert cli(home, "approve", id, "--rationale", WHY, *IMKE)[1]["outcome"] == "approved"
    code, done, _ = cli(home, "execute", id, *IMKE)
    assert (code, done["outcome"], done["replayed"]) == (0, "executed", False)
    (write,) = practice_studio.writes(since)
    assert write["operation"] == "functions:executeStudioBrainPilotAction"
    assert write["idempotencyKey"] == done["executionId"]
    note = next(name for name in write["documents"] if name.startswith("studioBrainPilotOpsNotes/"))
    assert done["output"]["resourcePointer"]["docId"] == note.partition("/")[2]
    code, page, _ = cli(home, "receipts", "--stream", f"proposal:{id}")
    kinds = [row["kind"] for row in page["rows"]]
    assert kinds[0] == "proposal.drafted"
    assert kinds[-2:] == ["execution.started", "execution.result"]
    code, report, _ = cli(home, "verify")
    assert (code, report["ok"]) == (0, True)


def test_one_correlation_id_from_request_to_cloud_log_to_receipt(
    home: Path, practice_studio: PracticeProcess, tmp_path: Path
) -> None:
    id = propose(home, practice_studio, tmp_path)["proposalId"]
    cli(home, "approve", id, "--rationale", WHY, *IMKE)
    since = practice_studio.last
    _, done, _ = cli(home, "execute", id, *IMKE)
    (write,) = practice_studio.writes(since)
    assert (write["correlationId"], write["requestId"]) == (done["corr"], done["requestId"])
    rows = cli(home, "receipts", "--stream", f"proposal:{id}")[1]["rows"]
    assert [row["corr"] for row in rows[-2:]] == [done["corr"]] * 2
    lines = [json.loads(line) for line in (home / "logs" / "cli.jsonl").read_text().splitlines()]
    logged = next(line for line in lines if line.get("corr") == done["corr"])
    assert (logged["capability"], logged["tenant"]) == ("proposal.execute", "practice")
    assert list(logged)[:7] == ["ts", "level", "event", "tenant", "actor", "capability", "corr"]


def test_two_processes_execute_at_once_and_one_write_leaves(
    home: Path, practice_studio: PracticeProcess, tmp_path: Path
) -> None:
    id = propose(home, practice_studio, tmp_path)["proposalId"]
    cli(home, "approve", id, "--rationale", WHY, *IMKE)
    since = practice_studio.last
    command = [sys.executable, "-m", "studio_brain.doors.cli", "execute", id, "--json", "--home", str(home)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(3)]
    outcomes = sorted(json.loads(p.communicate(timeout=60)[0])["outcome"] for p in both)
    assert outcomes == ["denied", "denied", "executed"]
    assert len(practice_studio.writes(since)) == 1


def test_the_kill_switch_keeps_everything_in(home: Path, practice_studio: PracticeProcess, tmp_path: Path) -> None:
    id = propose(home, practice_studio, tmp_path)["proposalId"]
    cli(home, "approve", id, "--rationale", WHY, *IMKE)
    assert cli(home, "kill", "on", "--rationale", "something smells wrong")[1]["outcome"] == "on"
    since = practice_studio.last
    code, done, _ = cli(home, "execute", id, *IMKE)
    assert (code, done["reasonCode"]) == (1, "KILL_SWITCH")
    assert practice_studio.writes(since) == []
    assert cli(home, "kill", "off", "--rationale", "it was only the kiln", *IMKE)[1]["outcome"] == "off"
    assert cli(home, "execute", id, *IMKE)[1]["outcome"] == "executed"


def test_a_rollback_is_marked_in_the_cloud(home: Path, practice_studio: PracticeProcess, tmp_path: Path) -> None:
    id = propose(home, practice_studio, tmp_path)["proposalId"]
    cli(home, "approve", id, "--rationale", WHY, *IMKE)
    docs = cli(home, "execute", id, *IMKE)[1]["output"]["resourcePointer"]
    back = cli(home, "rollback", id, "--rationale", "it was the wrong batch", *TEO)[1]["proposalId"]
    cli(home, "approve", back, "--rationale", WHY, *IMKE)
    done = cli(home, "execute", back, *IMKE)[1]
    assert (done["outcome"], done["reasonCode"], done["detail"]) == ("executed", None, "")
    url = f"{practice_studio.documents(iam=True)}/{docs['collection']}/{docs['docId']}"
    note = practice_studio.http.get(url, headers=practice_studio.iam).json()["fields"]
    assert note["rollbackReason"]["stringValue"] == "it was the wrong batch"
    assert cli(home, "proposals", "--id", id)[1]["state"] == "rolled_back"


def test_closing_a_batch_needs_another_pair_of_eyes_and_is_read_back(
    home: Path, practice_studio: PracticeProcess, tmp_path: Path
) -> None:
    input = tmp_path / "close.json"
    batch = some_batch(practice_studio, "READY_FOR_PICKUP")
    input.write_text(json.dumps({"batchId": batch}))
    _, drafted, _ = cli(home, "propose", "firestore.batch.close", "--input", str(input), "--rationale", WHY, *TEO)
    id = drafted["proposalId"]
    assert cli(home, "approve", id, "--rationale", WHY, *TEO)[1]["reasonCode"] == "SELF_APPROVAL"
    cli(home, "approve", id, "--rationale", WHY, *IMKE)
    assert cli(home, "execute", id, *IMKE)[1]["outcome"] == "executed"
    url = f"{practice_studio.documents(iam=True)}/batches/{batch}"
    fields = practice_studio.http.get(url, headers=practice_studio.iam).json()["fields"]
    assert fields["isClosed"] == {"booleanValue": True}
    one = cli(home, "proposals", "--id", id)[1]
    assert one["execution"]["deviates"] is False
    assert [c["after"] for c in one["execution"]["actual"]][:2] == [True, "CLOSED_PICKED_UP"]
    again = cli(home, "propose", "firestore.batch.close", "--input", str(input), "--rationale", WHY, *TEO)
    assert (again[0], again[1]["reasonCode"]) == (1, "NOTHING_TO_DO")


def test_strict_names_what_is_not_known(home: Path) -> None:
    code, done, _ = cli(home, "snapshot", "--strict")
    assert code == 1
    assert done["unknown"] == ["ops.blockedTickets"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a":1,"a":2}', "stands twice"),
        ("{", "line 1 column"),
        ("[1]", "one JSON object"),
        ('{"n": 1e999}', "beyond the range"),
        ('"\\ud800"', "surrogate"),
        ("\ufeff{}", "Unexpected"),
    ],
)
def test_an_input_file_that_is_not_right_is_a_usage_error(home: Path, tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    code, done, _ = cli(home, "propose", "firestore.ops_note.append", "--input", str(path), "--rationale", WHY)
    assert code == 2
    assert says in done["detail"]


def test_a_missing_input_file_is_named(home: Path) -> None:
    code, done, _ = cli(home, "propose", "firestore.ops_note.append", "--input", "/nonesuch.json", "--rationale", WHY)
    assert code == 2
    assert "nonesuch" in done["detail"]


def test_the_cloud_away_is_exit_3(tmp_path: Path) -> None:
    with PracticeProcess() as practice:
        home = connected_home(tmp_path / "home", practice)
    code, done, _ = cli(home, "snapshot")
    assert (code, done["reasonCode"]) == (3, "UNAVAILABLE")
    assert cli(home, "connectors")[0] == 3
    code, ready, _ = cli(home, "ready")
    assert code == 3
    assert {c["check"]: c["ok"] for c in ready["checks"]}["log head verified"]
    assert cli(home, "health")[0] == 0
    assert cli(home, "verify")[0] == 0


def test_several_studios_need_a_name(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    account = '[[tenant.account]]\nid = "u"\nemail = "u@example.org"\nname = "U"\nrole = "owner"\n'
    studio = '[[tenant]]\nid = "{0}"\nname = "{0}"\ntime_zone = "UTC"\n' + account
    (home / "studio.toml").write_text(studio.format("one") + studio.format("two"))
    passphrase, end = os.pipe()
    os.write(end, b"correct horse battery\n")
    os.close(end)
    clean = {k: v for k, v in os.environ.items() if k not in ("DBUS_SESSION_BUS_ADDRESS",)}
    command = [sys.executable, "-m", "studio_brain.doors.cli", "proposals", "--json", "--home", str(home)]
    first = subprocess.run(
        [*command, "--passphrase-fd", str(passphrase)], capture_output=True, text=True, cwd=ROOT, env=clean,
        pass_fds=[passphrase], check=False,
    )  # fmt: skip
    assert first.returncode == 2
    assert json.loads(first.stdout)["reasonCode"] == "TENANT_REQUIRED"
    named = subprocess.run(
        [*command, "--tenant", "two"], capture_output=True, text=True, cwd=ROOT, env=clean, check=False
    )
    assert named.returncode == 0
    assert json.loads(named.stdout)["rows"] == []
    assert (home / "vault.json").exists()
    without = subprocess.run(
        [*command[:3], "snapshot", "--json", "--home", str(home), "--tenant", "one"],
        capture_output=True, text=True, cwd=ROOT, env=clean, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert without.returncode == 3
    assert json.loads(without.stdout)["reasonCode"] == "KEYRING_ABSENT"


def test_a_new_home_without_a_keyring_or_passphrase_is_exit_3_and_leaves_nothing_half_made(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "studio.toml").write_text('[[tenant]]\nid = "one"\nname = "One"\ntime_zone = "UTC"\n')
    clean = {k: v for k, v in os.environ.items() if k not in ("DBUS_SESSION_BUS_ADDRESS",)}
    command = [sys.executable, "-m", "studio_brain.doors.cli", "snapshot", "--json", "--home", str(home)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=clean, stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 3
    assert json.loads(done.stdout)["reasonCode"] == "KEYRING_ABSENT"
    assert sorted(p.name for p in home.iterdir()) == ["studio.toml"]


@pytest.mark.parametrize("prefix", ["sk_live_", "rk_live_", "whsec_"])
def test_a_secret_key_in_the_environment_refuses_to_start(home: Path, prefix: str) -> None:
    code, done, err = cli(home, "state", environment={"SOME_KEY": prefix + "0123456789"})
    assert (code, done["reasonCode"]) == (2, "SECRET_IN_SETTINGS")
    assert "0123456789" not in json.dumps(done) + err


def test_a_real_home_is_never_turned_into_a_practice_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "installation.json").write_text(
        json.dumps({"id": "0b7c9a52-6b1f-4c3e-9a55-0a1b2c3d4e5f", "publicKey": "A" * 43 + "=", "practice": False})
    )
    code, done, _ = cli(home, "practice")
    assert (code, done["reasonCode"]) == (2, "PRACTICE_KEY_REFUSED")
    assert sorted(p.name for p in home.iterdir()) == ["installation.json"]


def test_untrusted_text_is_shown_and_not_obeyed_by_a_terminal(
    home: Path, practice_studio: PracticeProcess, tmp_path: Path
) -> None:
    input = tmp_path / "input.json"
    note = "left \u202e right \u2066 isolate <b>x</b>"
    input.write_text(json.dumps({"batchId": some_batch(practice_studio), "note": note}))
    code, done, _ = cli(home, "propose", "firestore.ops_note.append", "--input", str(input), "--rationale", WHY)
    assert code == 0
    command = [
        sys.executable,
        "-m",
        "studio_brain.doors.cli",
        "proposals",
        "--id",
        done["proposalId"],
        "--home",
        str(home),
    ]
    text = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert "\\u202e" in text
    assert "\u202e" not in text
    assert "<b>x</b>" in text


def test_metrics_add_up_over_processes(home: Path) -> None:
    cli(home, "snapshot")
    cli(home, "snapshot")
    rows = cli(home, "metrics")[1]["metrics"]
    found = next(r for r in rows if r["name"] == "performed" and r["labels"]["capability"] == "studio.snapshot")
    assert found["value"] == 2
