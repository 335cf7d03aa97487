"""Erasing what is personal: gone from every file, while seals, proofs and state hashes stay; and a hold wins."""

import json
from pathlib import Path
from typing import Any

import pytest

from studio_brain.brain import Brain
from studio_brain.evidence.payload import PayloadError, open_payload
from studio_brain.gateway.tables import ROWS
from studio_brain.kernel.ports import Settled
from studio_brain.kernel.reasons import ReasonCode
from studio_brain.store.rows import state_sha256
from tests.domains.records.homes import entries, with_brain
from tests.domains.records.lived import (
    WHY,
    approve,
    carry_out,
    destroy,
    draft,
    files_holding,
    imke,
    lived_home,
    note,
    raw,
    teo,
    verified,
)

SECRET = "Marguerite wept because the celadon bowl of her mother cracked"
ERASE = "evidence.erase"


def names(*indexes: int, **more: Any) -> dict[str, Any]:
    return {"entries": [{"index": index} for index in indexes], "reason": "asked by the person"} | more


def whole(proposal: str) -> dict[str, Any]:
    return {"entries": [{"proposalId": proposal}], "reason": "asked by the person"}


def test_nothing_of_it_is_found_in_any_file_and_everything_still_verifies(tmp_path: Path) -> None:
    home = lived_home(tmp_path / "home")

    async def work(brain: Brain) -> None:
        id = await note(brain, SECRET)
        for n in range(30):
            await draft(brain, f"another note number {n}", f"b{n}")
        brain.replay._far = 5
        brain.replay.at(brain.replay.cut("a", index=len(entries(brain)) - 1), logs=False).close()
        root_before = (await verified(brain)).logs
        mine = raw(brain, "SELECT payload.place, salt, sealed, key FROM payload JOIN payload_key USING (place)")
        stored = {s.seq: s.entry for s in entries(brain) if s.entry.data.get("proposalId") == id and s.entry.payload}
        secrets = [row for row in mine if row[0] & 0xFFFFFFFFFF in stored]
        assert len(secrets) == len(stored) == 2
        assert any(path.startswith("replay/") for path in files_holding(home, SECRET.encode()))
        done = await destroy(brain, ERASE, whole(id))
        assert (done.outcome, done.data["output"]["traces"]) == ("executed", 0), done
        for _, salt, sealed, key in secrets:
            for part in (salt, sealed, key):
                assert files_holding(home, part) == []
        assert files_holding(home, SECRET.encode()) == []
        report = await verified(brain)
        assert report.ok, report.fault
        assert [log.erased for log in report.logs if log.size > 1] == [2]
        assert report.logs[0].size > root_before[0].size
        shown = await brain.query("proposals.one", {"id": id}, imke(brain))
        by = {item["index"]: item["by"] for item in done.data["output"]["erased"]}
        assert set(by) == set(stored)
        assert shown["input"] is None
        assert shown["erasedBy"] == by[min(by)]
        assert shown["execution"]["erasedBy"] in by.values()

    with_brain(home, work)
    assert files_holding(home, SECRET.encode()) == []
    assert with_brain(home, verified).ok


