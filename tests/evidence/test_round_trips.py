"""Strictness as one property: whatever a codec accepts, it would have written itself, byte for byte."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from studio_brain.evidence import bundle, cosignature, note
from studio_brain.evidence import checkpoint as checkpoints
from studio_brain.evidence.audit import Listed, Manifest, parse_proof, proof_text
from studio_brain.evidence.checkpoint import Checkpoint
from studio_brain.evidence.note import NoteError, VerifierKey
from studio_brain.evidence.numbers import decimal
from studio_brain.evidence.proof import TlogProof
from studio_brain.evidence.tilepath import bundle_path, index_path, parse_index_path, parse_tile_path, tile_path
from studio_brain.evidence.trust import TrustPolicy
from tests.evidence.keys import TestKey

ORIGIN = "practice/0b7c/studio/1"
KEY = TestKey()
LOG = VerifierKey(ORIGIN, KEY.public_key)
WITNESS = VerifierKey("witness.example/w1", TestKey(b"\x09" * 32).public_key, cosignature.ED25519)


class Cosigner(TestKey):
    type = cosignature.ED25519


def cosigned() -> str:
    signed = checkpoints.sign(Checkpoint(ORIGIN, 1_234, b"\x01" * 32), KEY)
    line = cosignature.cosign(signed, WITNESS.name, Cosigner(b"\x09" * 32), 1_700_000_000)
    return note.Note(signed.text, (*signed.signatures, line)).serialize()


def path_again(text: str) -> str:
    level, index, width = parse_tile_path(text)
    return bundle_path(index, width) if level is None else tile_path(level, index, width)


SAMPLES: dict[str, tuple[str, Callable[[str], str]]] = {
    "note": (cosigned(), lambda text: note.parse(text).serialize()),
    "checkpoint": (
        Checkpoint(ORIGIN, 1_234, b"\x01" * 32).body(),
        lambda text: Checkpoint.parse(text).body(),
    ),
    "vkey": (LOG.serialize(), lambda text: VerifierKey.parse(text).serialize()),
    "witness vkey": (WITNESS.serialize(), lambda text: VerifierKey.parse(text).serialize()),
    "signature lines": (
        cosigned().rpartition("\n\n")[2],
        lambda text: "".join(s.line() for s in note.parse_lines(text)),
    ),
    "proof": (
        TlogProof(1_000, (b"\x02" * 32, b"\x03" * 32), cosigned(), b"extra").serialize(),
        lambda text: TlogProof.parse(text).serialize(),
    ),
    "proof without extra": (
        TlogProof(0, (), cosigned()).serialize(),
        lambda text: TlogProof.parse(text).serialize(),
    ),
    "decimal": ("1234567", lambda text: str(decimal(text, "it"))),
    "index path": (index_path(1_234_067), lambda text: index_path(parse_index_path(text))),
    "tile path": (tile_path(2, 1_234_067, 17), path_again),
    "bundle path": (bundle_path(273, 112), path_again),
    "manifest": (
        Manifest(ORIGIN, 9, 2, 5, LOG, (Listed("a", b"\x01" * 32, 3), Listed("b", bytes(32), 0))).body(),
        lambda text: Manifest.parse(text).body(),
    ),
    "range proof": (proof_text([b"\x01" * 32], [b"\x02" * 32]), lambda text: proof_text(*parse_proof(text, 2))),
    "policy": (
        f"log {LOG.serialize()}\nwitness w {WITNESS.serialize()} https://w.example\ngroup g any w\nquorum g\n",
        lambda text: TrustPolicy.parse(text.encode()).text.decode(),
    ),
}
ALPHABET = "09٣ +-_=/x.p\n\r\t\x00\x7f\u2028\u00a0Aé—"


@st.composite
def bent(draw: Callable[..., Any], sample: str) -> str:
    """The sample with up to three places replaced, cut, doubled or filled."""
    text = sample
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.integers(0, 3)))
        put = draw(st.sampled_from(["", text[at:end] * 2, text[at:end].swapcase()]) | st.text(ALPHABET, max_size=3))
        text = text[:at] + put + text[end:]
    return text


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_accepted_is_what_would_be_written(name: str) -> None:
    sample, again = SAMPLES[name]
    assert again(sample) == sample

    @given(bent(sample))
    @settings(max_examples=150, deadline=None, database=None)
    def property(text: str) -> None:
        try:
            found = again(text)
        except NoteError:
            return
        assert found == text

    property()


@given(st.binary(max_size=60), st.integers(0, 4))
@example(b"\x00\x00" * 3, 3)
@settings(max_examples=200)
def test_entry_bundles_are_exact(data: bytes, count: int) -> None:
    try:
        entries = bundle.decode(data, count)
    except NoteError:
        return
    assert bundle.encode(entries) == data


@given(st.text("AQgw/+=-_ \n", max_size=9))
def test_base64_has_one_form(text: str) -> None:
    try:
        data = note.decode_base64(text, "it")
    except NoteError:
        return
    assert base64.b64encode(data).decode() == text


def test_every_surplus_bit_in_the_last_place_is_refused() -> None:
    for pair in ("AAB=", "AB==", "AAF=", "Ah=="):
        with pytest.raises(NoteError, match="canonical"):
            note.decode_base64(pair, "it")


@pytest.mark.parametrize(
    "text",
    ["007", "00", "+5", "-1", "1_000", "1e3", "0x10", " 1", "1 ", "1\n", "", "٣", "１", "1.0", "9223372036854775808"],
)
def test_other_ways_to_write_a_number_are_refused(text: str) -> None:
    with pytest.raises(NoteError):
        decimal(text, "the size")


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\u00a0b", "a\u2028b", "a\tb", "a\nb", "a\x1fb", "a\u3000b", "a\u0085b"]
)
def test_names_with_spaces_plus_signs_or_control_characters_are_refused(name: str) -> None:
    with pytest.raises(NoteError):
        note.check_name(name)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        "name+00000000",
        LOG.serialize().upper(),
        LOG.serialize() + "\n",
        LOG.serialize().replace("+", " +", 1),
        LOG.serialize()[:-1],
        VerifierKey(ORIGIN, KEY.public_key[:31]).serialize(),
        VerifierKey(ORIGIN, KEY.public_key, 0x02).serialize(),
        f"{ORIGIN}+{'0' * 8}+" + LOG.serialize().rsplit("+", 1)[1],
        "other+" + LOG.serialize().split("+", 1)[1],
    ],
)
def test_a_vkey_that_is_not_exact_is_refused(vkey: str) -> None:
    with pytest.raises(NoteError):
        VerifierKey.parse(vkey)


def test_a_cosignature_stands_once_for_each_time() -> None:
    text = cosigned()
    line = text.rstrip("\n").rpartition("\n")[2] + "\n"
    with pytest.raises(NoteError, match="stands twice"):
        note.parse(text + line)


def test_up_to_sixteen_signatures_are_read_and_those_of_strangers_are_ignored() -> None:
    signed = checkpoints.sign(Checkpoint(ORIGIN, 1, b"\x01" * 32), KEY)
    strangers = tuple(note.Signature(f"s{n}", bytes([n]) * 4, b"\x00" * 64) for n in range(15))
    full = note.parse(note.Note(signed.text, (*signed.signatures, *strangers)).serialize())
    LOG.verify(full)
    with pytest.raises(NoteError, match="more than 16"):
        note.parse(full.serialize() + note.Signature("s16", b"\x10" * 4, b"\x00").line())


def test_a_wrong_signature_of_a_known_key_spoils_the_note_beside_a_right_one() -> None:
    signed = checkpoints.sign(Checkpoint(ORIGIN, 1, b"\x01" * 32), KEY)
    wrong = note.Signature(ORIGIN, LOG.key_id, b"\x00" * 64)
    with pytest.raises(NoteError, match="not valid"):
        LOG.verify(note.Note(signed.text, (*signed.signatures, wrong)))
    with pytest.raises(NoteError, match="no signature"):
        LOG.verify(note.Note(signed.text, (note.Signature("other", LOG.key_id, b"\x00" * 64),)))
