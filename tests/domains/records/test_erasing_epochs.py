"""Erasing what lies in an earlier epoch's log: the latest log says so, and everybody who looks agrees."""

import asyncio
import json
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from studio_brain.brain import Brain
from studio_brain.evidence.closing import close
from studio_brain.evidence.entry import ActorRef, Event
from studio_brain.evidence.erasure import ERASED, STREAM, destroy_payload
from studio_brain.evidence.log import LogRow, all_logs
from studio_brain.evidence.reader import LogReader, Stored
from studio_brain.evidence.sweep import LogSweep, whole
from studio_brain.evidence.tables import place
from studio_brain.evidence.vault import payload_path
from studio_brain.gateway.rows import rebuild
from studio_brain.gateway.tables import ROWS
from studio_brain.kernel.clock import DAY, ShiftedClock
from studio_brain.kernel.hashing import to_text
from studio_brain.kernel.reasons import ReasonCode
from studio_brain.store.rows import state_sha256
from studio_brain.store.sequencer import Unit
from studio_brain.store.snapshots import marks
from tests.domains.records.homes import VAULT, do, entries, seal, with_brain
from tests.domains.records.lived import WHY, destroy, files_holding, imke, lived_home, note, raw, verified

SECRET = "Leopoldine paid for the broken kiln shelf with the brooch of her grandmother"
ERASE = "evidence.erase"
RETENTION = '[records.retention]\n"proposal.drafted" = 400\n"execution.result" = 400\n'


def logs(brain: Brain) -> list[LogRow]:
    return [log for log in brain.databases.brain.reading(all_logs) if log.tenant == "a"]


def first_of(brain: Brain, log: LogRow, kind: str) -> Stored:
    found = brain.databases.brain.reading(lambda conn: list(LogReader(conn, log).entries()))
    return next(each for each in found if each.entry.kind == kind)


async def next_epoch(brain: Brain) -> None:
    done = await brain.perform("evidence.rotate_key", {}, imke(brain), rationale=WHY)
    assert done.outcome == "rotated", done


def state(brain: Brain) -> str:
    return brain.databases.brain.reading(lambda conn: state_sha256(conn, ROWS))


async def sweep(brain: Brain, *, full: bool) -> dict[str, Any]:
    """The report of a sweep, by origin of its logs."""
    before = set((brain.home / "reports").glob("*.json"))
    done = await brain.perform("evidence.sweep", {"full": full}, imke(brain))
    assert not done.denied, done
    (report,) = set((brain.home / "reports").glob("*.json")) - before
    return dict(json.loads(report.read_text()))


def swept(brain: Brain, *, with_others: bool = True) -> list[LogSweep]:
    """Every log of the studio, whole and closed."""

    def work(conn: Connection) -> list[LogSweep]:
        sweeps = [whole(conn, log, brain.verifier_key(log.origin)) for log in all_logs(conn) if log.tenant == "a"]
        for each in sweeps:
            close(conn, each, others=sweeps if with_others else [each])
        return sweeps

    return brain.databases.brain.reading(work)


def at(sweep: LogSweep, index: int) -> str:
    return next(state for first, end, state in sweep.map() if first <= index < end)