def test_the_state_hash_stays_and_the_past_says_erased(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        id = await note(brain, SECRET)
        then = len(entries(brain)) - 1
        before = brain.databases.brain.reading(lambda conn: state_sha256(conn, ROWS))
        drafted = next(s for s in entries(brain, kind="proposal.drafted"))
        done = await destroy(brain, ERASE, names(drafted.seq))
        assert done.outcome == "executed", done
        moment = brain.replay.at(brain.replay.cut("a", index=then))
        assert moment.state_sha256()["gateway"] == before
        row = moment.sources().brain("SELECT content, erased_place FROM proposal WHERE id = :id", {"id": id})[0]
        assert (row["content"], row["erased_place"] & 0xFFFFFFFFFF) == (None, done.data["output"]["erased"][0]["by"])
        moment.close()
        sealed = next(s.entry for s in entries(brain, kind="payload.erased"))
        assert sealed.data["index"] == drafted.seq
        assert sealed.data["seal"] == "sha256:" + drafted.entry.seal.hex()
        assert (sealed.data["executedFor"], sealed.data["approvedBy"]) == ("imke", "imke")

    with_brain(lived_home(tmp_path / "home"), work)


def test_a_copy_of_the_ciphertext_elsewhere_can_no_longer_be_read(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        id = await note(brain, SECRET)
        drafted = next(s for s in entries(brain, kind="proposal.drafted"))
        ((_, salt, sealed),) = raw(brain, f"SELECT * FROM payload WHERE place % {1 << 40} = {drafted.seq}")
        ((_, key),) = raw(brain, f"SELECT * FROM payload_key WHERE place % {1 << 40} = {drafted.seq}")
        assert drafted.entry.payload is not None
        assert SECRET.encode() in open_payload(drafted.entry.payload, salt, sealed, key)
        await destroy(brain, ERASE, whole(id))
        left = [row[0] for row in raw(brain, "SELECT key FROM payload_key")]
        assert left
        assert key not in left
        for other in left:
            with pytest.raises(PayloadError):
                open_payload(drafted.entry.payload, salt, sealed, other)

    with_brain(lived_home(tmp_path / "home"), work)


def test_it_needs_an_owner_a_reason_and_somebody_elses_yes(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        id = await note(brain, SECRET)
        asked = await brain.perform(ERASE, whole(id), teo(brain), rationale=WHY)
        assert asked.outcome == "asked"
        shown = await brain.query("proposals.one", {"id": asked.proposal}, imke(brain))
        assert [change["after"] for change in shown["changes"]] == ["erased"] * 2
        assert SECRET not in json.dumps(shown)
        own = await approve(brain, asked, teo(brain))
        assert own.code is ReasonCode.SELF_APPROVAL
        early = await brain.perform("proposal.execute", {"proposalId": asked.proposal}, imke(brain))
        assert early.denied
        assert (await brain.query("proposals.one", {"id": id}, imke(brain)))["input"] is not None
        assert (await brain.perform(ERASE, whole(id), teo(brain), rationale="no")).code is ReasonCode.RATIONALE_REQUIRED
        assert (await brain.perform(ERASE, {"entries": [{}], "reason": "no longer needed"}, teo(brain), rationale=WHY)
                ).code is ReasonCode.INVALID_PAYLOAD  # fmt: skip
        assert (await destroy(brain, ERASE, names(0, index_of_nothing(brain)))).outcome == "executed"
        assert (await destroy(brain, ERASE, names(0))).code is ReasonCode.NOTHING_TO_DO

    with_brain(lived_home(tmp_path / "home"), work)


def index_of_nothing(brain: Brain) -> int:
    """An entry that has no payload."""
    return next(s.seq for s in entries(brain) if s.entry.payload is None)


def test_what_is_still_to_be_decided_is_not_erased(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        drafted = await draft(brain, SECRET)
        refused = await destroy(brain, ERASE, whole(str(drafted.proposal)))
        assert refused.code is ReasonCode.WRONG_STATE
        assert entries(brain, kind="payload.erased") == []

    with_brain(lived_home(tmp_path / "home"), work)


def test_a_hold_wins_even_when_it_comes_after_the_approval(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        id = await note(brain, SECRET)
        asked = await brain.perform(ERASE, whole(id), teo(brain), rationale=WHY)
        await approve(brain, asked)
        held = {"scope": "proposal", "target": id}
        assert (await brain.perform("retention.hold", held, imke(brain), rationale=WHY)).outcome == "held"
        done = await brain.perform("proposal.execute", {"proposalId": asked.proposal}, imke(brain))
        assert done.code is ReasonCode.LEGAL_HOLD
        assert entries(brain, kind="payload.erased") == []
        for scope, target in (("all", ""), ("kind", "proposal.drafted"), ("entry", "0")):
            what = {"scope": scope, "target": target}
            assert (await destroy(brain, ERASE, names(0))).code is ReasonCode.LEGAL_HOLD
            again = await brain.perform("retention.hold", what, imke(brain), rationale=WHY)
            assert again.outcome == "held"
            twice = await brain.perform("retention.hold", what, imke(brain), rationale=WHY)
            assert twice.code is ReasonCode.NOTHING_TO_DO
        for scope, target in (("proposal", id), ("all", ""), ("kind", "proposal.drafted")):
            freed = await brain.perform(
                "retention.release", {"scope": scope, "target": target}, imke(brain), rationale=WHY
            )
            assert freed.outcome == "released"
            assert (await destroy(brain, ERASE, names(0))).code is ReasonCode.LEGAL_HOLD
        await brain.perform("retention.release", {"scope": "entry", "target": "0"}, imke(brain), rationale=WHY)
        assert (await destroy(brain, ERASE, names(0))).outcome == "executed"
        listed = await brain.query("retention.holds", {}, imke(brain))
        assert [row["kind"] for row in listed["rows"]] == ["retention.held"] * 4 + ["retention.released"] * 4

    with_brain(lived_home(tmp_path / "home"), work)


def test_an_erasure_that_was_cut_off_is_settled_by_looking(tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        id = await note(brain, SECRET)
        asked = await brain.perform(ERASE, whole(id), teo(brain), rationale=WHY)
        seen: list[Settled] = []
        keeper = brain.gateway.connectors["a"]["records"]
        sent = keeper.execute

        async def cut_off(call: Any) -> Any:
            seen.append((await keeper.read_back(call)).settled)
            await sent(call)
            seen.append((await keeper.read_back(call)).settled)
            raise RuntimeError("the power went")

        keeper.execute = cut_off  # type: ignore[method-assign]
        done = await carry_out(brain, asked)
        assert done.outcome == "unknown"
        assert seen == [Settled.NOT_DONE, Settled.DONE]
        assert await brain.recovery.settle_all() == 0
        assert (await brain.query("proposals.one", {"id": asked.proposal}, imke(brain)))["state"] == "executed"
        assert (await verified(brain)).ok

    with_brain(lived_home(tmp_path / "home"), work)
