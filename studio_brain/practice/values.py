"""Values as they stand on the wire, and as they compare.

A value is a map with one member that names its type (`{"integerValue": "5"}`). The store keeps values exactly in this
form, canonical, so that an answer needs no re-encoding; nobody changes one in place, so documents share them.

Order across types: null < boolean < number (NaN first) < timestamp < string < bytes < reference < geo point < array <
vector < map (Firestore documentation, "Value type ordering").
"""

import base64
import binascii
import math
from typing import Any

from . import clock
from .refusals import invalid

MAX_DEPTH = 20
INT64 = range(-(2**63), 2**63)

Value = dict[str, Any]
Fields = dict[str, Value]

NULL: Value = {"nullValue": None}
TRUE: Value = {"booleanValue": True}
FALSE: Value = {"booleanValue": False}


def read(raw: Any, where: str, depth: int = 0) -> Value:
    """One value from a request → its canonical form. Raises Refused (INVALID_ARGUMENT) naming `where`."""
    if not isinstance(raw, dict):
        raise invalid(f"Invalid value at '{where}' (type.googleapis.com/google.firestore.v1.Value)", where)
    members = [key for key in raw if raw[key] is not None or key in ("nullValue", "null_value")]
    if len(members) != 1:
        detail = "Value type was not set." if not members else f"oneof field 'value_type' is set by {sorted(members)}."
        raise invalid(f"Invalid value at '{where}': {detail}", where)
    kind = members[0]
    reader = _READERS.get(kind) or _READERS.get(_camel(kind))
    if reader is None:
        known = kind in ("functionValue", "pipelineValue", "fieldReferenceValue", "variableReferenceValue")
        if known:
            raise invalid(f"Cannot store a {kind} at '{where}'.", where)
        raise invalid(f"Invalid JSON payload received. Unknown name \"{kind}\" at '{where}': Cannot find field.", where)
    return reader(raw[kind], where, depth)


def read_fields(raw: Any, where: str, depth: int = 0) -> Fields:
    """The `fields` of a document or map."""
    if not isinstance(raw, dict):
        raise invalid(f"Invalid value at '{where}', a map of fields was expected.", where)
    fields: Fields = {}
    for key, value in raw.items():
        if not key:
            raise invalid(f"Property name at '{where}' is empty.", where)
        if key[:2] == "__" and key[-2:] == "__" and len(key) > 3 and not (depth and key == "__type__"):
            raise invalid(f'Property "{key}" is invalid because it is reserved.', where)
        _utf8(key, where)
        fields[key] = read(value, f"{where}.{key}", depth)
    return fields


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _bad(where: str, kind: str, raw: Any) -> Exception:
    return invalid(f"Invalid value at '{where}' ({kind}), {str(raw)[:80]!r}", where)


