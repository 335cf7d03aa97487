"""The shapes of the requests of Firestore REST v1, as data, and the one reader that holds requests to them.

A shape names the members of a message and the kind of each. What a shape does not name is refused, as the real cloud
refuses it. The reader gives back the message in one form whatever way it was written: enums by name, int64 as int,
times as microseconds, values canonical. A test holds the shapes against Google's published discovery document.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import values
from .refusals import invalid

Reader = Callable[[Any, str], Any]


@dataclass(frozen=True, slots=True)
class Msg:
    name: str


@dataclass(frozen=True, slots=True)
class ListOf:
    kind: "Kind"


@dataclass(frozen=True, slots=True)
class MapOf:
    kind: "Kind"


@dataclass(frozen=True, slots=True)
class Enum:
    """Accepted by name or by number, the position in `names`."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scalar:
    """`format` is the discovery document's: None for plain JSON types."""

    type: str
    format: str | None = None


Kind = Msg | ListOf | MapOf | Enum | Scalar

STRING = Scalar("string")
BOOL = Scalar("boolean")
INT32 = Scalar("integer", "int32")
INT64 = Scalar("string", "int64")
DOUBLE = Scalar("number", "double")
TIME = Scalar("string", "google-datetime")
BYTES = Scalar("string", "byte")
VALUE = Msg("Value")
FIELD = Msg("FieldReference")

_READ = {"transaction": BYTES, "newTransaction": Msg("TransactionOptions"), "readTime": TIME}

SHAPES: dict[str, dict[str, Kind]] = {
    "RequestOptions": {"requestTags": ListOf(STRING)},
    "Document": {"name": STRING, "fields": MapOf(VALUE), "createTime": TIME, "updateTime": TIME},
    "DocumentMask": {"fieldPaths": ListOf(STRING)},
    "Precondition": {"exists": BOOL, "updateTime": TIME},
    "ArrayValue": {"values": ListOf(VALUE)},
    "FieldTransform": {
        "fieldPath": STRING,
        "setToServerValue": Enum(("SERVER_VALUE_UNSPECIFIED", "REQUEST_TIME")),
        "increment": VALUE,
        "maximum": VALUE,
        "minimum": VALUE,
        "appendMissingElements": Msg("ArrayValue"),
        "removeAllFromArray": Msg("ArrayValue"),
    },
    "DocumentTransform": {"document": STRING, "fieldTransforms": ListOf(Msg("FieldTransform"))},
    "Write": {
        "update": Msg("Document"),
        "delete": STRING,
        "transform": Msg("DocumentTransform"),
        "updateMask": Msg("DocumentMask"),
        "updateTransforms": ListOf(Msg("FieldTransform")),
        "currentDocument": Msg("Precondition"),
    },
    "ReadOnly": {"readTime": TIME},
    "ReadWrite": {
        "retryTransaction": BYTES,
        "concurrencyMode": Enum(("CONCURRENCY_MODE_UNSPECIFIED", "OPTIMISTIC", "PESSIMISTIC")),
    },
    "TransactionOptions": {"readOnly": Msg("ReadOnly"), "readWrite": Msg("ReadWrite")},
    "FieldReference": {"fieldPath": STRING},
    "CollectionSelector": {"collectionId": STRING, "allDescendants": BOOL},
    "FieldFilter": {
        "field": FIELD,
        "op": Enum(
            (
                "OPERATOR_UNSPECIFIED",
                "LESS_THAN",
                "LESS_THAN_OR_EQUAL",
                "GREATER_THAN",
                "GREATER_THAN_OR_EQUAL",
                "EQUAL",
                "NOT_EQUAL",
                "ARRAY_CONTAINS",
                "IN",
                "ARRAY_CONTAINS_ANY",
                "NOT_IN",
            )
        ),
        "value": VALUE,
    },
    "UnaryFilter": {
        "field": FIELD,
        "op": Enum(("OPERATOR_UNSPECIFIED", "", "IS_NAN", "IS_NULL", "IS_NOT_NAN", "IS_NOT_NULL")),
    },
    "CompositeFilter": {"op": Enum(("OPERATOR_UNSPECIFIED", "AND", "OR")), "filters": ListOf(Msg("Filter"))},
    "Filter": {
        "compositeFilter": Msg("CompositeFilter"),
        "fieldFilter": Msg("FieldFilter"),
        "unaryFilter": Msg("UnaryFilter"),
    },
    "Order": {"field": FIELD, "direction": Enum(("DIRECTION_UNSPECIFIED", "ASCENDING", "DESCENDING"))},
    "Cursor": {"values": ListOf(VALUE), "before": BOOL},
    "Projection": {"fields": ListOf(FIELD)},
    "FindNearest": {
        "vectorField": FIELD,
        "queryVector": VALUE,
        "distanceMeasure": Enum(("DISTANCE_MEASURE_UNSPECIFIED", "EUCLIDEAN", "COSINE", "DOT_PRODUCT")),
        "limit": INT32,
        "distanceResultField": STRING,
        "distanceThreshold": DOUBLE,
    },
    "StructuredQuery": {
        "select": Msg("Projection"),
        "from": ListOf(Msg("CollectionSelector")),
        "where": Msg("Filter"),
        "orderBy": ListOf(Msg("Order")),
        "startAt": Msg("Cursor"),
        "endAt": Msg("Cursor"),
        "offset": INT32,
        "limit": INT32,
        "findNearest": Msg("FindNearest"),
    },
    "Count": {"upTo": INT64},
    "Sum": {"field": FIELD},
    "Avg": {"field": FIELD},
    "Aggregation": {"alias": STRING, "count": Msg("Count"), "sum": Msg("Sum"), "avg": Msg("Avg")},
    "StructuredAggregationQuery": {
        "structuredQuery": Msg("StructuredQuery"),
        "aggregations": ListOf(Msg("Aggregation")),
    },
    "ExplainOptions": {"analyze": BOOL},
    # the requests themselves
    "CommitRequest": {"writes": ListOf(Msg("Write")), "transaction": BYTES, "requestOptions": Msg("RequestOptions")},
    "BatchWriteRequest": {
        "writes": ListOf(Msg("Write")),
        "labels": MapOf(STRING),
        "requestOptions": Msg("RequestOptions"),
    },
    "BatchGetDocumentsRequest": {
        "documents": ListOf(STRING),
        "mask": Msg("DocumentMask"),
        **_READ,
        "requestOptions": Msg("RequestOptions"),
    },
    "RunQueryRequest": {
        "structuredQuery": Msg("StructuredQuery"),
        **_READ,
        "explainOptions": Msg("ExplainOptions"),
        "requestOptions": Msg("RequestOptions"),
    },
    "RunAggregationQueryRequest": {
        "structuredAggregationQuery": Msg("StructuredAggregationQuery"),
        **_READ,
        "explainOptions": Msg("ExplainOptions"),
        "requestOptions": Msg("RequestOptions"),
    },
    "ListCollectionIdsRequest": {
        "pageSize": INT32,
        "pageToken": STRING,
        "readTime": TIME,
        "requestOptions": Msg("RequestOptions"),
    },
    "BeginTransactionRequest": {"options": Msg("TransactionOptions"), "requestOptions": Msg("RequestOptions")},
    "RollbackRequest": {"transaction": BYTES, "requestOptions": Msg("RequestOptions")},
}

