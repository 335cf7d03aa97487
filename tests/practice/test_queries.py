"""Queries and aggregations over REST: forms of answers, limits, missing indexes."""

from typing import Any

import pytest

from tests.practice.bench import NAME, Answer, Bench, wire


def ask(bench: Bench, parent: str = "", **query: Any) -> Answer:
    return bench.iam("POST", f"{parent}:runQuery", {"structuredQuery": query})


def names(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [row["document"]["name"].removeprefix(f"{NAME}/") for row in answer.json if "document" in row]


def where(path: str, op: str, value: Any) -> dict[str, Any]:
    return {"fieldFilter": {"field": {"fieldPath": path}, "op": op, "value": wire(value)}}


def both(*filters: dict[str, Any], op: str = "AND") -> dict[str, Any]:
    return {"compositeFilter": {"op": op, "filters": list(filters)}}


FROM = [{"collectionId": "notes"}]


@pytest.fixture
def notes(bench: Bench) -> Bench:
    for number in range(10):
        bench.put(f"notes/{number}", n=number, odd=bool(number % 2), inner={"n": number % 3})
    return bench


def test_the_form_of_an_answer(notes: Bench) -> None:
    rows = ask(notes, **{"from": FROM, "limit": 2}).json
    assert [set(row) for row in rows] == [{"document", "readTime"}] * 2
    assert set(rows[0]["document"]) == {"name", "fields", "createTime", "updateTime"}
    empty = ask(notes, **{"from": [{"collectionId": "nothing"}]}).json
    assert [set(row) for row in empty] == [{"readTime"}]


def test_offset_is_reported(notes: Bench) -> None:
    rows = ask(notes, **{"from": FROM, "offset": 8}).json
    assert rows[0]["skippedResults"] == 8
    assert [row["document"]["name"][-1] for row in rows if "document" in row] == ["8", "9"]


def test_select(notes: Bench) -> None:
    fields = [{"fieldPath": "inner.n"}, {"fieldPath": "nothing"}]
    rows = ask(notes, **{"from": FROM, "select": {"fields": fields}, "limit": 1}).json
    assert rows[0]["document"]["fields"] == {"inner": {"mapValue": {"fields": {"n": wire(0)}}}}
    only_name = {"fields": [{"fieldPath": "__name__"}]}
    rows = ask(notes, **{"from": FROM, "select": only_name, "limit": 1}).json
    assert rows[0]["document"].get("fields", {}) == {}


def test_filters_and_order(notes: Bench) -> None:
    found = ask(
        notes,
        **{
            "from": FROM,
            "where": where("n", "GREATER_THAN", 5),
            "orderBy": [{"field": {"fieldPath": "n"}, "direction": "DESCENDING"}],
        },
    )
    assert names(found) == ["notes/9", "notes/8", "notes/7", "notes/6"]
    found = ask(notes, **{"from": FROM, "where": both(where("n", "EQUAL", 1), where("n", "EQUAL", 8), op="OR")})
    assert names(found) == ["notes/1", "notes/8"]
    found = ask(notes, **{"from": FROM, "where": both(where("odd", "EQUAL", True), where("inner.n", "EQUAL", 0))})
    assert names(found) == ["notes/3", "notes/9"]


def test_collection_groups(notes: Bench) -> None:
    notes.put("notes/1/rows/a", x=1)
    notes.put("notes/2/rows/b", x=2)
    notes.put("rows/c", x=3)
    everywhere = [{"collectionId": "rows", "allDescendants": True}]
    assert names(ask(notes, **{"from": everywhere})) == ["notes/1/rows/a", "notes/2/rows/b", "rows/c"]
    assert names(ask(notes, "/notes/2", **{"from": everywhere})) == ["notes/2/rows/b"]
    assert names(ask(notes, "/notes/1", **{"from": [{"collectionId": "rows"}]})) == ["notes/1/rows/a"]


def test_a_missing_index_is_refused_with_a_link(notes: Bench) -> None:
    order = [{"field": {"fieldPath": "n"}}]
    needs = [
        {"where": where("odd", "EQUAL", True), "orderBy": order},
        {"orderBy": [*order, {"field": {"fieldPath": "odd"}}]},
        {"where": both(where("odd", "EQUAL", True), where("n", "LESS_THAN", 3))},
    ]
    for query in needs:
        answer = ask(notes, **{"from": FROM}, **query)
        assert answer.error == (400, "FAILED_PRECONDITION")
        message = answer.json[0]["error"]["message"]
        assert message.startswith("The query requires an index. You can create it here: https://console.firebase.")
    group = [{"collectionId": "rows", "allDescendants": True}]
    assert ask(notes, **{"from": group, "where": where("x", "EQUAL", 1)}).error == (400, "FAILED_PRECONDITION")
    fine: list[dict[str, Any]] = [
        {"where": both(where("odd", "EQUAL", True), where("n", "EQUAL", 3))},
        {"where": where("n", "GREATER_THAN", 3), "orderBy": order},
        {"orderBy": [{"field": {"fieldPath": "n"}, "direction": "DESCENDING"}]},
    ]
    for query in fine:
        assert ask(notes, **{"from": FROM}, **query).status == 200


def test_an_index_that_is_defined_serves(bench: Bench) -> None:
    bench.put("peerPython/a", s="x", n=1)
    bench.put("peerPython/b", s="x", n=2)
    query = {
        "from": [{"collectionId": "peerPython"}],
        "where": where("s", "EQUAL", "x"),
        "orderBy": [{"field": {"fieldPath": "n"}, "direction": "DESCENDING"}],
    }
    assert names(ask(bench, **query)) == ["peerPython/b", "peerPython/a"]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"from": []},
        {"from": [{"collectionId": "a"}, {"collectionId": "b"}]},
        {"from": [{"collectionId": ""}]},
        {"from": FROM, "limit": -1},
        {"from": FROM, "offset": -1},
        {"from": FROM, "limit": "x"},
        {"from": FROM, "where": {}},
        {"from": FROM, "where": {"fieldFilter": {"field": {"fieldPath": "n"}, "op": "LIKE", "value": wire(1)}}},
        {"from": FROM, "where": {"fieldFilter": {"field": {"fieldPath": "n"}, "op": "EQUAL"}}},
        {"from": FROM, "where": where("n", "IN", [])},
        {"from": FROM, "where": where("n", "IN", list(range(31)))},
        {"from": FROM, "where": where("n", "NOT_IN", list(range(11)))},
        {"from": FROM, "where": where("__name__", "EQUAL", "notes/1")},
        {"from": FROM, "where": both(op="AND")},
        {"from": FROM, "orderBy": [{"field": {"fieldPath": "n"}}, {"field": {"fieldPath": "n"}}]},
        {"from": FROM, "startAt": {"values": [wire(1), wire(2)]}},
        {"from": FROM, "select": {"fields": [{"fieldPath": "a..b"}]}},
        {"from": FROM, "orderby": []},
    ],
)
def test_malformed_queries_answer_an_error_in_an_array(bench: Bench, query: dict[str, Any]) -> None:
    answer = ask(bench, **query)
    assert answer.error == (400, "INVALID_ARGUMENT"), answer.body
    assert isinstance(answer.json, list)


