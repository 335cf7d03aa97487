"""The cockpit's pipe: framing, the first page before anything heavy, and an end when its input ends."""

import io
import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio_brain.doors.frames import MAX_FRAME, FrameError, FrameWriter, read_frame
from tests.engine_pipe import Pipe
from tests.practice_process import ROOT, PracticeProcess
from tests.studio_home import connected_home, snapshot, with_brain


def test_frames_come_back_whole() -> None:
    stream = io.BytesIO()
    writer = FrameWriter(stream)
    writer.send({"id": 1, "op": "query", "args": {"text": "Łódź \u202e"}})
    writer.event("state", {"n": 1})
    writer.event("state", {"n": 2})
    stream.seek(0)
    assert read_frame(stream) == {"id": 1, "op": "query", "args": {"text": "Łódź \u202e"}}
    assert [read_frame(stream)["seq"] for _ in range(2)] == [1, 2]  # type: ignore[index]
    assert read_frame(stream) is None


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x00",
        struct.pack(">I", 10) + b"{}",
        struct.pack(">I", MAX_FRAME + 1),
        struct.pack(">I", 2) + b"[]",
        struct.pack(">I", 3) + b"{x}",
    ],
)
def test_bytes_that_are_no_frame_are_refused(data: bytes) -> None:
    with pytest.raises((FrameError, json.JSONDecodeError)):
        read_frame(io.BytesIO(data))


@pytest.fixture
def home(tmp_path: Path, practice_studio: PracticeProcess) -> Path:
    found = connected_home(tmp_path / "home", practice_studio)
    with_brain(found, snapshot)
    return found


@pytest.fixture
def pipe(home: Path) -> Iterator[Pipe]:
    made = Pipe(home)
    yield made
    assert made.close() == 0


def test_hello_then_the_first_page_then_ready(pipe: Pipe) -> None:
    assert pipe.frame()["hello"]["protocol"] == 1
    first = pipe.until("first")
    assert first["today"]["snapshot"]["snapshot"]["schemaVersion"] == "v3.0"
    assert first["tenant"]["id"] == "practice"
    assert first["proposals"]["rows"] == []
    assert pipe.until("engine", state="ready")["actor"]["name"] == "Imke Adeyemi-Larsen"


def test_the_first_page_needs_none_of_the_heavy_libraries() -> None:
    code = (
        "import sys, studio_brain.doors.first_page, studio_brain.doors.pipe\n"
        "heavy = {'sqlalchemy', 'pydantic', 'httpx', 'keyring', 'msgspec', 'cryptography', 'structlog', 'typer'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True).stdout
        == "[]\n"
    )


def test_a_question_is_answered_with_its_id_and_faults_are_values(pipe: Pipe) -> None:
    today = pipe.ask("query", name="studio.today", params={})
    assert today["ok"]["days"]
    assert pipe.ask("query", name="nonesuch")["error"]["code"] == "UNKNOWN_QUERY"
    assert pipe.ask("nonesuch")["error"]["code"] == "UNKNOWN_QUERY"
    assert pipe.ask("query")["error"]["code"] == "INVALID_PAYLOAD"
    assert pipe.ask("perform", capability="proposal.approve", payload={})["ok"]["reasonCode"] == "INVALID_PAYLOAD"
    assert pipe.ask("session.use", actor="nobody@example.org")["error"]["code"] == "NOT_SIGNED_IN"
    assert pipe.ask("session.use", tenant="other")["error"]["code"] == "TENANT_MISMATCH"


def test_what_happened_is_told_to_the_window(pipe: Pipe) -> None:
    done = pipe.ask("perform", capability="studio.snapshot", payload={}, key="click-1")
    assert done["ok"]["outcome"] == "observed"
    topics = [frame.get("event") for frame in pipe.events]
    assert "receipts" in topics or pipe.until("receipts")
    report = pipe.ask("verify")
    assert report["ok"]["ok"] is True


def test_a_second_cockpit_on_the_same_home_only_looks(home: Path, pipe: Pipe) -> None:
    pipe.until("engine", state="ready")
    second = Pipe(home)
    second.until("engine", state="read-only")
    assert second.ask("query", name="studio.today")["ok"]["days"]
    refused = second.ask("perform", capability="studio.snapshot", payload={})
    assert refused["error"]["code"] == "ENGINE_ELSEWHERE"
    assert second.close() == 0


def test_an_engine_that_cannot_open_stays_and_says_why(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "studio.toml").write_text("practice = maybe")
    pipe = Pipe(home)
    failed = pipe.until("engine", state="failed")
    assert failed["error"]["code"] == "CONFIG_INVALID"
    assert "studio.toml" in failed["error"]["detail"]
    assert pipe.ask("query", name="studio.today")["error"]["code"] == "CONFIG_INVALID"
    assert pipe.close() == 0


def test_held_until_told(home: Path) -> None:
    pipe = Pipe(home, "--held")
    pipe.until("first")
    pipe.send("open")
    pipe.until("engine", state="ready")
    assert pipe.close() == 0


def test_a_vault_is_unlocked_over_the_pipe(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "studio.toml").write_text(
        '[[tenant]]\nid = "one"\nname = "One"\ntime_zone = "UTC"\n'
        '[[tenant.account]]\nid = "u"\nemail = "u@example.org"\nname = "U"\nrole = "owner"\n'
    )
    pipe = Pipe(home)
    assert pipe.until("engine", state="failed")["error"]["code"] == "KEYRING_ABSENT"
    assert pipe.ask("unlock", passphrase="short")["error"]["code"] == "PASSPHRASE_WRONG"
    assert pipe.ask("unlock", passphrase="correct horse battery")["ok"]["tenant"] == "one"
    assert pipe.ask("query", name="proposals.page")["ok"]["rows"] == []
    assert pipe.close() == 0
    again = Pipe(home)
    assert again.until("engine", state="failed")["error"]["code"] == "KEYRING_LOCKED"
    assert again.ask("unlock", passphrase="wrong horse battery")["error"]["code"] == "PASSPHRASE_WRONG"
    assert again.ask("unlock", passphrase="correct horse battery")["ok"]["actor"]["id"] == "u"
    assert again.close() == 0


def test_a_running_verification_can_be_cancelled(pipe: Pipe) -> None:
    pipe.until("engine", state="ready")
    id = pipe.send("verify")
    pipe.send("cancel", id=id)
    while (frame := pipe.frame()).get("id") != id:
        continue
    assert frame.get("ok", {}).get("ok") is True or frame["error"]["code"] == "CONFLICT"