def test_what_was_drafted_before_the_key_changed_is_erased_and_everybody_agrees(tmp_path: Path) -> None:
    home = lived_home(tmp_path / "home", VAULT)

    async def work(brain: Brain) -> None:
        id = await note(brain, SECRET)
        then = len(entries(brain)) - 1
        assert (await do(brain, "vault.export")).outcome == "exported"
        await next_epoch(brain)
        await note(brain, "a note of the new epoch", "b2")
        brain.replay._far = 5
        moment = brain.replay.at(brain.replay.cut("a", at_ms=brain.clock.now_ms()), logs=False)
        moment.close()
        old, new = logs(brain)
        drafted, result = first_of(brain, old, "proposal.drafted"), first_of(brain, old, "execution.result")
        in_vault = list(home.glob(f"usb/**/{payload_path(drafted.seq)}"))
        was = brain.replay.at(brain.replay.cut("a", at_ms=drafted.entry.at_ms), logs=False)
        hash_then = was.state_sha256()["gateway"]
        was.close()

        done = await destroy(brain, ERASE, {"entries": [{"proposalId": id}], "reason": "asked by the person"})
        assert (done.outcome, done.data["output"]["traces"]) == ("executed", 0), done
        erased = done.data["output"]["erased"]
        assert [(e["index"], e["epoch"]) for e in erased] == [(drafted.seq, 1), (result.seq, 1)]
        said = entries(brain, kind=ERASED)
        assert [(s.entry.data["origin"], s.entry.data["index"]) for s in said] == [
            (old.origin, drafted.seq), (old.origin, result.seq),
        ]  # fmt: skip
        assert files_holding(home, SECRET.encode()) == []
        by = erased[0]["by"]

        report = await verified(brain)
        assert report.ok, report.fault
        counts = {log.origin: log.erased for log in report.logs}
        assert (counts[old.origin], counts[new.origin]) == (2, 0)

        found = await sweep(brain, full=True)
        assert found["ok"], found["firstBad"]
        (mine,) = [log for log in found["logs"] if log["origin"] == old.origin]
        assert mine["counts"]["erased"] == 2
        assert mine["erasedLater"][0] == {"index": drafted.seq, "by": by, "origin": new.origin}
        line = f"{old.origin}: the payload of entry {drafted.seq}: erased by entry {by} of epoch 2"
        assert line in found["checked"]
        await seal(brain, *range(300))
        await sweep(brain, full=False)
        again = await sweep(brain, full=False)
        assert again["ok"], again["firstBad"]
        here = {log["origin"]: log for log in again["logs"]}
        assert here[new.origin]["from"] == 256 > by  # the statement itself is not looked at again
        assert here[old.origin]["counts"]["erased"] == 2

        shown = await brain.query("proposals.one", {"id": id}, imke(brain))
        assert (shown["input"], shown["erasedBy"], shown["execution"]["output"]) == (None, by, None)
        assert shown["erasedPlace"] == place(new.log_id, by)
        assert (await brain.perform("system.rebuild_check", {}, imke(brain))).data["differing"] == []
        stamp = state(brain)
        brain.databases.brain.writing(rebuild)
        assert state(brain) == stamp
        past = brain.replay.at(brain.replay.cut("a", at_ms=drafted.entry.at_ms))
        assert past.state_sha256()["gateway"] == hash_then
        row = past.sources().brain("SELECT content, erased_place FROM proposal WHERE id = :id", {"id": id})[0]
        assert (row["content"], row["erased_place"]) == (None, place(new.log_id, by))
        past.close()

        assert (await do(brain, "vault.export")).outcome == "exported"
        assert in_vault
        assert not any(path.exists() for path in in_vault)
        bundle = {"start": "0", "end": str(then), "out": str(tmp_path / "b"), "payloads": True, "epoch": 1}
        exported = await brain.perform("evidence.export", bundle, imke(brain), rationale=WHY)
        assert exported.data["erased"] == 2, exported
        lines = [json.loads(line) for line in (tmp_path / "b" / "payloads.jsonl").read_bytes().splitlines()]
        assert {"index": drafted.seq, "erased": by, "origin": new.origin} in lines

    with_brain(home, work)
    assert with_brain(home, verified).ok


