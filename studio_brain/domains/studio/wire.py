"""Reading fields of masked cloud documents in their typed wire form, without trusting the types.

A field is `{"stringValue": …}`, `{"timestampValue": …}` and so on. Times come as Firestore timestamps, as
`{seconds, nanoseconds}` maps or as ISO text, depending on which route wrote them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Fields = Mapping[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Odd(str):
    """A value of a type nobody expected, named for the diagnostics: `(integerValue)`."""


def at(fields: Fields, path: str) -> Any:
    """The typed value at `stageStatus.stage`, or None when the field is not there."""
    value: Any = None
    level: Any = fields
    for name in path.split("."):
        if not isinstance(level, Mapping) or name not in level:
            return None
        value = level[name]
        level = value.get("mapValue", {}).get("fields", {}) if isinstance(value, Mapping) else {}
    return value


def text(fields: Fields, path: str) -> str | None:
    """A string field. None when absent or null; `Odd` when it is of another type."""
    value = at(fields, path)
    if value is None or "nullValue" in value:
        return None
    if "stringValue" in value:
        return str(value["stringValue"])
    return Odd(f"({next(iter(value), 'empty')})")


def boolean(fields: Fields, path: str) -> bool | Odd:
    """A boolean field; absent or null is False, another type is `Odd`."""
    value = at(fields, path)
    if value is None or "nullValue" in value:
        return False
    if "booleanValue" in value:
        return value["booleanValue"] is True
    return Odd(f"({next(iter(value), 'empty')})")


def moment_ms(fields: Fields, path: str) -> int | None:
    """A time in UTC milliseconds; None when absent or not a time."""
    value = at(fields, path)
    if not isinstance(value, Mapping):
        return None
    if "timestampValue" in value:
        return iso_ms(value["timestampValue"])
    if "stringValue" in value:
        return iso_ms(value["stringValue"])
    inner = value.get("mapValue", {}).get("fields", {})
    seconds = inner.get("seconds", inner.get("_seconds", {})).get("integerValue")
    try:
        return None if seconds is None else int(seconds) * 1000
    except (TypeError, ValueError):
        return None


def iso_ms(value: Any) -> int | None:
    """ISO 8601 text with a zone, up to nanoseconds, in UTC milliseconds; None for anything else."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        return None
    return (moment - _EPOCH) // timedelta(milliseconds=1)
