"""The form of sealed bytes: are they the canonical bytes of an entry, and do the columns beside them follow from them?

Most of an entry stands in columns too. So the quick way is to write the entry that the columns, and the few parts that
have to be parsed, make together, and to compare whole bytes: if they are equal, then the bytes are canonical and every
column follows from them. That needs RFC 8785 of `data` alone, which is orjson's sorted output under a guard without a
walk: all bytes ASCII (then names sort alike by bytes and by UTF-16, §3.2.3), no floats (a hook of the parser refuses
them), no unsafe integers (orjson's strict option, §3.2.2.3). Whatever is not equal takes the slow path, which decides.
"""

from typing import Any, Final

import msgspec
import orjson

from ..kernel.canonical import CanonicalError, canonical_entry
from ..kernel.clock import MINUTE, utc_ms, utc_text
from ..kernel.errors import StudioBrainError
from .entry import ActorRef, EntryError, decode


class FormError(ValueError):
    """Bytes that are not an entry in its canonical form, or columns that do not follow from them."""


class WirePayload(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    sha256: str
    size: int


class Parts(msgspec.Struct, gc=False):
    """What of an entry stands in no column."""

    actor: ActorRef
    corr: str
    data: dict[str, Any]
    payload: WirePayload | None = None


class Wire(Parts, forbid_unknown_fields=True, kw_only=True, gc=False):
    """An entry's bytes as they are parsed, before anything is made of their texts."""

    v: int
    id: str
    at: str
    tenant: str
    kind: str
    stream: str
    prev: str | None


def _no_floats(text: str) -> Any:
    raise ValueError("no floats in entries")


_parts = msgspec.json.Decoder(Parts, float_hook=_no_floats).decode
_wire = msgspec.json.Decoder(Wire, float_hook=_no_floats).decode
_SORTED: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_ENDINGS: Final = tuple(f".{ms:03d}Z" for ms in range(1000))
_REMEMBERED: Final = 50_000


class Forms:
    """The quick comparison for one tenant's log. It remembers the texts of minutes."""

    def __init__(self, tenant: str) -> None:
        self._minutes: dict[int, str] = {}
        self._end = f'","tenant":"{tenant}","v":1}}'

    def matches(self, body: bytes, id: bytes, kind: str, stream: str, prev: str, at_ms: int) -> Parts | None:
        """The parts of an entry whose bytes are canonical and say what the columns say; `prev` is JSON. None when that
        is not so, or cannot be said in this way.

        Strings are written as they are: one that needs an escape differs from the bytes, which have it.
        """
        try:
            parts = _parts(body)
            actor, payload = parts.actor, parts.payload
            minute, rest = divmod(at_ms, MINUTE)
            start = self._minutes.get(minute) or self._remember(minute)
            second, rest = divmod(rest, 1000)
            digits = id.hex()
            held = "" if payload is None else f',"payload":{{"sha256":"{payload.sha256}","size":{payload.size}}}'
            made = (
                f'{{"actor":{{"id":"{actor.id}","type":"{actor.type}","via":"{actor.via}"}},"at":"{start}{second:02d}'
                f'{_ENDINGS[rest]}","corr":"{parts.corr}","data":'.encode()
                + orjson.dumps(parts.data, None, _SORTED)
                + f',"id":"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}","kind":"{kind}"'
                f'{held},"prev":{prev},"stream":"{stream}{self._end}'.encode()
            )
        except (msgspec.DecodeError, ValueError, TypeError, OverflowError, RecursionError):
            return None
        return parts if made == body and body.isascii() else None

    def _remember(self, minute: int) -> str:
        if len(self._minutes) > _REMEMBERED:
            self._minutes.clear()
        made = self._minutes[minute] = utc_text(minute * MINUTE)[:17]
        return made


def read_wire(body: bytes) -> Wire:
    """Bytes → entry as parsed. Raises FormError when they are not the canonical bytes of an entry without floats."""
    try:
        if canonical_entry(msgspec.json.decode(body)) != body:
            raise FormError("its bytes are not canonical JSON")
        decode(body, b"")
        return _wire(body)
    except (msgspec.DecodeError, UnicodeDecodeError, CanonicalError, RecursionError) as error:
        raise FormError(f"its bytes are not canonical JSON: {str(error)[:120]}") from error
    except EntryError as error:
        raise FormError(error.detail[:200]) from error
    except StudioBrainError as error:
        raise FormError(str(error)[:200]) from error


def id_text(id: bytes) -> str:
    """16 bytes → the text of a UUID."""
    digits = id.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def check_columns(wire: Wire, tenant: str, id: bytes, kind: str, stream: str | None, at_ms: int) -> None:
    """Raises FormError unless the columns say what the bytes say. Slow and exact."""
    if wire.tenant != tenant:
        raise FormError(f"it belongs to the tenant {wire.tenant[:80]!r}")
    try:
        at = utc_ms(wire.at)
    except ValueError as error:
        raise FormError(str(error)) from error
    if len(id) != 16 or (wire.id, wire.kind, wire.stream, at) != (id_text(id), kind, stream, at_ms):
        raise FormError("a column beside it differs from its bytes")
