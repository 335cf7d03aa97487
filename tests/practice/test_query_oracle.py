"""The query engine against a plain one, on many small worlds and questions."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from studio_brain.practice import aggregate, query, search, values
from studio_brain.practice.clock import PracticeClock
from studio_brain.practice.paths import Root
from studio_brain.practice.shapes import read_message
from studio_brain.practice.store import Store
from tests.practice import naive_query as naive
from tests.practice.bench import NAME

ROOT = Root("demo-studio")
IDS = ["a", "b", "B", "ä", "😀", "\uffff", "10", "9"]

scalars = st.one_of(
    st.just({"nullValue": None}),
    st.booleans().map(lambda raw: {"booleanValue": raw}),
    st.sampled_from(["0", "1", "-1", "2", "9007199254740993"]).map(lambda raw: {"integerValue": raw}),
    st.sampled_from([1.0, 1.5, -0.5, 9007199254740992.0, 0.0]).map(values.double),
    st.sampled_from(["NaN", "Infinity", "-Infinity"]).map(lambda raw: {"doubleValue": raw}),
    st.sampled_from(["2026-10-01T10:20:30.100Z", "2026-10-01T10:20:30.100001Z", "1999-01-01T00:00:00Z"]).map(
        lambda raw: {"timestampValue": raw}
    ),
    st.sampled_from(["", "a", "b", "aa", "😀", "\uffff"]).map(lambda raw: {"stringValue": raw}),
    st.sampled_from(["", "AA==", "AAE=", "/w=="]).map(lambda raw: {"bytesValue": raw}),
    st.sampled_from(IDS[:3]).map(lambda raw: {"referenceValue": f"{NAME}/c/{raw}"}),
    st.sampled_from([(0.0, 1.0), (0.0, -1.0), (5.0, 0.0)]).map(
        lambda raw: {"geoPointValue": {"latitude": raw[0], "longitude": raw[1]}}
    ),
)
arrays = st.lists(scalars, max_size=3).map(values.array)
anything = st.one_of(
    scalars,
    scalars,
    arrays,
    st.dictionaries(st.sampled_from(["k", "l"]), st.one_of(scalars, arrays), max_size=2).map(values.mapping),
)
FIELDS = ["f", "g", "m.k"]
documents = st.dictionaries(
    st.sampled_from(IDS), st.dictionaries(st.sampled_from(["f", "g", "m"]), anything, max_size=3), max_size=8
)


def _field(path: str) -> dict[str, str]:
    return {"fieldPath": path}


COMPARISONS = ("EQUAL", "NOT_EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL")
references = st.sampled_from(IDS).map(lambda raw: {"referenceValue": f"{NAME}/c/{raw}"})


def _lists(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(of, min_size=1, max_size=3).map(values.array)


def _filter(path: str, op: str, value: Any) -> dict[str, Any]:
    return {"fieldFilter": {"field": _field(path), "op": op, "value": value}}


leaves = st.one_of(
    st.builds(_filter, st.sampled_from(FIELDS), st.sampled_from([*COMPARISONS, "ARRAY_CONTAINS"]), anything),
    st.builds(
        _filter, st.sampled_from(FIELDS), st.sampled_from(["IN", "NOT_IN", "ARRAY_CONTAINS_ANY"]), _lists(scalars)
    ),
    st.builds(_filter, st.just("__name__"), st.sampled_from(COMPARISONS), references),
    st.builds(_filter, st.just("__name__"), st.sampled_from(["IN", "NOT_IN"]), _lists(references)),
    st.builds(
        lambda path, op: {"unaryFilter": {"field": _field(path), "op": op}},
        st.sampled_from(FIELDS),
        st.sampled_from(["IS_NULL", "IS_NAN", "IS_NOT_NULL", "IS_NOT_NAN"]),
    ),
)
filters = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda op, parts: {"compositeFilter": {"op": op, "filters": parts}},
        st.sampled_from(["AND", "OR"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=4,
)


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    asked: dict[str, Any] = {"from": [{"collectionId": "c"}]}
    if draw(st.booleans()):
        asked["where"] = draw(filters)
    ordered = draw(st.lists(st.sampled_from([*FIELDS, "__name__"]), unique=True, max_size=2))
    if "__name__" in ordered:
        ordered = [*[path for path in ordered if path != "__name__"], "__name__"]
    if ordered:
        directions = st.sampled_from(["ASCENDING", "DESCENDING", "DIRECTION_UNSPECIFIED"])
        asked["orderBy"] = [{"field": _field(path), "direction": draw(directions)} for path in ordered]
    orders = naive.orders_of(asked)
    for end in ("startAt", "endAt"):
        if draw(st.integers(0, 3)) == 0:
            length = draw(st.integers(0, len(orders)))
            cursor = [draw(references if path == "__name__" else anything) for path, _ in orders[:length]]
            asked[end] = {"values": cursor, "before": draw(st.booleans())}
    if draw(st.integers(0, 3)) == 0:
        asked["offset"] = draw(st.integers(0, 3))
    if draw(st.integers(0, 2)) == 0:
        asked["limit"] = draw(st.integers(0, 5))
    return asked


def stored(rows: dict[str, dict[str, Any]]) -> Store:
    store = Store(PracticeClock())
    store.commit([(f"c/{key}", fields) for key, fields in rows.items()])
    return store


TIMES = [
    "0001-01-01T00:00:00Z",
    "1999-12-31T23:59:59.999999Z",
    "2026-10-01T10:20:30Z",
    "2026-10-01T10:20:30.000001Z",
    "2026-10-01T10:20:30.100Z",
    "2026-10-01T10:20:30.100001Z",
    "2026-10-01T10:20:31Z",
    "9999-12-31T23:59:59.999Z",
]
NUMBERS = ["NaN", "-Infinity", -(2**63), -1.5, -1, 0, 0.5, 1, 2**53, 2**53 + 1, 2**63 - 1, 1e300, "Infinity"]
LADDER = [
    {"nullValue": None},
    {"booleanValue": False},
    {"booleanValue": True},
    *({"integerValue": str(one)} if isinstance(one, int) else {"doubleValue": one} for one in NUMBERS),
    *({"timestampValue": one} for one in TIMES),
    *({"stringValue": one} for one in ("", "A", "a", "a\u0000", "aa", "é", "\uffff", "😀")),
    *({"bytesValue": one} for one in ("", "AA==", "AAE=", "/w==")),
    *({"referenceValue": f"{NAME}/{one}"} for one in ("c/a", "c/a/b/c", "c/b", "d/a")),
    {"geoPointValue": {"latitude": -1.0, "longitude": 5.0}},
    {"geoPointValue": {"latitude": 0.0, "longitude": -1.0}},
    values.array([]),
    values.array([{"nullValue": None}, {"stringValue": "z"}]),
    values.array([{"stringValue": "a"}]),
    values.mapping({}),
    values.mapping({"a": {"integerValue": "1"}}),
    values.mapping({"a": {"integerValue": "1"}, "b": {"nullValue": None}}),
    values.mapping({"b": {"nullValue": None}}),
]


def test_the_ladder_of_values() -> None:
    for low, lower in enumerate(LADDER):
        for high, higher in enumerate(LADDER):
            assert (values.key(lower) < values.key(higher)) is (low < high), (lower, higher)
            assert naive.compare(lower, higher) == (low > high) - (low < high)
    assert values.key({"integerValue": "3"}) == values.key({"doubleValue": 3})


@settings(max_examples=400, deadline=None)
@given(documents, questions())
def test_a_query_gives_what_the_plain_engine_gives(rows: dict[str, Any], asked: dict[str, Any]) -> None:
    parsed = query.parse(ROOT, "", read_message("StructuredQuery", asked, ""))
    result = search.run(stored(rows), ROOT, parsed)
    own = [f"{NAME}/{path}" for path, _ in result.documents]
    assert own == naive.answer({f"{NAME}/c/{key}": fields for key, fields in rows.items()}, asked)


@settings(max_examples=300, deadline=None)
@given(documents, questions(), st.integers(1, 4))
def test_pages_by_cursor_are_the_whole_answer(rows: dict[str, Any], asked: dict[str, Any], size: int) -> None:
    asked = {key: value for key, value in asked.items() if key in ("from", "where", "orderBy")}
    store = stored(rows)
    orders = query.parse(ROOT, "", read_message("StructuredQuery", asked, "")).orders
    whole = naive.answer({f"{NAME}/c/{key}": fields for key, fields in rows.items()}, asked)
    seen: list[str] = []
    page = asked | {"limit": size}
    while True:
        found = search.run(store, ROOT, query.parse(ROOT, "", read_message("StructuredQuery", page, ""))).documents
        seen += [f"{NAME}/{path}" for path, _ in found]
        if len(found) < size:
            break
        path, version = found[-1]
        cursor = [
            {"referenceValue": f"{NAME}/{path}"}
            if order.path == ("__name__",)
            else naive.at(version.fields or {}, ".".join(order.path))
            for order in orders
        ]
        page = asked | {"limit": size, "startAt": {"values": cursor, "before": False}}
    assert seen == whole


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(anything, st.none()), max_size=8), st.one_of(st.none(), st.integers(1, 4)))
def test_sums_are_exact(column: list[Any], up_to: int | None) -> None:
    rows = {f"{index}": {} if value is None else {"f": value} for index, value in enumerate(column)}
    message = {
        "structuredQuery": {"from": [{"collectionId": "c"}]},
        "aggregations": [
            {"alias": "n", "count": {"upTo": str(up_to)} if up_to else {}},
            {"alias": "s", "sum": {"field": _field("f")}},
            {"alias": "m", "avg": {"field": _field("f")}},
        ],
    }
    read = read_message("StructuredAggregationQuery", message, "")
    parsed = query.parse(ROOT, "", read["structuredQuery"])
    result = aggregate.run(stored(rows), ROOT, parsed, aggregate.parse(read))
    present = [value for value in column if value is not None]
    assert result["n"] == {"integerValue": str(min(len(present), up_to or len(present)))}
    numbers = [
        int(raw) if kind == "integerValue" else float(raw)
        for value in present
        for kind, raw in value.items()
        if kind in ("integerValue", "doubleValue")
    ]
    if all(isinstance(number, int) for number in numbers):
        assert result["s"] == {"integerValue": str(sum(numbers))}
    if not numbers:
        assert result["m"] == {"nullValue": None}
