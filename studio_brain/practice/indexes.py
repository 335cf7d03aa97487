"""Which queries the real cloud would refuse for want of a composite index.

Single-field indexes are automatic within a collection; several equalities merge them. What orders by a field besides
filtering on another, or orders by two, needs an index that `resources/practice/indexes.json` defines; so does every
filter or order over a collection group (Firestore documentation, "Index types" and "Take advantage of index merging").
"""

from collections.abc import Iterator
from typing import Any

from .paths import FieldPath, Root, field_text
from .query import INEQUALITIES, NAME, Condition, Group, Query, Where
from .refusals import precondition

_MAX_DISJUNCTS = 100


class Indexes:
    """`definitions`: rows of `firestore.indexes.json` ({collectionGroup, queryScope, fields})."""

    def __init__(self, definitions: list[dict[str, Any]]) -> None:
        self._by_group: dict[tuple[str, str], list[list[tuple[str, bool]]]] = {}
        for row in definitions:
            fields = [(one["fieldPath"], one.get("order") == "DESCENDING") for one in row["fields"]]
            self._by_group.setdefault((row["collectionGroup"], row["queryScope"]), []).append(fields)

    def require(self, root: Root, query: Query, aggregated: tuple[FieldPath, ...] = ()) -> None:
        """Raises Refused (FAILED_PRECONDITION, with a console link) when an index is missing."""
        scope = "COLLECTION_GROUP" if query.all_descendants else "COLLECTION"
        for conjunction in _disjuncts(query.where):
            equal, orders = _needs(conjunction, query, aggregated)
            if query.all_descendants:
                if not equal and not orders:
                    continue
                defined = self._by_group.get((query.collection_id or "", scope), [])
                if len(equal) + len(orders) == 1 and self._has_prefix(defined, equal, orders):
                    continue
            elif not orders or (len(orders) == 1 and not equal):
                continue
            else:
                defined = self._by_group.get((query.collection_id or "", scope), [])
            if not self._serves(defined, equal, orders):
                raise precondition(_message(root, query, scope, equal, orders))

    @staticmethod
    def _has_prefix(defined: list[list[tuple[str, bool]]], equal: set[str], orders: list[tuple[str, bool]]) -> bool:
        wanted = next(iter(equal), None) or orders[0][0]
        return any(fields[0][0] == wanted for fields in defined)

    @staticmethod
    def _serves(defined: list[list[tuple[str, bool]]], equal: set[str], orders: list[tuple[str, bool]]) -> bool:
        """Indexes that end in the orders and start with some of the equalities; together they cover all of them."""
        covered: set[str] = set()
        found = False
        for fields in defined:
            tail = fields[len(fields) - len(orders) :] if orders else []
            head = {name for name, _ in fields[: len(fields) - len(orders)]}
            reverse = [(name, not descending) for name, descending in orders]
            if len(fields) >= len(orders) and tail in (orders, reverse) and head <= equal:
                found = True
                covered |= head
        return found and covered == equal


def _disjuncts(where: Where) -> Iterator[list[Condition]]:
    """The filter as alternatives of plain conjunctions."""
    if where is None:
        yield []
    elif isinstance(where, Condition):
        yield [where]
    elif where.op == "OR":
        for member in where.members:
            yield from _disjuncts(member)
    else:
        yield from _product(where, 0)


def _product(group: Group, index: int) -> Iterator[list[Condition]]:
    if index == len(group.members):
        yield []
        return
    rest = list(_product(group, index + 1))[:_MAX_DISJUNCTS]
    for head in _disjuncts(group.members[index]):
        for tail in rest:
            yield head + tail


def _needs(
    conjunction: list[Condition], query: Query, aggregated: tuple[FieldPath, ...]
) -> tuple[set[str], list[tuple[str, bool]]]:
    """Fields compared for equality, and fields with a direction that the index has to be ordered by."""
    equal = {field_text(one.path) for one in conjunction if one.op not in INEQUALITIES and one.path != NAME}
    orders = [(field_text(order.path), order.descending) for order in query.orders if order.path != NAME]
    name_descends = next(order.descending for order in query.orders if order.path == NAME)
    turned = bool(orders) and orders[-1][1] != name_descends
    orders = [order for order in orders if order[0] not in equal]
    for path in aggregated:
        if path != NAME and field_text(path) not in equal and all(name != field_text(path) for name, _ in orders):
            orders.append((field_text(path), False))
    if turned and orders and not aggregated:
        orders.append(("__name__", name_descends))  # else every index ends in it, in the direction of its last field
    return equal, orders


def _message(root: Root, query: Query, scope: str, equal: set[str], orders: list[tuple[str, bool]]) -> str:
    wanted = [*((name, False) for name in sorted(equal)), *orders]
    fields = ",".join(f"{name}:{'desc' if descending else 'asc'}" for name, descending in wanted)
    return (
        "The query requires an index. You can create it here: "
        f"https://console.firebase.google.com/v1/r/project/{root.project}/firestore/indexes?create_composite="
        f"{scope.lower()}.{query.collection_id}.{fields}"
    )
