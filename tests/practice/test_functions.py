"""What every Function has in common: envelopes, order of checks, limits, request ids; and each batch Function."""

from typing import Any

import pytest

from tests.practice.bench import FUNCTIONS, Bench, wire

STAFF_ONLY = {
    "pickedUpAndClose": "Forbidden",
    "shelveBatch": "Forbidden",
    "readyForPickup": "Forbidden",
    "kilnLoad": "Forbidden",
    "kilnUnload": "Forbidden",
    "executeStudioBrainPilotAction": "Forbidden",
    "rollbackStudioBrainPilotAction": "Forbidden",
    "listSecurityAuditEvents": "Forbidden",
    "listReports": "Unauthorized",
    "updateReportStatus": "Unauthorized",
    "addInternalNote": "Unauthorized",
    "takeContentAction": "Unauthorized",
    "staffListAgentOperations": "Unauthorized",
    "staffUpdateAgentOrderFulfillment": "Unauthorized",
}


@pytest.mark.parametrize(("name", "word"), STAFF_ONLY.items())
def test_who_may_call(bench: Bench, name: str, word: str) -> None:
    reports = ("listReports", "updateReportStatus", "addInternalNote", "takeContentAction")
    wrong = "Method not allowed" if name in reports else "Use POST"
    got = bench.ask("GET", f"{FUNCTIONS}/{name}", headers=bench.bearer("imke"))
    assert (got.status, got.json) == (405, {"ok": False, "message": wrong})
    got = bench.call(name, {}, who=None)
    assert (got.status, got.json) == (401, {"ok": False, "message": "Missing Authorization header"})
    got = bench.call(name, {}, who=None, authorization="Bearer x.y.z")
    assert (got.status, got.json) == (401, {"ok": False, "message": "Invalid Authorization token"})
    for who in ("roshan", "bryndis"):
        got = bench.call(name, {}, who=who)
        assert (got.status, got.json) == (403, {"ok": False, "message": word})


def test_answers_are_json_with_the_frameworks_headers(bench: Bench) -> None:
    got = bench.call("listDelegations", {}, x_request_id="asked-1")
    assert got.headers["content-type"] == "application/json; charset=utf-8"
    assert got.headers["x-request-id"] == "asked-1"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["date"].endswith("GMT")


def test_an_unknown_function(bench: Bench) -> None:
    got = bench.call("nope", {})
    assert got.status == 404
    assert got.body.decode().startswith("Function us-central1-nope does not exist, valid functions are: us-central1-")
    assert bench.ask("POST", "/demo-studio/europe-west1/listReports", {}).status == 404


def test_a_body_that_is_no_json(bench: Bench) -> None:
    headers = {**bench.bearer("imke"), "content-type": "application/json"}
    got = bench.ask("POST", f"{FUNCTIONS}/listReports", b"{", headers=headers)
    assert got.status == 400
    assert got.headers["content-type"].startswith("text/html")


def test_origins(bench: Bench) -> None:
    assert bench.call("listReports", {}, origin="https://elsewhere.example").json["message"] == "Origin not allowed"
    got = bench.ask("OPTIONS", f"{FUNCTIONS}/listReports", headers={"origin": "http://localhost:5173"})
    assert got.status == 204
    assert got.headers["access-control-allow-origin"] == "http://localhost:5173"


def test_timestamps_print_as_the_admin_sdk_prints_them(bench: Bench) -> None:
    row = bench.call("listReports", {}).json["reports"][0]
    assert set(row["createdAt"]) == {"_seconds", "_nanoseconds"}
    assert row["createdAt"]["_nanoseconds"] % 1_000_000 == 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Invalid input: expected string, received undefined"),
        ({"batchId": None}, "Invalid input: expected string, received null"),
        ({"batchId": 7}, "Invalid input: expected string, received number"),
        ({"batchId": ""}, "Too small: expected string to have >=1 characters"),
        ({"batchId": "x", "notes": 1}, "Invalid input: expected string, received number"),
    ],
)
def test_first_fault_of_a_body_is_the_message(bench: Bench, body: dict[str, Any], message: str) -> None:
    got = bench.call("pickedUpAndClose", body)
    assert (got.status, got.json) == (400, {"ok": False, "message": message})


