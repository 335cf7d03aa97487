"""The control interface: who may use it, what it shows and does, and the log it keeps."""

import pytest

from tests.practice.bench import DOCUMENTS, FUNCTIONS, Bench, wire


@pytest.mark.parametrize("path", ["state", "requests", "writes", "documents", "faults", "accounts"])
def test_the_token_is_needed(bench: Bench, path: str) -> None:
    assert bench.control("GET", path).status == 200
    for headers in ({}, {"authorization": "Bearer wrong"}, bench.bearer("imke"), {"authorization": "control-token"}):
        assert bench.ask("GET", f"/practice/{path}", headers=headers).status == 401
    assert bench.control("GET", "nothing").status == 404
    assert bench.control("DELETE", path).status in (200, 404)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "10.0.0.1:80"])
def test_only_this_machine_is_served(bench: Bench, host: str) -> None:
    headers = {"host": host, "authorization": "Bearer control-token"}
    for path in ("/practice/state", f"{DOCUMENTS}/kilns", f"{FUNCTIONS}/websiteKilnBoard"):
        assert bench.ask("GET", path, headers=headers).status == 403
    for good in ("localhost:1001", "127.0.0.1:1001", "127.0.0.1", "[::1]:1001"):
        assert bench.ask("GET", "/practice/state", headers=headers | {"host": good}).status == 200


def test_state(bench: Bench) -> None:
    bench.rules("imke", "GET", "/kilns")
    state = bench.control("GET", "state").json
    assert state["project"] == "demo-studio"
    assert state["studio"]["timeZone"] == "America/Phoenix"
    assert (state["seed"], state["batches"], state["day"], state["shiftMs"]) == (1, 40, 0, 0)
    assert state["now"] == "2026-11-18T11:06:40Z"
    assert state["collections"]["batches"] == 40
    assert state["collections"]["batches/*/timeline"] > 40
    assert state["lastRequest"] == 2  # the sign-in and the list
    bench.control("POST", "advance", {"days": 2})
    state = bench.control("GET", "state").json
    assert (state["day"], state["shiftMs"], state["now"]) == (2, 2 * 86_400_000, "2026-11-20T11:06:40Z")


def test_advance(bench: Bench) -> None:
    answer = bench.control("POST", "advance", {}).json
    assert [set(day) for day in answer["lived"]] == [{"day", "documents"}]
    assert bench.ask("GET", f"{DOCUMENTS}/kilns").headers["date"] == "Thu, 19 Nov 2026 11:06:40 GMT"
    for bad in (0, -1, "2", 1.5, 100_000, True):
        assert bench.control("POST", "advance", {"days": bad}).status == 400
    assert bench.control("POST", "advance", []).status == 400


def test_tokens_follow_the_practice_clock(bench: Bench) -> None:
    headers = bench.bearer("imke")
    bench.control("POST", "advance", {})
    assert bench.ask("GET", f"{DOCUMENTS}/kilns", headers=headers).status == 401
    assert bench.rules("imke", "GET", "/kilns").status == 200


def test_the_log_names_what_was_asked_and_written(bench: Bench) -> None:
    bench.put("batches/b1", ownerUid=bench.uid("roshan"), title="x", state="SHELVED", isClosed=False)
    start = bench.control("GET", "state").json["lastRequest"]
    bench.call("pickedUpAndClose", {"batchId": "b1"}, x_request_id="r-1", x_correlation_id="c-1", idempotency_key="k-1")
    entries = bench.control("GET", "requests", since=start).json["requests"]
    close = entries[-1]
    assert close["operation"] == "functions:pickedUpAndClose"
    assert close["uid"] == bench.uid("imke")
    assert (close["status"], close["outcome"], close["method"], close["port"]) == (200, "answered", "POST", "rules")
    assert (close["requestId"], close["correlationId"], close["idempotencyKey"]) == ("r-1", "c-1", "k-1")
    assert "batches/b1" in close["documents"]
    assert any(path.startswith("batches/b1/timeline/") for path in close["documents"])
    assert all(path.startswith("rateLimits/") for path in close["trace"])
    assert close["at"] == "2026-11-18T11:06:40Z"
    bench.iam("PATCH", "/notes/a", {"fields": {"x": wire(1)}})
    bench.iam("POST", ":runQuery", {"structuredQuery": {"from": [{"collectionId": "notes"}]}})
    wrote, read = bench.control("GET", "requests", since=close["n"], operation="firestore:").json["requests"]
    assert (wrote["operation"], wrote["documents"], wrote["port"]) == ("firestore:patch", ["notes/a"], "iam")
    assert (read["operation"], read["documents"]) == ("firestore:runQuery", [])


