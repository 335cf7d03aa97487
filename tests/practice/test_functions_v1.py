"""`apiV1`: its envelope, its limits, agents' requests, the event feed, firings and reservations."""

from typing import Any

import pytest

from tests.practice.bench import FUNCTIONS, Answer, Bench, wire

STATION = "studio-kiln-b"


def v1(bench: Bench, route: str, body: Any = None, who: str | None = "imke", **headers: str) -> Answer:
    return bench.call(f"apiV1/v1/{route}", body, who, **headers)


def refused(answer: Answer) -> tuple[int, str, str]:
    """(status, code, message) of an error, whose envelope is checked."""
    assert set(answer.json) == {"ok", "requestId", "code", "message", "details"}
    assert answer.json["ok"] is False
    return answer.status, answer.json["code"], answer.json["message"]


def data(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    assert set(answer.json) == {"ok", "requestId", "data"}
    result: dict[str, Any] = answer.json["data"]
    return result


def test_the_envelope(bench: Bench) -> None:
    answer = v1(bench, "hello")
    assert data(answer) == {"uid": bench.uid("imke"), "mode": "firebase", "scopes": None, "isStaff": True}
    assert answer.json["requestId"] == answer.headers["x-request-id"]
    assert answer.json["requestId"].startswith("req_")
    assert v1(bench, "hello", x_request_id="mine-7").json["requestId"] == "mine-7"
    assert data(v1(bench, "hello", who="bryndis"))["isStaff"] is False
    assert refused(v1(bench, "hello", who=None)) == (401, "UNAUTHENTICATED", "Missing Authorization header")
    assert refused(v1(bench, "hello", who=None, authorization="Bearer x"))[1] == "UNAUTHENTICATED"
    answer = v1(bench, "nothing")
    assert refused(answer) == (404, "NOT_FOUND", "Unknown route")
    assert answer.json["details"] == {"route": "/v1/nothing"}
    got = bench.ask("GET", f"{FUNCTIONS}/apiV1/v1/hello", headers=bench.bearer("imke"))
    assert refused(got) == (405, "INVALID_ARGUMENT", "Use POST")


def test_limits_carry_the_wait_twice(bench: Bench) -> None:
    for _ in range(120):
        assert v1(bench, "hello").status == 200
    bench.later(10)
    answer = v1(bench, "hello")
    assert refused(answer) == (429, "RATE_LIMITED", "Too many requests")
    assert answer.json["details"] == {"retryAfterMs": 50_000}
    assert answer.headers["retry-after"] == "50"
    bench.later(50)
    assert v1(bench, "hello").status == 200


def test_agent_routes_have_a_limit_of_their_own(bench: Bench) -> None:
    for _ in range(90):
        v1(bench, "agent.requests.listStaff", {"limit": 1})
    answer = v1(bench, "agent.requests.listStaff", {"limit": 1})
    assert refused(answer) == (429, "RATE_LIMITED", "Agent route rate limit exceeded")


# --- agents' requests ------------------------------------------------------------------------------------------------


def test_list_staff(bench: Bench) -> None:
    rows = data(v1(bench, "agent.requests.listStaff", {}))["requests"]
    assert len(rows) == len(bench.paths("agentRequests"))
    assert set(rows[0]) == {
        "id", "createdByUid", "createdByMode", "createdByTokenId", "title", "summary", "notes", "kind", "status",
        "linkedBatchId", "logisticsMode", "createdAt", "updatedAt", "staffAssignedToUid", "staffTriagedAt",
        "staffInternalNotes", "constraints", "metadata", "commissionOrderId", "commissionPaymentStatus",
    }  # fmt: skip
    seconds = [row["updatedAt"]["_seconds"] for row in rows]
    assert seconds == sorted(seconds, reverse=True)
    only = data(v1(bench, "agent.requests.listStaff", {"status": "new"}))["requests"]
    assert only == [row for row in rows if row["status"] == "new"]
    assert refused(v1(bench, "agent.requests.listStaff", {}, who="roshan"))[:2] == (403, "FORBIDDEN")
    assert refused(v1(bench, "agent.requests.listStaff", {"limit": 501}))[:2] == (400, "INVALID_ARGUMENT")


def test_list_staff_reads_five_hundred_before_it_filters(bench: Bench) -> None:
    at = {"timestampValue": "2026-11-01T00:00:00Z"}
    for number in range(600):
        fields = {"title": wire("x"), "status": wire("new"), "kind": wire("other"), "updatedAt": at, "createdAt": at}
        bench.studio.store.commit([(f"agentRequests/A{number:04d}", fields)])
    bench.studio.store.commit(
        [("agentRequests/zLast", {"status": wire("ready"), "kind": wire("x1c_print"), "updatedAt": at})]
    )
    assert data(v1(bench, "agent.requests.listStaff", {"kind": "x1c_print", "status": "ready"}))["requests"] == []
    assert len(data(v1(bench, "agent.requests.listStaff", {"limit": 500}))["requests"]) == 500


def test_update_status(bench: Bench) -> None:
    bench.put("agentRequests/r1", createdByUid=bench.uid("roshan"), status="new", kind="firing")
    bench.put("agentRequests/r2", createdByUid=bench.uid("roshan"), status="new", kind="commission")
    body = {"requestId": "r1", "status": "triaged", "reason": "Looks good."}
    assert data(v1(bench, "agent.requests.updateStatus", body)) == {"agentRequestId": "r1", "status": "triaged"}
    after = bench.fields("agentRequests/r1")
    assert after["staff"]["mapValue"]["fields"]["internalNotes"] == wire("Looks good.")
    assert len(bench.paths("agentRequests/r1/audit")) == 1
    assert refused(v1(bench, "agent.requests.updateStatus", body | {"requestId": "none"})) == (
        404, "NOT_FOUND", "Request not found",
    )  # fmt: skip
    commission = {"requestId": "r2", "status": "accepted"}
    assert refused(v1(bench, "agent.requests.updateStatus", commission))[1] == "FAILED_PRECONDITION"
    answer = v1(bench, "agent.requests.updateStatus", commission | {"reasonCode": "because"})
    assert refused(answer)[1] == "INVALID_ARGUMENT"
    assert "rights_verified" in answer.json["details"]["allowed"]
    assert v1(bench, "agent.requests.updateStatus", commission | {"reasonCode": "rights_verified"}).status == 200
    cancel = {"requestId": "r1", "status": "cancelled"}
    assert refused(v1(bench, "agent.requests.updateStatus", cancel, who="oddny"))[:2] == (403, "OWNER_MISMATCH")
    assert refused(v1(bench, "agent.requests.updateStatus", cancel | {"status": "ready"}, who="roshan"))[0] == 403
    assert v1(bench, "agent.requests.updateStatus", cancel, who="roshan").status == 200


def test_the_switch_for_agents(bench: Bench) -> None:
    assert bench.call("staffUpdateAgentOpsConfig", {"enabled": False}).status == 400
    assert (
        bench.call("staffUpdateAgentOpsConfig", {"enabled": False, "reason": "Pause."}).json["config"]["enabled"]
        is False
    )
    answer = v1(bench, "agent.requests.listStaff", {})
    assert refused(answer) == (503, "UNAVAILABLE", "Agent API is temporarily disabled by staff")
    assert v1(bench, "hello").status == 200


# --- feed and firings ------------------------------------------------------------------------------------------------


def test_the_feed_tells_owners_of_their_batches(bench: Bench) -> None:
    owner = bench.uid("roshan")
    bench.put("batches/b1", ownerUid=owner, title="Bowls", state="READY_FOR_PICKUP", isClosed=False)
    start = data(v1(bench, "events.feed", {}, who="roshan"))["nextCursor"]
    bench.call("kilnLoad", {"batchId": "b1", "kilnId": "k", "kilnName": None})
    bench.call("pickedUpAndClose", {"batchId": "b1"})
    page = data(v1(bench, "events.feed", {"cursor": start, "limit": 1}, who="roshan"))
    assert [event["type"] for event in page["events"]] == ["batch.updated"]
    rest = data(v1(bench, "events.feed", {"cursor": page["nextCursor"]}, who="roshan"))
    assert [event["type"] for event in rest["events"]] == ["batch.closed"]
    assert rest["events"][0]["subject"] == {"batchId": "b1"}
    end = data(v1(bench, "events.feed", {"cursor": rest["nextCursor"]}, who="roshan"))
    assert end["events"] == []
    assert end["nextCursor"] == rest["nextCursor"]
    assert data(v1(bench, "events.feed", {"uid": owner}))["uid"] == owner
    assert refused(v1(bench, "events.feed", {"uid": owner}, who="oddny"))[:2] == (403, "OWNER_MISMATCH")


def test_upcoming_firings(bench: Bench) -> None:
    firings = data(v1(bench, "firings.listUpcoming", {"limit": 50}, who="roshan"))["firings"]
    starts = [(row["startAt"]["_seconds"], row["startAt"]["_nanoseconds"]) for row in firings]
    assert starts == sorted(starts)
    assert starts[0][0] >= 1_795_000_000
    assert {"id", "kilnId", "title", "cycleType", "status"} <= set(firings[0])


def test_the_timeline_of_the_kilns(bench: Bench) -> None:
    shown = data(v1(bench, "firings.listTimeline", {}))
    assert {"generatedAt", "windowStart", "windowEnd", "kilns"} <= set(shown)
    assert len(shown["kilns"]) >= len(bench.paths("kilns"))


# --- reservations ----------------------------------------------------------------------------------------------------


def new(bench: Bench, who: str = "roshan", **body: Any) -> dict[str, Any]:
    return data(v1(bench, "reservations.create", {"firingType": "glaze", "shelfEquivalent": 1, **body}, who=who))


def test_create_reservation(bench: Bench) -> None:
    first = new(bench, clientRequestId="once", kilnId=STATION.upper(), notes={"general": " Soon. "})
    assert first == {"reservationId": first["reservationId"], "status": "REQUESTED", "idempotentReplay": False}
    assert new(bench, clientRequestId="once") == first | {"idempotentReplay": True}
    row = bench.fields(f"reservations/{first['reservationId']}")
    assert row["status"] == wire("REQUESTED")
    assert row["assignedStationId"] == wire(STATION)
    assert row["notes"]["mapValue"]["fields"]["general"] == wire("Soon.")
    other = {"ownerUid": bench.uid("oddny")}
    answer = v1(bench, "reservations.create", {"firingType": "glaze", "shelfEquivalent": 1} | other, who="roshan")
    assert refused(answer)[:2] == (403, "FORBIDDEN")
    assert new(bench, who="imke", **other)["status"] == "REQUESTED"


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"kilnId": "nowhere"}, 400, "Unknown station id."),
        ({"linkedBatchId": "none"}, 404, "Linked batch not found"),
        ({"preferredWindow": {"earliestDate": "2026-12-02", "latestDate": "2026-12-01"}}, 400,
         "Earliest date must come before latest date"),
        ({"shelfEquivalent": 0}, 400, "Too small: expected number to be >0"),
        ({"firingType": "raku"}, 400, 'Invalid option: expected one of "bisque"|"glaze"|"other"'),
    ],
)  # fmt: skip
def test_reservations_that_cannot_be_made(bench: Bench, body: dict[str, Any], status: int, message: str) -> None:
    answer = v1(bench, "reservations.create", {"firingType": "glaze", "shelfEquivalent": 1} | body, who="roshan")
    assert (answer.status, answer.json["message"]) == (status, message)


