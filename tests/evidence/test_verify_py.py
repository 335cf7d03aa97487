"""verify.py against the product and its libraries: two programs written apart have to agree on everything."""

import contextlib
import json
from types import SimpleNamespace
from typing import Any

import pytest
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from studio_brain.evidence import note, tilepath
from studio_brain.evidence.merkle import complete_spans, inclusion_proof
from studio_brain.evidence.note import NoteError, VerifierKey
from tests.evidence import stranger
from tests.evidence.test_merkle import LEAVES, ROOTS, node_at
from tests.evidence.test_round_trips import bent, cosigned


def loaded() -> SimpleNamespace:
    """The definitions of verify.py, without the program at its end."""
    source = stranger.VERIFIER.read_text().split("\nparser = ")[0]
    names: dict[str, Any] = {}
    exec(compile(source, "verify.py", "exec"), names)
    return SimpleNamespace(**names)


V = loaded()


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80), st.integers(0, 64 * 8 - 1), st.booleans())
@settings(max_examples=40, deadline=None)
def test_ed25519_agrees_with_cryptography(seed: bytes, message: bytes, bit: int, bend: bool) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = private.public_key().public_bytes_raw(), bytearray(private.sign(message))
    if bend:
        signature[bit // 8] ^= 1 << bit % 8
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(bytes(signature), message)
        right = True
    except InvalidSignature:
        right = False
    assert right is not bend
    if right:
        V.ed25519(public, bytes(signature), message, "it")
    else:
        with pytest.raises(ValueError, match="signature"):
            V.ed25519(public, bytes(signature), message, "it")


# RFC 8032 §7.1, tests 1 to 3: secret key, message.
RFC_8032 = (
    ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
)  # fmt: skip


@pytest.mark.parametrize(("secret", "message", "signature"), RFC_8032)
def test_ed25519_accepts_the_signatures_of_the_rfc(secret: str, message: str, signature: str) -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    public = private.public_key().public_bytes_raw()
    V.ed25519(public, bytes.fromhex(signature), bytes.fromhex(message), "it")
    malleable = bytes.fromhex(signature)
    s = int.from_bytes(malleable[32:], "little") + V.Q
    with pytest.raises(ValueError, match="not valid"):
        V.ed25519(public, malleable[:32] + s.to_bytes(32, "little"), bytes.fromhex(message), "it")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
@settings(max_examples=150, deadline=None)
def test_canonical_form_agrees_with_rfc8785(value: Any) -> None:
    expected = rfc8785.dumps(value)
    again = V.ordered(json.loads(expected))
    assert json.dumps(again, ensure_ascii=False, separators=(",", ":")).encode() == expected


@pytest.mark.parametrize("value", [1.5, 2**53, -(2**53), [1e300], {"a": float("nan")}])
def test_numbers_that_no_entry_may_hold_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="number"):
        V.ordered(value)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 64, 65, 100, 130])
def test_paths_lead_to_the_same_roots(size: int) -> None:
    for index in range(size):
        path = inclusion_proof(index, size, node_at)
        assert V.path_root(LEAVES[index], index, size, path) == ROOTS[size]
        for wrong in (path[1:], [*path, LEAVES[0]]):
            if wrong != path:
                with contextlib.suppress(ValueError):  # a path of another length may be refused before it is hashed
                    assert V.path_root(LEAVES[index], index, size, wrong) != ROOTS[size]


def test_trees_and_subtrees_are_the_same() -> None:
    for size in range(131):
        assert V.Tree(LEAVES[:size]).root() == ROOTS[size]
        for begin in range(0, size + 1, 5):
            assert list(V.subtrees(begin, size)) == [span.node[0] for span in complete_spans(begin, size)]


@given(st.integers(0, 10**12), st.integers(1, 256))
def test_tile_paths_are_the_same(index: int, width: int) -> None:
    assert V.tile_path(3, index, width) == tilepath.tile_path(3, index, width)
    assert V.tile_path("entries", index, width) == tilepath.bundle_path(index, width)


def accepted(parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except (NoteError, ValueError):
        return None


@given(bent(cosigned()))
@settings(max_examples=150, deadline=None)
def test_notes_are_read_alike(text: str) -> None:
    ours, theirs = accepted(note.parse, text), accepted(V.note, text)
    found = None if ours is None else (ours.text, [(s.name, s.key_id, s.value) for s in ours.signatures])
    assert theirs == found


@pytest.mark.parametrize("text", ["", "\n\n", "\n\n— n QUJDREVG\n", "t\n\n— n QUJDREVG", "t\r\n\n— n QUJDREVG\n"])
def test_notes_that_are_hardly_notes_are_refused_by_both(text: str) -> None:
    assert accepted(note.parse, text) is None
    assert accepted(V.note, text) is None


KEY = VerifierKey("practice/x/studio/1", b"k" * 32)


@given(bent(KEY.serialize()))
@settings(max_examples=150, deadline=None)
def test_keys_are_read_alike(text: str) -> None:
    ours, theirs = accepted(VerifierKey.parse, text), accepted(V.Key, text)
    assert (ours is None) == (theirs is None)
    if ours is not None:
        assert (theirs.name, theirs.type, theirs.public, theirs.id) == (
            ours.name, ours.type, ours.public_key, ours.key_id
        )  # fmt: skip
