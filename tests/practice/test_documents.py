"""Single documents over REST: read, list, create, patch, delete, with masks, preconditions and errors."""

import pytest

from tests.practice.bench import DOCUMENTS, NAME, Bench, wire


def body(**fields: object) -> dict[str, object]:
    return {"fields": {name: wire(value) for name, value in fields.items()}}


def test_create_get_patch_delete(bench: Bench) -> None:
    made = bench.iam("POST", "/notes", body(text="first", count=3), documentId="one")
    assert made.status == 200
    document = made.json
    assert document["name"] == f"{NAME}/notes/one"
    assert document["fields"] == {"text": {"stringValue": "first"}, "count": {"integerValue": "3"}}
    assert document["createTime"] == document["updateTime"]
    assert document["createTime"].endswith("Z")
    assert len(document["createTime"]) == len("2026-01-01T00:00:00.123456Z")
    assert bench.iam("GET", "/notes/one").json == document

    patched = bench.iam("PATCH", "/notes/one", body(text="second"), **{"updateMask.fieldPaths": "text"}).json
    assert patched["fields"] == {"text": {"stringValue": "second"}, "count": {"integerValue": "3"}}
    assert patched["createTime"] == document["createTime"]
    assert patched["updateTime"] > document["updateTime"]

    whole = bench.iam("PATCH", "/notes/one", body(other=True)).json
    assert whole["fields"] == {"other": {"booleanValue": True}}

    assert bench.iam("DELETE", "/notes/one").json == {}
    assert bench.iam("GET", "/notes/one").error == (404, "NOT_FOUND")
    assert bench.iam("DELETE", "/notes/one").json == {}


def test_an_escaped_database_is_the_same(bench: Bench) -> None:
    bench.put("notes/one", text="x")
    path = DOCUMENTS.replace("(default)", "%28default%29")
    answer = bench.ask("GET", f"{path}/notes/one", headers={"authorization": "Bearer iam-bearer"}, port=1002)
    assert answer.status == 200
    assert answer.json["name"] == f"{NAME}/notes/one"


def test_another_project_or_database_is_not_here(bench: Bench) -> None:
    bearer = {"authorization": "Bearer iam-bearer"}
    for path in (
        DOCUMENTS.replace("demo-studio", "real-studio"),
        DOCUMENTS.replace("(default)", "other"),
    ):
        assert bench.ask("GET", f"{path}/notes/one", headers=bearer, port=1002).status in (403, 404)


def test_a_write_that_changes_nothing_keeps_the_update_time(bench: Bench) -> None:
    before = bench.iam("PATCH", "/notes/one", body(text="same")).json
    bench.later(5)
    after = bench.iam("PATCH", "/notes/one", body(text="same")).json
    assert after["updateTime"] == before["updateTime"]
    assert bench.iam("PATCH", "/notes/one", body(text="other")).json["updateTime"] > before["updateTime"]


def test_values_come_back_in_their_wire_form(bench: Bench) -> None:
    fields = {
        "null": {"nullValue": None},
        "bool": {"booleanValue": False},
        "int": {"integerValue": "9007199254740993"},
        "double": {"doubleValue": 0.5},
        "nan": {"doubleValue": "NaN"},
        "infinity": {"doubleValue": "-Infinity"},
        "time": {"timestampValue": "2026-10-01T10:20:30.123456Z"},
        "text": {"stringValue": "Ærø ☕"},
        "bytes": {"bytesValue": "AAEC/w=="},
        "reference": {"referenceValue": f"{NAME}/notes/two"},
        "place": {"geoPointValue": {"latitude": 33.25, "longitude": -111.5}},
        "list": {"arrayValue": {"values": [{"integerValue": "1"}, {"stringValue": "b"}]}},
        "map": {"mapValue": {"fields": {"in": {"booleanValue": True}}}},
    }
    assert bench.iam("PATCH", "/notes/one", {"fields": fields}).status == 200
    assert bench.iam("GET", "/notes/one").json["fields"] == fields


def test_other_spellings_are_brought_into_one_form(bench: Bench) -> None:
    fields = {
        "int": {"integerValue": 7},
        "null": {"nullValue": "NULL_VALUE"},
        "number": {"nullValue": 0},
        "time": {"timestampValue": "2026-10-01T12:20:30.120+02:00"},
        "bytes": {"bytesValue": "__79"},
        "double": {"doubleValue": "1.5"},
        "empty": {"arrayValue": {}},
    }
    read = bench.iam("PATCH", "/notes/one", {"fields": fields}).json["fields"]
    assert read["int"] == {"integerValue": "7"}
    assert read["null"] == read["number"] == {"nullValue": None}
    assert read["time"] == {"timestampValue": "2026-10-01T10:20:30.120Z"}
    assert read["bytes"] == {"bytesValue": "//79"}
    assert read["double"] == {"doubleValue": 1.5}
    assert read["empty"] == {"arrayValue": {}}


