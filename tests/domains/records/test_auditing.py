"""Handing out evidence from a real home: proofs, receipt files, audit bundles, and the receipt of an export."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from studio_brain.brain import Brain
from studio_brain.domains.records.audit_files import open_bundle
from studio_brain.evidence import audit, cosignature, note
from studio_brain.evidence import receipt as receipts
from studio_brain.evidence.log import find_log
from studio_brain.evidence.merkle import ProofError, verify_consistency, verify_inclusion
from studio_brain.evidence.note import VerifierKey
from studio_brain.evidence.receipt import ReceiptFile
from studio_brain.gateway.perform import Denied
from studio_brain.kernel.errors import StudioBrainError
from studio_brain.kernel.hashing import from_text
from studio_brain.kernel.reasons import ReasonCode
from tests.domains.records.homes import do as perform
from tests.domains.records.homes import entries as stored
from tests.domains.records.homes import make_home, seal, with_brain
from tests.domains.records.test_vault import erase
from tests.evidence import stranger
from tests.evidence.keys import TestKey
from tests.evidence.stranger import REFUSED, UNANCHORED, VERIFIED

WHY = "asked for by the tax office"
WITNESS = VerifierKey("witness.example/w", TestKey(b"\x09" * 32).public_key, cosignature.ED25519)
MORE = """
[[tenant.account]]
id = "teo"
email = "teo@example.org"
name = "Teo"
role = "editor"
"""


class Cosigner(TestKey):
    type = cosignature.ED25519


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home", MORE)


async def fill(brain: Brain) -> None:
    """24 entries in three groups; those of the second have payloads."""
    await seal(brain, *range(8))
    await seal(brain, *range(8, 16), payload=b"somebody's name")
    await seal(brain, *range(16, 24))


async def ask(brain: Brain, name: str, **params: Any) -> Any:
    return await brain.query(name, params, brain.session(None, "imke", "test"))


def cosign(brain: Brain, size: int) -> None:
    """A witness's cosignature on the checkpoint of `size`, stored as a witness's answer is."""

    def work(conn: Any) -> None:
        log = find_log(conn, "a")
        text = conn.exec_driver_sql(
            "SELECT note FROM checkpoint WHERE log_id = ? AND size = ?", (log.log_id, size)
        ).scalar_one()
        line = cosignature.cosign(note.parse(text), WITNESS.name, Cosigner(b"\x09" * 32), 1_800_000_000).line()
        conn.exec_driver_sql(
            "INSERT INTO cosignature (log_id, size, key_id, line, at_ms) VALUES (?, ?, ?, ?, ?)",
            (log.log_id, size, WITNESS.key_id, line, 0),
        )

    brain.databases.brain.writing(work)


def test_proofs_name_the_nodes_they_are_made_of(home: Path) -> None:
    async def work(brain: Brain) -> None:
        await fill(brain)
        found = await ask(brain, "evidence.proof", index=5)
        path = [from_text(node["hash"]) for node in found["path"]]
        verify_inclusion(from_text(found["leaf"]), 5, 24, path, from_text(found["root"]))
        assert [(n["level"], n["index"], n["side"]) for n in found["path"]] == [
            (0, 4, "left"), (1, 3, "right"), (2, 0, "left"), (3, 1, "right"), (3, 2, "right"),
        ]  # fmt: skip
        assert [(n["begin"], n["end"]) for n in found["path"]] == [(4, 5), (6, 8), (0, 4), (8, 16), (16, 24)]
        assert found["checkpoint"] is not None
        earlier = await ask(brain, "evidence.proof", index=5, size=7)
        assert (earlier["size"], earlier["checkpoint"]) == (7, None)
        both = await ask(brain, "evidence.consistency", old=8, new=24)
        roots = from_text(both["oldRoot"]), from_text(both["newRoot"])
        verify_consistency(8, 24, [from_text(node["hash"]) for node in both["path"]], *roots)
        assert None not in (both["oldCheckpoint"], both["newCheckpoint"])

    with_brain(home, work)


def test_a_receipt_file_takes_the_checkpoint_that_most_witnesses_cosigned(home: Path, tmp_path: Path) -> None:
    async def work(brain: Brain) -> tuple[str, str, str]:
        await fill(brain)
        plain = (await ask(brain, "evidence.receipt", index=9))["text"]
        cosign(brain, 16)
        found = await ask(brain, "evidence.receipt", index=9)
        assert (found["size"], found["cosignatures"]) == (16, [WITNESS.name])
        late = await ask(brain, "evidence.receipt", index=20)
        assert (late["size"], late["cosignatures"]) == (24, [])
        at_16 = await ask(brain, "evidence.receipt", index=3, size=8)
        assert at_16["size"] == 8
        shown = await ask(brain, "evidence.checkpoint", size=16)
        assert shown["cosignatures"] == [WITNESS.name]
        return plain, found["text"], brain.verifier_key(found["origin"]).serialize()

    plain, cosigned, key = with_brain(home, work)
    for number, (text, keys) in enumerate(((plain, [key]), (cosigned, [key, WITNESS.serialize()]))):
        assert receipts.verify(ReceiptFile.parse(text), [VerifierKey.parse(k) for k in keys]).anchored
        path = tmp_path / f"{number}.tlog-proof"
        path.write_text(text)
        code, said = stranger.look(path, *keys)
        assert code == VERIFIED, said
        assert ("cosigned by witness.example/w" in said) == bool(number)


UNPROVABLE: tuple[tuple[str, dict[str, Any], ReasonCode], ...] = (
    ("evidence.proof", {"index": 24}, ReasonCode.NOT_FOUND),
    ("evidence.proof", {"index": 5, "size": 5}, ReasonCode.NOT_FOUND),
    ("evidence.proof", {"index": 5, "size": 25}, ReasonCode.NOT_FOUND),
    ("evidence.proof", {"index": -1}, ReasonCode.INVALID_PAYLOAD),
    ("evidence.proof", {"index": "5"}, ReasonCode.INVALID_PAYLOAD),
    ("evidence.proof", {}, ReasonCode.INVALID_PAYLOAD),
    ("evidence.consistency", {"old": 20, "new": 8}, ReasonCode.NOT_FOUND),
    ("evidence.receipt", {"index": 99}, ReasonCode.NOT_FOUND),
    ("evidence.receipt", {"index": 5, "size": 9}, ReasonCode.NOT_FOUND),
    ("evidence.receipt", {"index": 9, "size": 8}, ReasonCode.NOT_FOUND),
    ("evidence.receipt", {"index": 1, "epoch": 7}, ReasonCode.NOT_FOUND),
)


def test_what_cannot_be_proved_is_refused_with_its_reason(home: Path) -> None:
    async def work(brain: Brain) -> None:
        await fill(brain)
        for query, params, code in UNPROVABLE:
            with pytest.raises(StudioBrainError) as caught:
                await ask(brain, query, **params)
            assert caught.value.code is code, (query, params)

    with_brain(home, work)


def test_a_damaged_tile_is_never_handed_out_as_a_proof(home: Path) -> None:
    async def work(brain: Brain) -> None:
        await seal(brain, *range(300))

        def damage(conn: Any) -> None:
            conn.exec_driver_sql("DROP TRIGGER tile_refuses_update")
            conn.exec_driver_sql("UPDATE tile SET hashes = zeroblob(8192)")

        brain.databases.brain.writing(damage)
        with pytest.raises((StudioBrainError, ProofError)):
            await ask(brain, "evidence.proof", index=5)
        with pytest.raises(StudioBrainError) as caught:
            await ask(brain, "evidence.receipt", index=5)
        assert caught.value.code is ReasonCode.PROOF_REFUSED

    with_brain(home, work)


# audit bundles


async def export(brain: Brain, out: Path, start: str = "4", end: str = "19", who: str = "imke", **more: Any) -> Any:
    payload = {"start": start, "end": end, "out": str(out), **more}
    return await brain.perform("evidence.export", payload, brain.session(None, who, "test"), rationale=WHY)


def test_an_export_leaves_a_receipt_that_names_the_bundle_and_no_path(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "for the tax office"

    async def work(brain: Brain) -> tuple[Any, dict[str, Any], str]:
        await fill(brain)
        done = await export(brain, out, payloads=True)
        assert done.outcome == "exported", done
        (entry,) = [item.entry for item in stored(brain, kind="evidence.exported")]
        return done, entry.data, brain.verifier_key(done.data["origin"]).serialize()

    done, data, key = with_brain(home, work)
    assert {k: data[k] for k in ("first", "last", "size", "payloads", "erased")} == {
        "first": 4, "last": 19, "size": 24, "payloads": 8, "erased": 0,
    }  # fmt: skip
    assert data["bundle"] == done.data["bundle"]
    assert data["rationale"] == WHY
    assert "tax office" not in json.dumps({k: v for k, v in data.items() if k != "rationale"})
    with open_bundle(out) as files:
        manifest, found = audit.verify(files, [VerifierKey.parse(key)])
    assert found.anchored
    assert (manifest.first, manifest.end, manifest.size) == (4, 20, 24)
    code, said = stranger.look(out, key)
    assert code == VERIFIED, said
    assert "8 payloads" in said
    lines = (out / "entries.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["data"]["n"] for line in lines] == list(range(4, 20))


def test_what_was_erased_is_named_with_the_entry_that_says_so(home: Path, tmp_path: Path) -> None:
    async def work(brain: Brain) -> str:
        await fill(brain)
        await erase(brain, 9)
        await erase(brain, 12)
        done = await export(brain, tmp_path / "b", "8", "24", payloads=True)
        assert (done.data["payloads"], done.data["erased"]) == (6, 2), done
        return brain.verifier_key(done.data["origin"]).serialize()

    key = with_brain(home, work)
    lines = [json.loads(line) for line in (tmp_path / "b" / "payloads.jsonl").read_bytes().splitlines()]
    assert [line for line in lines if "erased" in line] == [{"erased": 24, "index": 9}, {"erased": 25, "index": 12}]
    with open_bundle(tmp_path / "b") as files:
        found = audit.verify(files, [VerifierKey.parse(key)])[1]
    code, said = stranger.look(tmp_path / "b", key)
    assert code == VERIFIED, said
    for told in (said, "\n".join(found.checked)):
        assert "9 was erased by entry 24" in told or "entry 24 erased the payload of entry 9" in told
    assert "NOT checked: entry 25 erased the payload of entry 12" in said
    assert any("12 was erased by entry 25, which lies outside" in line for line in found.unchecked)


def test_a_log_whose_key_was_changed_is_handed_out_under_both_keys(home: Path, tmp_path: Path) -> None:
    """Its checkpoint carries the old key's signature, the manifest that of the key of the day it was made."""

    async def work(brain: Brain) -> tuple[str, str]:
        await fill(brain)
        await perform(brain, "evidence.rotate_key", {}, why=WHY)
        done = await export(brain, tmp_path / "b", "0", "23", payloads=True, epoch=1)
        origin = done.data["origin"]
        return brain.verifier_key(origin).serialize(), VerifierKey(origin, brain.office.signer.public_key).serialize()

    old, new = with_brain(home, work)
    assert old != new
    with open_bundle(tmp_path / "b") as files:
        assert audit.verify(files, [VerifierKey.parse(old), VerifierKey.parse(new)])[1].anchored
        assert not audit.verify(files)[1].anchored
        for one in (old, new):
            with pytest.raises(StudioBrainError, match="no signature by"):
                audit.verify(files, [VerifierKey.parse(one)])
    assert stranger.look(tmp_path / "b", old, new)[0] == VERIFIED
    assert [stranger.look(tmp_path / "b", one)[0] for one in (old, new)] == [REFUSED, REFUSED]
    assert stranger.look(tmp_path / "b")[0] == UNANCHORED