def test_a_reservation_from_request_to_pickup(bench: Bench) -> None:
    key = new(bench)["reservationId"]
    path = f"reservations/{key}"

    def update(**body: Any) -> dict[str, Any]:
        return data(v1(bench, "reservations.update", {"reservationId": key, **body}))

    confirmed = update(status="CONFIRMED")
    assert confirmed["arrivalToken"].startswith("MF-ARR-")
    assert refused(v1(bench, "reservations.update", {"reservationId": key}))[0] == 400
    back = v1(bench, "reservations.update", {"reservationId": key, "status": "REQUESTED"})
    assert refused(back) == (409, "CONFLICT", "Requested status transition is not permitted")
    assigned = data(v1(bench, "reservations.assignStation", {"reservationId": key, "assignedStationId": STATION}))
    assert assigned["assignedStationId"] == STATION
    assert assigned["stationCapacity"] == 8
    assert assigned["idempotentReplay"] is False
    again = data(v1(bench, "reservations.assignStation", {"reservationId": key, "assignedStationId": STATION}))
    assert again["idempotentReplay"] is True
    early = {"reservationId": key, "action": "staff_mark_completed"}
    assert refused(v1(bench, "reservations.pickupWindow", early))[0] == 409
    update(loadStatus="loaded")
    assert "timestampValue" in bench.fields(path)["readyForPickupAt"]
    window = {"confirmedStart": "2026-11-20T17:00:00Z", "confirmedEnd": "2026-11-20T19:00:00Z"}
    opened = {"reservationId": key, "action": "staff_set_open_window", **window}
    assert data(v1(bench, "reservations.pickupWindow", opened))["pickupWindowStatus"] == "open"
    assert data(v1(bench, "reservations.pickupWindow", opened))["idempotentReplay"] is True
    confirm = {"reservationId": key, "action": "member_confirm_window"}
    assert refused(v1(bench, "reservations.pickupWindow", confirm, who="oddny"))[:2] == (403, "OWNER_MISMATCH")
    assert data(v1(bench, "reservations.pickupWindow", confirm, who="roshan"))["pickupWindowStatus"] == "confirmed"
    assert refused(v1(bench, "reservations.pickupWindow", early, who="roshan"))[:2] == (403, "FORBIDDEN")
    assert data(v1(bench, "reservations.pickupWindow", early))["pickupWindowStatus"] == "completed"
    row = bench.fields(path)
    assert row["readyForPickupAt"] == wire(None)
    assert len(row["stageHistory"]["arrayValue"]["values"]) >= 5