def test_rate_limits(bench: Bench) -> None:
    for _ in range(10):
        assert bench.call("pickedUpAndClose", {"batchId": "none"}).status == 404
    bench.later(18.2)
    got = bench.call("pickedUpAndClose", {"batchId": "none"})
    assert (got.status, got.json) == (429, {"ok": False, "message": "Too many requests"})
    assert got.headers["retry-after"] == "42"
    assert bench.call("pickedUpAndClose", {"batchId": "none"}, who="teo").status == 404
    bench.later(42)
    assert bench.call("pickedUpAndClose", {"batchId": "none"}).status == 404


def test_a_refused_body_does_not_count(bench: Bench) -> None:
    for _ in range(15):
        assert bench.call("pickedUpAndClose", {}).status == 400
    assert bench.call("pickedUpAndClose", {"batchId": "none"}).status == 404


# --- batches ---------------------------------------------------------------------------------------------------------


def an_open_batch(bench: Bench, state: str = "SHELVED") -> str:
    bench.put("batches/b1", ownerUid=bench.uid("roshan"), title="Two bowls", state=state, isClosed=False)
    return "b1"


def timeline(bench: Bench, batch: str) -> list[dict[str, Any]]:
    return [bench.fields(path) for path in bench.paths(f"batches/{batch}/timeline")]


def test_close(bench: Bench) -> None:
    batch = an_open_batch(bench)
    got = bench.call("pickedUpAndClose", {"batchId": batch})
    assert (got.status, got.json) == (200, {"ok": True})
    after = bench.fields(f"batches/{batch}")
    assert after["isClosed"] == wire(True)
    assert after["state"] == wire("CLOSED_PICKED_UP")
    assert after["closedAt"] == after["updatedAt"] == {"timestampValue": "2026-11-18T11:06:40Z"}
    (row,) = timeline(bench, batch)
    assert row["type"] == wire("PICKED_UP_AND_CLOSE")
    assert row["actorUid"] == row["actorName"] == wire("admin")
    assert row["notes"] == wire("Picked up; batch closed")
    events = [bench.fields(path) for path in bench.paths("integrationEvents")]
    assert any(event["type"] == wire("batch.closed") and event["uid"] == after["ownerUid"] for event in events)


def test_closing_again_is_another_close(bench: Bench) -> None:
    batch = an_open_batch(bench)
    bench.call("pickedUpAndClose", {"batchId": batch})
    first = bench.fields(f"batches/{batch}")["closedAt"]
    bench.later(30)
    assert bench.call("pickedUpAndClose", {"batchId": batch}, idempotency_key="the-same").status == 200
    assert bench.call("pickedUpAndClose", {"batchId": batch}, idempotency_key="the-same").status == 200
    assert len(timeline(bench, batch)) == 3
    assert bench.fields(f"batches/{batch}")["closedAt"] != first


def test_close_of_a_batch_that_is_not_there(bench: Bench) -> None:
    got = bench.call("pickedUpAndClose", {"batchId": "none"})
    assert (got.status, got.json) == (404, {"ok": False, "message": "Batch not found"})
    assert bench.studio.store.get("batches/none") is None


def test_shelving_makes_a_stub_of_a_batch_that_is_not_there(bench: Bench) -> None:
    assert bench.call("shelveBatch", {"batchId": "none"}).json == {"ok": True}
    assert bench.fields("batches/none").keys() == {"state", "updatedAt"}
    assert bench.call("readyForPickup", {"batchId": "none2"}).json == {"ok": True}
    assert bench.fields("batches/none2")["state"] == wire("READY_FOR_PICKUP")


def test_kiln_load_and_unload(bench: Bench) -> None:
    batch = an_open_batch(bench)
    body = {"batchId": batch, "kilnId": "kiln-ll-eq2827-3", "kilnName": "L&L", "photos": ["p1"]}
    assert bench.call("kilnLoad", body).json == {"ok": True}
    loaded = bench.fields(f"batches/{batch}")
    assert loaded["state"] == wire("LOADED")
    assert loaded["currentKilnId"] == wire("kiln-ll-eq2827-3")
    assert bench.call("kilnUnload", {"batchId": batch}).json == {"ok": True}
    unloaded = bench.fields(f"batches/{batch}")
    assert unloaded["state"] == wire("LOADED")  # the real one leaves it so
    assert not {"currentKilnId", "currentKilnName"} & unloaded.keys()
    assert [row["type"]["stringValue"] for row in timeline(bench, batch)].count("KILN_UNLOAD") == 1
    assert bench.call("kilnLoad", body | {"batchId": "none"}).status == 404
    assert bench.call("kilnUnload", {"batchId": "none"}).status == 404


