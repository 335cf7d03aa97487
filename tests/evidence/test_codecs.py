"""Cosignatures, trust policies, proofs and tile paths: published vectors, round trips, and a table of refusals."""

import base64
import itertools
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from studio_brain.evidence import checkpoint as checkpoints
from studio_brain.evidence import cosignature, note
from studio_brain.evidence.checkpoint import Checkpoint
from studio_brain.evidence.merkle import Frontier, leaf_hash
from studio_brain.evidence.note import Note, NoteError, VerifierKey
from studio_brain.evidence.proof import TlogProof
from studio_brain.evidence.tilepath import (
    bundle_path,
    index_path,
    parse_index_path,
    parse_tile_path,
    tile_path,
    tiles_of,
)
from studio_brain.evidence.trust import Member, PolicyError, TrustPolicy
from tests.evidence.keys import TestKey
from tests.shared_data import shared

ORIGIN = "practice/0b7c/studio/1"
LOG = TestKey()
CHECKPOINT = Checkpoint(ORIGIN, 7, b"\x01" * 32)
SIGNED = checkpoints.sign(CHECKPOINT, LOG)


class Cosigner(TestKey):
    """An Ed25519 witness."""

    type = cosignature.ED25519


class PostQuantum:
    """An ML-DSA-44 witness."""

    type = cosignature.ML_DSA_44

    def __init__(self) -> None:
        self._key = MLDSA44PrivateKey.generate()
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def vkey(cosigner: Cosigner | PostQuantum, name: str) -> VerifierKey:
    return VerifierKey(name, cosigner.public_key, cosigner.type)


def with_cosignatures(*lines: note.Signature) -> Note:
    return Note(SIGNED.text, (*SIGNED.signatures, *lines))


# cosignatures


@pytest.mark.parametrize("cosigner", [Cosigner(b"\x09" * 32), PostQuantum()], ids=["ed25519", "ml-dsa-44"])
def test_a_cosignature_verifies_with_its_time_and_for_nothing_else(cosigner: Cosigner | PostQuantum) -> None:
    line = cosignature.cosign(SIGNED, "witness.example/w1", cosigner, 1_700_000_000)
    signed = note.parse(with_cosignatures(line).serialize())
    key = vkey(cosigner, "witness.example/w1")
    assert cosignature.verify(signed, key) == cosignature.Cosigned(key, 1_700_000_000)
    assert VerifierKey.parse(key.serialize()) == key
    other_time = note.Signature(line.name, line.key_id, (1_700_000_001).to_bytes(8, "big") + line.value[8:])
    other_text = Note(Checkpoint(ORIGIN, 8, b"\x01" * 32).body(), (line,))
    for wrong in (with_cosignatures(other_time), other_text, SIGNED):
        with pytest.raises(NoteError):
            cosignature.verify(wrong, key)
    with pytest.raises(NoteError):
        cosignature.verify(signed, vkey(cosigner, "witness.example/w2"))


def test_a_cosignature_of_the_wrong_length_or_an_impossible_time_is_refused() -> None:
    cosigner = Cosigner(b"\x09" * 32)
    good = cosignature.cosign(SIGNED, "w", cosigner, 5)
    for value in (good.value[:-1], good.value + b"\x00", b"\xff" * 8 + good.value[8:], good.value[8:]):
        with pytest.raises(NoteError):
            cosignature.verify(with_cosignatures(note.Signature("w", good.key_id, value)), vkey(cosigner, "w"))


def test_the_ml_dsa_message_commits_to_the_cosigners_name() -> None:
    cosigner = PostQuantum()
    line = cosignature.cosign(SIGNED, "w1", cosigner, 5)
    renamed = note.Signature("w2", note.key_id("w2", cosigner.public_key, cosigner.type), line.value)
    with pytest.raises(NoteError):
        cosignature.verify(with_cosignatures(renamed), vkey(cosigner, "w2"))


@pytest.mark.vectors
def test_published_cosigned_checkpoint_parses_and_round_trips() -> None:
    document = json.loads(shared("vectors/signed-note/notes.json").read_text())
    for name in ("checkpoint_example", "cosigned_example"):
        parsed = note.parse(document[name])
        assert parsed.serialize() == document[name]
        assert Checkpoint.parse(parsed.text).size == 20852163
    cosigned = note.parse(document["cosigned_example"]).signatures[1]
    assert len(cosigned.value) == 72
    assert int.from_bytes(cosigned.value[:8], "big") == 1679315147


# trust policies


def witnesses(count: int) -> list[Cosigner]:
    return [Cosigner(bytes([n + 1]) * 32) for n in range(count)]


def policy_text(cosigners: list[Cosigner], *rest: str) -> bytes:
    lines = [f"log {VerifierKey(ORIGIN, LOG.public_key).serialize()}"]
    lines += [f"witness w{n} {vkey(c, f'witness.example/{n}').serialize()}" for n, c in enumerate(cosigners)]
    return "\n".join([*lines, *rest]).encode() + b"\n"