def test_only_staff_change_reservations(bench: Bench) -> None:
    key = new(bench)["reservationId"]
    body = {"reservationId": key, "status": "CONFIRMED"}
    assert refused(v1(bench, "reservations.update", body, who="roshan"))[:2] == (403, "FORBIDDEN")
    assert refused(v1(bench, "reservations.update", body | {"reservationId": "none"}))[0] == 404


def test_a_full_station(bench: Bench) -> None:
    for path in bench.paths("reservations"):
        bench.studio.store.commit([(path, None)])
    first, second = (new(bench, estimatedHalfShelves=5)["reservationId"] for _ in range(2))
    assign = {"assignedStationId": STATION}
    assert v1(bench, "reservations.assignStation", assign | {"reservationId": first}).status == 200
    answer = v1(bench, "reservations.assignStation", assign | {"reservationId": second})
    assert refused(answer) == (409, "CONFLICT", "Station is at capacity")


def test_fairness(bench: Bench) -> None:
    key = new(bench, kilnId=STATION)["reservationId"]
    body = {"reservationId": key, "action": "record_no_show", "reason": "Did not come."}
    done = data(v1(bench, "reservations.queueFairness", body, x_request_id="fair-1"))
    assert done["queueFairness"]["noShowCount"] == 1
    assert done["queueFairnessPolicy"]["effectivePenaltyPoints"] == 2
    boost = {"reservationId": key, "action": "set_override_boost", "reason": "Promised.", "boostPoints": 2}
    done = data(v1(bench, "reservations.queueFairness", boost))
    assert done["queueFairnessPolicy"]["effectivePenaltyPoints"] == 0
    evidence = bench.fields(f"reservationQueueFairnessAudit/{done['evidenceId']}")
    assert evidence["action"] == wire("set_override_boost")
    assert refused(v1(bench, "reservations.queueFairness", body | {"reason": " "}))[2].startswith("Reason is required")
    assert refused(v1(bench, "reservations.queueFairness", body, who="roshan"))[:2] == (403, "FORBIDDEN")