def test_create_and_submit(bench: Bench) -> None:
    body = {
        "ownerUid": bench.uid("roshan"),
        "ownerDisplayName": "Roshan",
        "title": "Six cups",
        "intakeMode": "SHELF_PURCHASE",
        "estimatedCostCents": 1200,
        "clientRequestId": "asked-once",
    }
    made = bench.call("createBatch", body, who="roshan").json
    assert made["ok"] is True
    again = bench.call("createBatch", body, who="roshan").json
    assert again == {"ok": True, "existingBatchId": made["batchId"]}
    batch = bench.fields(f"batches/{made['batchId']}")
    assert batch["state"] == wire("DRAFT")
    assert batch["isClosed"] == wire(False)
    assert bench.call("submitDraftBatch", {"batchId": made["batchId"]}, who="oddny").status == 403
    assert bench.call("submitDraftBatch", {"batchId": made["batchId"]}, who="roshan").json == {"ok": True}
    assert bench.fields(f"batches/{made['batchId']}")["state"] == wire("SUBMITTED")
    assert bench.call("createBatch", body, who="oddny").json == {"ok": False, "message": "Forbidden"}


def test_a_batch_id_with_a_slash_breaks_the_function(bench: Bench) -> None:
    assert bench.call("pickedUpAndClose", {"batchId": "a/b"}).status == 500


# --- the pilot -------------------------------------------------------------------------------------------------------

NOTE = {
    "proposalId": "proposal-1",
    "approvedBy": "uid-1",
    "approvedAt": "2026-11-18T11:00:00Z",
    "idempotencyKey": "key-00000001",
    "actorUid": "uid-1",
    "actionType": "ops_note_append",
    "ownerUid": "uid-2",
    "resourceCollection": "batches",
    "resourceId": "does-not-exist",
    "note": "Call about pickup.",
}
UNDO = {
    "proposalId": "proposal-1",
    "idempotencyKey": "key-00000001",
    "actorUid": "uid-1",
    "reason": "Written for the wrong batch.",
}


def test_pilot_note_and_rollback(bench: Bench) -> None:
    first = bench.call("executeStudioBrainPilotAction", NOTE).json
    pointer = first["resourcePointer"]
    assert first == {"ok": True, "replayed": False, "resourcePointer": pointer}
    assert pointer["collection"] == "studioBrainPilotOpsNotes"
    note = bench.fields(f"{pointer['collection']}/{pointer['docId']}")
    assert note["note"] == wire(NOTE["note"])
    assert note["createdByUid"] == wire(bench.uid("imke"))
    assert bench.call("executeStudioBrainPilotAction", NOTE | {"note": "Another text."}).json == {
        "ok": True,
        "replayed": True,
        "resourcePointer": pointer,
    }
    assert bench.call("rollbackStudioBrainPilotAction", UNDO).json == {"ok": True, "replayed": False}
    assert bench.call("rollbackStudioBrainPilotAction", UNDO).json == {"ok": True, "replayed": True}
    assert bench.fields(f"{pointer['collection']}/{pointer['docId']}")["rollbackReason"] == wire(UNDO["reason"])
    assert bench.call("executeStudioBrainPilotAction", NOTE).json["replayed"] is True  # and stays rolled back
    got = bench.call("rollbackStudioBrainPilotAction", UNDO | {"proposalId": "proposal-2"})
    assert (got.status, got.json) == (404, {"ok": False, "message": "Pilot action not found."})


def test_pilot_keys_that_meet_once_they_are_stripped(bench: Bench) -> None:
    first = bench.call("executeStudioBrainPilotAction", NOTE | {"idempotencyKey": "key:0000.0001"}).json
    second = bench.call(
        "executeStudioBrainPilotAction", NOTE | {"idempotencyKey": "key00000001", "note": "Other."}
    ).json
    assert first["replayed"] is False
    assert second == {"ok": True, "replayed": True, "resourcePointer": first["resourcePointer"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"proposalId": "short"}, "Too small: expected string to have >=8 characters"),
        ({"note": "x" * 501}, "Too big: expected string to have <=500 characters"),
        ({"actionType": "delete"}, 'Invalid input: expected "ops_note_append"'),
        ({"resourceCollection": "users"}, 'Invalid input: expected "batches"'),
    ],
)
def test_pilot_bodies(bench: Bench, change: dict[str, str], message: str) -> None:
    got = bench.call("executeStudioBrainPilotAction", NOTE | change)
    assert (got.status, got.json["message"]) == (400, message)
    assert bench.paths("studioBrainPilotActions") == []


