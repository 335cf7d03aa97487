"""Receipt files: what is handed out is checked by the product and by a stranger, and both refuse every change."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio_brain.evidence import checkpoint as checkpoints
from studio_brain.evidence import cosignature, note
from studio_brain.evidence import receipt as receipts
from studio_brain.evidence.log import find_log
from studio_brain.evidence.merkle import leaf_hash
from studio_brain.evidence.note import VerifierKey
from studio_brain.evidence.proof import TlogProof
from studio_brain.evidence.reader import LogReader
from studio_brain.evidence.receipt import ProofRefused, ReceiptFile
from studio_brain.evidence.trust import TrustPolicy
from tests.benchmarks.big_log import KEY, TENANT, build
from tests.evidence import stranger
from tests.evidence.keys import TestKey
from tests.evidence.stranger import REFUSED, UNANCHORED, VERIFIED
from tests.shared_data import shared

ORIGIN = "practice/bench/studio/1"
VKEY = VerifierKey(ORIGIN, KEY.public_key)
WITNESS = VerifierKey("witness.example/w", TestKey(b"\x09" * 32).public_key, cosignature.ED25519)


class Cosigner(TestKey):
    type = cosignature.ED25519


@pytest.fixture(scope="module")
def receipt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReceiptFile]:
    """Entry 300 of a log of 514, in its cosigned checkpoint."""
    databases, _ = build(tmp_path_factory.mktemp("log"), 514, group=257)

    def work(conn):  # type: ignore[no-untyped-def]
        reader = LogReader(conn, find_log(conn, TENANT))
        signed = reader.checkpoint_note()
        line = cosignature.cosign(note.parse(signed), WITNESS.name, Cosigner(b"\x09" * 32), 1_800_000_000)
        return receipts.build(reader.entry(300).body, 300, reader.inclusion(300, 514), signed, [line.line()])

    yield databases.brain.reading(work)
    databases.close()


def test_it_is_one_text_that_says_everything(receipt: ReceiptFile) -> None:
    again = ReceiptFile.parse(receipt.serialize())
    assert again == receipt
    assert (again.index, again.checkpoint.size, again.checkpoint.origin) == (300, 514, ORIGIN)
    assert again.entry.kind == "execution.result"


def test_with_the_logs_key_it_is_verified_and_without_it_says_so(receipt: ReceiptFile) -> None:
    found = receipts.verify(receipt, [VKEY, WITNESS])
    assert found.anchored
    assert [item.time for item in found.cosigned] == [1_800_000_000]
    assert any(VKEY.serialize() in line for line in found.checked)
    alone = receipts.verify(receipt)
    assert not alone.anchored
    assert any("no key was given" in line for line in alone.unchecked)
    assert any(WITNESS.name in line for line in alone.unchecked)


def test_a_policy_decides_how_many_witnesses_it_takes(receipt: ReceiptFile) -> None:
    log, witness = VKEY.serialize(), WITNESS.serialize()
    one = TrustPolicy.parse(f"log {log}\nwitness w {witness}\nquorum w\n".encode())
    assert receipts.verify(receipt, policy=one).anchored
    other = VerifierKey("other", TestKey(b"\x0a" * 32).public_key, cosignature.ED25519).serialize()
    two = TrustPolicy.parse(f"log {log}\nwitness w {witness}\nwitness o {other}\ngroup g all w o\nquorum g\n".encode())
    with pytest.raises(ProofRefused, match="quorum"):
        receipts.verify(receipt, policy=two)


@pytest.mark.parametrize("python", stranger.PYTHONS)
def test_a_stranger_comes_to_the_same_answers(receipt: ReceiptFile, tmp_path: Path, python: str) -> None:
    path = tmp_path / "r.tlog-proof"
    path.write_text(receipt.serialize())
    code, said = stranger.look(path, VKEY.serialize(), WITNESS.serialize(), python=python)
    assert code == VERIFIED, said
    assert "index 300 of the 514 entries" in said
    assert "cosigned by witness.example/w, 1800000000" in said
    code, said = stranger.look(path, python=python)
    assert code == UNANCHORED
    assert "NOT checked: who signed it" in said
    assert "NOT checked: the line of witness.example/w" in said


def test_a_cosignature_alone_is_no_anchor(receipt: ReceiptFile, tmp_path: Path) -> None:
    assert not receipts.verify(receipt, [WITNESS]).anchored
    path = tmp_path / "r"
    path.write_text(receipt.serialize())
    assert stranger.look(path, WITNESS.serialize())[0] == UNANCHORED


def rebuilt(receipt: ReceiptFile, **changes: object) -> str:
    old = receipt.proof
    parts = {"index": old.index, "path": old.path, "checkpoint": old.checkpoint, "extra": old.extra} | changes
    return TlogProof(**parts).serialize()  # type: ignore[arg-type]


def altered_entry(r: ReceiptFile) -> str:
    return rebuilt(r, extra=r.entry.body.replace(b"imke", b"anna"))


def forged(r: ReceiptFile) -> str:
    """A whole history of one entry of its own, signed with another key under the log's name."""
    body = r.entry.body.replace(b"imke", b"anna")
    made = checkpoints.Checkpoint(ORIGIN, 1, leaf_hash(body))
    return TlogProof(0, (), checkpoints.sign(made, TestKey(b"\x33" * 32)).serialize(), body).serialize()