def test_old_names_forward(bench: Bench) -> None:
    answer = bench.call("createReservation", {"firingType": "bisque", "shelfEquivalent": 1}, who="roshan")
    assert data(answer)["status"] == "REQUESTED"


# --- trails ----------------------------------------------------------------------------------------------------------


def test_refusals_leave_a_trail(bench: Bench) -> None:
    before = len(bench.call("listSecurityAuditEvents", {"limit": 200}).json["rows"])
    v1(bench, "hello", who=None)
    rows = bench.call("listSecurityAuditEvents", {"limit": 200}).json["rows"]
    assert len(rows) == before + 1
    assert rows[0]["code"] == "MISSING_AUTH_HEADER"
    key = new(bench)["reservationId"]
    v1(bench, "reservations.update", {"reservationId": key, "status": "CONFIRMED"}, who="roshan")
    denied = [bench.fields(path) for path in bench.paths("auditEvents")]
    assert any(row["result"] == wire("deny") and row["actorUid"] == wire(bench.uid("roshan")) for row in denied)


def test_personal_access_tokens_are_refused_with_their_reason(bench: Bench) -> None:
    answer = v1(bench, "hello", who=None, authorization="Bearer mf_pat_v1.unknown.secret")
    assert refused(answer) == (401, "UNAUTHENTICATED", "Unauthorized")
    assert bench.call("listSecurityAuditEvents", {}).json["rows"][0]["code"] == "PAT_TOKEN_NOT_FOUND"
