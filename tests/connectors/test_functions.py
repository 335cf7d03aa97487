"""The functions connector: what each answer means for a write that was sent, and what is never sent."""

import asyncio
import json
import time
from typing import Any

import pytest

from studio_brain.connectors.functions.client import FunctionsClient
from studio_brain.connectors.functions.connector import FunctionsConnector
from studio_brain.connectors.functions.operations import OPERATIONS
from studio_brain.connectors.transport import Transport
from studio_brain.kernel.clock import SystemClock
from studio_brain.kernel.ports import (
    ConnectorError,
    Document,
    Outcome,
    OutcomeKind,
    Preview,
    ReadBack,
    Settled,
    WriteCall,
)
from studio_brain.kernel.reasons import ReasonCode
from tests.connectors.scripted import Script, answer, closes, cuts, hangs, resets, scripted

SEEN_AT = "2026-11-21T09:00:00.123456789Z"


class Cloud:
    """Documents as the cloud has them."""

    def __init__(self, **fields: Any) -> None:
        self.fields: dict[str, Any] | None = fields

    async def get(self, ids: Any, fields: Any, deadline_s: float) -> dict[str, Document | None]:
        return {id: None if self.fields is None else Document(id, self.fields, SEEN_AT) for id in ids}


async def token(force: bool) -> str:
    return "fresh" if force else "old"


def call(
    operation: str = "ops_note.append", permit: Any = lambda: None, deadline_s: float = 3.0, **more: Any
) -> WriteCall:
    parts: dict[str, Any] = {
        "operation": operation,
        "proposal": "proposal-1",
        "execution": "execution-1",
        "key": "execution-1",
        "input": {"batchId": "b1", "note": "look at the glaze"},
        "arguments": {"ownerUid": "owner-1", "batch": {"isClosed": False, "closedAt": None, "state": "FIRED"}},
        "seen": (),
        "actor": "teo",
        "approved_by": "ines",
        "approved_at": "2026-11-21T09:00:00.000Z",
        "request_id": "request-1",
        "correlation_id": "corr-1",
        "deadline_s": deadline_s,
        "permit": permit,
    }
    return WriteCall(**(parts | more))


def execute(what: WriteCall, *scripts: Script, skew_s: int = 0) -> tuple[Outcome, list[bytes]]:
    async def work() -> tuple[Outcome, list[bytes]]:
        async with scripted(*scripts) as server:
            transport = Transport(SystemClock())
            if skew_s:
                transport.skew_ms[server.address.removeprefix("http://")] = skew_s * 1000
            client = FunctionsClient(transport, server.address, lambda uid: token)
            connector = FunctionsConnector(client, Cloud(), transport, "reader", SystemClock())
            outcome = await connector.execute(what)
            await transport.close()
            return outcome, server.requests

    return asyncio.run(work())


OK = {"ok": True, "replayed": False, "resourcePointer": {"collection": "c", "docId": "d", "other": 1}}
NO = {"ok": False, "message": "no"}


@pytest.mark.parametrize(
    ("script", "kind", "code"),
    [
        (answer(OK), OutcomeKind.OK, None),
        (answer(NO, status=400), OutcomeKind.REFUSED, ReasonCode.REFUSED_BY_CLOUD),
        (answer(NO, status=403), OutcomeKind.REFUSED, ReasonCode.FORBIDDEN),
        (answer(NO, status=404), OutcomeKind.REFUSED, ReasonCode.NOT_FOUND),
        (answer(NO, status=409), OutcomeKind.REFUSED, ReasonCode.CLOUD_CHANGED),
        (answer(NO, status=412), OutcomeKind.REFUSED, ReasonCode.CLOUD_CHANGED),
        (answer(NO | {"code": "RATE_LIMITED"}, status=429), OutcomeKind.REFUSED, ReasonCode.RATE_LIMITED),
        (answer(NO, status=401), OutcomeKind.REFUSED, ReasonCode.AUTH),
        (
            answer(b"<html>not here</html>", status=404, content_type="text/html"),
            OutcomeKind.FAILED,
            ReasonCode.BAD_RESPONSE,
        ),
        (answer(NO, status=500), OutcomeKind.UNKNOWN, ReasonCode.UNKNOWN_OUTCOME),
        (answer(NO, status=503), OutcomeKind.UNKNOWN, ReasonCode.UNKNOWN_OUTCOME),
        (
            answer(b"<html>oops</html>", status=504, content_type="text/html"),
            OutcomeKind.UNKNOWN,
            ReasonCode.UNKNOWN_OUTCOME,
        ),
        (answer(b"{", status=200), OutcomeKind.UNKNOWN, ReasonCode.UNKNOWN_OUTCOME),
        (answer([OK], status=200), OutcomeKind.UNKNOWN, ReasonCode.UNKNOWN_OUTCOME),
        (answer({"done": True}, status=200), OutcomeKind.UNKNOWN, ReasonCode.UNKNOWN_OUTCOME),
        (closes, OutcomeKind.UNKNOWN, ReasonCode.UNKNOWN_OUTCOME),
        (resets, OutcomeKind.UNKNOWN, ReasonCode.UNKNOWN_OUTCOME),
        (cuts, OutcomeKind.UNKNOWN, ReasonCode.UNKNOWN_OUTCOME),
    ],
)
def test_each_answer_to_a_write_means_one_thing(script: Script, kind: OutcomeKind, code: ReasonCode | None) -> None:
    outcome, requests = execute(call(), script)
    assert (outcome.kind, outcome.code) == (kind, code)
    assert len(requests) == (2 if code is ReasonCode.AUTH else 1)