def test_a_payload_that_is_gone_without_a_word_is_not_handed_out(home: Path, tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        await fill(brain)
        brain.databases.brain.writing(lambda conn: conn.exec_driver_sql("DELETE FROM payload_key WHERE place % 2 = 0"))
        done = await export(brain, tmp_path / "b", payloads=True)
        assert done.code is ReasonCode.NOT_VERIFIED
        assert "gone and no entry says" in done.detail
        assert (await export(brain, tmp_path / "b")).outcome == "exported"  # the entries are all there

    with_brain(home, work)


def test_days_are_those_of_the_studio_and_both_belong_to_the_range(home: Path, tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        await fill(brain)
        from studio_brain.kernel.clock import utc_text

        today = utc_text(brain.clock.now_ms())[:10]
        done = await export(brain, tmp_path / "b.tar", today, today)
        assert (done.data["first"], done.data["last"]) == (0, 23)
        nothing = await export(brain, tmp_path / "c", "2001-01-01", "2001-12-31")
        assert nothing.code is ReasonCode.NOT_FOUND
        wrong = await export(brain, tmp_path / "c", "2001-02-30", "9")
        assert wrong.code is ReasonCode.INVALID_PAYLOAD

    with_brain(home, work)
    assert (tmp_path / "b.tar").is_file()
    assert not (tmp_path / "c").exists()


DENIED: tuple[tuple[str, dict[str, Any], ReasonCode], ...] = (
    ("teo", {}, ReasonCode.ROLE_REQUIRED),
    ("imke", {"start": "20", "end": "10"}, ReasonCode.NOT_FOUND),
    ("imke", {"end": "99"}, ReasonCode.NOT_FOUND),
    ("imke", {"start": "-1"}, ReasonCode.INVALID_PAYLOAD),
    ("imke", {"start": "yesterday"}, ReasonCode.INVALID_PAYLOAD),
    ("imke", {"out": Path("relative")}, ReasonCode.INVALID_PAYLOAD),
    ("imke", {"out": Path("/nonesuch/folder/b")}, ReasonCode.INVALID_PAYLOAD),
)


def test_what_may_not_be_exported_is_denied_sealed_and_leaves_nothing(home: Path, tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        await fill(brain)
        for who, changes, code in DENIED:
            done = await export(brain, **{"out": tmp_path / "b", "who": who} | changes)
            assert done.code is code, done
        sealed = [item.entry.data["reasonCode"] for item in stored(brain, kind="action.denied")]
        assert sealed == [code.value for _, _, code in DENIED]
        assert stored(brain, kind="evidence.exported") == []

    with_brain(home, work)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home"]


def test_without_a_rationale_nothing_is_handed_out(home: Path, tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        await fill(brain)
        payload = {"start": "0", "end": "3", "out": str(tmp_path / "b")}
        done = await perform(brain, "evidence.export", payload, why="")
        assert done.code is ReasonCode.RATIONALE_REQUIRED

    with_brain(home, work)


def test_when_the_receipt_cannot_be_written_there_is_no_bundle(home: Path, tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        await fill(brain)

        def no_more(conn: Any) -> None:
            conn.exec_driver_sql("CREATE TRIGGER full BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'no more'); END")

        brain.databases.brain.writing(no_more)
        with pytest.raises(Exception, match="no more"):
            await export(brain, tmp_path / "b")

    with_brain(home, work)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home"]


def test_a_missing_entry_is_noticed_while_exporting(home: Path, tmp_path: Path) -> None:
    async def work(brain: Brain) -> None:
        await fill(brain)

        def lose(conn: Any) -> None:
            conn.exec_driver_sql("DROP TRIGGER entry_refuses_delete")
            conn.exec_driver_sql("DELETE FROM entry WHERE kind = 'test.happened' AND pos = 1 AND stream_id = "
                                 "(SELECT stream_id FROM stream WHERE name = 's:3')")  # fmt: skip

        brain.databases.brain.writing(lose)
        done = await export(brain, tmp_path / "b")
        assert done.code is ReasonCode.NOT_VERIFIED, done
        assert stored(brain, kind="action.denied")[-1].entry.data["reasonCode"] == "NOT_VERIFIED"

    with_brain(home, work)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home"]


def test_looking_at_proofs_needs_the_right_to_see_receipts(home: Path) -> None:
    async def work(brain: Brain) -> None:
        await fill(brain)
        with pytest.raises(Denied):
            await brain.query("evidence.proof", {"index": 1, "tenant": "b"}, brain.session(None, "imke", "test"))

    with_brain(home, work)


def test_two_installations_do_not_vouch_for_each_other(home: Path, tmp_path: Path) -> None:
    async def work(brain: Brain) -> str:
        await fill(brain)
        await export(brain, tmp_path / f"b-{uuid.uuid4().hex}.tar")
        return brain.verifier_key((await ask(brain, "evidence.checkpoint"))["origin"]).serialize()

    with_brain(home, work)
    (mine,) = tmp_path.glob("b-*.tar")
    other = make_home(tmp_path / "other")
    key = with_brain(other, work)
    assert stranger.look(mine, key)[0] == REFUSED
