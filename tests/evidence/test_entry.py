"""Entries: the bytes are canonical, hold everything, and come back as they were."""

import uuid

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_brain.evidence.entry import MAX_ENTRY, ActorRef, Commitment, EntryError, Event, decode, encode
from studio_brain.evidence.payload import PayloadError, open_payload, seal_payload
from studio_brain.kernel.canonical import CanonicalError, is_canonical

ID = uuid.UUID("01931f00-0000-7000-8000-000000000001")


def event(**changes: object) -> Event:
    parts: dict[str, object] = {
        "kind": "proposal.drafted",
        "stream": "proposal:1",
        "actor": ActorRef("staff", "u1", "cli"),
        "corr": "c1",
        "data": {"n": 1, "text": "Łódź \u202e"},
    }
    return Event(**(parts | changes))  # type: ignore[arg-type]


def encoded(what: Event, prev: bytes | None = None, payload: Commitment | None = None) -> bytes:
    return encode(what, id=ID, at_ms=1_700_000_000_123, tenant="studio", prev=prev, payload=payload)


def test_the_envelope_is_exactly_as_specified() -> None:
    document = orjson.loads(encoded(event(), prev=b"\x02" * 32, payload=Commitment(b"\x03" * 32, 9)))
    assert document == {
        "v": 1,
        "id": str(ID),
        "at": "2023-11-14T22:13:20.123Z",
        "tenant": "studio",
        "kind": "proposal.drafted",
        "stream": "proposal:1",
        "prev": "sha256:" + "02" * 32,
        "actor": {"type": "staff", "id": "u1", "via": "cli"},
        "corr": "c1",
        "data": {"n": 1, "text": "Łódź \u202e"},
        "payload": {"sha256": "sha256:" + "03" * 32, "size": 9},
    }


def test_without_a_payload_the_name_is_absent_and_the_first_prev_is_null() -> None:
    document = orjson.loads(encoded(event()))
    assert "payload" not in document
    assert document["prev"] is None


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), st.integers(-9, 9), max_size=5))
def test_bytes_are_canonical_and_come_back(data: dict[str, int]) -> None:
    body = encoded(event(data=data))
    assert is_canonical(body)
    back = decode(body)
    assert (back.id, back.kind, back.data, back.prev, back.body) == (ID, "proposal.drafted", data, None, body)


@pytest.mark.parametrize(
    "what",
    [
        event(kind="Drafted"),
        event(kind="drafted"),
        event(kind="a.b c"),
        event(stream=""),
        event(stream="s" * 201),
        event(data={"amount": 1.5}),
        event(data={"big": 2**53}),
        event(data={"half": "\ud800"}),
        event(data={"x": "y" * MAX_ENTRY}),
    ],
)
def test_what_cannot_be_sealed_is_refused(what: Event) -> None:
    with pytest.raises((EntryError, CanonicalError)):
        encoded(what)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"not json",
        encoded(event()).replace(b'"v":1', b'"v":2'),
        encoded(event()).replace(b"2023-11-14T22:13:20.123Z", b"2023-11-14 22:13:20.123Z"),
        encoded(event()).replace(b'"corr"', b'"corx"'),
    ],
)
def test_bytes_that_are_no_entry_are_refused(body: bytes) -> None:
    with pytest.raises(EntryError):
        decode(body)


def test_a_payload_opens_with_its_key_and_only_as_it_was() -> None:
    sealed = seal_payload(b"a name and an address", lambda n: b"\x05" * n)
    assert open_payload(sealed.commitment, sealed.salt, sealed.sealed, sealed.key) == b"a name and an address"
    assert b"address" not in sealed.sealed
    altered = sealed.sealed[:-1] + bytes([sealed.sealed[-1] ^ 1])
    for bad in (
        (sealed.commitment, sealed.salt, altered, sealed.key),
        (sealed.commitment, sealed.salt, sealed.sealed, b"\x06" * 32),
        (sealed.commitment, b"\x06" * 32, sealed.sealed, sealed.key),
        (Commitment(sealed.commitment.sha256, 5), sealed.salt, sealed.sealed, sealed.key),
        (sealed.commitment, sealed.salt, b"", sealed.key),
    ):
        with pytest.raises(PayloadError):
            open_payload(*bad)