def _utf8(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise invalid(f"String at '{where}' is not valid UTF-8.", where) from None


def _null(raw: Any, where: str, _depth: int) -> Value:
    if raw not in (None, "NULL_VALUE", 0) or raw is False:
        raise _bad(where, "google.protobuf.NullValue", raw)
    return NULL


def _boolean(raw: Any, where: str, _depth: int) -> Value:
    if not isinstance(raw, bool):
        raise _bad(where, "TYPE_BOOL", raw)
    return TRUE if raw else FALSE


def read_int64(raw: Any, where: str) -> int:
    """int64 arrives as decimal text or as a JSON number."""
    if isinstance(raw, str) and raw.removeprefix("-").isdecimal() and raw.isascii():
        raw = int(raw)
    if type(raw) is not int or raw not in INT64:
        raise _bad(where, "TYPE_INT64", raw)
    return raw


def _integer(raw: Any, where: str, _depth: int) -> Value:
    return {"integerValue": str(read_int64(raw, where))}


def read_double(raw: Any, where: str) -> float:
    if isinstance(raw, str):
        if raw in ("NaN", "Infinity", "-Infinity"):
            return float(raw)
        try:
            number = float(raw)
        except ValueError:
            raise _bad(where, "TYPE_DOUBLE", raw) from None
        if not math.isfinite(number):
            raise _bad(where, "TYPE_DOUBLE", raw)
        return number
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise _bad(where, "TYPE_DOUBLE", raw)
    return float(raw)


def _double(raw: Any, where: str, _depth: int) -> Value:
    return double(read_double(raw, where))


def double(number: float) -> Value:
    """A whole number is written without a point and the non-finite ones as text, as Google's JSON does."""
    if number != number:
        return {"doubleValue": "NaN"}
    if math.isinf(number):
        return {"doubleValue": "Infinity" if number > 0 else "-Infinity"}
    if number.is_integer() and abs(number) < 2**53 and not (number == 0 and math.copysign(1, number) < 0):
        return {"doubleValue": int(number)}
    return {"doubleValue": number}


def read_timestamp(raw: Any, where: str) -> int:
    """RFC 3339 text → microseconds."""
    try:
        return clock.parse(raw)
    except (TypeError, ValueError, OverflowError):
        raise _bad(where, "type.googleapis.com/google.protobuf.Timestamp", raw) from None


def _timestamp(raw: Any, where: str, _depth: int) -> Value:
    return {"timestampValue": clock.text(read_timestamp(raw, where))}


def _string(raw: Any, where: str, _depth: int) -> Value:
    if not isinstance(raw, str):
        raise _bad(where, "TYPE_STRING", raw)
    _utf8(raw, where)
    return {"stringValue": raw}


def read_bytes(raw: Any, where: str) -> bytes:
    """Base64, standard or URL-safe, padded or not."""
    if not isinstance(raw, str):
        raise _bad(where, "TYPE_BYTES", raw)
    plain = raw.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid(f"Invalid value at '{where}' (TYPE_BYTES), Base64 decoding failed.", where) from None


def _bytes(raw: Any, where: str, _depth: int) -> Value:
    return {"bytesValue": base64.b64encode(read_bytes(raw, where)).decode()}


def _reference(raw: Any, where: str, _depth: int) -> Value:
    parts = raw.split("/") if isinstance(raw, str) else []
    if len(parts) < 7 or parts[0] != "projects" or parts[2] != "databases" or parts[4] != "documents" or "" in parts:
        raise _bad(where, "a document's resource name", raw)
    return {"referenceValue": raw}


def _geo_point(raw: Any, where: str, _depth: int) -> Value:
    if not isinstance(raw, dict) or not raw.keys() <= {"latitude", "longitude"}:
        raise _bad(where, "type.googleapis.com/google.type.LatLng", raw)
    latitude = read_double(raw.get("latitude", 0), f"{where}.latitude")
    longitude = read_double(raw.get("longitude", 0), f"{where}.longitude")
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise _bad(where, "type.googleapis.com/google.type.LatLng", raw)
    return {"geoPointValue": {"latitude": latitude, "longitude": longitude}}


def read_array(raw: Any, where: str, depth: int = 0) -> list[Value]:
    """The elements of an `ArrayValue`; an array cannot stand directly in an array."""
    if not isinstance(raw, dict) or not raw.keys() <= {"values"} or not isinstance(raw.get("values") or [], list):
        raise _bad(where, "type.googleapis.com/google.firestore.v1.ArrayValue", raw)
    if depth >= MAX_DEPTH:
        raise invalid(f"Maximum depth of property value ({MAX_DEPTH}) exceeded at '{where}'.", where)
    values = [read(item, f"{where}.values[{i}]", depth + 1) for i, item in enumerate(raw.get("values") or [])]
    if any("arrayValue" in value for value in values):
        raise invalid("Cannot convert an array value in an array value.", where)
    return values


def array(values: list[Value]) -> Value:
    return {"arrayValue": {"values": values} if values else {}}


def _array(raw: Any, where: str, depth: int) -> Value:
    return array(read_array(raw, where, depth))


def mapping(fields: Fields) -> Value:
    return {"mapValue": {"fields": fields} if fields else {}}


def _map(raw: Any, where: str, depth: int) -> Value:
    if not isinstance(raw, dict) or not raw.keys() <= {"fields"}:
        raise _bad(where, "type.googleapis.com/google.firestore.v1.MapValue", raw)
    if depth >= MAX_DEPTH:
        raise invalid(f"Maximum depth of property value ({MAX_DEPTH}) exceeded at '{where}'.", where)
    return mapping(read_fields(raw.get("fields") or {}, f"{where}.fields", depth + 1))


_READERS = {
    "nullValue": _null,
    "booleanValue": _boolean,
    "integerValue": _integer,
    "doubleValue": _double,
    "timestampValue": _timestamp,
    "stringValue": _string,
    "bytesValue": _bytes,
    "referenceValue": _reference,
    "geoPointValue": _geo_point,
    "arrayValue": _array,
    "mapValue": _map,
}


# --- order -----------------------------------------------------------------------------------------------------------

Key = tuple[Any, ...]

NUMBER_RANK = 2
NAN_KEY: Key = (NUMBER_RANK, 0)
NULL_KEY: Key = (0,)


def key(value: Value) -> Key:
    """A tuple that sorts as the value does; two values are equal exactly when their keys are (3 equals 3.0)."""
    ((kind, raw),) = value.items()
    if kind == "stringValue":
        return (4, raw)
    if kind == "timestampValue":
        return (3, raw[:-1])  # canonical text without its Z sorts as the times do
    if kind == "integerValue":
        return (NUMBER_RANK, 1, int(raw))
    if kind == "booleanValue":
        return (1, raw)
    if kind == "nullValue":
        return NULL_KEY
    if kind == "doubleValue":
        number = float(raw)
        return NAN_KEY if number != number else (NUMBER_RANK, 1, number)
    if kind == "referenceValue":
        return (6, tuple(raw.split("/")))
    if kind == "arrayValue":
        return (8, tuple(key(item) for item in raw.get("values", ())))
    if kind == "mapValue":
        fields = raw.get("fields", {})
        if fields.get("__type__") == {"stringValue": "__vector__"}:
            elements = fields.get("value", {}).get("arrayValue", {}).get("values", ())
            return (9, len(elements), tuple(key(item) for item in elements))
        return (10, tuple((name, key(fields[name])) for name in sorted(fields)))
    if kind == "bytesValue":
        return (5, base64.b64decode(raw))
    return (7, raw.get("latitude", 0.0), raw.get("longitude", 0.0))


def is_nan(value: Value) -> bool:
    return value.get("doubleValue") == "NaN"


def number_of(value: Value) -> int | float | None:
    """The Python number of a numeric value, else None."""
    if "integerValue" in value:
        return int(value["integerValue"])
    if "doubleValue" in value:
        return float(value["doubleValue"])
    return None


def size(value: Value) -> int:
    """Bytes that the value takes (Firestore documentation, "Storage size calculations")."""
    ((kind, raw),) = value.items()
    if kind == "stringValue":
        return len(raw.encode()) + 1
    if kind in ("nullValue", "booleanValue"):
        return 1
    if kind == "bytesValue":
        return len(raw) * 3 // 4
    if kind == "arrayValue":
        return sum(size(item) for item in raw.get("values", ()))
    if kind == "mapValue":
        return fields_size(raw.get("fields", {}))
    if kind == "referenceValue":
        return sum(len(part.encode()) + 1 for part in raw.split("/")[5:]) + 16
    return 16 if kind == "geoPointValue" else 8


def fields_size(fields: Fields) -> int:
    return sum(len(name.encode()) + 1 + size(value) for name, value in fields.items())
