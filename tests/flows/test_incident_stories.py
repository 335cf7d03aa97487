"""Stories of whole homes: a sweep that fails and a log that was set back each open an incident; the engine tells
them by itself."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

from studio_brain.brain import Brain
from studio_brain.engine import Engine
from studio_brain.evidence.tables import place
from studio_brain.kernel.reasons import ReasonCode
from tests.domains.records.homes import do, entries, make_home, seal, with_brain
from tests.domains.records.lived import imke, lived_home
from tests.domains.records.test_sweep import damage, fill, log_id, sweep


def test_a_failed_sweep_opens_a_critical_incident(tmp_path: Path) -> None:
    home = lived_home(tmp_path / "home")

    async def before(brain: Brain) -> int:
        fill(brain, 40)
        assert (await sweep(brain)).data["ok"]
        await brain.stories.turn()
        assert (await brain.query("incidents.page", {}, imke(brain)))["rows"] == []
        return log_id(brain)

    at = with_brain(home, before)
    # A column beside the bytes: with another seal the log would no longer hold its pin, and be held.
    damage(home, f"UPDATE entry SET at_ms = at_ms + 1 WHERE place = {place(at, 20)}")

    async def after(brain: Brain) -> None:
        assert (await sweep(brain, full=True)).outcome == "failed"
        assert await brain.stories.turn() == 1
        (row,) = (await brain.query("incidents.page", {"state": "unsettled"}, imke(brain)))["rows"]
        assert (row["kind"], row["severity"], row["receipts"]) == ("sweep_failed", "critical", 1)
        found = await brain.query("incidents.one", {"id": row["id"]}, imke(brain))
        failed = entries(brain, imke(brain).tenant, kind="sweep.failed")[-1]
        assert found["linked"][0]["index"] == failed.seq

    with_brain(home, after)


def test_a_log_that_was_set_back_opens_an_incident_once_something_can_be_sealed(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", "")

    async def write(brain: Brain) -> None:
        await seal(brain, 1, 2, 3)

    with_brain(home, write)
    shutil.copyfile(home / "brain.db", tmp_path / "old.db")
    with_brain(home, write)
    for name in ("brain.db-wal", "brain.db-shm"):
        (home / name).unlink(missing_ok=True)
    shutil.copyfile(tmp_path / "old.db", home / "brain.db")

    async def mend(brain: Brain) -> Any:
        assert "a" in brain.continuity.lost
        await brain.stories.turn()
        assert (await do(brain, "evidence.start_epoch")).outcome == "started"
        assert await brain.stories.turn() == 1
        return (await brain.query("incidents.page", {}, brain.session(None, None, "test")))["rows"]

    (row,) = with_brain(home, mend)
    assert (row["kind"], row["subject"], row["severity"]) == ("log_set_back", "a", "critical")


def test_the_engine_tells_the_stories_by_itself(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        loop, opened = asyncio.get_running_loop(), asyncio.Event()

        def watch(receipts: Any) -> None:
            if any(receipt.kind == "incident.opened" for receipt in receipts):
                loop.call_soon_threadsafe(opened.set)

        brain.on_commit(watch)
        engine = Engine(brain, lambda topic, data: None)
        engine.start()
        try:
            denied = await do(brain, "retention.hold", {"scope": "all", "tenant": "another"})
            assert denied.code is ReasonCode.TENANT_MISMATCH
            await asyncio.wait_for(opened.wait(), 30)
        finally:
            await engine.stop()
        (row,) = (await brain.query("incidents.page", {}, brain.session(None, None, "test")))["rows"]
        assert (row["kind"], row["subject"]) == ("foreign_tenant", "staff:imke")

    with_brain(make_home(tmp_path / "home", ""), work)
