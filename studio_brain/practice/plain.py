"""Documents as the made-up world and the Functions handle them: ordinary Python values, and timestamps.

Numbers follow JavaScript, whose SDK wrote the real documents: a whole number is stored as an integer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import clock, values
from .values import Fields, Value

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """Microseconds since 1970."""

    us: int

    @property
    def ms(self) -> int:
        return self.us // clock.MS

    def iso(self) -> str:
        """As a JavaScript Date prints itself: always three digits."""
        text = clock.text(self.ms * clock.MS)
        return text if len(text) > 20 else text[:-1] + ".000Z"

    def to_json(self) -> dict[str, int]:
        """As the Admin SDK's Timestamp prints itself in a JSON answer."""
        return {"_seconds": self.us // clock.SECOND, "_nanoseconds": self.us % clock.SECOND * 1000}


def stamp(us: int) -> Timestamp:
    """A timestamp as the SDK makes them: whole milliseconds."""
    return Timestamp(us // clock.MS * clock.MS)


def wire(value: Any) -> Value:
    """A plain value → its wire form."""
    return _WIRE[type(value)](value)


def wire_fields(data: Plain) -> Fields:
    return {name: _WIRE[type(value)](value) for name, value in data.items()}


def shared_fields(data: Plain, shared: dict[str, Value]) -> Fields:
    """As `wire_fields`; texts that were seen before are the same object again, which a large world is grateful for."""
    fields: Fields = {}
    for name, value in data.items():
        if type(value) is str:
            text = shared.get(value)
            if text is None:
                text = shared[value] = {"stringValue": value}
            fields[name] = text
        else:
            fields[name] = _WIRE[type(value)](value)
    return fields


def _number(value: float) -> Value:
    return {"integerValue": str(int(value))} if value.is_integer() else values.double(value)


_WIRE: dict[type, Callable[[Any], Value]] = {
    str: lambda value: {"stringValue": value},
    bool: lambda value: values.TRUE if value else values.FALSE,
    type(None): lambda _value: values.NULL,
    int: lambda value: {"integerValue": str(value)},
    float: _number,
    Timestamp: lambda value: {"timestampValue": clock.text(value.us)},
    list: lambda value: values.array([wire(item) for item in value]),
    tuple: lambda value: values.array([wire(item) for item in value]),
    dict: lambda value: values.mapping(wire_fields(value)),
}


def plain(value: Value) -> Any:
    """A wire value → plain; the inverse of `wire` for what the world holds."""
    ((kind, raw),) = value.items()
    if kind in ("stringValue", "booleanValue", "nullValue", "referenceValue", "bytesValue"):
        return raw
    if kind == "integerValue":
        return int(raw)
    if kind == "timestampValue":
        return Timestamp(clock.stored(raw))
    if kind == "doubleValue":
        return float(raw)
    if kind == "arrayValue":
        return [plain(item) for item in raw.get("values", ())]
    if kind == "mapValue":
        return plain_fields(raw.get("fields", {}))
    return dict(raw)


def plain_fields(fields: Fields) -> Plain:
    return {name: plain(value) for name, value in fields.items()}


def merged(old: Plain, patch: Plain) -> Plain:
    """What `set(patch, {merge: true})` leaves: maps merge member by member, everything else is replaced."""
    result = dict(old)
    for name, value in patch.items():
        before = result.get(name)
        if value is DELETE:
            result.pop(name, None)
        elif isinstance(value, dict) and value and isinstance(before, dict):
            result[name] = merged(before, value)
        else:
            result[name] = value
    return result


class _Delete:
    """The type of `DELETE`."""


DELETE = _Delete()