def test_what_a_query_may_see_of_the_past(notes: Bench) -> None:
    moment = ask(notes, **{"from": FROM, "limit": 1}).json[0]["readTime"]
    notes.put("notes/new", n=99)
    query = {"structuredQuery": {"from": FROM}, "readTime": moment}
    assert len(names(notes.iam("POST", ":runQuery", query))) == 10
    begun = notes.iam("POST", ":runQuery", {"structuredQuery": {"from": FROM}, "newTransaction": {"readOnly": {}}})
    assert begun.json[0]["transaction"]


def test_aggregations(notes: Bench) -> None:
    def aggregate(*aggregations: dict[str, Any], **query: Any) -> Answer:
        body = {"structuredQuery": {"from": FROM, **query}, "aggregations": list(aggregations)}
        return notes.iam("POST", ":runAggregationQuery", {"structuredAggregationQuery": body})

    field = {"field": {"fieldPath": "n"}}
    answer = aggregate({"count": {}, "alias": "all"}, {"sum": field}, {"avg": field, "alias": "mean"})
    assert len(answer.json) == 1
    assert answer.json[0]["result"]["aggregateFields"] == {
        "all": wire(10),
        "field_1": wire(45),
        "mean": {"doubleValue": 4.5},
    }
    assert answer.json[0]["readTime"].endswith("Z")
    counted = aggregate({"count": {"upTo": "3"}}, where=where("n", "GREATER_THAN", 2)).json
    assert counted[0]["result"]["aggregateFields"] == {"field_1": wire(3)}
    assert aggregate().error == (400, "INVALID_ARGUMENT")
    assert aggregate({"count": {"upTo": 0}}).error == (400, "INVALID_ARGUMENT")
    assert aggregate({"alias": "x"}).error == (400, "INVALID_ARGUMENT")
    assert aggregate({"sum": field}, where=where("odd", "EQUAL", True)).error == (400, "FAILED_PRECONDITION")