@pytest.mark.parametrize(
    "present", list(itertools.chain.from_iterable(itertools.combinations(range(4), k) for k in range(5)))
)
def test_a_nested_quorum_is_exactly_its_formula(present: tuple[int, ...]) -> None:
    cosigners = witnesses(4)
    policy = TrustPolicy.parse(
        policy_text(cosigners, "group inner any w2 w3", "group outer 2 w0 w1 inner", "quorum outer")
    )
    lines = [cosignature.cosign(SIGNED, f"witness.example/{n}", cosigners[n], 5) for n in present]
    reached = (0 in present) + (1 in present) + bool({2, 3} & set(present)) >= 2
    if reached:
        assert len(policy.verify(with_cosignatures(*lines))) == len(present)
    else:
        with pytest.raises(NoteError, match="quorum"):
            policy.verify(with_cosignatures(*lines))


def test_a_forged_cosignature_spoils_the_note_and_a_stranger_is_ignored() -> None:
    cosigners = witnesses(2)
    policy = TrustPolicy.parse(policy_text(cosigners, "group g any w0 w1", "quorum g"))
    good = cosignature.cosign(SIGNED, "witness.example/0", cosigners[0], 5)
    stranger = cosignature.cosign(SIGNED, "stranger.example", Cosigner(b"\x55" * 32), 5)
    assert len(policy.verify(with_cosignatures(good, stranger))) == 1
    forged = note.Signature("witness.example/1", vkey(cosigners[1], "witness.example/1").key_id, good.value)
    with pytest.raises(NoteError, match="not valid"):
        policy.verify(with_cosignatures(good, forged))


def test_a_checkpoint_of_another_log_does_not_count() -> None:
    policy = TrustPolicy.parse(policy_text([], "quorum none"))
    assert policy.verify(SIGNED) == ()
    with pytest.raises(NoteError, match="none of the policy's logs"):
        policy.verify(checkpoints.sign(CHECKPOINT, TestKey(b"\x11" * 32)))


def test_one_key_under_two_names_is_one_witness() -> None:
    twice = witnesses(1) * 2
    with pytest.raises(PolicyError, match="stands twice"):
        TrustPolicy.parse(policy_text(twice, "group g all w0 w1", "quorum g"))


TWO = policy_text(witnesses(2))


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        (b"", "no quorum"),
        (b"quorum w9\n", "line 4: 'w9' is not defined above"),
        (b"quorum w0\nquorum w1\n", "second quorum"),
        (b"group g 3 w0 w1\nquorum g\n", "can never agree"),
        (b"group g 0 w0\nquorum g\n", "a threshold"),
        (b"group g -1 w0\nquorum g\n", "a threshold"),
        (b"group g 01 w0\nquorum g\n", "a threshold"),
        (b"group g +1 w0\nquorum g\n", "a threshold"),
        (b"group g any\nquorum g\n", "at least one member"),
        (b"group g any none\nquorum g\n", "not defined"),
        (b"group g any g\nquorum g\n", "not defined"),
        (b"group g any later\ngroup later any w0\nquorum g\n", "not defined"),
        (b"group g any w0 w0\nquorum g\n", "member of a group already"),
        (b"group g any w0\ngroup h any w0\nquorum h\n", "member of a group already"),
        (b"group any any w0\nquorum any\n", "meaning of its own"),
        (b"group w0 any w1\nquorum w0\n", "defined twice"),
        (b"quorum w0 w1\n", "not a line"),
        (b"quorum\n", "not a line"),
        (b"witnes w3 x\nquorum w0\n", "not a line"),
        (b"quorum w0\r\n", "control character"),
        (b"quorum w0\x00\n", "control character"),
        (b"witness w3 nonsense\nquorum w0\n", "line 4"),
        (TWO.splitlines()[0] + b"\nquorum w0\n", "stands twice"),
    ],
)
def test_a_policy_that_does_not_follow_the_rules_is_refused_by_line(rest: bytes, says: str) -> None:
    with pytest.raises(PolicyError, match=says):
        TrustPolicy.parse(TWO + rest)


def test_comments_spaces_tabs_and_odd_names_are_fine() -> None:
    text = (
        b"# comment \xff\xfe\n\n  \t"
        + TWO.replace(b"w0", b"K").replace(b"w1", b"\xe2\x84\xaa")
        + b"\tgroup  g\tall K \xe2\x84\xaa \nquorum g"
    )
    policy = TrustPolicy.parse(text)
    assert policy.text == text
    assert policy.groups[b"g"].k == 2


@pytest.mark.vectors
def test_published_policies() -> None:
    document = json.loads(shared("vectors/tlog-policy/policies.json").read_text())
    for vector in document["accept"]:
        policy = TrustPolicy.parse(vector["policy"].encode())
        members = list(policy.witnesses.values())
        counts = [k for k in range(len(members) + 1) if policy.satisfied_by(set_of(members[:k]))]
        assert min(counts) == vector["k"], vector["name"]
        assert policy.groups[policy.quorum].k == vector["k"]  # type: ignore[index]
        assert len(policy.groups[policy.quorum].members) == vector["n"]  # type: ignore[index]
    for vector in document["reject"]:
        with pytest.raises(PolicyError):
            TrustPolicy.parse(vector["policy"].encode())