# At most one of these may be set; for the first four exactly one has to be.
ONE_OF: dict[str, frozenset[str]] = {
    "Write": frozenset({"update", "delete", "transform"}),
    "Filter": frozenset({"compositeFilter", "fieldFilter", "unaryFilter"}),
    "Aggregation": frozenset({"count", "sum", "avg"}),
    "FieldTransform": frozenset(SHAPES["FieldTransform"]) - {"fieldPath"},
    "Precondition": frozenset({"exists", "updateTime"}),
    "TransactionOptions": frozenset({"readOnly", "readWrite"}),
    "BatchGetDocumentsRequest": frozenset(_READ),
    "RunQueryRequest": frozenset(_READ),
    "RunAggregationQueryRequest": frozenset(_READ),
}
_EXACTLY_ONE = frozenset({"Write", "Filter", "Aggregation", "FieldTransform"})

# Query parameters of the methods that take no body, or one that is a document.
_TAGS: dict[str, Kind] = {"requestOptions.requestTags": ListOf(STRING)}
PARAMETERS: dict[str, dict[str, Kind]] = {
    "get": {"mask.fieldPaths": ListOf(STRING), "readTime": TIME, "transaction": BYTES, **_TAGS},
    "list": {
        "mask.fieldPaths": ListOf(STRING),
        "orderBy": STRING,
        "pageSize": INT32,
        "pageToken": STRING,
        "readTime": TIME,
        "recursive": BOOL,
        "showMissing": BOOL,
        "transaction": BYTES,
        **_TAGS,
    },
    "createDocument": {"documentId": STRING, "mask.fieldPaths": ListOf(STRING), **_TAGS},
    "patch": {
        "updateMask.fieldPaths": ListOf(STRING),
        "mask.fieldPaths": ListOf(STRING),
        "currentDocument.exists": BOOL,
        "currentDocument.updateTime": TIME,
        **_TAGS,
    },
    "delete": {"currentDocument.exists": BOOL, "currentDocument.updateTime": TIME, **_TAGS},
}
# Taken with every method and without effect on what is answered (discovery document, `parameters`), `$alt` apart.
SYSTEM_PARAMETERS = frozenset(
    {"$.xgafv", "access_token", "alt", "$alt", "callback", "fields", "key", "$key", "oauth_token", "prettyPrint"}
    | {"$prettyPrint", "quotaUser", "uploadType", "upload_protocol", "$httpHeaders", "$apiKey"}
)


