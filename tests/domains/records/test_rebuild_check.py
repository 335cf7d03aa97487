"""The rebuild check finds every row that does not follow from the log, says so in a receipt, and changes nothing."""

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from studio_brain.brain import Brain
from studio_brain.evidence.entry import ActorRef, Event
from studio_brain.kernel.clock import utc_text
from studio_brain.kernel.errors import StudioBrainError
from studio_brain.kernel.reasons import ReasonCode
from tests.domains.records.homes import entries, with_brain
from tests.domains.records.lived import imke, lived_home, note, verified

CHECK = "system.rebuild_check"


async def check(brain: Brain) -> Any:
    return await brain.perform(CHECK, {}, imke(brain))


def test_what_follows_from_the_log_is_equal_and_sealed(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        brain.replay._far = 3
        await note(brain, "the first note of them all")
        for _ in range(2):
            done = await check(brain)
            assert (done.outcome, done.data["differing"], done.data["snapshots"]) == ("equal", [], "equal")
        sealed = entries(brain, kind="rebuild.checked")[-1].entry.data
        assert sealed["reasonCode"] is None
        assert set(sealed["projections"]) >= {"gateway", "studio"}
        assert all(pair["stored"] == pair["derived"] for pair in sealed["projections"].values())
        assert (await verified(brain)).ok

    with_brain(lived_home(tmp_path / "home"), work)


def test_a_row_that_was_changed_is_named_in_the_receipt(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        await note(brain, "the first note of them all")
        with brain.databases.brain.write.begin() as conn:
            conn.exec_driver_sql("UPDATE approval SET role = 'guest'")
        with brain.databases.views.write.begin() as conn:
            conn.exec_driver_sql("INSERT INTO job VALUES ('a', 'snapshot', 1, 1, NULL, '')")
        done = await check(brain)
        assert (done.outcome, done.data["differing"]) == ("differs", ["gateway", "studio"])
        assert entries(brain, kind="rebuild.checked")[-1].entry.data["reasonCode"] == ReasonCode.STORAGE_DAMAGED.value
        assert (await brain.perform("system.rebuild", {}, imke(brain))).outcome == "rebuilt"
        assert (await check(brain)).outcome == "equal"

    with_brain(lived_home(tmp_path / "home"), work)


def test_snapshots_that_lead_elsewhere_are_discarded(tmp_path: Path) -> None:
    home = lived_home(tmp_path / "home")

    async def work(brain: Brain) -> None:
        brain.replay._far = 3
        await note(brain, "the first note of them all")
        brain.replay.at(brain.replay.cut("a", index=4), logs=False).close()
        (path,) = (home / "replay").glob("*.db")
        with sqlite3.connect(path) as conn:
            conn.execute("UPDATE proposal SET rationale = 'another'")
        conn.close()
        document = path.with_suffix(".json")
        known = json.loads(document.read_text()) | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        document.write_text(json.dumps(known))
        done = await check(brain)
        assert done.outcome == "equal"
        assert done.data["snapshots"].startswith("discarded")
        assert not path.exists()

    with_brain(home, work)


def test_the_brain_answers_as_of_any_index_and_time(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        id = await note(brain, "the first note of them all")
        size = len(entries(brain))
        at = entries(brain)[-1].entry.at_ms
        event = Event("test.happened", "s:1", ActorRef("system", "t", "test"), "c", {})
        brain.writer.submit("a", lambda unit: unit.append(event)).result(10)
        states = []
        for index in range(size):
            page = await brain.query("proposals.page", {}, imke(brain), {"index": index})
            states.append([row["state"] for row in page["rows"]])
        assert states == [["draft"], ["pending_approval"], ["approved"], ["executing"], ["executed"]]
        then = {"time": utc_text(at)}
        assert (await brain.query("evidence.page", {}, imke(brain), then))["size"] >= size
        one = await brain.query("proposals.one", {"id": id}, imke(brain), {"index": 1})
        assert (one["state"], one["approvals"], len(one["receipts"])) == ("pending_approval", [], 2)
        for wrong in ({"index": 99}, {"index": "x"}, {"when": 1}, {"time": "yesterday"}, {"index": 1, "time": "x"}):
            with pytest.raises(StudioBrainError) as caught:
                await brain.query("evidence.page", {}, imke(brain), wrong)
            assert caught.value.code in (ReasonCode.NOT_FOUND, ReasonCode.INVALID_PAYLOAD)

    with_brain(lived_home(tmp_path / "home"), work)