def without_signature(r: ReceiptFile) -> str:
    return rebuilt(r, checkpoint=note.Note(r.note.text, r.note.signatures[1:]).serialize())


def other_size(r: ReceiptFile) -> str:
    made = checkpoints.Checkpoint(ORIGIN, 513, r.checkpoint.root).body()
    return rebuilt(r, checkpoint=note.Note(made, r.note.signatures).serialize())


def broken_cosignature(r: ReceiptFile) -> str:
    mine, theirs = r.note.signatures
    bent = note.Signature(theirs.name, theirs.key_id, theirs.value[:-1] + bytes([theirs.value[-1] ^ 1]))
    return rebuilt(r, checkpoint=note.Note(r.note.text, (mine, bent)).serialize())


def later_cosignature(r: ReceiptFile) -> str:
    mine, theirs = r.note.signatures
    bent = note.Signature(theirs.name, theirs.key_id, bytes(8) + theirs.value[8:])
    return rebuilt(r, checkpoint=note.Note(r.note.text, (mine, bent)).serialize())


def not_canonical(r: ReceiptFile) -> str:
    body = r.entry.body.replace(b'{"actor"', b'{ "actor"')
    made = checkpoints.Checkpoint(ORIGIN, 1, leaf_hash(body))
    return TlogProof(0, (), checkpoints.sign(made, KEY).serialize(), body).serialize()


def of_another_tenant(r: ReceiptFile) -> str:
    body = r.entry.body.replace(b'"tenant":"studio"', b'"tenant":"other"')
    made = checkpoints.Checkpoint(ORIGIN, 1, leaf_hash(body))
    return TlogProof(0, (), checkpoints.sign(made, KEY).serialize(), body).serialize()


def repeated_name(r: ReceiptFile) -> str:
    body = r.entry.body.replace(b'{"actor"', b'{"v":1,"actor"')
    made = checkpoints.Checkpoint(ORIGIN, 1, leaf_hash(body))
    return TlogProof(0, (), checkpoints.sign(made, KEY).serialize(), body).serialize()


def with_a_float(r: ReceiptFile) -> str:
    body = r.entry.body.replace(b'"attempt":1', b'"attempt":1.5')
    made = checkpoints.Checkpoint(ORIGIN, 1, leaf_hash(body))
    return TlogProof(0, (), checkpoints.sign(made, KEY).serialize(), body).serialize()


TAMPERED: dict[str, Callable[[ReceiptFile], str]] = {
    "another entry": altered_entry,
    "another index": lambda r: rebuilt(r, index=301),
    "an index beyond the tree": lambda r: rebuilt(r, index=514),
    "a hash of the path": lambda r: rebuilt(r, path=(bytes(32), *r.proof.path[1:])),
    "a hash less": lambda r: rebuilt(r, path=r.proof.path[1:]),
    "a hash more": lambda r: rebuilt(r, path=(*r.proof.path, bytes(32))),
    "hashes swapped": lambda r: rebuilt(r, path=(r.proof.path[1], r.proof.path[0], *r.proof.path[2:])),
    "no entry": lambda r: rebuilt(r, extra=None),
    "no signature": without_signature,
    "another size": other_size,
    "a forged history": forged,
    "a broken cosignature": broken_cosignature,
    "a cosignature with another time": later_cosignature,
    "an entry that is not canonical": not_canonical,
    "an entry of another tenant": of_another_tenant,
    "a name that stands twice": repeated_name,
    "an entry with a float": with_a_float,
    "another heading": lambda r: r.serialize().replace("@v1", "@v2", 1),
    "a leading zero": lambda r: r.serialize().replace("index 300", "index 0300"),
    "a plus sign": lambda r: r.serialize().replace("index 300", "index +300"),
    "a carriage return": lambda r: r.serialize().replace("\n", "\r\n", 1),
    "base64 without its padding": lambda r: r.serialize().replace("=\n", "\n", 1),
    "a space at the end": lambda r: r.serialize().replace("index 300", "index 300 "),
    "a signature twice": lambda r: r.serialize() + r.serialize().rstrip("\n").rpartition("\n")[2] + "\n",
    "the last newline": lambda r: r.serialize()[:-1],
    "more at the end": lambda r: r.serialize() + "x\n",
    "nothing": lambda r: "",
}


