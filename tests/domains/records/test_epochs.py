"""A log that was set back is held until a person says how to go on; keys change by epochs, and both are provable."""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio_brain.brain import Brain, Opening
from studio_brain.evidence import epochs
from studio_brain.evidence.log import all_logs
from studio_brain.evidence.reader import LogReader
from studio_brain.gateway.perform import Performed
from studio_brain.home.installation import KEY_NAME, NEXT_KEY_NAME, read_installation
from studio_brain.home.secrets import PracticeFile
from studio_brain.home.unlock import PRACTICE_KEYS
from studio_brain.kernel.reasons import ReasonCode
from tests.studio_home import cli

TOML = """
practice = true
[[tenant]]
id = "clay"
name = "Clay"
time_zone = "UTC"
[[tenant.account]]
id = "imke"
email = "imke@example.org"
name = "Imke"
role = "owner"
[[tenant.account]]
id = "teo"
email = "teo@example.org"
name = "Teo"
role = "editor"
"""
WHY = "the old disk came back from repair"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    (home / "studio.toml").write_text(TOML)
    return home


def using(home: Path, work: Callable[[Brain], Any]) -> Any:
    async def run() -> Any:
        async with Brain.open(Opening(home, environment={}, via="test")) as brain:
            found = work(brain)
            return await found if asyncio.iscoroutine(found) else found

    return asyncio.run(run())


def asked(capability: str, payload: dict[str, Any] | None = None, who: str = "imke", why: str = WHY) -> Any:
    async def work(brain: Brain) -> Performed:
        return await brain.perform(capability, payload or {}, brain.session(None, who), rationale=why)

    return work


def write(home: Path, times: int = 1) -> None:
    for _ in range(times):
        assert using(home, asked("system.rebuild")).outcome == "rebuilt"


def verified(home: Path) -> Any:
    return using(home, lambda brain: brain.verify(brain.session(None, None)))


def logs(home: Path) -> list[tuple[str, int]]:
    def work(brain: Brain) -> list[tuple[str, int]]:
        return brain.databases.brain.reading(
            lambda conn: [
                (log.origin.rsplit("/", 2)[1] + "/" + str(log.epoch), LogReader(conn, log).size())
                for log in all_logs(conn)
            ]
        )

    return list(using(home, work))


@pytest.fixture
def set_back(home: Path, tmp_path: Path) -> Path:
    """A home whose database was put back to what it was two writes ago."""
    write(home, 2)
    shutil.copy(home / "brain.db", tmp_path / "old.db")
    write(home, 2)
    for name in ("brain.db-wal", "brain.db-shm"):
        (home / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "old.db", home / "brain.db")
    return home


def test_a_pin_lies_in_two_places_and_verify_says_its_age(home: Path) -> None:
    write(home)
    in_folder = json.loads((home / "pins" / "clay.json").read_text())
    secret = PracticeFile(home / PRACTICE_KEYS).get("pin/clay")
    assert secret is not None
    assert json.loads(secret.reveal()) == in_folder
    assert in_folder["note"].splitlines()[1] == "1"
    report = verified(home)
    assert report.ok
    assert sum("as pinned at 1 entries" in line for line in report.checked) == 2


def test_what_came_after_the_pin_is_signed_not_pinned(home: Path) -> None:
    write(home)

    async def work(brain: Brain) -> Any:
        brain.continuity.pins.committed = lambda receipts: None  # type: ignore[method-assign]
        await asked("system.rebuild")(brain)
        return await brain.verify(brain.session(None, None))

    report = using(home, work)
    assert report.ok
    assert any("the last 1 entries are signed, not pinned" in line for line in report.checked)


def test_a_database_that_was_set_back_is_held_and_explains_itself(set_back: Path) -> None:
    def work(brain: Brain) -> Any:
        return brain.continuity.to_json("clay"), "_system" in brain.continuity.lost

    missing, other = using(set_back, work)
    assert (missing["size"], missing["have"]) == (4, 2)
    assert "had 4 entries" in missing["what"]
    assert not other
    done = using(set_back, asked("system.rebuild"))
    assert (done.outcome, done.code) == ("denied", ReasonCode.LOG_SET_BACK)
    assert logs(set_back) == [("clay/1", 2)]  # nothing was written, not even the denial
    report = verified(set_back)
    assert report.fault is not None
    assert (report.fault["index"], "now it has 2" in report.fault["what"]) == (2, True)


@pytest.mark.parametrize("place", ["folder", "secret"])
def test_one_of_the_two_places_is_enough(set_back: Path, place: str) -> None:
    if place == "folder":
        store = PracticeFile(set_back / PRACTICE_KEYS)
        store.delete("pin/clay")
    else:
        (set_back / "pins" / "clay.json").unlink()
    assert using(set_back, lambda brain: "clay" in brain.continuity.lost)