def test_an_entry_is_chosen_by_epoch_and_a_hold_of_its_proposal_wins(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        id = await note(brain, SECRET)
        old = logs(brain)[0]
        index = first_of(brain, old, "proposal.drafted").seq
        await next_epoch(brain)
        one = {"entries": [{"index": index, "epoch": 1}], "reason": "asked by the person"}
        latest = {"entries": [{"index": index}], "reason": "asked by the person"}
        assert (await destroy(brain, ERASE, latest)).code is ReasonCode.NOTHING_TO_DO
        wrong = {"entries": [{"index": index, "epoch": 7}], "reason": "asked by the person"}
        assert (await destroy(brain, ERASE, wrong)).code is ReasonCode.NOT_FOUND
        assert (await destroy(brain, ERASE, {"entries": [{"proposalId": id, "epoch": 1}], "reason": "no longer needed"})
                ).code is ReasonCode.INVALID_PAYLOAD  # fmt: skip
        held = {"scope": "proposal", "target": id}
        await brain.perform("retention.hold", held, imke(brain), rationale=WHY)
        assert (await destroy(brain, ERASE, one)).code is ReasonCode.LEGAL_HOLD
        await brain.perform("retention.release", held, imke(brain), rationale=WHY)
        assert (await destroy(brain, ERASE, one)).outcome == "executed"
        assert (await verified(brain)).ok
        assert [at(found, index) for found in swept(brain)] == ["erased", "ok"]

    with_brain(lived_home(tmp_path / "home"), work)


def test_retention_reaches_earlier_epochs(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        assert isinstance(brain.clock, ShiftedClock)
        await note(brain, SECRET)
        await next_epoch(brain)
        await note(brain, "of the second epoch", "b2")
        await next_epoch(brain)
        brain.clock.shift_ms += 500 * DAY
        due = (await brain.query("retention.due", {}, imke(brain)))["items"]
        assert [(item["kind"], item["epoch"]) for item in due] == [
            ("proposal.drafted", 1), ("proposal.drafted", 2), ("execution.result", 1), ("execution.result", 2),
        ]  # fmt: skip
        done = await destroy(brain, "retention.run", {})
        assert done.outcome == "executed", done
        report = await verified(brain)
        assert report.ok, report.fault
        assert [log.erased for log in report.logs if "/a/" in log.origin] == [2, 2, 0]
        assert all(found.ok for found in swept(brain))
        assert (await brain.query("retention.due", {}, imke(brain)))["items"] == []

    with_brain(lived_home(tmp_path / "home", RETENTION), work)


def statement(of: Stored, origin: str, **other: Any) -> dict[str, Any]:
    assert of.entry.payload is not None
    return {
        "index": of.seq, "seal": to_text(of.entry.seal), "erasedKind": of.entry.kind, "origin": origin,
        "payloadSha256": to_text(of.entry.payload.sha256), "recordId": of.entry.data.get("proposalId") or "",
        "requestId": "r", "capabilityId": "test", "target": "t", "proposalId": None, "reasonCode": None,
        "inputHash": to_text(bytes(32)),
    } | other  # fmt: skip


async def say(brain: Brain, data: dict[str, Any], gone: int | None) -> None:
    """Seals a statement about an erasure with the right key, and destroys the payload at `gone`."""

    def work(unit: Unit) -> None:
        unit.append(Event(ERASED, STREAM, ActorRef("staff", "imke", "test"), "c", data))
        if gone is not None:
            destroy_payload(unit.conn, gone)

    await asyncio.wrap_future(brain.writer.submit("a", work))


FORGED: tuple[dict[str, Any], ...] = (
    {"seal": to_text(b"\x01" * 32)},
    {"payloadSha256": to_text(b"\x01" * 32)},
    {"origin": "practice/elsewhere/a/1"},
    {"origin": None},  # its own
    {"index": 1},
    {"index": "0"},
)


def test_forged_statements_excuse_nothing_and_a_true_one_does(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        await note(brain, SECRET)
        old = logs(brain)[0]
        drafted = first_of(brain, old, "proposal.drafted")
        await next_epoch(brain)
        for number, forged in enumerate(FORGED):
            said = statement(drafted, old.origin) | forged | {"requestId": f"r{number}"}
            await say(brain, {k: v for k, v in said.items() if v is not None or k != "origin"}, place(old.log_id, 0))
            fault = (await verified(brain)).fault
            assert (fault["origin"], fault["index"]) == (old.origin, drafted.seq), fault
            assert "no entry says that it was erased" in fault["what"]
            assert at(swept(brain)[0], drafted.seq) == "missing"
            bundle = {"start": "0", "end": "3", "out": str(tmp_path / "b"), "payloads": True, "epoch": 1}
            assert (await brain.perform("evidence.export", bundle, imke(brain), rationale=WHY)).denied
            assert not (tmp_path / "b").exists()
        await say(brain, statement(drafted, old.origin), None)
        assert (await verified(brain)).ok
        assert at(swept(brain)[0], drafted.seq) == "erased"

    with_brain(lived_home(tmp_path / "home"), work)


def test_a_statement_of_a_log_that_was_not_checked_or_was_altered_excuses_nothing(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        await note(brain, SECRET)
        old = logs(brain)[0]
        drafted = first_of(brain, old, "proposal.drafted")
        await next_epoch(brain)
        new = logs(brain)[1]
        await say(brain, statement(drafted, old.origin, index=drafted.seq + 1), place(old.log_id, drafted.seq))
        by = first_of(brain, new, ERASED)
        assert at(swept(brain, with_others=False)[0], drafted.seq) == "missing"

        def alter(conn: Connection) -> None:
            conn.exec_driver_sql("DROP TRIGGER entry_refuses_update")
            wrong, right = b'"index":%d,' % (drafted.seq + 1), b'"index":%d,' % drafted.seq
            body = by.entry.body.replace(wrong, right)
            assert body != by.entry.body
            conn.exec_driver_sql("UPDATE entry SET body = ? WHERE place = ?", (body, place(new.log_id, by.seq)))

        brain.databases.brain.writing(alter)
        first, second = swept(brain)
        assert (at(first, drafted.seq), at(second, by.seq)) == ("missing", "altered")
        fault = (await verified(brain)).fault
        assert (fault["origin"], fault["index"]) == (new.origin, by.seq)

    with_brain(lived_home(tmp_path / "home"), work)


def test_an_earlier_log_says_nothing_of_a_later_one(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        await note(brain, SECRET)
        old = logs(brain)[0]
        later = old.origin.removesuffix("/1") + "/2"
        drafted = first_of(brain, old, "proposal.drafted")
        await say(brain, statement(drafted, later), None)
        await next_epoch(brain)
        assert (await verified(brain)).ok
        assert at(swept(brain)[0], drafted.seq) == "ok"
        shown = await brain.query("proposals.one", {"id": drafted.entry.data["proposalId"]}, imke(brain))
        assert shown is not None

    with_brain(lived_home(tmp_path / "home"), work)


def test_what_was_erased_later_and_is_there_again_is_a_fault(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        await note(brain, SECRET)
        old = logs(brain)[0]
        drafted = first_of(brain, old, "proposal.drafted")
        await next_epoch(brain)
        await say(brain, statement(drafted, old.origin), None)
        fault = (await verified(brain)).fault
        assert (fault["origin"], fault["index"]) == (old.origin, drafted.seq)
        assert "is there again" in fault["what"]

    with_brain(lived_home(tmp_path / "home"), work)


def test_a_snapshot_of_the_earlier_log_alone_does_not_outlive_the_erasure(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        await note(brain, SECRET)
        old = logs(brain)[0]
        drafted = first_of(brain, old, "proposal.drafted")
        cut = brain.replay.cut("a", at_ms=brain.clock.now_ms())
        held = brain.databases.brain.reading(lambda conn: marks(conn, cut.by_log()))
        await next_epoch(brain)
        assert brain.databases.brain.reading(lambda conn: marks(conn, cut.by_log())) == held
        await say(brain, statement(drafted, old.origin), place(old.log_id, drafted.seq))
        assert brain.databases.brain.reading(lambda conn: marks(conn, cut.by_log())) != held
        moment = brain.replay.at(cut, logs=False)
        rows = moment.connection.execute("SELECT content FROM proposal").fetchall()
        moment.close()
        assert rows == [(None,)]

    with_brain(lived_home(tmp_path / "home"), work)


def test_a_tail_that_is_taken_back_erases_in_the_earlier_log_again(tmp_path: Path) -> None:
    home = lived_home(tmp_path / "home", VAULT)

    async def before(brain: Brain) -> None:
        await note(brain, SECRET)
        await note(brain, "another one, that stays", "b2")
        await next_epoch(brain)
        await seal(brain, *range(5), payload=b"of the second epoch")

    async def after(brain: Brain) -> None:
        old = logs(brain)[0]
        drafted = first_of(brain, old, "proposal.drafted")
        await say(brain, statement(drafted, old.origin), place(old.log_id, drafted.seq))
        assert (await do(brain, "vault.export")).outcome == "exported"

    with_brain(home, before)
    kept = {path.name: path.read_bytes() for path in home.glob("*.db*")}
    with_brain(home, after)
    for path in home.glob("*.db*"):
        path.unlink()
    for name, data in kept.items():  # the database is put back; the pins know that it was longer
        (home / name).write_bytes(data)

    async def work(brain: Brain) -> None:
        old, new = logs(brain)
        drafted = first_of(brain, old, "proposal.drafted")
        there = "SELECT place FROM payload_key ORDER BY place"
        was = [row[0] for row in raw(brain, there)]
        assert place(old.log_id, drafted.seq) in was
        done = await do(brain, "vault.restore", {"path": str(home / "usb")})
        assert (done.outcome, done.data["payloadsLost"]) == ("restored", 0), done
        assert [row[0] for row in raw(brain, there)] == [at for at in was if at != place(old.log_id, drafted.seq)]
        assert place(new.log_id, drafted.seq + 1) in was  # nothing of the later log went instead
        report = await verified(brain)
        assert report.ok, report.fault

    with_brain(home, work)