@pytest.mark.parametrize("name", TAMPERED)
def test_every_kind_of_change_is_refused_by_both(receipt: ReceiptFile, tmp_path: Path, name: str) -> None:
    text = TAMPERED[name](receipt)
    assert text != receipt.serialize()
    with pytest.raises(ProofRefused):
        receipts.verify(ReceiptFile.parse(text), [VKEY, WITNESS])
    path = tmp_path / "r.tlog-proof"
    path.write_bytes(text.encode())
    code, said = stranger.look(path, VKEY.serialize(), WITNESS.serialize())
    assert code == REFUSED, said
    assert said.startswith("REFUSED: ")


@pytest.mark.parametrize(
    "key",
    [
        VerifierKey(ORIGIN, TestKey(b"\x33" * 32).public_key),
        VerifierKey("practice/bench/other/1", KEY.public_key),
    ],
    ids=["another key", "the key of another log"],
)
def test_a_key_that_did_not_sign_it_refuses_it(receipt: ReceiptFile, tmp_path: Path, key: VerifierKey) -> None:
    with pytest.raises(ProofRefused):
        receipts.verify(receipt, [key])
    path = tmp_path / "r"
    path.write_text(receipt.serialize())
    assert stranger.look(path, key.serialize())[0] == REFUSED


def test_a_forged_history_agrees_with_itself_and_no_more(receipt: ReceiptFile, tmp_path: Path) -> None:
    """Why a key from elsewhere is needed: without it neither can tell, and both say so."""
    text = forged(receipt)
    assert not receipts.verify(ReceiptFile.parse(text)).anchored
    path = tmp_path / "r"
    path.write_text(text)
    assert stranger.look(path)[0] == UNANCHORED


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_no_character_can_be_changed_unnoticed(receipt: ReceiptFile, data: st.DataObject) -> None:
    """A witness's line under another name or key id is a stranger's: it does not count, and is named as unchecked."""
    text = receipt.serialize()
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("AZaz09+/=\n —").filter(lambda c: c != text[at]))
    try:
        found = receipts.verify(ReceiptFile.parse(text[:at] + other + text[at + 1 :]), [VKEY, WITNESS])
    except ProofRefused:
        return
    assert at > text.index(f"— {WITNESS.name}")
    assert found.cosigned == ()
    assert any(f"whether {WITNESS.name} has seen it" in line for line in found.unchecked)


@pytest.mark.parametrize("change", ["name", "key id"])
def test_a_line_that_is_not_the_witnesss_is_not_counted_by_a_stranger_either(
    receipt: ReceiptFile, tmp_path: Path, change: str
) -> None:
    mine, theirs = receipt.note.signatures
    name, key_id = ("witness.example/x", theirs.key_id) if change == "name" else (theirs.name, b"\x00" * 4)
    path = tmp_path / "r"
    path.write_text(
        rebuilt(
            receipt,
            checkpoint=note.Note(receipt.note.text, (mine, note.Signature(name, key_id, theirs.value))).serialize(),
        )
    )
    code, said = stranger.look(path, VKEY.serialize(), WITNESS.serialize())
    assert code == VERIFIED
    assert "cosigned by" not in said.replace("not cosigned", "")
    assert "NOT checked: whether witness.example/w has seen it" in said


def test_verify_py_is_short_enough_to_be_read() -> None:
    lines = stranger.VERIFIER.read_text().splitlines()
    assert len(lines) < 300
    assert max(map(len, lines)) <= 120


def test_a_wrong_call_is_a_usage_error(tmp_path: Path) -> None:
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-I", "-S", str(stranger.VERIFIER)], capture_output=True, check=False)
    assert done.returncode == 2


@pytest.mark.vectors
def test_a_stranger_reads_published_ed25519_signatures(tmp_path: Path) -> None:
    """RFC 8032 as `cryptography` does it and as verify.py does it: the published log of another implementation. Its
    entries are none of ours, so that is what it has to stumble over, and over nothing before."""
    import json

    keys = json.loads(shared("vectors/tlog-log-keys.json").read_text())
    signed = (shared("vectors/tlog-log") / "checkpoint.1").read_text()
    entry = keys["entries"][0].encode()
    path = tmp_path / "r"
    path.write_text(f"c2sp.org/tlog-proof@v1\nextra {base64.b64encode(entry).decode()}\nindex 0\n\n{signed}")
    code, said = stranger.look(path, keys["vkey"])
    assert code == REFUSED
    assert "not valid" not in said
    bent = signed[:-12] + ("A" if signed[-12] != "A" else "B") + signed[-11:]
    path.write_text(f"c2sp.org/tlog-proof@v1\nextra {base64.b64encode(entry).decode()}\nindex 0\n\n{bent}")
    code, said = stranger.look(path, keys["vkey"])
    assert code == REFUSED
    assert "not valid" in said or "no point" in said