@pytest.mark.parametrize(
    "value",
    [
        {"integerValue": 1.5},
        {"integerValue": "9223372036854775808"},
        {"integerValue": "one"},
        {"stringValue": 1},
        {"booleanValue": "true!"},
        {"timestampValue": "2026-10-01T10:20:30"},
        {"timestampValue": "0000-10-01T10:20:30Z"},
        {"bytesValue": "*"},
        {"geoPointValue": {"latitude": 91, "longitude": 0}},
        {"referenceValue": "notes/two"},
        {"arrayValue": {"values": [{"arrayValue": {"values": []}}]}},
        {"stringValue": "a", "integerValue": "1"},
        {"textValue": "a"},
        {"mapValue": {"fields": {"__name__": {"nullValue": None}}}},
        "a",
    ],
)
def test_bad_values_are_refused(bench: Bench, value: object) -> None:
    answer = bench.iam("PATCH", "/notes/one", {"fields": {"x": value}})
    assert answer.error == (400, "INVALID_ARGUMENT")
    assert bench.iam("GET", "/notes/one").status == 404


def test_unknown_members_and_parameters_are_refused(bench: Bench) -> None:
    answer = bench.iam("PATCH", "/notes/one", {"field": {}})
    assert answer.error == (400, "INVALID_ARGUMENT")
    assert 'Unknown name "field"' in answer.json["error"]["message"]
    assert answer.json["error"]["details"][0]["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    answer = bench.iam("GET", "/notes/one", foo="bar")
    assert answer.error == (400, "INVALID_ARGUMENT")
    assert bench.iam("PATCH", "/notes/one", b"{").error == (400, "INVALID_ARGUMENT")
    assert bench.iam("PATCH", "/notes/one", b"[]").error == (400, "INVALID_ARGUMENT")


def test_enums_as_numbers(bench: Bench) -> None:
    bench.put("notes/one", when="x")
    answer = bench.iam("GET", "/notes/missing", **{"$alt": "json;enum-encoding=int"})
    assert answer.error == (404, "NOT_FOUND")
    writes = [
        {
            "transform": {
                "document": f"{NAME}/notes/one",
                "fieldTransforms": [{"fieldPath": "when", "setToServerValue": 1}],
            }
        }
    ]
    answer = bench.iam("POST", ":commit", {"writes": writes}, **{"$alt": "json;enum-encoding=int"})
    assert answer.status == 200
    assert "timestampValue" in answer.json["writeResults"][0]["transformResults"][0]


def test_masks(bench: Bench) -> None:
    bench.put("notes/one", a={"b": 1, "c": 2}, d=3, **{"odd name": 4})
    read = bench.iam("GET", "/notes/one", **{"mask.fieldPaths": ["a.b", "`odd name`"]}).json["fields"]
    assert read == {"a": {"mapValue": {"fields": {"b": {"integerValue": "1"}}}}, "odd name": {"integerValue": "4"}}
    for bad in ("a..b", "`a", ".a", "odd name"):
        answer = bench.iam("GET", "/notes/one", **{"mask.fieldPaths": bad})
        assert answer.error == (400, "INVALID_ARGUMENT"), bad
    patched = bench.iam("PATCH", "/notes/one", body(), **{"updateMask.fieldPaths": ["a.b", "d"]}).json["fields"]
    assert patched == {"a": {"mapValue": {"fields": {"c": {"integerValue": "2"}}}}, "odd name": {"integerValue": "4"}}


def test_preconditions(bench: Bench) -> None:
    exists = {"currentDocument.exists": "true"}
    missing = {"currentDocument.exists": "false"}
    assert bench.iam("PATCH", "/notes/one", body(a=1), **exists).error == (404, "NOT_FOUND")
    first = bench.iam("PATCH", "/notes/one", body(a=1), **missing)
    assert first.status == 200
    assert bench.iam("PATCH", "/notes/one", body(a=2), **missing).error == (409, "ALREADY_EXISTS")
    at = {"currentDocument.updateTime": first.json["updateTime"]}
    second = bench.iam("PATCH", "/notes/one", body(a=2), **at)
    assert second.status == 200
    answer = bench.iam("PATCH", "/notes/one", body(a=3), **at)
    assert answer.error == (400, "FAILED_PRECONDITION")
    assert bench.iam("DELETE", "/notes/one", **at).error == (400, "FAILED_PRECONDITION")
    assert bench.iam("DELETE", "/notes/two", **exists).error == (404, "NOT_FOUND")
    at = {"currentDocument.updateTime": second.json["updateTime"]}
    assert bench.iam("DELETE", "/notes/one", **at).status == 200


def test_create_makes_an_id_and_refuses_a_taken_one(bench: Bench) -> None:
    made = bench.iam("POST", "/notes", body(a=1)).json
    assert len(made["name"].rpartition("/")[2]) == 20
    assert bench.iam("POST", "/notes", body(a=1), documentId="taken").status == 200
    assert bench.iam("POST", "/notes", body(a=2), documentId="taken").error == (409, "ALREADY_EXISTS")
    assert bench.iam("POST", "/notes/taken/rows", body(a=2), documentId="r").status == 200


@pytest.mark.parametrize("path", ["/notes/__x__", "/notes/.", "/notes/..", "/notes//rows", "/notes/" + "x" * 1501])
def test_bad_document_names(bench: Bench, path: str) -> None:
    assert bench.iam("PATCH", path, body(a=1)).status in (400, 404)


def test_a_document_may_not_be_larger_than_a_mebibyte(bench: Bench) -> None:
    assert bench.iam("PATCH", "/notes/one", body(text="x" * 1_000_000)).status == 200
    answer = bench.iam("PATCH", "/notes/two", body(text="x" * 1_048_576))
    assert answer.error == (400, "INVALID_ARGUMENT")
    assert "maximum" in answer.json["error"]["message"]


def test_list_pages_through_a_collection(bench: Bench) -> None:
    for number in range(25):
        bench.put(f"notes/{number:02d}", number=number, other="x")
    seen: list[str] = []
    token = None
    for _ in range(10):
        asked = {"pageSize": "10", "mask.fieldPaths": "number"} | ({"pageToken": token} if token else {})
        page = bench.iam("GET", "/notes", **asked).json
        seen += [document["name"].rpartition("/")[2] for document in page["documents"]]
        assert all(list(document["fields"]) == ["number"] for document in page["documents"])
        token = page.get("nextPageToken")
        if not token:
            break
    assert seen == [f"{number:02d}" for number in range(25)]
    assert bench.iam("GET", "/nothing").json == {}
    assert bench.iam("GET", "/notes", pageToken="%%%").error == (400, "INVALID_ARGUMENT")
    assert bench.iam("GET", "/notes", pageSize="-1").error == (400, "INVALID_ARGUMENT")


def test_list_in_another_order(bench: Bench) -> None:
    for number, name in enumerate(("b", "a", "c")):
        bench.put(f"notes/{name}", number=number)
    page = bench.iam("GET", "/notes", orderBy="number desc", pageSize="2").json
    names = [document["name"].rpartition("/")[2] for document in page["documents"]]
    assert names == ["c", "a"]
    page = bench.iam("GET", "/notes", orderBy="number desc", pageSize="2", pageToken=page["nextPageToken"]).json
    assert [document["name"].rpartition("/")[2] for document in page["documents"]] == ["b"]
    assert "nextPageToken" not in page


def test_list_shows_missing_documents_when_asked(bench: Bench) -> None:
    bench.put("notes/there", a=1)
    bench.put("notes/ghost/rows/r", a=1)
    assert len(bench.iam("GET", "/notes").json["documents"]) == 1
    shown = bench.iam("GET", "/notes", showMissing="true", **{"mask.fieldPaths": "__name__"}).json["documents"]
    assert [("createTime" in document) for document in shown] == [False, True]


def test_list_collection_ids(bench: Bench) -> None:
    bench.put("notes/one/rows/a", x=1)
    bench.put("notes/one/pages/b", x=1)
    assert bench.iam("POST", "/notes/one:listCollectionIds", {}).json["collectionIds"] == ["pages", "rows"]
    first = bench.iam("POST", ":listCollectionIds", {"pageSize": 3}).json
    rest = bench.iam("POST", ":listCollectionIds", {"pageSize": 300, "pageToken": first["nextPageToken"]}).json
    everything = bench.iam("POST", ":listCollectionIds", {"pageSize": 300}).json["collectionIds"]
    assert first["collectionIds"] + rest["collectionIds"] == everything
    assert {"batches", "notes", "reservations"} <= set(everything)


def test_reads_of_the_past(bench: Bench) -> None:
    first = bench.iam("PATCH", "/notes/one", body(a=1)).json
    bench.later(60)
    bench.iam("PATCH", "/notes/one", body(a=2))
    bench.later(60)
    bench.iam("DELETE", "/notes/one")
    past = bench.iam("GET", "/notes/one", readTime=first["updateTime"])
    assert past.json["fields"] == {"a": {"integerValue": "1"}}
    assert len(bench.iam("GET", "/notes", readTime=first["updateTime"]).json["documents"]) == 1
    assert bench.iam("GET", "/notes").json == {}
    bench.later(3600)
    assert bench.iam("GET", "/notes/one", readTime=first["updateTime"]).error == (400, "FAILED_PRECONDITION")
    assert bench.iam("GET", "/notes/one", readTime="2099-01-01T00:00:00Z").error == (400, "INVALID_ARGUMENT")


def test_what_rest_does_not_offer(bench: Bench) -> None:
    assert bench.iam("POST", ":listen", {}).error == (501, "UNIMPLEMENTED")
    assert bench.iam("POST", ":nonsense", {}).status == 404
    assert bench.ask("GET", "/elsewhere").status == 404


def test_every_answer_is_json_and_private(bench: Bench) -> None:
    answer = bench.iam("GET", "/notes/none")
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert answer.headers["cache-control"] == "private"
    assert answer.headers["date"] == "Wed, 18 Nov 2026 11:06:40 GMT"
    assert set(answer.json["error"]) == {"code", "message", "status"}
    bench.later(86_400)
    assert bench.iam("GET", "/notes/none").headers["date"] == "Thu, 19 Nov 2026 11:06:40 GMT"