def test_a_run_that_only_reads_leaves_no_writes(bench: Bench) -> None:
    bench.rules("imke", "GET", "/batches")
    bench.rules("imke", "POST", ":runQuery", {"structuredQuery": {"from": [{"collectionId": "reservations"}]}})
    bench.call("apiV1/v1/agent.requests.listStaff", {})
    bench.call("apiV1/v1/firings.listUpcoming", {})
    bench.call("staffListAgentOperations", {})
    bench.call("listReports", {})
    bench.ask("GET", f"{FUNCTIONS}/websiteKilnBoard")
    bench.call("pickedUpAndClose", {"batchId": "none"})
    bench.rules("roshan", "PATCH", "/batches/x", {"fields": {}})
    before = bench.control("GET", "documents").json["documents"]
    assert bench.control("GET", "writes").json["writes"] == []
    assert bench.control("GET", "writes", trace="true").json["writes"] != []
    bench.call("shelveBatch", {"batchId": "new"})
    (write,) = bench.control("GET", "writes").json["writes"]
    assert write["operation"] == "functions:shelveBatch"
    after = bench.control("GET", "documents").json["documents"]
    assert {path for path in after if before.get(path) != after[path]} == set(write["documents"])


def test_a_write_that_changes_nothing_still_counts_as_one(bench: Bench) -> None:
    bench.put("notes/a", x=1)
    bench.iam("PATCH", "/notes/a", {"fields": {"x": wire(1)}})
    assert [entry["documents"] for entry in bench.control("GET", "writes").json["writes"]] == [["notes/a"]]


def test_documents(bench: Bench) -> None:
    bench.put("notes/a", x=1)
    bench.put("notes/a/rows/r", x=1)
    bench.put("notesOther/a", x=1)
    answer = bench.control("GET", "documents", prefix="notes/").json
    assert set(answer["documents"]) == {"notes/a", "notes/a/rows/r"}
    assert answer["documents"]["notes/a"] == bench.iam("GET", "/notes/a").json["updateTime"]
    assert answer["readTime"] >= max(answer["documents"].values())
    bench.put("auditEvents/a", x=1)
    assert "auditEvents/a" not in bench.control("GET", "documents").json["documents"]
    assert "auditEvents/a" in bench.control("GET", "documents", trace="true").json["documents"]


def test_accounts(bench: Bench) -> None:
    shown = bench.control("GET", "accounts").json["accounts"]
    imke = next(account for account in shown if account["email"] == "imke@example.org")
    assert imke["password"] == "practice-owner-imke"
    assert (imke["staff"], imke["roles"], imke["disabled"]) == (True, ["staff", "admin"], False)
    assert sum("password" in account for account in shown) == 5
    made = bench.control(
        "POST", "accounts", {"email": "a@example.org", "password": "practice-a", "claims": {"staff": True}}
    )
    assert made.json["staff"] is True
    assert bench.control("POST", "accounts", {"email": "a@example.org", "password": "practice-a"}).status == 409
    assert bench.control("POST", "accounts", {"email": "b@example.org", "password": "1"}).status == 400
    uid = made.json["uid"]
    assert bench.control("POST", f"accounts/{uid}", {"claims": {"roles": ["staff"]}}).json["roles"] == ["staff"]
    assert bench.control("POST", f"accounts/{uid}", {"password": "x"}).status == 400
    assert bench.control("POST", f"accounts/{uid}", {"disabled": 1}).status == 400
    assert bench.control("DELETE", f"accounts/{uid}").json == {"deleted": uid}
    assert bench.control("POST", f"accounts/{uid}", {}).status == 404


