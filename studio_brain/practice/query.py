"""Structured queries: what one means.

A query is normalised: inequality fields that it does not order by are ordered by after its own orders, and the document
name comes last in the direction of the last order (Firestore REST reference, `StructuredQuery`). `search` runs it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from . import values
from .paths import FieldPath, Root, parse_field
from .refusals import Refused, invalid
from .values import Key, Value

NAME: FieldPath = ("__name__",)
INEQUALITIES = frozenset(
    {"LESS_THAN", "LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL", "NOT_EQUAL", "NOT_IN"}
    | {"IS_NOT_NULL", "IS_NOT_NAN"}
)
LIST_LIMITS = {"IN": 30, "ARRAY_CONTAINS_ANY": 30, "NOT_IN": 10}
_NO_LIST: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter on one field; unary filters are conditions without a value."""

    path: FieldPath
    op: str
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """AND or OR of conditions and groups."""

    op: str
    members: tuple["Condition | Group", ...]


Where = Condition | Group | None


@dataclass(frozen=True, slots=True)
class Order:
    path: FieldPath
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    keys: tuple[Key, ...]
    before: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A normalised query. `select` None: whole documents. The document name is always among `orders`."""

    parent: str
    collection_id: str | None
    all_descendants: bool
    where: Where = None
    orders: tuple[Order, ...] = (Order(NAME),)
    explicit_orders: int = 0
    start: Cursor | None = None
    end: Cursor | None = None
    offset: int = 0
    limit: int | None = None
    select: tuple[FieldPath, ...] | None = None
    required: tuple[FieldPath, ...] = field(default=())


def parse(root: Root, parent: str, message: dict[str, Any]) -> Query:
    """A `StructuredQuery` as `shapes.read_message` gives it. Raises Refused (INVALID_ARGUMENT, UNIMPLEMENTED)."""
    if "findNearest" in message:
        raise Refused("UNIMPLEMENTED", "Nearest-neighbour queries are not served by the practice studio.")
    selectors = message.get("from", [])
    if len(selectors) != 1:
        raise invalid("Exactly one collection selector is supported in `from`.", "structured_query.from")
    collection_id = selectors[0].get("collectionId") or None
    all_descendants = selectors[0].get("allDescendants", False)
    if collection_id is None and not all_descendants:
        raise invalid("A collection id is required unless all descendants are selected.", "structured_query.from")
    if collection_id is not None and "/" in collection_id:
        raise invalid(f'Collection id "{collection_id}" is invalid because it contains "/".', "structured_query.from")
    where = _where(message.get("where"))
    explicit = tuple(_order(order) for order in message.get("orderBy", []))
    orders = _normalised(explicit, where)
    offset = message.get("offset", 0)
    limit = message.get("limit")
    if offset < 0:
        raise invalid("offset is negative", "structured_query.offset")
    if limit is not None and limit < 0:
        raise invalid("limit is negative", "structured_query.limit")
    select = message.get("select")
    return Query(
        parent=parent,
        collection_id=collection_id,
        all_descendants=all_descendants,
        where=where,
        orders=orders,
        explicit_orders=len(explicit),
        start=_cursor(root, message.get("startAt"), orders, "start_at"),
        end=_cursor(root, message.get("endAt"), orders, "end_at"),
        offset=offset,
        limit=limit,
        select=_select(select.get("fields", [])) if select is not None and select.get("fields") else None,
    )


def _select(fields: list[dict[str, Any]]) -> tuple[FieldPath, ...]:
    return tuple(parse_field(reference.get("fieldPath", "")) for reference in fields)


def _order(message: dict[str, Any]) -> Order:
    path = parse_field(message.get("field", {}).get("fieldPath", ""))
    return Order(path, message.get("direction") == "DESCENDING")


def _where(message: dict[str, Any] | None) -> Where:
    if message is None:
        return None
    if "compositeFilter" in message:
        composite = message["compositeFilter"]
        members = tuple(member for raw in composite.get("filters", []) if (member := _where(raw)) is not None)
        if not members:
            raise invalid("A composite filter needs at least one filter.", "structured_query.where")
        op = composite.get("op", "OPERATOR_UNSPECIFIED")
        if op == "OPERATOR_UNSPECIFIED":
            raise invalid("The operator of a composite filter is not set.", "structured_query.where")
        return Group(op, members)
    unary = "unaryFilter" in message
    raw = message["unaryFilter"] if unary else message["fieldFilter"]
    path = parse_field(raw.get("field", {}).get("fieldPath", ""))
    op = raw.get("op", "OPERATOR_UNSPECIFIED")
    if op == "OPERATOR_UNSPECIFIED":
        raise invalid("The operator of a filter is not set.", "structured_query.where")
    if unary:
        return Condition(path, op)
    value = raw.get("value")
    if value is None:
        raise invalid("The value of a field filter is not set.", "structured_query.where")
    if op in LIST_LIMITS:
        items = value.get("arrayValue", _NO_LIST).get("values", [])
        if not items:
            raise invalid(f"'{op}' requires a non-empty array value.", "structured_query.where")
        if len(items) > LIST_LIMITS[op]:
            raise invalid(f"'{op}' supports up to {LIST_LIMITS[op]} comparison values.", "structured_query.where")
    if path == NAME:
        named = value.get("arrayValue", _NO_LIST).get("values", []) if op in LIST_LIMITS else [value]
        if not all("referenceValue" in item for item in named):
            raise invalid("__key__ filter value must be a Key", "structured_query.where")
    return Condition(path, op, value)


def conditions(where: Where) -> Iterator[Condition]:
    if isinstance(where, Condition):
        yield where
    elif where is not None:
        for member in where.members:
            yield from conditions(member)


def _normalised(explicit: tuple[Order, ...], where: Where) -> tuple[Order, ...]:
    named = {order.path for order in explicit}
    if len(named) != len(explicit):
        raise invalid("A field is ordered by twice.", "structured_query.order_by")
    implied = {condition.path for condition in conditions(where) if condition.op in INEQUALITIES} - named
    last = explicit[-1].descending if explicit else False
    orders = [*explicit, *(Order(path, last) for path in sorted(implied - {NAME}))]
    if NAME not in named:
        orders.append(Order(NAME, orders[-1].descending if orders else False))
    return tuple(orders)


def _cursor(root: Root, message: dict[str, Any] | None, orders: tuple[Order, ...], where: str) -> Cursor | None:
    given = (message or {}).get("values", [])
    if message is None or not given:
        return None  # a cursor without values points nowhere
    if len(given) > len(orders):
        raise invalid("Cursor has too many values.", f"structured_query.{where}")
    keys = []
    for order, value in zip(orders, given, strict=False):
        if order.path == NAME:
            if "referenceValue" not in value:
                raise invalid("Cursor position for __name__ must be a reference.", f"structured_query.{where}")
            keys.append(tuple(root.document(value["referenceValue"]).split("/")))
        else:
            keys.append(values.key(value))
    return Cursor(tuple(keys), message.get("before", False))
