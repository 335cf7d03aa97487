"""The practice studio as a process: its ready line, its end, and what a kill leaves behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import jwt
import pytest

from tests.practice_process import ROOT, PracticeProcess

COMMAND = [sys.executable, "-m", "studio_brain.doors.practice"]


def test_the_ready_line(practice_studio: PracticeProcess) -> None:
    ready = practice_studio.ready
    assert practice_studio.first_line.count("\n") == 1
    assert {key: ready[key] for key in ("ready", "project", "apiKey", "shiftMs", "seed", "day")} == {
        "ready": True,
        "project": "demo-studio",
        "apiKey": "practice",
        "shiftMs": 0,
        "seed": 1,
        "day": 0,
    }
    assert ready["pid"] == practice_studio.process.pid
    assert ready["studio"]["timeZone"] == "America/Phoenix"
    base = ready["urls"]["firestore"]
    assert base.startswith("http://127.0.0.1:")
    assert ready["urls"] == {
        "firestore": base,
        "functions": f"{base}/demo-studio/us-central1",
        "auth": f"{base}/identitytoolkit.googleapis.com",
        "token": f"{base}/securetoken.googleapis.com",
        "control": f"{base}/practice",
        "iam": ready["urls"]["iam"],
    }
    assert ready["urls"]["iam"] != base
    staff = [account for account in ready["accounts"] if account["staff"]]
    assert len(staff) == 2
    assert all({"uid", "email", "password", "displayName", "roles", "staff", "title"} <= set(one) for one in staff)
    assert any("owner" in account["title"] for account in staff)


def test_it_serves_as_the_ready_line_says(practice_studio: PracticeProcess) -> None:
    session = practice_studio.sign_in("teo")
    claims = jwt.decode(session["idToken"], options={"verify_signature": False})
    assert claims["staff"] is True
    form = {"grant_type": "refresh_token", "refresh_token": session["refreshToken"]}
    url = f"{practice_studio.urls['token']}/v1/token"
    refreshed = practice_studio.http.post(url, params={"key": practice_studio.api_key}, data=form)
    assert refreshed.json()["user_id"] == session["localId"]
    listed = practice_studio.http.get(f"{practice_studio.documents()}/kilns", headers=practice_studio.bearer("teo"))
    assert listed.json()["documents"]
    assert listed.headers["date"].endswith("GMT")
    assert "server" not in listed.headers


def test_secrets_are_new_at_each_start(practice_studio: PracticeProcess) -> None:
    with PracticeProcess("--batches", "1") as other:
        for name in ("iamBearer", "controlToken"):
            assert len(other.ready[name]) >= 32
            assert other.ready[name] != practice_studio.ready[name]


def test_it_listens_on_loopback_only(practice_studio: PracticeProcess) -> None:
    port = int(practice_studio.urls["firestore"].rpartition(":")[2])
    with socket.socket() as probe:
        probe.settimeout(5)
        with pytest.raises(OSError):
            probe.connect(("127.0.0.2", port))


def test_it_ends_with_its_standard_input() -> None:
    process = PracticeProcess("--batches", "1")
    assert process.stop() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_on_a_signal(number: int) -> None:
    process = PracticeProcess("--batches", "1", exit_with_stdin=False)
    process.process.send_signal(number)
    assert process.process.wait(20) == 0
    process.stop()


def test_without_exit_with_stdin_it_outlives_its_standard_input() -> None:
    process = PracticeProcess("--batches", "1", exit_with_stdin=False)
    assert process.process.stdin is not None
    process.process.stdin.close()
    assert process.state()["batches"] == 1
    process.process.terminate()
    process.stop()


def test_it_ends_though_somebody_hangs() -> None:
    process = PracticeProcess("--batches", "1")
    process.control("POST", "faults", {"kind": "hang", "target": "firestore"})
    with httpx.Client(trust_env=False) as client, pytest.raises(httpx.ReadTimeout):
        client.get(f"{process.documents()}/kilns", timeout=httpx.Timeout(5, read=0.1))
    assert process.stop() == 0


def test_everything_survives_a_kill(tmp_path: Path) -> None:
    options = ("--batches", "20", "--state", str(tmp_path), "--days-ago", "9")
    process = PracticeProcess(*options)
    process.advance(2)
    process.control("POST", "accounts", {"email": "new@example.org", "password": "practice-new"})
    made = process.http.post(
        f"{process.documents(iam=True)}/notes", headers=process.iam, json={"fields": {"n": {"integerValue": "1"}}}
    ).json()
    bearer = process.bearer("imke")
    before, state = process.control("GET", "documents", trace="true")["documents"], process.state()
    process.kill()
    with PracticeProcess(*options) as again:
        assert again.control("GET", "documents", trace="true")["documents"] == before
        after = again.state()
        assert after["shiftMs"] == state["shiftMs"] == -7 * 86_400_000
        assert after["day"] == again.ready["day"] == 2
        assert any(one["email"] == "new@example.org" for one in again.control("GET", "accounts")["accounts"])
        path = made["name"].partition("/documents")[2]
        found = again.http.get(f"{again.documents(iam=True)}{path}", headers=again.iam).json()
        assert found == made
        assert again.http.get(f"{again.documents()}/kilns", headers=bearer).status_code == 200
        again.advance(1)


def test_a_taken_port_or_folder_is_said_in_one_line(practice_studio: PracticeProcess, tmp_path: Path) -> None:
    port = practice_studio.urls["firestore"].rpartition(":")[2]
    with PracticeProcess("--batches", "1", "--state", str(tmp_path)):
        for options in (["--port", port], ["--state", str(tmp_path)]):
            done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=60, cwd=ROOT)
            assert done.returncode == 3
            line = json.loads(done.stdout)
            assert line["ready"] is False
            assert line["error"]


def test_usage() -> None:
    for options in (["--batches", "0"], ["--port", "70000"], ["--days-ago", "-1"], ["--seed", "x"]):
        done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=60, cwd=ROOT)
        assert done.returncode == 2
        assert done.stdout == ""


def test_it_runs_as_installed(tmp_path: Path) -> None:
    ignore = shutil.ignore_patterns("__pycache__")
    for part in ("practice", "doors"):
        shutil.copytree(ROOT / "studio_brain" / part, tmp_path / "studio_brain" / part, ignore=ignore)
    shutil.copy(ROOT / "studio_brain/__init__.py", tmp_path / "studio_brain")
    shutil.copytree(ROOT / "resources/practice", tmp_path / "studio_brain/_resources/practice")
    done = subprocess.run(
        [*COMMAND, "--batches", "1", "--exit-with-stdin"],
        input="",
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["ready"] is True