def test_reset(bench: Bench) -> None:
    before = bench.control("GET", "documents").json["documents"]
    bench.put("notes/a", x=1)
    bench.control("POST", "faults", {"kind": "latency", "ms": 0})
    bench.control("POST", "advance", {"days": 3})
    bench.control("DELETE", f"accounts/{bench.uid('teo')}")
    state = bench.control("POST", "reset").json
    assert (state["day"], state["shiftMs"], state["now"]) == (0, 0, "2026-11-18T11:06:40Z")
    after = bench.control("GET", "documents").json["documents"]
    assert after == before
    assert bench.control("GET", "faults").json == {"faults": []}
    assert bench.control("GET", "requests").json["requests"] == []
    assert bench.sign_in("teo")["localId"] == bench.uid("teo")
    bench.put("notes/b", x=1)
    bench.later(7200)
    bench.put("notes/b", x=2)
    assert bench.iam("GET", "/notes/b").status == 200


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "nothing"},
        {"kind": "status", "status": 200},
        {"kind": "status", "retryAfterForm": "smoke"},
        {"kind": "latency", "ms": "1"},
        {"kind": "latency", "seconds": 1},
        {"kind": "hang", "target": "kitchen"},
        {"kind": "hang", "count": 0},
        {"kind": "hang", "path": "("},
        {"kind": "stale-token", "count": 1},
    ],
)
def test_faults_that_cannot_be_had(bench: Bench, fault: dict[str, object]) -> None:
    answer = bench.control("POST", "faults", fault)
    assert answer.status == 400
    assert answer.json["error"]
    assert bench.control("GET", "faults").json == {"faults": []}


def test_a_fault_is_met_as_often_as_it_says(bench: Bench) -> None:
    made = bench.control(
        "POST", "faults", {"kind": "status", "status": 503, "target": "firestore", "path": "/kilns", "count": 2}
    ).json
    assert (made["left"], made["hits"]) == (2, 0)
    assert bench.rules("imke", "GET", "/batches").status == 200
    assert bench.ask("GET", f"{FUNCTIONS}/websiteKilnBoard").status == 200
    assert [bench.rules("imke", "GET", "/kilns").status for _ in range(3)] == [503, 503, 200]
    assert bench.control("GET", "faults").json == {"faults": []}
    entries = bench.control("GET", "requests", operation="firestore:list").json["requests"]
    assert [entry["faults"] for entry in entries] == [[], ["status"], ["status"], []]


def test_clearing_one_fault_or_all(bench: Bench) -> None:
    ids = [bench.control("POST", "faults", {"kind": "latency", "ms": 0}).json["id"] for _ in range(3)]
    assert bench.control("DELETE", f"faults/{ids[1]}").json == {"cleared": [ids[1]]}
    assert bench.control("DELETE", "faults").json == {"cleared": [ids[0], ids[2]]}
    assert bench.control("DELETE", "faults/nine").status == 404


def test_a_stale_token_is_refused_until_it_is_cleared(bench: Bench) -> None:
    headers = bench.bearer("imke")
    bench.later(2)
    fault = bench.control("POST", "faults", {"kind": "stale-token"}).json
    assert bench.ask("GET", f"{DOCUMENTS}/kilns", headers=headers).error == (401, "UNAUTHENTICATED")
    assert bench.call("listReports", {}, who=None, **headers).status == 401
    bench.later(2)
    fresh = {"authorization": f"Bearer {bench.sign_in('imke')['idToken']}"}
    assert bench.ask("GET", f"{DOCUMENTS}/kilns", headers=fresh).status == 200
    bench.control("DELETE", f"faults/{fault['id']}")
    assert bench.ask("GET", f"{DOCUMENTS}/kilns", headers=headers).status == 200
