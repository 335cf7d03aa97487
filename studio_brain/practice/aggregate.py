"""Aggregation queries: count, sum and average over the results of a structured query.

A query with several aggregations looks only at documents that have every aggregated field; sum and average ignore what
is no number (Firestore documentation, "Summarize data with aggregation queries").
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from . import query as queries
from . import search, values
from .paths import FieldPath, Root, lookup, parse_field
from .refusals import invalid
from .store import Store
from .values import Value

MAX_AGGREGATIONS = 5


@dataclass(frozen=True, slots=True)
class Aggregation:
    alias: str
    kind: str
    path: FieldPath | None = None
    up_to: int | None = None


def parse(message: dict[str, Any]) -> tuple[Aggregation, ...]:
    """The `aggregations` of a `StructuredAggregationQuery`."""
    given = message.get("aggregations", [])
    if not 1 <= len(given) <= MAX_AGGREGATIONS:
        raise invalid(f"An aggregation query has between 1 and {MAX_AGGREGATIONS} aggregations.", "aggregations")
    result: list[Aggregation] = []
    taken = {raw["alias"] for raw in given if raw.get("alias")}
    for raw in given:
        alias = raw.get("alias")
        if not alias:
            number = 1
            while f"field_{number}" in taken:
                number += 1
            alias = f"field_{number}"
            taken.add(alias)
        if any(alias == other.alias for other in result):
            raise invalid(f'The alias "{alias}" is used twice.', "aggregations")
        if "count" in raw:
            up_to = raw["count"].get("upTo")
            if up_to is not None and up_to <= 0:
                raise invalid("up_to must be greater than zero.", "aggregations")
            result.append(Aggregation(alias, "count", up_to=up_to))
        else:
            kind = "sum" if "sum" in raw else "avg"
            result.append(Aggregation(alias, kind, parse_field(raw[kind].get("field", {}).get("fieldPath", ""))))
    return tuple(result)


def paths(aggregations: tuple[Aggregation, ...]) -> tuple[FieldPath, ...]:
    return tuple(dict.fromkeys(one.path for one in aggregations if one.path is not None))


def run(
    store: Store, root: Root, query: queries.Query, aggregations: tuple[Aggregation, ...], at: int | None = None
) -> dict[str, Value]:
    """alias → value. A count stops at its `up_to`."""
    documents = search.run(store, root, replace(query, required=paths(aggregations)), at).documents
    result: dict[str, Value] = {}
    for one in aggregations:
        if one.path is None:
            count = len(documents)
            result[one.alias] = {"integerValue": str(count if one.up_to is None else min(count, one.up_to))}
            continue
        numbers = [
            number
            for _, version in documents
            if (value := lookup(version.fields or {}, one.path)) is not None
            and (number := values.number_of(value)) is not None
        ]
        result[one.alias] = _sum(numbers) if one.kind == "sum" else _average(numbers)
    return result


def _sum(numbers: list[int | float]) -> Value:
    if all(isinstance(number, int) for number in numbers):
        total = sum(numbers)
        if total in values.INT64:
            return {"integerValue": str(total)}
    return values.double(_total(numbers))


def _average(numbers: list[int | float]) -> Value:
    return values.double(_total(numbers) / len(numbers)) if numbers else values.NULL


def _total(numbers: list[int | float]) -> float:
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):  # beyond a double, or infinities of both signs
        return float(sum(float(number) for number in numbers))