def read_message(name: str, raw: Any, where: str = "") -> dict[str, Any]:
    """A JSON object → the members it sets, each in its one form. `where` is the path of the message for messages.

    A member that is null counts as not set. Raises Refused (INVALID_ARGUMENT) with what is wrong and where.
    """
    if not isinstance(raw, dict):
        place = f" at '{where}'" if where else ""
        raise invalid(f"Invalid JSON payload received. An object was expected{place}.", where)
    shape = SHAPES[name]
    result: dict[str, Any] = {}
    for given, value in raw.items():
        member = given if given in shape else _camel(given)
        kind = shape.get(member)
        if kind is None:
            place = f" at '{where}'" if where else ""
            raise invalid(f'Invalid JSON payload received. Unknown name "{given}"{place}: Cannot find field.', where)
        if value is None:
            continue
        if member in result:
            raise invalid(f'Invalid JSON payload received. The name "{given}" is set twice.', where)
        result[member] = _read(kind, value, f"{where}.{given}" if where else given)
    choices = ONE_OF.get(name)
    if choices is not None:
        chosen = [member for member in result if member in choices]
        if len(chosen) > 1:
            raise invalid(f"Invalid value at '{where or name}': only one of {sorted(chosen)} may be set.", where)
        if not chosen and name in _EXACTLY_ONE:
            raise invalid(f"Invalid value at '{where or name}': one of {sorted(choices)} must be set.", where)
    return result


def read_parameters(method: str, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Query parameters of a method, in one form. Raises Refused for one that the method does not have."""
    shape = PARAMETERS.get(method, {})
    result: dict[str, Any] = {}
    for given, text in pairs:
        if given in SYSTEM_PARAMETERS:
            continue
        name = given if given in shape else ".".join(_camel(part) for part in given.split("."))
        kind = shape.get(name)
        if kind is None:
            raise invalid(
                f'Invalid JSON payload received. Unknown name "{given}": Cannot bind query parameter. '
                f"Field '{given}' could not be found in request message.",
                "",
            )
        if isinstance(kind, ListOf):
            result.setdefault(name, []).append(text)
        elif name in result:
            raise invalid(f'Invalid value at "{given}": the parameter is given twice.', given)
        else:
            result[name] = _read(kind, _from_text(kind, text), given)
    return result


def _from_text(kind: Kind, text: str) -> Any:
    if kind is BOOL:
        return {"true": True, "false": False}.get(text, text)
    if kind is INT32 and text.removeprefix("-").isdecimal():
        return int(text)
    return text


def _camel(name: str) -> str:
    """Both spellings of a member are taken (`field_path`, `fieldPath`), as by every JSON reader of protocol buffers."""
    if "_" not in name:
        return name
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _read(kind: Kind, raw: Any, where: str) -> Any:
    if isinstance(kind, Msg):
        if kind is VALUE or kind.name == "Value":
            return values.read(raw, where)
        if kind.name == "ArrayValue":
            return values.read_array(raw, where)
        return read_message(kind.name, raw, where)
    if isinstance(kind, ListOf):
        if not isinstance(raw, list):
            raise invalid(f"Invalid value at '{where}': a list was expected.", where)
        return [_read(kind.kind, item, f"{where}[{index}]") for index, item in enumerate(raw)]
    if isinstance(kind, MapOf):
        if kind.kind is VALUE:
            return values.read_fields(raw, where)
        if not isinstance(raw, dict):
            raise invalid(f"Invalid value at '{where}': a map was expected.", where)
        return {name: _read(kind.kind, item, f"{where}.{name}") for name, item in raw.items()}
    if isinstance(kind, Enum):
        return _enum(kind, raw, where)
    return _SCALARS[kind](raw, where)


def _enum(kind: Enum, raw: Any, where: str) -> str:
    if type(raw) is int and 0 <= raw < len(kind.names) and kind.names[raw]:
        return kind.names[raw]
    if isinstance(raw, str) and raw and raw in kind.names:
        return raw
    raise invalid(f"Invalid value at '{where}' (an enum of {[n for n in kind.names if n]}), {str(raw)[:60]!r}", where)


def _string(raw: Any, where: str) -> str:
    if not isinstance(raw, str):
        raise invalid(f"Invalid value at '{where}' (TYPE_STRING), {str(raw)[:60]!r}", where)
    try:
        raw.encode()
    except UnicodeEncodeError:
        raise invalid(f"String at '{where}' is not valid UTF-8.", where) from None
    return raw


def _bool(raw: Any, where: str) -> bool:
    if not isinstance(raw, bool):
        raise invalid(f"Invalid value at '{where}' (TYPE_BOOL), {str(raw)[:60]!r}", where)
    return raw


def _int32(raw: Any, where: str) -> int:
    if type(raw) is not int or not -(2**31) <= raw < 2**31:
        raise invalid(f"Invalid value at '{where}' (TYPE_INT32), {str(raw)[:60]!r}", where)
    return raw


_SCALARS: dict[Scalar, Reader] = {
    STRING: _string,
    BOOL: _bool,
    INT32: _int32,
    INT64: values.read_int64,
    DOUBLE: values.read_double,
    TIME: values.read_timestamp,
    BYTES: values.read_bytes,
}