def set_of(members: list[Member]):  # type: ignore[no-untyped-def]
    return lambda member: member in members


# proofs


@given(
    st.integers(0, 2**62),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    st.none() | st.binary(max_size=80),
)
def test_a_proof_round_trips(index: int, path: list[bytes], extra: bytes | None) -> None:
    proof = TlogProof(index, tuple(path), "checkpoint\n\n— a QUJDREVG\n", extra)
    assert TlogProof.parse(proof.serialize()) == proof


HASH = base64.b64encode(b"h" * 32).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v2\nindex 0\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nindex 0\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 007\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex +5\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 1_000\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 9223372036854775808\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 0 \n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 0\nextra QUJD\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nextra QUJ\nindex 0\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nextra QUJD\nextra QUJD\nindex 0\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 0\nQUJD\n\ncheckpoint\n",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH} \n\ncheckpoint\n",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH.rstrip('=')}\n\ncheckpoint\n",
        f"c2sp.org/tlog-proof@v1\r\nindex 0\n{HASH}\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n" + f"{HASH}\n" * 64 + "\ncheckpoint\n",
    ],
)
def test_a_proof_that_is_not_exact_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        TlogProof.parse(text)


@pytest.mark.vectors
def test_published_proof_texts() -> None:
    for vector in json.loads(shared("vectors/tlog-proof/proofs.json").read_text())["proofs"]:
        extra = None if "extra" not in vector else base64.b64decode(vector["extra"])
        expected = TlogProof(
            vector["index"], tuple(base64.b64decode(h) for h in vector["hashes"]), vector["checkpoint"], extra
        )
        assert TlogProof.parse(vector["text"]) == expected
        assert expected.serialize() == vector["text"]


# tile paths


@given(st.integers(0, 2**54))
def test_index_paths_round_trip(index: int) -> None:
    assert parse_index_path(index_path(index)) == index


@given(st.integers(0, 63), st.integers(0, 10**9), st.integers(1, 256))
def test_tile_paths_round_trip(level: int, index: int, width: int) -> None:
    assert parse_tile_path(tile_path(level, index, width)) == (level, index, width)
    assert parse_tile_path(bundle_path(index, width)) == (None, index, width)


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/67", "tile/0/x067", "tile/0/x000/067", "tile/64/000", "tile/00/000", "tile/+1/000", "tile/0/000.p/0",
        "tile/0/000.p/256", "tile/0/000.p/007", "tile/0/001/067", "tile/0/x001/x234", "tile/entries/1", "tile/x/000",
        "0/000", "tile/0", "tile/0/000/", "tile/0/000.p/", "tile/0/٠٠٠", "../tile/0/000",
    ],
)  # fmt: skip
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(NoteError):
        parse_tile_path(path)


@pytest.mark.vectors
def test_published_layout() -> None:
    document = json.loads(shared("vectors/tlog-tiles/layout.json").read_text())
    for index, path in document["paths"].items():
        assert index_path(int(index)) == path
    for case in document["sizes"]:
        tiles = list(tiles_of(case["size"]))
        for level in range(3):
            full = sum(1 for lv, _, w in tiles if lv == level and w == 256)
            partial = [w for lv, _, w in tiles if lv == level and w < 256]
            assert full == case.get(f"level{level}_full", 0)
            assert partial == ([case[f"level{level}_partial"]] if f"level{level}_partial" in case else [])


@pytest.mark.vectors
def test_the_published_log_is_rebuilt_byte_for_byte() -> None:
    keys = json.loads(shared("vectors/tlog-log-keys.json").read_text())
    folder = shared("vectors/tlog-log")
    name, _, encoded = keys["test_signing_key"].removeprefix("PRIVATE+KEY+").split("+", 2)
    key = TestKey(base64.b64decode(encoded)[1:])
    assert VerifierKey(name, key.public_key).serialize() == keys["vkey"]
    frontier, leaves, bundle = Frontier(), b"", b""
    written: dict[str, bytes] = {}
    for size in range(len(keys["entries"]) + 1):
        if size:
            entry = keys["entries"][size - 1].encode()
            leaves += leaf_hash(entry)
            bundle += len(entry).to_bytes(2, "big") + entry
            frontier.append(leaves[-32:])
            written[tile_path(0, 0, size)], written[bundle_path(0, size)] = leaves, bundle
        signed = checkpoints.sign(Checkpoint(keys["origin"], size, frontier.root()), key).serialize()
        written[f"checkpoint.{size}"] = written["checkpoint"] = signed.encode()
    published = {str(p.relative_to(folder)): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}
    assert published == {path: data for path, data in written.items() if path in published}
    assert len(published) == 15 * 2 + 16 + 1


@pytest.mark.vectors
def test_the_published_tree_of_eight() -> None:
    document = json.loads(shared("vectors/merkle-tree/eight-leaves.json").read_text())
    frontier = Frontier()
    assert frontier.root().hex() == document["empty_root"]
    for leaf, root in zip(document["leaves"], document["roots"], strict=True):
        frontier.append(leaf_hash(bytes.fromhex(leaf)))
        assert frontier.root().hex() == root
