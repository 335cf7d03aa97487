"""Seals of an earlier installation: its table `ledger_entries` (id, timestamp, kind, receipt_hash, payload).

There a receipt's hash was `sha256(kind + json(payload, sort_keys) + timestamp)` over UTF-8 text, with the JSON of
Python's standard library in its default form (a space after each comma and colon, everything beyond ASCII escaped).
Nothing linked one row to the next: such a seal shows that a row was not changed by somebody who forgot to compute it
again, and no more. That is why its verdict is kept *beside* the new seal and never instead of it.

A database hands a time back in another spelling than it was written with (`2024-05-01 10:00:00+00` for
`2024-05-01T10:00:00+00:00`). The verifier tries the spellings of the same moment; a hash that fits one of them fits the
row.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

VALID: Final = "valid"
BROKEN: Final = "broken"

COLUMNS: Final = ("id", "timestamp", "kind", "receipt_hash", "payload")
MAX_NAME: Final = 200
MAX_PAYLOAD: Final = 4 * 1024 * 1024
_HASH = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_SHORT_ZONE = re.compile(r"([+-]\d\d)$")


class RowError(ValueError):
    """A row that is not one of that table; nothing can be said about its seal."""


@dataclass(frozen=True, slots=True)
class OldRow:
    """A row as it was exported. `payload` is its JSON text; `receipt_hash` 32 bytes, None when it holds no hash."""

    id: str
    timestamp: str
    kind: str
    receipt_hash: bytes | None
    payload: str

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> "OldRow":
        """A row of an export, its payload as JSON text or as a value already parsed. Raises RowError."""
        missing = [name for name in COLUMNS if name not in row]
        if missing:
            raise RowError(f"it has no {', '.join(missing)}")
        texts = {name: _text(name, row[name]) for name in ("id", "timestamp", "kind")}
        payload = row["payload"] if isinstance(row["payload"], str) else json.dumps(row["payload"], sort_keys=True)
        if len(payload.encode("utf-8", "surrogatepass")) > MAX_PAYLOAD:
            raise RowError(f"its payload has more than {MAX_PAYLOAD} bytes")
        stamp = row["receipt_hash"]
        found = _HASH.fullmatch(stamp.strip().lower()) if isinstance(stamp, str) else None
        return cls(**texts, receipt_hash=None if found is None else bytes.fromhex(found[1]), payload=payload)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`valid` or `broken`, and why."""

    seal: str
    why: str

    @property
    def ok(self) -> bool:
        return self.seal == VALID


def seal_v0(kind: str, payload: Any, timestamp: str) -> bytes:
    """The hash as that installation computed it."""
    return hashlib.sha256(f"{kind}{json.dumps(payload, sort_keys=True)}{timestamp}".encode()).digest()


def verify_v0(row: OldRow) -> Verdict:
    """Whether the row's hash is that of what it says."""
    if row.receipt_hash is None:
        return Verdict(BROKEN, "it holds no SHA-256")
    try:
        payload = json.loads(row.payload, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        return Verdict(BROKEN, f"its payload is not JSON: {str(error)[:100]}")
    try:
        for spelling in spellings(row.timestamp):
            if seal_v0(row.kind, payload, spelling) == row.receipt_hash:
                return Verdict(VALID, "as it stands" if spelling == row.timestamp else f"with the time as {spelling}")
    except (ValueError, RecursionError) as error:  # half of a surrogate pair has no UTF-8
        return Verdict(BROKEN, f"it cannot have been hashed: {str(error)[:100]}")
    return Verdict(BROKEN, "its hash is not that of its kind, payload and time")


def spellings(timestamp: str) -> Iterator[str]:
    """The text itself, then the other ways in which the same moment is written."""
    yield timestamp
    try:
        moment = datetime.fromisoformat(_SHORT_ZONE.sub(r"\1:00", timestamp.strip()))
    except ValueError:
        return
    seen = {timestamp}
    for separator in ("T", " "):
        for precision in ("auto", "milliseconds", "microseconds"):
            text = moment.isoformat(sep=separator, timespec=precision)
            forms = [text]
            if moment.utcoffset() == timedelta(0):
                forms += [text.removesuffix("+00:00") + "Z", text.removesuffix("+00:00")]
            for form in forms:
                if form not in seen:
                    seen.add(form)
                    yield form


def _text(name: str, value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
        raise RowError(f"{name}: a text of 1 to {MAX_NAME} characters is expected")
    if any(ord(c) < 0x20 or 0xD800 <= ord(c) <= 0xDFFF for c in value):
        raise RowError(f"{name}: it holds control characters or half of a surrogate pair")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found
