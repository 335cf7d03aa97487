"""What the product must not know: the practice studio's back door, and a practice key for anything but practice."""

import json
import re
from pathlib import Path

import pytest

from studio_brain.brain import Brain, Opening
from studio_brain.kernel.errors import ConfigError
from studio_brain.kernel.reasons import ReasonCode
from tests.practice_process import ROOT, PracticeProcess
from tests.studio_home import connected_home, snapshot, with_brain


def product_sources() -> list[Path]:
    engine = [p for p in (ROOT / "studio_brain").rglob("*.py") if "practice" not in p.relative_to(ROOT).parts[1:2]]
    return [*engine, *(ROOT / "ui").rglob("*.py")]


def test_no_part_of_the_product_speaks_of_the_iam_port() -> None:
    speaking = [p.name for p in product_sources() if re.search(r"\biam(Bearer|_bearer|_port)?\b", p.read_text())]
    assert [name for name in speaking if name != "practice.py"] == []


def test_a_home_keeps_nothing_of_it_and_no_request_goes_there(tmp_path: Path, practice_studio: PracticeProcess) -> None:
    home = connected_home(tmp_path / "home", practice_studio)
    since = practice_studio.last
    with_brain(home, snapshot)
    assert {r["port"] for r in practice_studio.requests(since)} == {"rules"}
    kept = b"".join(p.read_bytes() for p in home.rglob("*") if p.is_file())
    assert practice_studio.ready["iamBearer"].encode() not in kept


def test_no_token_and_no_password_of_a_person_is_at_rest_outside_the_practice_file(
    tmp_path: Path, practice_studio: PracticeProcess
) -> None:
    home = connected_home(tmp_path / "home", practice_studio)
    with_brain(home, snapshot)
    for path in home.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"eyJ" not in data, path.name
            if path.name != "practice.json":
                assert b"practice-owner-imke" not in data, path.name


def test_a_practice_home_does_not_turn_into_a_real_one(tmp_path: Path, practice_studio: PracticeProcess) -> None:
    home = connected_home(tmp_path / "home", practice_studio)
    with_brain(home, snapshot)
    (home / "studio.toml").write_text("practice = false\n")
    with pytest.raises(ConfigError) as caught:
        Brain.open(Opening(home, environment={}))
    assert caught.value.code is ReasonCode.PRACTICE_KEY_REFUSED


def test_a_practice_home_refuses_a_cloud_elsewhere(tmp_path: Path, practice_studio: PracticeProcess) -> None:
    home = connected_home(tmp_path / "home", practice_studio)
    document = json.loads((home / "practice.json").read_text())
    document["functions"] = "https://us-central1-lantern-yard.cloudfunctions.net"
    (home / "practice.json").write_text(json.dumps(document))
    with pytest.raises(ConfigError, match="not on this machine"):
        Brain.open(Opening(home, environment={}))


def test_receipts_of_a_practice_home_say_so(tmp_path: Path, practice_studio: PracticeProcess) -> None:
    home = connected_home(tmp_path / "home", practice_studio)
    done = with_brain(home, snapshot)

    async def origin(brain: Brain) -> str:
        page = await brain.query("evidence.page", {}, brain.session(None, None))
        return str(page["origin"])

    assert done.outcome == "observed"
    assert with_brain(home, origin).startswith("practice/")