def test_the_next_epoch_names_what_was_lost_and_goes_on(set_back: Path) -> None:
    done = using(set_back, asked("evidence.start_epoch"))
    assert (done.outcome, done.code) == ("started", None)
    assert logs(set_back) == [("clay/1", 2), ("clay/2", 1)]

    def first(brain: Brain) -> Any:
        return brain.databases.brain.reading(lambda conn: LogReader(conn, all_logs(conn)[1]).entry(0))

    entry = using(set_back, first)
    assert entry.kind == epochs.STARTED
    assert entry.data["lost"]["size"] == 4
    assert entry.data["previous"]["size"] == 2
    assert entry.data["rationale"] == WHY
    assert using(set_back, lambda brain: brain.continuity.lost) == {}
    write(set_back)
    assert verified(set_back).ok
    assert logs(set_back) == [("clay/1", 2), ("clay/2", 2)]


def test_an_epoch_is_not_started_over_nothing_nor_by_anybody(home: Path) -> None:
    write(home)
    assert using(home, asked("evidence.start_epoch")).code is ReasonCode.WRONG_STATE
    assert using(home, asked("evidence.start_epoch", who="teo")).code is ReasonCode.ROLE_REQUIRED
    assert [name for name, _ in logs(home)] == ["clay/1"]


def test_an_editor_cannot_begin_an_epoch_in_a_held_log(set_back: Path) -> None:
    assert using(set_back, asked("evidence.start_epoch", who="teo")).code is ReasonCode.LOG_SET_BACK
    assert logs(set_back) == [("clay/1", 2)]


def test_another_history_of_the_same_length_is_held_too(home: Path, tmp_path: Path) -> None:
    write(home)
    shutil.copytree(home, tmp_path / "twin")
    write(home, 2)
    write(tmp_path / "twin", 3)
    shutil.copy(home / "pins" / "clay.json", tmp_path / "twin" / "pins" / "clay.json")
    missing = using(tmp_path / "twin", lambda brain: brain.continuity.to_json("clay"))
    assert "are others now" in missing["what"]


def test_a_pin_that_is_not_ours_says_nothing_and_is_named(home: Path) -> None:
    write(home)
    path = home / "pins" / "clay.json"
    pin = json.loads(path.read_text())
    path.write_text(json.dumps(pin | {"note": pin["note"].replace("\n1\n", "\n9\n")}))

    def work(brain: Brain) -> Any:
        return dict(brain.continuity.lost), dict(brain.continuity.pins.places.failures)

    lost, failures = using(home, work)
    assert lost == {}
    assert "second folder" in failures


def test_a_new_key_begins_a_new_epoch_and_the_old_logs_stay_provable(home: Path) -> None:
    write(home, 2)
    before = read_installation(home)
    done = using(home, asked("evidence.rotate_key"))
    assert done.outcome == "rotated"
    after = read_installation(home)
    assert before is not None
    assert after is not None
    assert after.former_keys == (before.public_key,)
    assert after.public_key != before.public_key
    assert logs(home) == [("clay/1", 3), ("clay/2", 1)]  # the last of the old log: key.retired
    write(home)
    report = verified(home)
    assert report.ok
    keys = {log.origin.rsplit("/", 1)[1]: log.key for log in report.logs}
    assert keys["1"] != keys["2"]
    using(home, asked("evidence.rotate_key"))
    assert verified(home).ok
    assert [name for name, _ in logs(home)] == ["clay/1", "clay/2", "clay/3"]


def test_the_old_log_is_bound_by_the_new_one(home: Path) -> None:
    write(home, 2)
    using(home, asked("evidence.rotate_key"))
    with sqlite3.connect(home / "brain.db") as db:
        db.execute("DELETE FROM log WHERE epoch = 1")
    db.close()
    fault = verified(home).fault
    assert fault is not None
    assert "no such log" in fault["what"]


def test_a_change_of_keys_that_was_cut_off_is_finished_at_the_next_start(home: Path) -> None:
    write(home)
    store = PracticeFile(home / PRACTICE_KEYS)
    old = store.get(KEY_NAME)
    assert old is not None
    using(home, lambda brain: brain._new_key())  # and then the power failed
    new = store.get(KEY_NAME)
    assert new is not None
    store.set(KEY_NAME, old.reveal())
    store.set(NEXT_KEY_NAME, new.reveal())
    write(home)
    assert logs(home) == [("clay/1", 1), ("clay/2", 2)]
    assert store.get(NEXT_KEY_NAME) is None
    assert verified(home).ok


def test_the_commands(set_back: Path) -> None:
    code, done, _ = cli(set_back, "evidence", "epoch", "--rationale", WHY, "--as", "imke")
    assert (code, done["outcome"]) == (0, "started")
    code, done, _ = cli(set_back, "evidence", "rotate-key", "--rationale", WHY, "--as", "imke")
    assert (code, done["outcome"]) == (0, "rotated")
    assert cli(set_back, "verify")[0] == 0