# --- the rest of the plain ones --------------------------------------------------------------------------------------


def test_the_kiln_board_is_public(bench: Bench) -> None:
    got = bench.ask("GET", f"{FUNCTIONS}/websiteKilnBoard")
    assert got.status == 200
    assert set(got.json) == {"lastUpdated", "updatedBy", "kilns"}
    assert set(got.json["kilns"][0]) == {
        "name", "controller", "nextFireType", "nextFirePlanned", "readyForPickup", "notes", "capacity",
    }  # fmt: skip
    for _ in range(44):
        bench.ask("GET", f"{FUNCTIONS}/websiteKilnBoard")
    assert bench.ask("GET", f"{FUNCTIONS}/websiteKilnBoard").status == 429


def test_agent_operations(bench: Bench) -> None:
    got = bench.call("staffListAgentOperations", {"limit": 5}).json
    assert set(got) == {"ok", "snapshot", "quotes", "reservations", "orders", "audit", "riskByClient"}
    assert set(got["snapshot"]) == {"quotes", "reservations", "orders", "auditEvents", "riskDeniedEvents"}
    assert len(got["orders"]) <= 5
    updated = [(row["updatedAt"]["_seconds"], row["updatedAt"]["_nanoseconds"]) for row in got["orders"]]
    assert updated == sorted(updated, reverse=True)
    assert bench.call("staffListAgentOperations", {"limit": 201}).status == 400


def test_order_fulfilment_goes_step_by_step(bench: Bench) -> None:
    at = {"timestampValue": "2026-11-01T00:00:00Z"}
    paid = {"status": wire("paid"), "paymentStatus": wire("paid"), "fulfillmentStatus": wire("queued"), "updatedAt": at}
    bench.studio.store.commit([("agentOrders/o1", paid), ("agentOrders/o2", paid | {"paymentStatus": wire("pending")})])

    def move(order: str, to: str) -> tuple[int, Any]:
        got = bench.call("staffUpdateAgentOrderFulfillment", {"orderId": order, "toStatus": to})
        return got.status, got.json

    assert move("o1", "scheduled") == (
        200,
        {"ok": True, "orderId": "o1", "fromStatus": "queued", "toStatus": "scheduled"},
    )
    assert move("o1", "ready") == (
        409,
        {"ok": False, "message": "Invalid fulfillment transition: scheduled -> ready"},
    )
    assert move("o2", "scheduled")[0] == 409
    assert move("o2", "exception")[0] == 200
    assert bench.fields("agentOrders/o2")["status"] == wire("exception")
    assert move("none", "scheduled") == (404, {"ok": False, "message": "Order not found"})


def test_delegations(bench: Bench) -> None:
    clients = [path for path in bench.paths("agentClients") if bench.fields(path)["status"] == wire("active")]
    client = clients[0].rpartition("/")[2]
    scopes = [
        value["stringValue"] for value in bench.fields(f"agentClients/{client}")["scopes"]["arrayValue"]["values"]
    ]
    body = {"agentClientId": client, "scopes": scopes[:1], "principalUid": bench.uid("roshan")}
    made = bench.call("createDelegatedAgentToken", body).json
    assert made["ok"] is True
    assert made["principalUid"] == bench.uid("roshan")
    shown = bench.call("listDelegations", {"ownerUid": bench.uid("roshan")}).json["rows"]
    assert made["delegationId"] in [row["id"] for row in shown]
    call = {"delegationId": made["delegationId"], "reason": "Not needed."}
    assert bench.call("revokeDelegation", call).json == {"ok": True, "delegationId": made["delegationId"]}
    shown = bench.call("listDelegations", {"ownerUid": bench.uid("roshan")}).json["rows"]
    assert made["delegationId"] not in [row["id"] for row in shown]
    bearer = f"Bearer {made['delegatedToken']}"
    once = bench.call("apiV1/v1/hello", {}, who=None, authorization=bearer)
    assert once.json["data"] == {"uid": bench.uid("roshan"), "mode": "delegated", "scopes": None, "isStaff": False}
    twice = bench.call("apiV1/v1/hello", {}, who=None, authorization=bearer)
    assert (twice.status, twice.json["message"]) == (401, "Unauthorized")
    assert bench.call("createDelegatedAgentToken", body | {"scopes": ["all:everything"]}).status == 403
