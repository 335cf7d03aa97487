"""Firestore's REST v1 as bytes and values: requests, answers that are arrays, errors, values.

Source: the published discovery document of firestore v1; Google API error model (google.rpc.Status).
Update times and read times are opaque text and stay the very text that came.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from ...kernel.canonical import canonical
from ...kernel.ports import ConnectorError, Document, Json
from ...kernel.reasons import ReasonCode
from ..transport import Reply, TransportError

PAGE = 1_000

# Decided on `status`, not on the HTTP code: 400 and 409 each stand for two different things.
_CODES = {
    "UNAUTHENTICATED": (ReasonCode.AUTH, False),
    "PERMISSION_DENIED": (ReasonCode.FORBIDDEN, False),
    "RESOURCE_EXHAUSTED": (ReasonCode.RATE_LIMITED, True),
    "UNAVAILABLE": (ReasonCode.UNAVAILABLE, True),
    "DEADLINE_EXCEEDED": (ReasonCode.TIMEOUT, True),
    "INTERNAL": (ReasonCode.UNAVAILABLE, True),
    "ABORTED": (ReasonCode.UNAVAILABLE, True),
    "NOT_FOUND": (ReasonCode.CLOUD_CHANGED, False),
    "ALREADY_EXISTS": (ReasonCode.CLOUD_CHANGED, False),
    "FAILED_PRECONDITION": (ReasonCode.CLOUD_CHANGED, False),
    "INVALID_ARGUMENT": (ReasonCode.REFUSED_BY_CLOUD, False),
}


def page_query(collection: str, fields: Sequence[str], after: str | None, limit: int = PAGE) -> Json:
    """A structured query for one page in document order; `after` is the full name of the last document before it."""
    query: Json = {
        "select": {"fields": [{"fieldPath": path} for path in fields] or [{"fieldPath": "__name__"}]},
        "from": [{"collectionId": collection}],
        "orderBy": [{"field": {"fieldPath": "__name__"}, "direction": "ASCENDING"}],
        "limit": limit,
    }
    if after is not None:
        query["startAt"] = {"values": [{"referenceValue": after}], "before": False}
    return query


def equal_query(collection: str, field: str, value: str, fields: Sequence[str], limit: int) -> Json:
    """The first documents whose `field` is this text: one field, so that no composite index is needed."""
    return {
        "select": {"fields": [{"fieldPath": path} for path in fields]},
        "from": [{"collectionId": collection}],
        "where": {"fieldFilter": {"field": {"fieldPath": field}, "op": "EQUAL", "value": {"stringValue": value}}},
        "limit": limit,
    }


def count_query(collection: str) -> Json:
    return {
        "structuredAggregationQuery": {
            "structuredQuery": {"from": [{"collectionId": collection}]},
            "aggregations": [{"alias": "n", "count": {}}],
        }
    }


def elements(reply: Reply) -> list[Json]:
    """The elements of a streaming method's answer. An error may be the whole answer, its only element, or its last one
    after good ones: each raises."""
    parsed = reply.json()
    items = parsed if isinstance(parsed, list) else [parsed]
    for item in items:
        if not isinstance(item, dict):
            raise _bad(reply, "an element is not an object")
        if "error" in item:
            raise error_of(reply, item)
    if reply.status != 200:
        raise _bad(reply, "no error in the body")
    return items


def one(reply: Reply) -> Json:
    """The object of an answer that is not a stream. Raises when it is an error."""
    parsed = reply.json()
    if isinstance(parsed, list) and len(parsed) == 1:
        parsed = parsed[0]
    if not isinstance(parsed, dict):
        raise _bad(reply, "not an object")
    if reply.status != 200 or "error" in parsed:
        raise error_of(reply, parsed)
    return parsed


def error_of(reply: Reply, document: Mapping[str, Any]) -> ConnectorError:
    fault = document.get("error")
    if not isinstance(fault, Mapping):
        return _bad(reply, "no error in the body")
    status, message = str(fault.get("status", "")), str(fault.get("message", ""))[:300]
    code, retryable = _CODES.get(status, (ReasonCode.BAD_RESPONSE, reply.status >= 500))
    if status == "FAILED_PRECONDITION" and "index" in message.lower():
        code = ReasonCode.INDEX_MISSING
    return ConnectorError(
        f"{status or reply.status}: {message}",
        code=code,
        retryable=retryable,
        retry_after_s=_retry_delay(fault) or reply.retry_after_s(),
    )


def _retry_delay(fault: Mapping[str, Any]) -> float | None:
    """google.rpc.RetryInfo among the details: `"retryDelay": "1.5s"`."""
    for detail in fault.get("details") or ():
        if isinstance(detail, Mapping) and str(detail.get("@type", "")).endswith("RetryInfo"):
            text = str(detail.get("retryDelay", "")).removesuffix("s")
            try:
                return float(text)
            except ValueError:
                return None
    return None


def documents(items: Sequence[Json], root: str) -> Iterator[tuple[str, Document]]:
    """(full name, document) for each found document of a page. Elements without one only carry a read time."""
    for item in items:
        found = item.get("document")
        if found is None:
            continue
        try:
            name = found["name"]
            if not name.startswith(root):
                raise ValueError("outside the database")
            fields = found.get("fields", {})
            if not isinstance(fields, dict):
                raise TypeError("fields")
            yield name, Document(name[len(root) :], fields, str(found["updateTime"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConnectorError(f"a document of another shape ({error})", code=ReasonCode.BAD_RESPONSE) from error


def read_time(items: Sequence[Json]) -> str:
    """The one read time of an answer."""
    for item in reversed(items):
        moment = item.get("readTime")
        if isinstance(moment, str) and moment:
            return moment
    raise ConnectorError("an answer without a read time", code=ReasonCode.BAD_RESPONSE)


def count_of(items: Sequence[Json]) -> int:
    """The count of a one-aggregation answer; int64 comes as text."""
    for item in items:
        value = (item.get("result") or {}).get("aggregateFields", {}).get("n", {}).get("integerValue")
        if value is not None:
            return int(value)
    raise ConnectorError("an aggregation without its count", code=ReasonCode.BAD_RESPONSE)


def body(document: Json) -> bytes:
    return orjson.dumps(document)


def decimal_text(number: float) -> str:
    """A double as RFC 8785 writes it."""
    return canonical(number).decode()


def with_text_doubles(value: Any) -> Any:
    """The wire form for hashing and showing: doubles as decimal text, everything else as it came."""
    if isinstance(value, dict):
        return {
            key: decimal_text(member) if key == "doubleValue" and isinstance(member, float | int) else
            with_text_doubles(member)
            for key, member in value.items()
        }  # fmt: skip
    if isinstance(value, list):
        return [with_text_doubles(item) for item in value]
    return value


def plain(value: Mapping[str, Any] | None) -> Any:
    """A typed value as JSON without floats, for people: times, doubles, bytes and references as text."""
    if not value:
        return None
    kind, inner = next(iter(value.items()))
    match kind:
        case "nullValue":
            return None
        case "booleanValue":
            return inner is True
        case "integerValue":
            number = int(inner)
            return number if abs(number) < 2**53 else str(number)
        case "doubleValue":
            return inner if isinstance(inner, str) else decimal_text(inner)
        case "mapValue":
            return {name: plain(member) for name, member in (inner.get("fields") or {}).items()}
        case "arrayValue":
            return [plain(member) for member in inner.get("values") or ()]
        case "geoPointValue":
            return {name: decimal_text(member) for name, member in inner.items()}
    return str(inner)


def _bad(reply: Reply, what: str) -> TransportError:
    return TransportError(
        f"HTTP {reply.status}: {what}", code=ReasonCode.BAD_RESPONSE, sent=True, retryable=reply.status >= 500
    )
