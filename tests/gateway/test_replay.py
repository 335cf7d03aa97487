"""Replay: at every index and moment the state is what it was then, whatever was erased since."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio_brain.domains.studio import queries as studio_queries
from studio_brain.domains.studio.diff import GROUPS
from studio_brain.domains.studio.project import STUDIO
from studio_brain.evidence.cut import cut_now
from studio_brain.evidence.entry import ActorRef, Event
from studio_brain.evidence.erasure import ERASED, STREAM, destroy_payload
from studio_brain.evidence.facts import Fact
from studio_brain.evidence.tables import place
from studio_brain.gateway import queries
from studio_brain.gateway.rows import GATEWAY
from studio_brain.gateway.tables import ROWS, proposal
from studio_brain.kernel.errors import StudioBrainError
from studio_brain.kernel.hashing import to_text
from studio_brain.kernel.reasons import ReasonCode
from studio_brain.store.layered import LayeredRows
from studio_brain.store.projections import Projections
from studio_brain.store.replay import Replay
from studio_brain.store.rows import MemoryRows, TableRows, state_sha256
from studio_brain.store.sequencer import Unit
from studio_brain.store.state import day
from tests.gateway.harness import NOTE, OWNER, WHY, Bench
from tests.gateway.test_rebuild import live_through_everything

ALL = (GATEWAY, STUDIO)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "replay"


@pytest.fixture
def grown(bench: Bench) -> list[dict[str, Any]]:
    """A log grown step by step: what the state was after each commit."""
    views = Projections(bench.databases, [STUDIO])
    views.prepare()
    seen: list[dict[str, Any]] = []

    def note() -> None:
        views.catch_up()

        def work(conn: Any) -> dict[str, Any]:
            cut = cut_now(conn, bench.clock.ms)
            sizes = {log.tenant: size for log, size in cut.sizes}
            page = [dict(row) for row in conn.exec_driver_sql("SELECT id, state FROM proposal").mappings()]
            return {"cut": cut, "sizes": sizes, "gateway": state_sha256(conn, ROWS), "proposals": page}

        found = bench.databases.brain.reading(work) | {"studio": views.state_sha256()["studio"]}
        if not seen or seen[-1]["cut"].entries != found["cut"].entries:
            seen.append(found)
        bench.pass_time(10)

    original = bench.gateway.commit

    async def commit(request: Any, work: Any) -> Any:
        done = await original(request, work)
        note()
        return done

    bench.gateway.commit = commit  # type: ignore[method-assign]
    live_through_everything(bench)
    observe(bench, "2026-11-01", 5)
    note()
    observe(bench, "2026-11-02", 7)
    note()
    bench.gateway.commit = original  # type: ignore[method-assign]
    return seen


def observe(bench: Bench, on: str, number: int) -> None:
    data = {
        "snapshot": {"snapshotDate": on, **{group: {"x": number} for group in GROUPS}, "cloudSync": {}},
        "diagnostics": {},
        "stateHash": to_text(bytes([number]) * 32),
    }
    event = Event("studio.observed", "studio:state", ActorRef("system", "t", "test"), "c", data)
    bench.writer.submit("a", lambda unit: unit.append(event)).result(10)


def erase(bench: Bench, index: int) -> int:
    """Erases the payload of an entry as the keeper of the records does it; the index of the entry that says so."""
    stored = bench.entries()[index].entry
    assert stored.payload is not None
    data = {
        "capabilityId": "evidence.erase", "target": f"entry/{index}", "proposalId": None, "rationale": WHY,
        "approvalState": "done", "inputHash": to_text(bytes(32)), "outputHash": None, "requestId": f"erase-{index}",
        "reasonCode": None, "index": index, "seal": to_text(stored.seal), "erasedKind": stored.kind,
        "payloadSha256": to_text(stored.payload.sha256),
        "recordId": stored.data.get("executionId") or stored.data["proposalId"],
    }  # fmt: skip

    def work(unit: Unit) -> int:
        log_id = unit.append(Event(ERASED, STREAM, ActorRef("staff", "imke", "test"), "c", data)).receipt.log_id
        destroy_payload(unit.conn, place(log_id, index))
        return unit.receipts[-1].seq

    return bench.writer.submit("a", work).result(10).value


def states(replay: Replay, cut: Any, **how: Any) -> dict[str, str]:
    moment = replay.at(cut, **how)
    try:
        return moment.state_sha256()
    finally:
        moment.close()


def test_every_state_there_ever_was_comes_back(bench: Bench, grown: list[dict[str, Any]], folder: Path) -> None:
    assert len(grown) > 20
    replay = Replay(bench.databases, ALL, folder)
    for was in grown:
        assert states(replay, was["cut"], logs=False) == {"gateway": was["gateway"], "studio": was["studio"]}
    last = grown[-1]
    by_index = replay.cut("a", index=last["sizes"]["a"] - 1)
    assert by_index.by_log() == last["cut"].by_log()
    by_time = replay.cut("a", at_ms=bench.clock.ms)
    assert by_time.by_log() == last["cut"].by_log()


def test_forward_from_snapshots_it_is_the_same(bench: Bench, grown: list[dict[str, Any]], folder: Path) -> None:
    replay = Replay(bench.databases, ALL, folder, far=5)
    started = set()
    for was in [*grown, *reversed(grown)]:
        moment = replay.at(was["cut"], logs=False)
        assert moment.state_sha256() == {"gateway": was["gateway"], "studio": was["studio"]}
        started.add(moment.started_at)
        moment.close()
    assert len(started) > 3
    assert 1 < len(list(folder.glob("*.db"))) <= 8
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.glob("*.db"))


def test_a_moment_is_the_last_commit_before_it(bench: Bench, grown: list[dict[str, Any]], folder: Path) -> None:
    replay = Replay(bench.databases, ALL, folder)
    for was in grown:
        assert replay.cut("a", at_ms=was["cut"].at_ms).by_log() == was["cut"].by_log()
    assert replay.cut("a", at_ms=0).entries == 0
    assert states(replay, replay.cut("a", at_ms=0)) == states(replay, replay.cut("a", at_ms=1), fresh=True)


def test_queries_are_answered_as_of_then(bench: Bench, grown: list[dict[str, Any]], folder: Path) -> None:
    replay = Replay(bench.databases, ALL, folder)
    for was in grown[::7]:
        moment = replay.at(was["cut"])
        sources = moment.sources()
        shown = queries.proposals_page(sources, "a", {})["rows"]
        assert {row["id"]: row["state"] for row in shown} == {row["id"]: row["state"] for row in was["proposals"]}
        page = queries.evidence_page(sources, "a", {})
        assert page["size"] == was["sizes"].get("a", 0)
        assert [row["index"] for row in page["rows"]] == list(reversed(range(page["size"])))
        assert queries.evidence_one(sources, "a", {"index": page["size"]}) is None
        with pytest.raises(Exception, match=r"readonly|not return rows"):
            sources.brain("DELETE FROM proposal", {})
        assert len(queries.proposals_page(sources, "a", {})["rows"]) == len(shown)
        moment.close()
    moment = replay.at(grown[-2]["cut"])
    assert studio_queries.today(moment.sources(), "a", {})["days"] == ["2026-11-01"]
    moment.close()


def test_what_was_erased_later_stays_erased_and_the_hash_is_what_it_was(
    bench: Bench, grown: list[dict[str, Any]], folder: Path
) -> None:
    replay = Replay(bench.databases, ALL, folder, far=5)
    states(replay, grown[-1]["cut"], logs=False)
    drafted = next(s for s in bench.entries() if s.entry.kind == "proposal.drafted")
    result = next(s for s in bench.entries() if s.entry.kind == "execution.result")
    by = [erase(bench, drafted.seq), erase(bench, result.seq)]
    for was in (grown[5], grown[-1]):
        moment = replay.at(was["cut"])
        assert moment.state_sha256() == {"gateway": was["gateway"], "studio": was["studio"]}
        one = queries.proposal_one(moment.sources(), "a", {"id": drafted.entry.data["proposalId"]})
        assert one is not None
        assert (one["input"], one["changes"], one["erasedBy"]) == (None, None, by[0])
        moment.close()
    moment = replay.at(grown[-1]["cut"])
    executed = queries.proposal_one(moment.sources(), "a", {"id": result.entry.data["proposalId"]})
    moment.close()
    assert executed is not None
    assert (executed["execution"]["output"], executed["execution"]["erasedBy"]) == (None, by[1])


def test_a_snapshot_that_may_hold_what_was_erased_is_destroyed(bench: Bench, folder: Path) -> None:
    for _ in range(3):
        bench.draft()
    replay = Replay(bench.databases, ALL, folder, far=5)
    cut = replay.cut("a", at_ms=bench.clock.ms)
    states(replay, cut, logs=False)
    (kept,) = folder.glob("*.db")
    assert NOTE["note"].encode() in kept.read_bytes()
    for stored in bench.entries():
        if stored.entry.kind == "proposal.drafted":
            erase(bench, stored.seq)
    moment = replay.at(cut, logs=False)
    assert moment.started_at == 0
    moment.close()
    assert not kept.exists()
    assert all(NOTE["note"].encode() not in path.read_bytes() for path in folder.iterdir())


def test_a_snapshot_that_cannot_be_trusted_is_discarded(bench: Bench, folder: Path) -> None:
    for _ in range(3):
        bench.draft()
    replay = Replay(bench.databases, ALL, folder, far=5)
    cut = replay.cut("a", at_ms=bench.clock.ms)
    was = states(replay, cut, logs=False)
    for damage in (flip, cut_short, remove, of_another_version, of_another_log):
        (database,), (document,) = folder.glob("*.db"), folder.glob("*.json")
        assert replay.at(cut, logs=False).started_at == cut.entries
        damage(database, document)
        moment = replay.at(cut, logs=False)
        assert moment.started_at == 0, damage
        assert moment.state_sha256() == was
        moment.close()
        assert not document.exists()


def flip(database: Path, document: Path) -> None:
    data = bytearray(database.read_bytes())
    data[len(data) // 2] ^= 1
    database.write_bytes(data)


def cut_short(database: Path, document: Path) -> None:
    document.write_text("{")


def remove(database: Path, document: Path) -> None:
    database.unlink()


def of_another_version(database: Path, document: Path) -> None:
    document.write_text(json.dumps(json.loads(document.read_text()) | {"projections": []}))


def of_another_log(database: Path, document: Path) -> None:
    known = json.loads(document.read_text())
    known["marks"]["1"][1] = "00" * 32
    document.write_text(json.dumps(known))


def test_an_index_that_is_not_there_is_named(bench: Bench, folder: Path) -> None:
    bench.draft()
    replay = Replay(bench.databases, ALL, folder)
    assert replay.cut("a", index=1).entries == 2
    for index in (-1, 2):
        with pytest.raises(StudioBrainError) as caught:
            replay.cut("a", index=index)
        assert caught.value.code is ReasonCode.NOT_FOUND
    with pytest.raises(StudioBrainError, match="not both"):
        replay.cut("a")


def test_a_clock_set_back_does_not_move_the_past(bench: Bench, folder: Path) -> None:
    replay = Replay(bench.databases, ALL, folder)
    start = bench.clock.ms
    for _ in range(5):
        bench.draft()
        bench.pass_time(1000)
    before = replay.cut("a", at_ms=start + 500).by_log()
    bench.clock.ms = start + 2000
    bench.draft(session=OWNER)
    assert replay.cut("a", at_ms=start + 500).by_log() == before
    assert replay.cut("a", index=7).entries == 8


def test_a_moment_is_kept_as_a_file_of_its_own(bench: Bench, folder: Path, tmp_path: Path) -> None:
    drafted = [bench.draft() for _ in range(2)]
    replay = Replay(bench.databases, ALL, folder)
    moment = replay.at(replay.cut("a", index=3))
    bench.approve(drafted[0])
    target = tmp_path / "then.db"
    moment.save(target)
    with pytest.raises(StudioBrainError) as caught:
        moment.save(target)
    assert caught.value.code is ReasonCode.CONFLICT
    moment.close()
    rows = sqlite3.connect(target).execute("SELECT id, state FROM proposal ORDER BY id").fetchall()
    assert rows == sorted((done.proposal, "pending_approval") for done in drafted)


Step = st.tuples(st.sampled_from(["add", "put", "update", "delete", "before", "get"]), st.integers(0, 6))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(below=st.sets(st.integers(0, 6)), steps=st.lists(Step, max_size=12))
def test_layered_rows_are_rows_in_memory(below: set[int], steps: list[tuple[str, int]]) -> None:
    from studio_brain.store.database import memory_database

    scratch, oracle = memory_database("scratch"), MemoryRows()
    with scratch.write.begin() as conn:
        day.create(conn)
        base = TableRows(conn)
        for number in below:
            base.put(day, row(number, 1))
            oracle.put(day, row(number, 1))
        layered = LayeredRows(base)
        for at, (verb, number) in enumerate(steps):
            key = ("a", f"d{number}")
            if verb in ("get", "before"):
                assert getattr(layered, verb)(day, key) == getattr(oracle, verb)(day, key)
            for rows in (layered, oracle):
                if verb in ("add", "put"):
                    getattr(rows, verb)(day, row(number, at + 2))
                elif verb == "update":
                    rows.update(day, key, {"place": at + 100})
                elif verb == "delete":
                    rows.delete(day, key)
        layered.write([day])
        assert state_sha256(conn, [day]) == state_sha256(oracle, [day])
    scratch.close()


def row(number: int, at: int) -> dict[str, Any]:
    return {"tenant": "a", "day": f"d{number}", "place": at}


def test_redactions_change_nothing_that_is_hashed(bench: Bench) -> None:
    bench.execute(bench.approved())
    from studio_brain.gateway import rows as gateway_rows

    rows = bench.databases.brain.reading(gateway_rows.derived)
    before = state_sha256(rows, ROWS)
    changed = 0
    for stored in bench.entries():
        if stored.entry.payload is None:
            continue
        data = {
            "erasedKind": stored.entry.kind,
            "recordId": stored.entry.data.get("executionId") or stored.entry.data["proposalId"],
            "payloadSha256": to_text(stored.entry.payload.sha256),
        }
        fact = Fact("a", 999, ERASED, 0, STREAM, ActorRef("s", "t", "v"), "c", data, None, None)
        for projection in ALL:
            for kind, redact in projection.redactions.items():
                assert kind == ERASED
                redact(rows, fact)
                changed += 1
    assert changed
    assert any(item["content"] is None for item in rows.all(proposal))
    assert state_sha256(rows, ROWS) == before


def test_a_moment_that_is_open_holds_nobody_up(bench: Bench, folder: Path) -> None:
    bench.draft()
    replay = Replay(bench.databases, ALL, folder)
    moment = replay.at(replay.cut("a", index=1))
    bench.draft()
    assert queries.evidence_page(moment.sources(), "a", {})["size"] == 2
    assert len(bench.entries()) == 4
    moment.close()
