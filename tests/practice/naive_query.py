"""Structured queries as slowly and plainly as they can be written: every document, every filter, one comparison.

Nothing here is shared with the practice studio's own engine.
"""

import base64
import functools
import math
from datetime import datetime
from fractions import Fraction
from typing import Any

Wire = dict[str, Any]
RANKS = (
    "nullValue",
    "booleanValue",
    "number",
    "timestampValue",
    "stringValue",
    "bytesValue",
    "referenceValue",
    "geoPointValue",
    "arrayValue",
    "mapValue",
)


def kind(value: Wire) -> str:
    (name,) = value
    return "number" if name in ("integerValue", "doubleValue") else name


def compare(left: Wire, right: Wire) -> int:
    """-1, 0 or 1 by Firestore's order of values."""
    if kind(left) != kind(right):
        return _sign(RANKS.index(kind(left)), RANKS.index(kind(right)))
    (a,), (b,) = left.values(), right.values()
    match kind(left):
        case "nullValue":
            return 0
        case "number":
            return _numbers(a, b)
        case "timestampValue":
            return _sign(datetime.fromisoformat(a), datetime.fromisoformat(b))
        case "stringValue":
            return _sign(a.encode(), b.encode())
        case "bytesValue":
            return _sign(base64.b64decode(a), base64.b64decode(b))
        case "referenceValue":
            return _sign([part.encode() for part in a.split("/")], [part.encode() for part in b.split("/")])
        case "geoPointValue":
            return _sign((a["latitude"], a["longitude"]), (b["latitude"], b["longitude"]))
        case "arrayValue":
            return _rows(a.get("values", []), b.get("values", []))
        case "mapValue":
            return _rows(_pairs(a), _pairs(b))
        case _:
            return _sign(a, b)


def _pairs(raw: Wire) -> list[Wire]:
    fields = raw.get("fields", {})
    return [part for name in sorted(fields) for part in ({"stringValue": name}, fields[name])]


def _rows(left: list[Wire], right: list[Wire]) -> int:
    for a, b in zip(left, right, strict=False):
        if order := compare(a, b):
            return order
    return _sign(len(left), len(right))


def _numbers(a: Any, b: Any) -> int:
    x, y = (
        float(raw) if isinstance(raw, float) or raw in ("NaN", "Infinity", "-Infinity") else int(raw) for raw in (a, b)
    )
    if math.isnan(x) or math.isnan(y):
        return _sign(not math.isnan(x), not math.isnan(y))
    if math.isinf(x) or math.isinf(y):
        return _sign(x, y)
    return _sign(Fraction(x), Fraction(y))


def _sign(a: Any, b: Any) -> int:
    return (a > b) - (a < b)


def at(fields: Wire, path: str) -> Wire | None:
    """The value at a simple field path."""
    value: Wire | None = {"mapValue": {"fields": fields}}
    for part in path.split("."):
        if value is None or "mapValue" not in value:
            return None
        value = value["mapValue"].get("fields", {}).get(part)
    return value


def matches(name: str, fields: Wire, where: Wire | None) -> bool:
    if where is None:
        return True
    if "compositeFilter" in where:
        parts = [matches(name, fields, part) for part in where["compositeFilter"]["filters"]]
        return all(parts) if where["compositeFilter"]["op"] == "AND" else any(parts)
    unary = "unaryFilter" in where
    filter_ = where["unaryFilter"] if unary else where["fieldFilter"]
    path = filter_["field"]["fieldPath"]
    value: Wire | None = {"referenceValue": name} if path == "__name__" else at(fields, path)
    if value is None:
        return False
    op = filter_["op"]
    if unary:
        null, nan = "nullValue" in value, value.get("doubleValue") == "NaN"
        return {"IS_NULL": null, "IS_NAN": nan, "IS_NOT_NULL": not null, "IS_NOT_NAN": not null and not nan}[op]
    other = filter_["value"]
    listed = other.get("arrayValue", {}).get("values", [])
    if op == "IN":
        return any(compare(value, item) == 0 for item in listed)
    if op == "NOT_IN":
        return "nullValue" not in value and all("nullValue" not in item and compare(value, item) for item in listed)
    if op in ("ARRAY_CONTAINS", "ARRAY_CONTAINS_ANY"):
        own = value.get("arrayValue", {}).get("values", [])
        wanted = listed if op == "ARRAY_CONTAINS_ANY" else [other]
        return any(compare(item, one) == 0 for item in own for one in wanted)
    order = compare(value, other)
    if op == "EQUAL":
        return order == 0
    if op == "NOT_EQUAL":
        return "nullValue" not in value and order != 0
    if kind(value) != kind(other):
        return False
    return {
        "LESS_THAN": order < 0,
        "LESS_THAN_OR_EQUAL": order <= 0,
        "GREATER_THAN": order > 0,
        "GREATER_THAN_OR_EQUAL": order >= 0,
    }[op]


_UNEQUAL = ("LESS", "GREATER", "NOT_", "IS_NOT")


def _unequal_fields(where: Wire | None) -> set[str]:
    if where is None:
        return set()
    if "compositeFilter" in where:
        return {path for part in where["compositeFilter"]["filters"] for path in _unequal_fields(part)}
    filter_ = where.get("unaryFilter") or where["fieldFilter"]
    return {filter_["field"]["fieldPath"]} if filter_["op"].startswith(_UNEQUAL) else set()


def orders_of(query: Wire) -> list[tuple[str, int]]:
    """(field, 1 or -1), with what is ordered by without being asked for."""
    orders = [
        (one["field"]["fieldPath"], -1 if one.get("direction") == "DESCENDING" else 1)
        for one in query.get("orderBy", [])
    ]
    last = orders[-1][1] if orders else 1
    named = {path for path, _ in orders}
    orders += [(path, last) for path in sorted(_unequal_fields(query.get("where")) - named - {"__name__"})]
    return orders if "__name__" in named else [*orders, ("__name__", last)]


def answer(documents: dict[str, Wire], query: Wire) -> list[str]:
    """Names of what a query over one collection gives, in order. `documents`: full name → fields."""
    orders = orders_of(query)

    def position(name: str) -> list[Wire | None]:
        return [{"referenceValue": name} if path == "__name__" else at(documents[name], path) for path, _ in orders]

    def order(left: list[Any], right: list[Any]) -> int:
        for (_, direction), a, b in zip(orders, left, right, strict=False):
            if sign := compare(a, b) * direction:
                return sign
        return 0

    found = [
        name
        for name, fields in documents.items()
        if matches(name, fields, query.get("where")) and None not in position(name)
    ]
    found.sort(key=functools.cmp_to_key(lambda a, b: order(position(a), position(b))))
    for end, keeps in (("startAt", 1), ("endAt", -1)):
        cursor = query.get(end)
        if cursor is not None and cursor.get("values"):
            inclusive = cursor.get("before", False) is (end == "startAt")
            found = [
                name
                for name in found
                if (sign := order(position(name), cursor["values"]) * keeps) > 0 or (sign == 0 and inclusive)
            ]
    found = found[query.get("offset", 0) :]
    return found if query.get("limit") is None else found[: query["limit"]]
