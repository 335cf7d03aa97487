"""The firestore connector against scripted answers: streams, errors in them, the write guard. The practice studio and
Google's clients are met elsewhere."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from studio_brain.connectors.firestore import wire
from studio_brain.connectors.firestore.client import FirestoreClient, ReadOnlyViolation
from studio_brain.connectors.firestore.connector import FirestoreConnector
from studio_brain.connectors.transport import Transport
from studio_brain.kernel.clock import SystemClock
from studio_brain.kernel.ports import CollectionRead, ConnectorError, Document, SourceReport
from studio_brain.kernel.reasons import ReasonCode
from tests.connectors.scripted import Script, answer, scripted
from tests.shared_data import shared

ROOT = "projects/p/databases/(default)/documents/"
READ_TIME = "2026-11-21T09:00:00.123456Z"


async def token(force: bool) -> str:
    return "fresh" if force else "old"


class Heap:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.read_time = ""
        self.pages: list[tuple[str, list[Document]]] = []

    def opened(self, read_time: str) -> None:
        self.read_time = read_time

    def documents(self, collection: str, page: Sequence[Document]) -> None:
        self.pages.append((collection, list(page)))

    def rows(self, function: str, rows: Any, *, maybe_cut: bool) -> None:
        raise AssertionError("no function was asked")


def found(number: int, **fields: Any) -> dict[str, Any]:
    document = {
        "name": f"{ROOT}batches/b{number:04d}",
        "fields": fields,
        "updateTime": READ_TIME,
        "createTime": READ_TIME,
    }
    return {"document": document, "readTime": READ_TIME}


def count(number: int) -> Script:
    return answer([{"result": {"aggregateFields": {"n": {"integerValue": str(number)}}}, "readTime": READ_TIME}])


def read(*scripts: Script) -> tuple[tuple[SourceReport, ...], Heap, list[bytes]]:
    async def work() -> tuple[tuple[SourceReport, ...], Heap, list[bytes]]:
        async with scripted(*scripts) as server:
            transport, clock = Transport(SystemClock()), SystemClock()
            connector = FirestoreConnector(FirestoreClient(transport, server.address, "p", token), transport, clock)
            heap = Heap()
            _, reports = await connector.read_collections([CollectionRead("batches", ("state",))], heap, 5)
            await transport.close()
            return reports, heap, server.requests

    return asyncio.run(work())


def test_pages_follow_each_other_by_cursor_at_one_read_time() -> None:
    first = answer([found(n, state={"stringValue": "FIRED"}) for n in range(wire.PAGE)])
    (report,), heap, requests = read(count(1003), count(1003), first, answer([found(n) for n in range(1000, 1003)]))
    assert (report.rows, report.expected_rows, report.code) == (1003, 1003, None)
    assert heap.read_time == READ_TIME
    bodies = [json.loads(request.split(b"\r\n\r\n", 1)[1]) for request in requests]
    assert [body.get("readTime") for body in bodies] == [None, READ_TIME, READ_TIME, READ_TIME]
    query = bodies[3]["structuredQuery"]
    assert query["startAt"] == {"values": [{"referenceValue": f"{ROOT}batches/b0999"}], "before": False}
    assert query["select"] == {"fields": [{"fieldPath": "state"}]}


def test_an_empty_collection_is_one_element_with_a_read_time() -> None:
    (report,), heap, _ = read(count(0), count(0), answer([{"readTime": READ_TIME}]))
    assert (report.rows, report.code) == (0, None)
    assert heap.pages == [("batches", [])]


def error(status: str, code: int, message: str = "m") -> dict[str, Any]:
    return {"error": {"code": code, "status": status, "message": message}}


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (answer([found(1), error("PERMISSION_DENIED", 403)]), ReasonCode.FORBIDDEN),
        (answer([error("PERMISSION_DENIED", 403)], status=403), ReasonCode.FORBIDDEN),
        (answer([error("INVALID_ARGUMENT", 400)], status=400), ReasonCode.REFUSED_BY_CLOUD),
        (
            answer([error("FAILED_PRECONDITION", 400, "The query requires an index")], status=400),
            ReasonCode.INDEX_MISSING,
        ),
        (answer([error("UNAUTHENTICATED", 401)], status=401), ReasonCode.AUTH),
        (answer([found(1)]), ReasonCode.PARTIAL_READ),
        (answer([found(1), found(2), found(3)]), ReasonCode.PARTIAL_READ),
        (answer({"documents": []}), ReasonCode.PARTIAL_READ),
        (answer(["what"]), ReasonCode.BAD_RESPONSE),
        (answer([{"document": {"name": "elsewhere/x", "fields": {}, "updateTime": "t"}}]), ReasonCode.BAD_RESPONSE),
        (answer([{"document": {"name": ROOT + "batches/x", "fields": []}}]), ReasonCode.BAD_RESPONSE),
        (answer(b"<html>", content_type="text/html"), ReasonCode.BAD_RESPONSE),
        (answer(b"{}", status=500), ReasonCode.BAD_RESPONSE),
    ],
)
def test_a_faulty_page_fails_its_collection_with_its_reason(script: Script, code: ReasonCode) -> None:
    (report,), _, _ = read(count(2), count(2), script)
    assert report.code is code


def test_a_passing_error_inside_a_200_is_tried_again() -> None:
    late = answer([found(1), error("UNAVAILABLE", 503)])
    (report,), heap, _ = read(count(1), count(1), late, answer([found(1)]))
    assert (report.rows, report.code) == (1, None)
    assert sum(len(page) for _, page in heap.pages) == 1


def test_a_refused_token_is_renewed_once() -> None:
    denied = answer([error("UNAUTHENTICATED", 401)], status=401)
    (report,), _, requests = read(denied, count(0), count(0), answer([{"readTime": READ_TIME}]))
    assert report.code is None
    assert b"Bearer old" in requests[0]
    assert b"Bearer fresh" in requests[1]


def test_the_same_documents_hash_the_same_however_they_are_paged_and_ordered_inside() -> None:
    plain = found(1, b={"stringValue": "x"}, a={"integerValue": "1"})
    turned = {"readTime": READ_TIME, "document": dict(reversed(plain["document"].items()))}
    turned["document"]["fields"] = dict(reversed(plain["document"]["fields"].items()))
    (one,), _, _ = read(count(1), count(1), answer([plain]))
    (two,), _, _ = read(count(1), count(1), answer([turned]))
    (other,), _, _ = read(count(1), count(1), answer([found(1, a={"integerValue": "2"})]))
    assert one.sha256 == two.sha256 != other.sha256


def commit(writes: list[dict[str, Any]], allowed: dict[str, frozenset[str]] | None = None) -> tuple[Any, int]:
    async def work() -> tuple[Any, int]:
        async with scripted(answer({"commitTime": READ_TIME, "writeResults": [{"updateTime": READ_TIME}]})) as server:
            transport = Transport(SystemClock())
            client = FirestoreClient(transport, server.address, "p", token, allowed)
            try:
                return await client.commit(writes, 5), len(server.requests)
            except ReadOnlyViolation as error:
                return error, len(server.requests)
            finally:
                await transport.close()

    return asyncio.run(work())


def update(collection: str = "notes", fields: Sequence[str] = ("text",), **more: Any) -> dict[str, Any]:
    return {
        "update": {"name": f"{ROOT}{collection}/1", "fields": {name: {"stringValue": "x"} for name in fields}},
        "updateMask": {"fieldPaths": list(fields)},
        "currentDocument": {"updateTime": READ_TIME},
        **more,
    }


ALLOWED = {"notes": frozenset({"text"})}


@pytest.mark.parametrize(
    ("writes", "allowed"),
    [
        ([update()], None),
        ([update("batches")], ALLOWED),
        ([update(fields=("text", "owner"))], ALLOWED),
        ([update(updateMask={"fieldPaths": []})], ALLOWED),
        ([update(updateMask={"fieldPaths": ["text", "secret"]})], ALLOWED),
        ([update(currentDocument={})], ALLOWED),
        ([update(currentDocument={"exists": True})], ALLOWED),
        ([{"delete": f"{ROOT}notes/1"}], ALLOWED),
        ([{"transform": {"document": f"{ROOT}notes/1", "fieldTransforms": []}}], ALLOWED),
        ([update(updateTransforms=[{"fieldPath": "n"}])], ALLOWED),
        ([update(), update("batches")], ALLOWED),
        ([update("notes/1/secret")], ALLOWED),
    ],
)
def test_a_write_outside_the_allow_list_never_opens_a_socket(
    writes: list[dict[str, Any]], allowed: dict[str, frozenset[str]] | None
) -> None:
    result, requests = commit(writes, allowed)
    assert isinstance(result, ReadOnlyViolation)
    assert requests == 0


def test_an_allowed_write_with_a_precondition_leaves() -> None:
    result, requests = commit([update(), update(currentDocument={"exists": False})], ALLOWED)
    assert result["writeResults"]
    assert requests == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"nullValue": None}, None),
        ({"nullValue": "NULL_VALUE"}, None),
        ({"booleanValue": True}, True),
        ({"integerValue": "42"}, 42),
        ({"integerValue": "9007199254740993"}, "9007199254740993"),
        ({"doubleValue": 0.1}, "0.1"),
        ({"doubleValue": "NaN"}, "NaN"),
        ({"timestampValue": READ_TIME}, READ_TIME),
        ({"bytesValue": "AAE="}, "AAE="),
        ({"mapValue": {"fields": {"a": {"stringValue": "b"}}}}, {"a": "b"}),
        ({"mapValue": {}}, {}),
        ({"arrayValue": {"values": [{"integerValue": "1"}]}}, [1]),
        ({"arrayValue": {}}, []),
        ({}, None),
        (None, None),
    ],
)
def test_typed_values_for_people_hold_no_float(value: Any, expected: Any) -> None:
    assert wire.plain(value) == expected


def test_doubles_are_hashed_as_decimal_text() -> None:
    fields = {
        "a": {"doubleValue": 0.5},
        "b": {"arrayValue": {"values": [{"doubleValue": 1e21}, {"doubleValue": "NaN"}]}},
    }
    assert wire.with_text_doubles(fields) == {
        "a": {"doubleValue": "0.5"},
        "b": {"arrayValue": {"values": [{"doubleValue": "1e+21"}, {"doubleValue": "NaN"}]}},
    }


def test_an_answer_without_all_documents_is_refused() -> None:
    async def work() -> None:
        async with scripted(answer([{"missing": ROOT + "batches/a", "readTime": READ_TIME}])) as server:
            transport = Transport(SystemClock())
            try:
                await FirestoreClient(transport, server.address, "p", token).get(["batches/a", "batches/b"], ["x"], 5)
            finally:
                await transport.close()

    with pytest.raises(ConnectorError) as caught:
        asyncio.run(work())
    assert caught.value.code is ReasonCode.BAD_RESPONSE


@pytest.mark.vectors
def test_our_queries_are_what_the_published_document_describes() -> None:
    document = json.loads(shared("samples/firestore/firestore.v1.discovery.json").read_text())
    known = document["schemas"]["StructuredQuery"]["properties"]
    for query in (wire.page_query("b", ("a",), "x"), wire.equal_query("b", "f", "v", ("a",), 3)):
        assert set(query) <= set(known)
    aggregation = wire.count_query("b")
    assert set(aggregation) <= set(document["schemas"]["RunAggregationQueryRequest"]["properties"])
