"""Commits and batches: several writes at once, transforms, preconditions, all or nothing."""

from typing import Any

import pytest

from tests.practice.bench import NAME, Bench, wire


def write(path: str, *mask: str, **fields: object) -> dict[str, Any]:
    made: dict[str, Any] = {
        "update": {"name": f"{NAME}/{path}", "fields": {name: wire(value) for name, value in fields.items()}}
    }
    if mask:
        made["updateMask"] = {"fieldPaths": list(mask)}
    return made


def test_a_commit_is_one_moment(bench: Bench) -> None:
    answer = bench.iam("POST", ":commit", {"writes": [write("notes/a", x=1), write("notes/b", x=2)]}).json
    times = {result["updateTime"] for result in answer["writeResults"]}
    assert times == {answer["commitTime"]}
    assert bench.iam("GET", "/notes/a").json["updateTime"] == answer["commitTime"]
    assert bench.iam("POST", ":commit", {}).json["commitTime"] > answer["commitTime"]


def test_a_commit_is_all_or_nothing(bench: Bench) -> None:
    writes = [write("notes/a", x=1), write("notes/b", x=2) | {"currentDocument": {"exists": True}}]
    assert bench.iam("POST", ":commit", {"writes": writes}).error == (404, "NOT_FOUND")
    assert bench.iam("GET", "/notes/a").status == 404


def test_later_writes_of_a_commit_see_earlier_ones(bench: Bench) -> None:
    writes = [
        write("notes/a", x=1),
        {"update": {"name": f"{NAME}/notes/a"}, "updateMask": {}}
        | {"updateTransforms": [{"fieldPath": "x", "increment": {"integerValue": "4"}}]},
        write("notes/a", "y", y=2),
        write("notes/b", x=1),
        {"delete": f"{NAME}/notes/b"},
    ]
    answer = bench.iam("POST", ":commit", {"writes": writes})
    assert answer.status == 200, answer.body
    assert bench.iam("GET", "/notes/a").json["fields"] == {"x": {"integerValue": "5"}, "y": {"integerValue": "2"}}
    assert bench.iam("GET", "/notes/b").status == 404


def transform(bench: Bench, start: Any, **what: Any) -> tuple[Any, Any]:
    """(transform result, stored value) of one transform on the field `x`."""
    bench.put("notes/t", **({} if start is None else {"x": start}))
    update = {
        "update": {"name": f"{NAME}/notes/t"},
        "updateMask": {"fieldPaths": []},
        "updateTransforms": [{"fieldPath": "x", **what}],
    }
    answer = bench.iam("POST", ":commit", {"writes": [update]})
    assert answer.status == 200, answer.body
    return answer.json["writeResults"][0]["transformResults"][0], bench.fields("notes/t").get("x")


LIST = [1, "a", 2.0]


@pytest.mark.parametrize(
    ("start", "what", "result"),
    [
        (3, {"increment": wire(2)}, wire(5)),
        (3, {"increment": wire(0.5)}, wire(3.5)),
        (None, {"increment": wire(2)}, wire(2)),
        ("text", {"increment": wire(2)}, wire(2)),
        (2**63 - 2, {"increment": wire(5)}, wire(2**63 - 1)),
        (-(2**63) + 1, {"increment": wire(-5)}, wire(-(2**63))),
        (3, {"maximum": wire(5)}, wire(5)),
        (3, {"maximum": wire(2.5)}, wire(3)),
        (3, {"minimum": wire(2.5)}, wire(2.5)),
        (None, {"minimum": wire(7)}, wire(7)),
        (3, {"maximum": wire(3.0)}, wire(3)),
        (LIST, {"appendMissingElements": {"values": [wire(2), wire("b"), wire("b")]}}, wire([*LIST, "b"])),
        (None, {"appendMissingElements": {"values": [wire(1)]}}, wire([1])),
        (LIST, {"removeAllFromArray": {"values": [wire(1), wire(2)]}}, wire(["a"])),
        ("text", {"removeAllFromArray": {"values": [wire(1)]}}, {"arrayValue": {}}),
    ],
)
def test_transforms(bench: Bench, start: Any, what: dict[str, Any], result: Any) -> None:
    shown, stored = transform(bench, start, **what)
    assert stored == result
    arrays = "appendMissingElements" in what or "removeAllFromArray" in what
    assert shown == ({"nullValue": None} if arrays else result)


def test_server_time(bench: Bench) -> None:
    shown, stored = transform(bench, None, setToServerValue="REQUEST_TIME")
    assert shown == stored
    assert stored["timestampValue"].startswith("2026-11-18T11:06:40")
    update = {
        "update": {"name": f"{NAME}/notes/t"},
        "updateTransforms": [{"fieldPath": "x", "setToServerValue": "SERVER_VALUE_UNSPECIFIED"}],
    }
    assert bench.iam("POST", ":commit", {"writes": [update]}).error == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "bad",
    [
        {"writes": [{}]},
        {"writes": [{"delete": "notes/a"}]},
        {"writes": [{"delete": f"{NAME}/notes"}]},
        {"writes": [{"delete": NAME.replace("demo-studio", "other") + "/notes/a"}]},
        {"writes": [{"delete": f"{NAME}/notes/a", "update": {"name": f"{NAME}/notes/a"}}]},
        {"writes": [{"delete": f"{NAME}/notes/a", "updateMask": {"fieldPaths": ["x"]}}]},
        {"writes": [write("notes/a", "x..y", x=1)]},
        {"writes": [write("notes/a", "x", "x.y", x=1)]},
        {"writes": [write("notes/a", x=1) | {"currentDocument": {"updateTime": "2026-01-01T00:00:00"}}]},
        {
            "writes": [
                write("notes/a", x=1) | {"currentDocument": {"exists": True, "updateTime": "2026-01-01T00:00:00Z"}}
            ]
        },
        {"write": []},
        {"transaction": "none"},
    ],
)
def test_malformed_commits(bench: Bench, bad: dict[str, Any]) -> None:
    bench.put("notes/a", x=0)
    before = bench.iam("GET", "/notes/a").json
    answer = bench.iam("POST", ":commit", bad)
    assert answer.error == (400, "INVALID_ARGUMENT"), answer.body
    assert bench.iam("GET", "/notes/a").json == before


