"""The sweep as a capability: what it seals, what it draws, how it goes on after being stopped or killed."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from studio_brain.brain import Brain
from studio_brain.domains.records import sweep_report, sweeping
from studio_brain.domains.records.sweeping import report_name
from studio_brain.evidence import note
from studio_brain.evidence.entry import ActorRef, Event
from studio_brain.evidence.note import VerifierKey
from studio_brain.evidence.tables import place
from studio_brain.gateway.perform import Performed
from studio_brain.kernel.canonical import is_canonical
from studio_brain.kernel.clock import DAY
from studio_brain.kernel.hashing import sha256_text
from studio_brain.kernel.reasons import ReasonCode
from tests.domains.records.homes import entries, with_brain
from tests.domains.records.lived import imke, lived_home, verified
from tests.domains.records.lived import note as propose_note
from tests.practice_process import ROOT


async def sweep(brain: Brain, *, full: bool = False) -> Performed:
    return await brain.perform("evidence.sweep", {"full": full}, imke(brain))


async def shown(brain: Brain) -> Any:
    return await brain.query("evidence.sweep", {}, imke(brain))


def fill(brain: Brain, count: int) -> None:
    """Seals that many entries of no meaning, in one group."""
    actor = ActorRef("system", "test", "test")
    brain.writer.submit(
        imke(brain).tenant,
        lambda unit: [unit.append(Event("test.happened", f"t:{n % 50}", actor, "c", {"n": n})) for n in range(count)],
    ).result()


def damage(home: Path, *statements: str) -> None:
    conn = sqlite3.connect(home / "brain.db")
    for name in ("entry", "tile", "checkpoint"):
        for verb in ("update", "delete"):
            conn.execute(f"DROP TRIGGER IF EXISTS {name}_refuses_{verb}")
    for statement in statements:
        conn.execute(statement)
    conn.commit()
    conn.close()


def log_id(brain: Brain) -> int:
    sql = f"SELECT max(log_id) FROM log WHERE tenant = '{imke(brain).tenant}'"
    return int(brain.databases.brain.reading(lambda conn: conn.exec_driver_sql(sql).scalar_one()))


def test_a_good_sweep_is_sealed_with_the_hash_of_its_signed_report(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        assert (await shown(brain))["phase"] == "never"
        await propose_note(brain, "the first note of them all")
        told: list[tuple[str, str]] = []
        brain.on_news(lambda topic, data: told.append((topic, data["phase"])))
        done = await sweep(brain)
        assert (done.outcome, done.data["ok"], done.data["firstBad"]) == ("swept", True, None), done.data
        sealed = entries(brain, kind="sweep.done")[-1].entry.data
        (path,) = (brain.home / "reports").glob("sweep-*.json")
        body = path.read_bytes()
        assert is_canonical(body)
        assert sealed["report"] == done.data["report"] == sha256_text(body)
        signed = note.parse(path.with_suffix(".note").read_text())
        VerifierKey(report_name(brain.office), brain.installation.public_key).verify(signed)
        assert signed.text == body.decode() + "\n"
        document = json.loads(body)
        assert document["conduct"]["outsideWrites"] == document["conduct"]["withApproval"]
        assert document["rows"]["differing"] == []
        assert [log["counts"] for log in document["logs"]][-1]["ok"] == sealed["logs"][-1]["size"]
        assert all(line in document["notChecked"] for line in ["pages and indexes of the database"])
        found = await shown(brain)
        assert (found["phase"], found["running"], found["report"]["sha256"]) == ("done", False, sealed["report"])
        assert {topic for topic, _ in told} == {"sweep"}
        assert (await verified(brain)).ok

    with_brain(lived_home(tmp_path / "home"), work)


def test_the_next_sweep_begins_where_the_last_good_one_ended(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        fill(brain, 300)
        first = (await sweep(brain)).data
        assert all(line.endswith("would not show") or "first" not in line for line in first["notChecked"])
        fill(brain, 10)
        second = (await sweep(brain)).data
        assert any("the first 256 entries; they were swept at" in line for line in second["notChecked"])
        log = (await shown(brain))["report"]["document"]["logs"][-1]
        assert (log["from"], log["ranges"][0]) == (256, {"from": 0, "to": 256, "state": "unswept"})
        assert log["before"]["size"] == first["logs"][-1]["size"]
        assert not any("first 256" in line for line in (await sweep(brain, full=True)).data["notChecked"])

    with_brain(lived_home(tmp_path / "home"), work)


def test_what_is_altered_is_a_failed_sweep_and_an_entry_too(tmp_path: Path) -> None:
    home = lived_home(tmp_path / "home")

    async def before(brain: Brain) -> int:
        fill(brain, 300)
        assert (await sweep(brain)).data["ok"]
        return log_id(brain)

    at = with_brain(home, before)
    forged = "CAST(replace(CAST(body AS TEXT), 'test.', 'Test.') AS BLOB)"
    damage(home, f"UPDATE entry SET body = {forged} WHERE place = {place(at, 100)}")

    async def after(brain: Brain) -> None:
        assert (await sweep(brain)).data["ok"]  # from where the last one ended: it says that it saw no more
        done = await sweep(brain, full=True)
        assert (done.outcome, done.data["ok"], done.data["firstBad"]["index"]) == ("failed", False, 100)
        sealed = entries(brain, kind="sweep.failed")[-1].entry.data
        assert (sealed["firstBad"]["index"], sealed["reasonCode"]) == (100, ReasonCode.NOT_VERIFIED.value)
        (bad,) = sealed["badRanges"]
        assert (bad["from"], bad["to"], bad["state"]) == (100, 101, "altered")
        states = [(r["from"], r["to"], r["state"]) for r in (await shown(brain))["logs"][-1]["ranges"]]
        assert (100, 101, "altered") in states

    with_brain(home, after)


def test_a_row_that_does_not_follow_from_the_log_is_found(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        await propose_note(brain, "the first note of them all")
        with brain.databases.brain.write.begin() as conn:
            conn.exec_driver_sql("UPDATE approval SET role = 'guest'")
        done = await sweep(brain)
        assert (done.data["ok"], done.data["differing"]) == (False, ["gateway"])
        assert done.data["firstBad"]["origin"] == "rows"
        assert (await brain.perform("system.rebuild", {}, imke(brain))).outcome == "rebuilt"
        assert (await sweep(brain)).data["ok"]

    with_brain(lived_home(tmp_path / "home"), work)


def test_a_cancelled_sweep_keeps_what_it_saw_and_the_next_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(brain: Brain) -> None:
        fill(brain, 9_000)
        real, entered = sweeping.step, asyncio.Event()
        loop, turns = asyncio.get_running_loop(), []

        def step(*args: Any, **more: Any) -> None:
            turns.append(args[1].at)
            real(*args, **more)
            loop.call_soon_threadsafe(entered.set)
            time.sleep(0.05)

        monkeypatch.setattr(sweeping, "step", step)
        task = asyncio.create_task(sweep(brain, full=True))
        await entered.wait()
        again = await sweep(brain)
        assert (again.outcome, again.code) == ("denied", ReasonCode.CONFLICT)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        found = await shown(brain)
        assert (found["phase"], found["running"]) == ("stopped", False)
        assert 0 < found["done"] < found["total"]
        assert entries(brain, kind="sweep.done") == []
        seen = list(turns)
        turns.clear()
        done = await sweep(brain, full=True)
        assert done.data["ok"]
        assert turns
        assert not set(turns) & set(seen)  # nothing was looked at twice
        document = (await shown(brain))["report"]["document"]
        assert len(document["resumedAt"]) == 1
        assert document["logs"][-1]["counts"] == {"ok": document["logs"][-1]["size"]}

    with_brain(lived_home(tmp_path / "home"), work)


CHILD = """
import asyncio, sys, time
from pathlib import Path
from studio_brain.domains.records import sweeping
from tests.domains.records.test_sweep import sweep
from tests.domains.records.homes import with_brain
real = sweeping.step
def step(*args, **more):
    real(*args, **more)
    print(args[1].at, flush=True)
    time.sleep(0.3)