def test_a_write_without_an_answer_in_time_is_unknown() -> None:
    began = time.monotonic()
    outcome, _ = execute(call(deadline_s=0.3), hangs)
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert time.monotonic() - began < 0.8


def test_the_call_carries_what_was_approved_and_who_belongs_to_it() -> None:
    outcome, (request,) = execute(call(), answer(OK, headers={"x-request-id": "cloud-7"}))
    head, body = request.split(b"\r\n\r\n", 1)
    assert json.loads(body) == {
        "proposalId": "proposal-1",
        "idempotencyKey": "execution-1",
        "actorUid": "teo",
        "approvedBy": "ines",
        "approvedAt": "2026-11-21T09:00:00.000Z",
        "actionType": "ops_note_append",
        "ownerUid": "owner-1",
        "resourceCollection": "batches",
        "resourceId": "b1",
        "note": "look at the glaze",
    }
    lower = head.lower()
    for line in (b"x-request-id: request-1", b"x-correlation-id: corr-1", b"x-idempotency-key: execution-1"):
        assert line in lower
    assert outcome.request_id == "cloud-7"
    assert outcome.output == {"resourcePointer": {"collection": "c", "docId": "d"}}


def test_a_permit_that_says_no_keeps_the_socket_shut() -> None:
    outcome, requests = execute(call(permit=lambda: ReasonCode.KILL_SWITCH), answer(OK))
    assert (outcome.kind, outcome.code, requests) == (OutcomeKind.FAILED, ReasonCode.KILL_SWITCH, [])


def test_the_permit_is_asked_again_before_a_second_try() -> None:
    answers = [None, None, ReasonCode.KILL_SWITCH]  # before a token, before the first try, before the second
    outcome, requests = execute(call(permit=lambda: answers.pop(0)), answer(NO, status=401), answer(OK))
    assert (outcome.kind, outcome.code, len(requests)) == (OutcomeKind.FAILED, ReasonCode.KILL_SWITCH, 1)


@pytest.mark.parametrize("skew_s", [-120, 120])
def test_a_wrong_clock_stops_writes(skew_s: int) -> None:
    outcome, requests = execute(call(), answer(OK), skew_s=skew_s)
    assert (outcome.kind, outcome.code, requests) == (OutcomeKind.FAILED, ReasonCode.CLOCK_SKEW, [])


def test_an_operation_that_is_not_registered_is_never_sent() -> None:
    outcome, requests = execute(call("batch.delete"), answer(OK))
    assert (outcome.kind, outcome.code, requests) == (OutcomeKind.FAILED, ReasonCode.READ_ONLY_VIOLATION, [])


def preview(operation: str, cloud: Cloud, input: dict[str, Any]) -> Preview:
    return asyncio.run(OPERATIONS[operation].preview(cloud, input, 5))


def text(value: str) -> dict[str, str]:
    return {"stringValue": value}


def test_a_note_takes_its_owner_from_the_cloud() -> None:
    found = preview("ops_note.append", Cloud(ownerUid=text("owner-9")), {"batchId": "b1", "note": "n"})
    assert found.arguments["ownerUid"] == "owner-9"
    assert [s.update_time for s in found.seen] == [SEEN_AT]


@pytest.mark.parametrize(
    ("operation", "input"), [("ops_note.append", {"batchId": "b", "note": "n"}), ("batch.close", {"batchId": "b"})]
)
def test_what_does_not_exist_is_refused_before_it_is_proposed(operation: str, input: dict[str, Any]) -> None:
    cloud = Cloud()
    cloud.fields = None
    assert preview(operation, cloud, input).refusal is ReasonCode.NOT_FOUND


def test_a_closed_batch_leaves_nothing_to_do() -> None:
    assert (
        preview("batch.close", Cloud(isClosed={"booleanValue": True}), {"batchId": "b"}).refusal
        is ReasonCode.NOTHING_TO_DO
    )


def read_back(cloud: Cloud) -> ReadBack:
    return asyncio.run(OPERATIONS["batch.close"].read_back(cloud, call("batch.close")))


def closed_at(moment: str) -> dict[str, str]:
    return {"timestampValue": moment}


def test_reading_back_a_close_compares_with_what_was_before() -> None:
    yes = {"booleanValue": True}
    assert read_back(Cloud(isClosed=yes, closedAt=closed_at("2026-11-21T10:00:00Z"))).settled is Settled.DONE
    assert read_back(Cloud(isClosed={"booleanValue": False})).settled is Settled.NOT_DONE
    assert read_back(Cloud(isClosed=yes)).settled is Settled.UNCLEAR
    gone = Cloud()
    gone.fields = None
    assert read_back(gone).settled is Settled.UNCLEAR


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "3"}, {}, 3.0),
        ({}, {"retryAfterSec": 9}, 9.0),
        ({"retry-after": "3"}, {"details": {"retryAfterMs": 12_000}}, 12.0),
        ({}, {"details": None}, None),
    ],
)
def test_the_longest_wait_that_is_asked_for_counts(
    headers: dict[str, str], body: dict[str, Any], seconds: float | None
) -> None:
    from studio_brain.connectors.functions import wire
    from studio_brain.connectors.transport import Reply

    reply = Reply(429, {"content-type": "application/json", **headers}, json.dumps(NO | body).encode())
    with pytest.raises(ConnectorError) as caught:
        wire.answer(reply)
    assert caught.value.retry_after_s == seconds
