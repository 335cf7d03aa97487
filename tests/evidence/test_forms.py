"""The quick comparison of an entry with its columns never says yes where the slow one says no."""

import uuid
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_brain.evidence.entry import ActorRef, Commitment, Event, encode
from studio_brain.evidence.forms import FormError, Forms, check_columns, read_wire
from studio_brain.kernel.canonical import canonical_entry
from studio_brain.kernel.clock import utc_ms

PREV = b"\xab" * 32
TEXT = st.text(max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def sealed(data: Any = None, corr: str = "c", actor: str = "u", **more: Any) -> tuple[bytes, bytes, int]:
    event = Event("test.happened", "s:1", ActorRef("staff", actor, "test"), corr, {} if data is None else data)
    id, at_ms = uuid.UUID(int=7 << 76 | 2 << 62 | 99), utc_ms("2026-11-21T09:30:00.007Z")
    return encode(event, id=id, at_ms=at_ms, tenant="studio", prev=PREV, payload=None, **more), id.bytes, at_ms


def quick(body: bytes, id: bytes, at_ms: int, **changes: Any) -> bool:
    columns = {"kind": "test.happened", "stream": "s:1", "prev": f'"sha256:{PREV.hex()}"'} | changes
    return Forms("studio").matches(body, id, at_ms=at_ms, **columns) is not None


@given(st.dictionaries(TEXT, VALUES, max_size=4), TEXT, TEXT)
def test_what_was_encoded_is_read_and_plain_ascii_quickly(data: dict[str, Any], corr: str, actor: str) -> None:
    body, id, at_ms = sealed(data, corr, actor)
    assert read_wire(body).data == data
    check_columns(read_wire(body), "studio", id, "test.happened", "s:1", at_ms)
    if quick(body, id, at_ms):
        assert canonical_entry(msgspec.json.decode(body)) == body


def test_every_character_is_taken_as_the_slow_way_takes_it() -> None:
    for first in range(0, 0x3000, 64):
        text = "".join(chr(c) for c in range(first, first + 64))
        body, id, at_ms = sealed({text: text, "n": text})
        assert read_wire(body).data["n"] == text
        if quick(body, id, at_ms):
            assert body.isascii()
    assert quick(*sealed({"a": [1, {"b": None, "c": "plain"}], "z": True}))


@given(st.data())
def test_a_changed_byte_is_never_quickly_taken(data: st.DataObject) -> None:
    body, id, at_ms = sealed({"n": 12, "s": "text", "list": [1, "x", None], "deep": {"a": {"b": "c"}}})
    at = data.draw(st.integers(0, len(body) - 1))
    other = bytes([data.draw(st.integers(0, 255).filter(lambda b: b != body[at]))])
    changed = body[:at] + other + body[at + 1 :]
    if quick(changed, id, at_ms):  # another text of a member that stands in no column: it is its own canonical form
        assert canonical_entry(msgspec.json.decode(changed)) == changed
        check_columns(read_wire(changed), "studio", id, "test.happened", "s:1", at_ms)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"n":1', b'"n":1.5'), (b'"n":1', b'"n":1e3'), (b'"n":1', b'"n":9007199254740993'), (b'"n":1', b'"n": 1'),
        (b'"n":1', b'"n":-0'), (b'"n":1', b'"n":1,"n":1'), (b'"v":1', b'"v":2'), (b'"v":1', b'"v":1,"w":1'),
        (b'"n":1', b'"z":1,"a":1'), (b'"n":1', b'"n":"\\u0041"'), (b'"n":1', b'"n":"\\ud800"'),
        (b'"n":1', b'"n":"\xff"'),
        (b'"v":1', b'"v":true'), (b'"n":1', b'"n":NaN'), (b"{", b"[" * 5_000 + b"{"),
    ],
)  # fmt: skip
def test_what_is_not_canonical_is_refused_by_both(old: bytes, new: bytes) -> None:
    body, id, at_ms = sealed({"n": 1})
    forged = body.replace(old, new, 1)
    assert not quick(forged, id, at_ms)
    with pytest.raises(FormError):
        read_wire(forged)


@pytest.mark.parametrize(
    "changes", [{"kind": "other.kind"}, {"stream": "s:2"}, {"prev": "null"}, {"stream": 's:1"'}, {"at_ms": 5}]
)
def test_a_column_that_says_something_else_is_not_taken(changes: dict[str, Any]) -> None:
    body, id, at_ms = sealed({"n": 1})
    assert quick(body, id, at_ms)
    assert not quick(body, id, **({"at_ms": at_ms} | changes))
    assert not quick(body, b"\x00" * 16, at_ms)
    assert not quick(body, b"short", at_ms)


def test_a_payload_stands_in_the_bytes() -> None:
    event = Event("test.happened", "s:1", ActorRef("staff", "u", "test"), "c", {})
    id, at_ms = uuid.UUID(int=7 << 76 | 2 << 62 | 99), utc_ms("2026-11-21T09:30:00.007Z")
    commitment = Commitment(b"\xcd" * 32, 17)
    body = encode(event, id=id, at_ms=at_ms, tenant="studio", prev=PREV, payload=commitment)
    assert quick(body, id.bytes, at_ms)
    assert not quick(body.replace(b'"size":17', b'"size":017'), id.bytes, at_ms)
