"""Running a structured query against the store.

A document that lacks a field which is filtered or ordered by is no result. Filters on a range match values of their own
type only; `!=` and `not-in` never match null (Firestore documentation, "Query and filter data").
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from . import values
from .paths import FieldPath, Root, collection_of, lookup
from .query import LIST_LIMITS, NAME, Condition, Cursor, Group, Order, Query, Where
from .store import Store, Version
from .values import Fields, Key, Value

_NO_LIST: dict[str, Any] = {}

# --- matching --------------------------------------------------------------------------------------------------------

Test = Callable[[str, Fields], bool]


def compile_where(root: Root, where: Where) -> Test | None:
    """A test of (path, fields), or None when everything matches."""
    if where is None:
        return None
    if isinstance(where, Group):
        tests = [test for member in where.members if (test := compile_where(root, member)) is not None]
        if len(tests) == 1:
            return tests[0]
        if where.op == "AND":
            return lambda path, fields: all(test(path, fields) for test in tests)
        return lambda path, fields: any(test(path, fields) for test in tests)
    accept = _acceptor(where)
    field_path = where.path
    if field_path == NAME:
        return lambda path, _fields: accept({"referenceValue": root.name(path)})
    if len(field_path) == 1:
        only = field_path[0]
        return lambda _path, fields: (value := fields.get(only)) is not None and accept(value)
    return lambda _path, fields: (value := lookup(fields, field_path)) is not None and accept(value)


def _acceptor(condition: Condition) -> Callable[[Value], bool]:
    op = condition.op
    if condition.value is None:
        return {
            "IS_NULL": lambda value: "nullValue" in value,
            "IS_NAN": values.is_nan,
            "IS_NOT_NULL": lambda value: "nullValue" not in value,
            "IS_NOT_NAN": lambda value: "nullValue" not in value and not values.is_nan(value),
        }[op]
    if op in LIST_LIMITS:
        wanted = {values.key(item) for item in condition.value["arrayValue"]["values"]}
        if op == "IN":
            return lambda value: values.key(value) in wanted
        if op == "NOT_IN":
            if values.NULL_KEY in wanted:
                return lambda _value: False
            return lambda value: "nullValue" not in value and values.key(value) not in wanted
        return lambda value: any(values.key(item) in wanted for item in _elements(value))
    key = values.key(condition.value)
    if op == "EQUAL":
        wire = condition.value
        return lambda value: value == wire or values.key(value) == key
    if op == "ARRAY_CONTAINS":
        return lambda value: any(values.key(item) == key for item in _elements(value))
    if op == "NOT_EQUAL":
        return lambda value: "nullValue" not in value and values.key(value) != key
    rank = key[0]
    compare: Callable[[Key], bool] = {
        "LESS_THAN": lambda other: other < key,
        "LESS_THAN_OR_EQUAL": lambda other: other <= key,
        "GREATER_THAN": lambda other: other > key,
        "GREATER_THAN_OR_EQUAL": lambda other: other >= key,
    }[op]
    return lambda value: (other := values.key(value))[0] == rank and compare(other)


def _elements(value: Value) -> Iterable[Value]:
    return value.get("arrayValue", _NO_LIST).get("values", ())


Rows = Iterator[tuple[str, Version]]


# --- running ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Result:
    """Matching documents in order, as (path, version), and how many the offset left out."""

    documents: list[tuple[str, Version]]
    skipped: int


def run(store: Store, root: Root, query: Query, at: int | None = None) -> Result:
    wanted = None if query.limit is None else query.offset + query.limit
    if query.orders == (Order(NAME),) and not query.all_descendants:
        found = list(_by_name(store, root, query, at, wanted))
    else:
        found = _sorted(store, root, query, at)
    stop = len(found) if wanted is None else wanted
    return Result(found[query.offset : stop], min(query.offset, len(found)))


def _candidates(store: Store, root: Root, query: Query, at: int | None) -> Rows:
    if query.all_descendants:
        places = store.paths_with_id(query.parent, query.collection_id)
    else:
        places = [collection_of(query.parent, query.collection_id or "")]
    test = compile_where(root, query.where)
    needed = [*(order.path for order in query.orders if order.path != NAME), *query.required]
    for place in places:
        for key, version in store.scan(place, at):
            path = f"{place}/{key}"
            fields = version.fields or {}
            if (test is None or test(path, fields)) and all(lookup(fields, need) is not None for need in needed):
                yield path, version


def _by_name(store: Store, root: Root, query: Query, at: int | None, wanted: int | None) -> Rows:
    """The common case, pages in the order of names: no sort, and a page starts where the last one ended."""
    if wanted == 0:
        return
    place = collection_of(query.parent, query.collection_id or "")
    depth = place.count("/") + 1
    test = compile_where(root, query.where)
    start, end = query.start, query.end
    after = None
    if start and start.keys:
        prefix, key = start.keys[0][:depth], start.keys[0][depth:]
        if "/".join(prefix) == place and key:
            after = key[0]
    count = 0
    for key, version in store.scan(place, at, after):
        path = f"{place}/{key}"
        if start and start.keys:
            own = tuple(path.split("/"))
            if own < start.keys[0] or (own == start.keys[0] and not start.before):
                continue
            start = None
        if end and end.keys:
            own = tuple(path.split("/"))
            if own > end.keys[0] or (own == end.keys[0] and end.before):
                return
        fields = version.fields or {}
        if (test is None or test(path, fields)) and all(lookup(fields, need) is not None for need in query.required):
            yield path, version
            count += 1
            if count == wanted:
                return


def _positions(query: Query) -> Callable[[str, Fields], tuple[Key, ...]]:
    """What a document sorts by, from its path and fields."""
    orders = [order.path for order in query.orders]

    def position(path: str, fields: Fields) -> tuple[Key, ...]:
        return tuple(
            [
                tuple(path.split("/")) if order == NAME else values.key(lookup(fields, order) or values.NULL)
                for order in orders
            ]
        )

    return position


def _sorted(store: Store, root: Root, query: Query, at: int | None) -> list[tuple[str, Version]]:
    position = _positions(query)
    rows = [
        (position(path, version.fields or {}), path, version) for path, version in _candidates(store, root, query, at)
    ]
    if len({order.descending for order in query.orders}) == 1:
        rows.sort(key=itemgetter(0), reverse=query.orders[0].descending)
    else:  # sorting is stable: from the last order to the first, each in its own direction
        for index in reversed(range(len(query.orders))):
            rows.sort(key=lambda row, index=index: row[0][index], reverse=query.orders[index].descending)
    if query.start is not None:
        rows = [row for row in rows if not _ends_before(query, row[0], query.start, inclusive=query.start.before)]
    if query.end is not None:
        rows = [row for row in rows if _ends_before(query, row[0], query.end, inclusive=query.end.before)]
    return [(path, version) for _, path, version in rows]


def _ends_before(query: Query, position: tuple[Key, ...], cursor: Cursor, *, inclusive: bool) -> bool:
    """Whether a position lies before the point of a cursor; one that equals its values does when not `inclusive`."""
    for order, own, other in zip(query.orders, position, cursor.keys, strict=False):
        if own != other:
            return (own < other) != order.descending
    return not inclusive


def project(fields: Fields, select: tuple[FieldPath, ...] | None) -> Fields:
    """The selected part of a document's fields; None selects all, only the name selects none."""
    if select is None:
        return fields
    result: Fields = {}
    for path in select:
        if len(path) == 1:
            if (value := fields.get(path[0])) is not None:
                result[path[0]] = value
        elif (value := lookup(fields, path)) is not None:
            _graft(result, path, value)
    return result


def _graft(target: Fields, path: FieldPath, value: Value) -> None:
    """Puts a nested value into maps that belong to `target` alone."""
    for part in path[:-1]:
        nested = target.get(part)
        own = dict(nested["mapValue"].get("fields", {})) if nested and "mapValue" in nested else {}
        target[part] = {"mapValue": {"fields": own}}
        target = own
    target[path[-1]] = value
