"""Signed notes and checkpoints: what is accepted round-trips, what is not exact is refused."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio_brain.evidence import checkpoint as checkpoints
from studio_brain.evidence import note
from studio_brain.evidence.checkpoint import Checkpoint
from studio_brain.evidence.note import NoteError, VerifierKey
from tests.evidence.keys import TestKey
from tests.shared_data import shared

KEY = TestKey()
ORIGIN = "practice/0b7c/studio/1"
VKEY = VerifierKey(ORIGIN, KEY.public_key)
SIGNED = checkpoints.sign(Checkpoint(ORIGIN, 7, b"\x01" * 32), KEY).serialize()


def test_a_signed_checkpoint_opens_with_its_key() -> None:
    assert checkpoints.open_signed(SIGNED, VKEY) == Checkpoint(ORIGIN, 7, b"\x01" * 32)
    assert note.parse(SIGNED).serialize() == SIGNED
    assert VerifierKey.parse(VKEY.serialize()) == VKEY


@given(st.integers(0, len(SIGNED.encode()) - 1), st.integers(1, 255))
@settings(max_examples=200)
def test_no_single_byte_can_be_changed(position: int, change: int) -> None:
    data = bytearray(SIGNED.encode())
    data[position] ^= change
    with pytest.raises((NoteError, UnicodeDecodeError)):
        checkpoints.open_signed(bytes(data).decode(), VKEY)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(NoteError, match="no signature"):
        checkpoints.open_signed(SIGNED, VerifierKey(ORIGIN, TestKey(b"\x08" * 32).public_key))


def body(size: str = "7", root: str | None = None, origin: str = ORIGIN, rest: str = "") -> str:
    return f"{origin}\n{size}\n{base64.b64encode(b'r' * 32).decode() if root is None else root}\n{rest}"


@pytest.mark.parametrize(
    "text",
    [
        *(body(size) for size in ("007", "+5", "1_000", "-1", " 7", "7 ", "", "1e3", "٣", "10000000000000000000")),
        body(root="AAAA"),
        body(root=base64.b64encode(b"r" * 33).decode()),
        body(root=base64.b64encode(b"r" * 32).decode().rstrip("=")),
        body(root=base64.b64encode(b"r" * 32).decode()[:-2] + "J="),
        body(root=" " + base64.b64encode(b"r" * 32).decode()),
        body(origin=""),
        body(origin="a\x07b"),
        body(rest="extension\n"),
        body()[:-1],
        "",
    ],
)
def test_a_checkpoint_body_that_is_not_exact_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "no separator\n",
        "text\n\n",
        "text\n\n— name !!!!\n",
        "text\n\n— name QUJD\n",
        "text\n\n- name QUJDREVG\n",
        "text\n\n— na+me QUJDREVG\n",
        "text\n\n— QUJDREVG\n",
        "text\n\n— name QUJDREVG",
        "te\x00xt\n\n— name QUJDREVG\n",
        "text\n\n" + "— name QUJDREVG\n" * 2,
        "text\n\n" + "".join(f"— name{i} QUJDREVG\n" for i in range(17)),
        "\n\n— name QUJDREVG\n",
    ],
)
def test_a_note_that_is_not_exact_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        note.parse(text)


@pytest.mark.vectors
def test_published_notes() -> None:
    document = json.loads(shared("vectors/signed-note/notes.json").read_text())
    ed25519 = 0
    for vector in document["notes"]:
        parsed = note.parse(vector["note"])
        assert parsed.serialize() == vector["note"]
        for text in vector["vkeys"]:
            key = VerifierKey.parse(text)
            if key.name in vector["verified"]:
                key.verify(parsed)
                ed25519 += 1
            else:
                with pytest.raises(NoteError):
                    key.verify(parsed)
    assert ed25519 >= 4


@pytest.mark.vectors
def test_published_signature_is_made_byte_for_byte() -> None:
    vector = json.loads(shared("vectors/signed-note/notes.json").read_text())["sign"]
    name, _, encoded = vector["test_signing_key"].removeprefix("PRIVATE+KEY+").split("+", 2)
    key = TestKey(base64.b64decode(encoded)[1:])
    assert note.sign(vector["text"], name, key).serialize() == vector["note"]