def test_batch_write_judges_every_write_by_itself(bench: Bench) -> None:
    bench.put("notes/a", x=0)
    writes = [
        write("notes/a", x=1) | {"currentDocument": {"exists": False}},
        write("notes/b", x=2),
        {"delete": f"{NAME}/notes/c", "currentDocument": {"exists": True}},
    ]
    answer = bench.iam("POST", ":batchWrite", {"writes": writes}).json
    assert [status.get("code", 0) for status in answer["status"]] == [6, 0, 5]
    assert "updateTime" in answer["writeResults"][1]
    assert bench.fields("notes/a") == {"x": wire(0)}
    assert bench.fields("notes/b") == {"x": wire(2)}
    twice = {"writes": [write("notes/b", x=3), write("notes/b", x=4)]}
    assert bench.iam("POST", ":batchWrite", twice).error == (400, "INVALID_ARGUMENT")


def test_batch_get(bench: Bench) -> None:
    bench.put("notes/a", x=1, y=2)
    names = [f"{NAME}/notes/a", f"{NAME}/notes/none", f"{NAME}/notes/a"]
    answer = bench.iam("POST", ":batchGet", {"documents": names, "mask": {"fieldPaths": ["x"]}})
    rows = answer.json
    assert isinstance(rows, list)
    found = [row["found"] for row in rows if "found" in row]
    assert [document["fields"] for document in found] == [{"x": wire(1)}]
    assert [row["missing"] for row in rows if "missing" in row] == [f"{NAME}/notes/none"]
    assert all(row["readTime"].endswith("Z") for row in rows)
    begun = bench.iam("POST", ":batchGet", {"documents": names[:1], "newTransaction": {"readOnly": {}}}).json
    assert begun[0]["transaction"]
    bad = bench.iam("POST", ":batchGet", {"documents": ["notes/a"]})
    assert bad.error == (400, "INVALID_ARGUMENT")
    assert isinstance(bad.json, list)


# --- transactions ----------------------------------------------------------------------------------------------------


def begin(bench: Bench, **options: Any) -> str:
    answer = bench.iam("POST", ":beginTransaction", {"options": options} if options else {})
    assert answer.status == 200, answer.body
    token: str = answer.json["transaction"]
    return token


def test_a_transaction_commits_what_it_has_read(bench: Bench) -> None:
    bench.put("notes/a", x=1)
    transaction = begin(bench)
    assert bench.iam("GET", "/notes/a", transaction=transaction).status == 200
    answer = bench.iam("POST", ":commit", {"transaction": transaction, "writes": [write("notes/a", x=2)]})
    assert answer.status == 200
    again = bench.iam("POST", ":commit", {"transaction": transaction, "writes": []})
    assert again.error == (400, "INVALID_ARGUMENT")


def test_a_transaction_whose_reads_are_stale_is_aborted(bench: Bench) -> None:
    bench.put("notes/a", x=1)
    transaction = begin(bench, readWrite={})
    bench.iam("GET", "/notes/a", transaction=transaction)
    bench.put("notes/a", x=5)
    answer = bench.iam("POST", ":commit", {"transaction": transaction, "writes": [write("notes/b", x=2)]})
    assert answer.error == (409, "ABORTED")
    assert bench.iam("GET", "/notes/b").status == 404


def test_a_transaction_notices_what_its_query_would_now_give(bench: Bench) -> None:
    bench.put("notes/a", x=1)
    transaction = begin(bench)
    query = {
        "from": [{"collectionId": "notes"}],
        "where": {"fieldFilter": {"field": {"fieldPath": "x"}, "op": "EQUAL", "value": wire(1)}},
    }
    rows = bench.iam("POST", ":runQuery", {"structuredQuery": query, "transaction": transaction}).json
    assert len([row for row in rows if "document" in row]) == 1
    bench.put("notes/new", x=1)
    answer = bench.iam("POST", ":commit", {"transaction": transaction, "writes": [write("notes/b", x=2)]})
    assert answer.error == (409, "ABORTED")


def test_reads_of_a_transaction_are_of_one_moment(bench: Bench) -> None:
    bench.put("notes/a", x=1)
    transaction = begin(bench, readOnly={})
    assert bench.iam("GET", "/notes/a", transaction=transaction).json["fields"] == {"x": wire(1)}
    bench.put("notes/a", x=2)
    assert bench.iam("GET", "/notes/a", transaction=transaction).json["fields"] == {"x": wire(1)}
    answer = bench.iam("POST", ":commit", {"transaction": transaction, "writes": [write("notes/a", x=3)]})
    assert answer.error == (400, "INVALID_ARGUMENT")


def test_rollback(bench: Bench) -> None:
    transaction = begin(bench)
    assert bench.iam("POST", ":rollback", {"transaction": transaction}).json == {}
    answer = bench.iam("POST", ":commit", {"transaction": transaction, "writes": [write("notes/a", x=3)]})
    assert answer.error == (400, "INVALID_ARGUMENT")
