"""Entries: the exact bytes that are sealed, and what is read back out of them.

An *event* is what a caller wants recorded. An *entry* is the event in its log: RFC 8785 bytes of

    {"v":1, "id", "at", "tenant", "kind", "stream", "prev", "actor":{"type","id","via"}, "corr", "data", "payload"?}

`prev` is the seal of the stream's previous entry or null. `payload` is {"sha256","size"}: a salted commitment to bytes
that are kept beside the log and can be erased. The *seal* is the RFC 6962 leaf hash of the bytes. The position in the
log is not part of the bytes; the tree proves it. A *receipt* is what a caller holds afterwards.
"""

import re
import uuid
from dataclasses import dataclass
from typing import Any

import msgspec

from ..kernel.canonical import canonical_around
from ..kernel.clock import utc_ms, utc_text
from ..kernel.errors import StudioBrainError
from ..kernel.hashing import from_text, to_text
from ..kernel.reasons import ReasonCode
from .merkle import leaf_hash

MAX_ENTRY = 65_535
_KIND = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*)+")
_MAX_STREAM = 200
_NOT_A_NAME = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class EntryError(StudioBrainError):
    """An event that cannot become an entry."""

    code = ReasonCode.INVALID_PAYLOAD


class ActorRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who, as it stands in an entry: the actor's type, id, and the door they came through."""

    type: str
    id: str
    via: str


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """Where a stream ended when a caller looked: the seal of its last entry, None for a stream without entries."""

    seal: bytes | None


@dataclass(frozen=True, slots=True)
class Event:
    """What a caller wants recorded. `id` is given only to make a retry recognisable; `payload` is erasable bytes.

    With `after` it is appended only while the stream still ends there: the caller decided from what it read, and
    whoever was faster wins.
    """

    kind: str
    stream: str
    actor: ActorRef
    corr: str
    data: dict[str, Any]
    payload: bytes | None = None
    id: uuid.UUID | None = None
    after: StreamEnd | None = None


@dataclass(frozen=True, slots=True)
class Commitment:
    """SHA-256(salt ‖ bytes) of an erasable payload, and the length of those bytes."""

    sha256: bytes
    size: int


class Entry(msgspec.Struct, frozen=True):
    """An entry as read back from its bytes. `at_ms` is UTC milliseconds; `body` is the bytes themselves."""

    id: uuid.UUID
    at_ms: int
    tenant: str
    kind: str
    stream: str
    prev: bytes | None
    actor: ActorRef
    corr: str
    data: dict[str, Any]
    payload: Commitment | None
    body: bytes
    seal: bytes


class Receipt(msgspec.Struct, frozen=True):
    """Where an entry stands: its log, index, id and seal. Final once the group commit that holds it is done."""

    log_id: int
    tenant: str
    seq: int
    id: uuid.UUID
    kind: str
    stream: str
    at_ms: int
    seal: bytes

    def to_json(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "index": self.seq,
            "id": str(self.id),
            "kind": self.kind,
            "stream": self.stream,
            "at": utc_text(self.at_ms),
            "seal": to_text(self.seal),
        }


def check(event: Event) -> None:
    """Raises EntryError for a kind or a stream that no entry may have."""
    if not _KIND.fullmatch(event.kind):
        raise EntryError(f"not a kind of entry: {event.kind[:60]!r}")
    if not 0 < len(event.stream) <= _MAX_STREAM or _NOT_A_NAME.search(event.stream):
        raise EntryError(f"a stream has a name of 1 to {_MAX_STREAM} characters, none of them a control character")
    actor = event.actor
    if not type(event.corr) is type(actor.type) is type(actor.id) is type(actor.via) is str:
        raise EntryError("an actor and a correlation are text")
    if type(event.data) is not dict:
        raise EntryError("the data of an event are an object")


def encode(
    event: Event, *, id: uuid.UUID, at_ms: int, tenant: str, prev: bytes | None, payload: Commitment | None
) -> bytes:
    """The bytes that are sealed. Raises EntryError or a CanonicalError that names what is wrong."""
    check(event)
    actor = event.actor
    document: dict[str, Any] = {
        "v": 1,
        "id": str(id),
        "at": utc_text(at_ms),
        "tenant": tenant,
        "kind": event.kind,
        "stream": event.stream,
        "prev": None if prev is None else to_text(prev),
        "actor": {"type": actor.type, "id": actor.id, "via": actor.via},
        "corr": event.corr,
        "data": event.data,
    }
    if payload is not None:
        document["payload"] = {"sha256": to_text(payload.sha256), "size": payload.size}
    body = canonical_around(document, event.data)
    if len(body) > MAX_ENTRY:
        raise EntryError(f"an entry of {len(body)} bytes; at most {MAX_ENTRY} fit. Put what is large into the payload")
    return body


class _Payload(msgspec.Struct, forbid_unknown_fields=True):
    sha256: str
    size: int


class _Wire(msgspec.Struct, forbid_unknown_fields=True):
    v: int
    id: str
    at: str
    tenant: str
    kind: str
    stream: str
    prev: str | None
    actor: ActorRef
    corr: str
    data: dict[str, Any]
    payload: _Payload | None = None


_decoder = msgspec.json.Decoder(_Wire)


def decode(body: bytes, seal: bytes | None = None) -> Entry:
    """Bytes → entry. Raises EntryError when they are not an entry. The seal is computed unless it is given."""
    try:
        wire = _decoder.decode(body)
        if wire.v != 1:
            raise EntryError(f"an entry of version {wire.v}; this program knows version 1")
        return Entry(
            id=uuid.UUID(wire.id),
            at_ms=utc_ms(wire.at),
            tenant=wire.tenant,
            kind=wire.kind,
            stream=wire.stream,
            prev=None if wire.prev is None else from_text(wire.prev),
            actor=wire.actor,
            corr=wire.corr,
            data=wire.data,
            payload=None if wire.payload is None else Commitment(from_text(wire.payload.sha256), wire.payload.size),
            body=body,
            seal=leaf_hash(body) if seal is None else seal,
        )
    except (msgspec.DecodeError, ValueError) as error:
        raise EntryError(f"not an entry: {error}") from error