sweeping.step = step
with_brain(Path(sys.argv[1]), lambda brain: sweep(brain, full=True))
"""


def test_a_killed_sweep_is_gone_on_with_by_the_next_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = lived_home(tmp_path / "home")

    async def prepare(brain: Brain) -> None:
        fill(brain, 9_000)

    with_brain(home, prepare)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home)], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ.copy()
    )
    assert child.stdout is not None
    reached = [int(child.stdout.readline()) for _ in range(2)]  # the second is printed after the first was kept
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert reached[-1] > 0

    async def after(brain: Brain) -> None:
        assert (await shown(brain))["phase"] == "interrupted"
        real, began = sweeping.step, []

        def step(*args: Any, **more: Any) -> None:
            began.append(args[1].at)
            real(*args, **more)

        monkeypatch.setattr(sweeping, "step", step)
        done = await sweep(brain, full=True)
        assert done.data["ok"]
        assert began[0] > 0
        document = (await shown(brain))["report"]["document"]
        assert document["logs"][-1]["from"] == 0
        assert len(document["resumedAt"]) == 1

    with_brain(home, after)


@pytest.mark.parametrize("how", ["unsigned", "another tenant", "too old"])
def test_a_state_that_is_not_ours_or_too_old_is_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    from studio_brain.domains.records import sweep_state

    async def work(brain: Brain) -> None:
        fill(brain, 10)
        office, tenant = brain.office, imke(brain).tenant
        now, name = brain.clock.now_ms(), report_name(brain.office)
        state = {"v": 1, "tenant": tenant, "full": True, "updatedAtMs": now, "logs": []}
        if how == "another tenant":
            state["tenant"] = "b"
        if how == "too old":
            state["updatedAtMs"] = now - DAY - 1
        brain.databases.views.writing(lambda conn: sweep_state.keep(conn, tenant, state, {}, office.signer, name))
        if how == "unsigned":
            brain.databases.views.writing(
                lambda conn: conn.exec_driver_sql("UPDATE sweep_run SET state = replace(state, '\"v\":1', '\"v\":2')")
            )
        key = VerifierKey(name, brain.installation.public_key)
        read = brain.databases.views.reading
        assert read(lambda conn: sweep_state.resumable(conn, tenant, key, now, full=True)) is None

    with_brain(lived_home(tmp_path / "home"), work)


def test_a_report_says_so_when_nothing_outside_was_compared(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        fill(brain, 5)
        object.__setattr__(brain.office, "anchors", lambda tenants: [])
        done = await sweep(brain)
        assert done.data["anchors"] == []
        assert any("nothing outside this home" in line for line in done.data["notChecked"])

    with_brain(lived_home(tmp_path / "home"), work)


def test_a_pin_is_named_with_its_age_and_what_came_after_it(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        fill(brain, 5)
        tenant = imke(brain).tenant
        brain.continuity.pins.keep()
        fill(brain, 3)
        done = await sweep(brain)
        held = [anchor for anchor in done.data["anchors"] if anchor["origin"].split("/")[-2] == tenant]
        assert held
        assert all(anchor["holds"] and anchor["ageMs"] >= 0 for anchor in held)
        assert any("anchored nowhere else" in line for line in done.data["notChecked"])

    with_brain(lived_home(tmp_path / "home"), work)


def test_a_report_with_many_ranges_is_cut_and_says_how_many_more() -> None:
    from studio_brain.evidence.log import LogRow
    from studio_brain.evidence.sweep import Finding, LogSweep

    log = LogSweep(LogRow(1, "a", 1, "o/a/1"), True, 0, 4_000, 4_000, 4_000)
    for index in range(0, 3_000, 2):
        log.find(Finding(index, index + 1, "altered", "x"))
    document = sweep_report.log_json(log, "key")
    assert len(document["ranges"]) == sweep_report.RANGES
    assert document["rangesMore"] == 1_500 * 2 - sweep_report.RANGES
    assert document["findingsMore"] == 1_500 - sweep_report.FINDINGS
