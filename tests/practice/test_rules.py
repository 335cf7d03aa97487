"""Security rules on the public port: collection by person by operation, and what a query must prove."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.practice.bench import DOCUMENTS, NAME, Bench, wire

# s: staff, o: the member whose document it is, m: another member, a: an administrator who is not staff, -: no token
PEOPLE = {"s": "imke", "t": "teo", "o": "roshan", "m": "oddny", "a": "bryndis", "-": None}
EVERYONE = "stoma"
TIME = {"timestampValue": "2026-11-01T00:00:00Z"}


@dataclass(frozen=True)
class Case:
    """Who may do what with `path`. `owner` names the field that holds the owner's uid; `query` is by that field."""

    path: str
    get: str = ""
    list: str = ""
    query: str = ""
    update: str = ""
    create: str = ""
    delete: str = ""
    owner: str | None = None
    owners: bool = False
    fields: dict[str, Any] = field(default_factory=dict)
    patch: dict[str, Any] = field(default_factory=lambda: {"x": wire(2)})


OWN = {"get": "sto", "list": "st", "query": "sto"}
READABLE = {"get": EVERYONE, "list": EVERYONE}
STAFF = {"get": "st", "list": "st"}
WRITABLE = {"update": "st", "create": "st", "delete": "st"}

CASES = [
    Case("batches/rx", **OWN, update="st", owner="ownerUid"),
    Case(
        "reservations/rx",
        **OWN,
        update="st",
        owner="ownerUid",
        patch={"staffNotes": wire("x"), "updatedAt": TIME},
        fields={"staffNotes": wire("a"), "updatedAt": {"timestampValue": "2026-10-01T00:00:00Z"}},
    ),
    Case(
        "kilnLaunchRequests/rx",
        **OWN,
        update="st",
        owner="uid",
        patch={"status": wire("done"), "updatedAt": TIME},
        fields={"status": wire("queued"), "updatedAt": {"timestampValue": "2026-10-01T00:00:00Z"}},
    ),
    Case("kilns/rx", **READABLE, **WRITABLE),
    Case("kilnFirings/rx", **READABLE, **WRITABLE),
    Case("firingsCalendarEvents/rx", **READABLE),
    Case("materialsProducts/rx", **READABLE, **WRITABLE),
    Case("announcements/rx", **READABLE, update="st", create="st"),
    Case("faqItems/rx", **READABLE),
    Case("libraryItems/rx", **READABLE, **WRITABLE),
    Case("glazes/rx", **READABLE, **WRITABLE),
    Case("moderationPolicyVersions/rx", **READABLE),
    Case("eventSignups/rx", **OWN, owner="uid"),
    Case("eventCharges/rx", **OWN, owner="uid"),
    Case("materialsOrders/rx", **OWN, owner="uid"),
    Case("delegations/rx", **OWN, owner="ownerUid"),
    Case("communityReports/rx", **OWN, owner="reporterUid"),
    Case("communityReportAppeals/rx", **OWN, owner="reporterUid"),
    Case("directMessages/rx", **OWN, owner="participantUids", owners=True),
    Case("supportRequests/rx", **STAFF, update="st"),
    Case("communityReports/rx/internalNotes/n", **STAFF),
    Case("communityReports/rx/actions/n", **STAFF),
    Case("communityReportAuditLogs/rx", **STAFF),
    Case("communityReportTargetSignals/rx", **STAFF),
    Case("communityFeedOverrides/rx", **STAFF),
    Case("agentClients/rx", **STAFF),
    Case("agentClientAuditLogs/rx", **STAFF),
    Case("securityAudit/rx", **STAFF),
    Case("integrationTokenAudit/rx", **STAFF),
    Case("auditEvents/rx", **STAFF),
    Case("config/stripe", get="st"),
    Case("config/moderationPolicy", get=EVERYONE),
    Case("config/communitySafety", get="st"),
    # closed to everybody, staff too: only Functions reach them
    *(
        Case(f"{collection}/rx", owner="uid")
        for collection in (
            "payments",
            "stripeWebhookEvents",
            "agentRequests",
            "agentOrders",
            "agentQuotes",
            "agentReservations",
            "agentAccounts",
            "agentAuditLogs",
            "integrationTokens",
            "integrationEvents",
            "studioBrainPilotActions",
            "studioBrainPilotOpsNotes",
            "studioReservations",
            "rateLimits",
            "anythingElse",
        )
    ),
]


def prepared(bench: Bench, case: Case) -> str:
    """Puts the case's document in place; its collection."""
    owner = {"stringValue": bench.uid("roshan")}
    fields = {"x": wire(1), **case.fields}
    if case.owner:
        fields[case.owner] = {"arrayValue": {"values": [owner]}} if case.owners else owner
    bench.studio.store.commit([(case.path, fields)])
    return case.path.rpartition("/")[0]


def expect(bench: Bench, allowed: str, ask: Any, what: str, clean: Any = None) -> None:
    for letter, who in PEOPLE.items():
        answer = ask(who)
        if letter in allowed:
            assert answer.status == 200, f"{what} by {who}: {answer.body!r}"
        else:
            assert answer.error == (403, "PERMISSION_DENIED"), f"{what} by {who}: {answer.body!r}"
            assert "Missing or insufficient permissions." in answer.body.decode()
        if clean is not None:
            clean()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.replace("/", "."))
def test_matrix(bench: Bench, case: Case) -> None:
    collection = prepared(bench, case)
    place, _, group = collection.rpartition("/")
    parent = f"/{place}" if place else ""

    def query(who: str | None, where: dict[str, Any] | None = None) -> Any:
        asked: dict[str, Any] = {"from": [{"collectionId": group}], "limit": 3}
        if where:
            asked["where"] = where
        return bench.rules(who, "POST", f"{parent}:runQuery", {"structuredQuery": asked})

    def create(who: str | None) -> Any:
        return bench.rules(who, "PATCH", f"/{collection}/fresh", {"fields": case.fields | case.patch})

    def update(who: str | None) -> Any:
        parameters = {"updateMask.fieldPaths": list(case.patch), "currentDocument.exists": "true"}
        return bench.rules(who, "PATCH", f"/{case.path}", {"fields": case.patch}, **parameters)

    def restore() -> None:
        prepared(bench, case)

    def forget() -> None:
        bench.studio.store.commit([(f"{collection}/fresh", None)])

    expect(bench, case.get, lambda who: bench.rules(who, "GET", f"/{case.path}"), "get")
    expect(bench, case.list, lambda who: bench.rules(who, "GET", f"/{collection}", pageSize=2), "list")
    expect(bench, case.list, query, "query")
    if case.owner:
        op = "ARRAY_CONTAINS" if case.owners else "EQUAL"
        mine = {"field": {"fieldPath": case.owner}, "op": op, "value": {"stringValue": bench.uid("roshan")}}
        allowed = case.list if case.owners else case.query  # array-contains pins no value down
        expect(bench, allowed, lambda who: query(who, {"fieldFilter": mine}), "query of one's own")
    expect(bench, case.update, update, "update", restore)
    expect(bench, case.create, create, "create", forget)
    expect(bench, case.delete, lambda who: bench.rules(who, "DELETE", f"/{case.path}"), "delete", restore)


def test_batch_timelines_follow_their_batch(bench: Bench) -> None:
    bench.put("batches/rx", ownerUid=bench.uid("roshan"), editors=[bench.uid("oddny")])
    bench.put("batches/rx/timeline/t", type="SHELVED")
    path = "/batches/rx/timeline"
    allowed = {"imke": 200, "teo": 200, "roshan": 200, "oddny": 200, "bryndis": 403, None: 403}
    for who, status in allowed.items():
        assert bench.rules(who, "GET", f"{path}/t").status == status
        assert bench.rules(who, "GET", path).status == status
        asked = {"structuredQuery": {"from": [{"collectionId": "timeline"}]}}
        assert bench.rules(who, "POST", "/batches/rx:runQuery", asked).status == status
    assert bench.rules("imke", "PATCH", f"{path}/t", {"fields": {}}).error == (403, "PERMISSION_DENIED")


def test_collection_groups_are_denied_to_all(bench: Bench) -> None:
    asked = {"structuredQuery": {"from": [{"collectionId": "timeline", "allDescendants": True}]}}
    assert bench.rules("imke", "POST", ":runQuery", asked).error == (403, "PERMISSION_DENIED")


def test_rules_are_not_filters(bench: Bench) -> None:
    bench.put("batches/rx", ownerUid=bench.uid("roshan"))

    def status(*filters: dict[str, Any], op: str = "AND") -> int:
        where = {"compositeFilter": {"op": op, "filters": list(filters)}}
        asked = {"structuredQuery": {"from": [{"collectionId": "batches"}], "where": where}}
        return bench.rules("roshan", "POST", ":runQuery", asked).status

    def filter_(path: str, op: str, value: Any) -> dict[str, Any]:
        return {"fieldFilter": {"field": {"fieldPath": path}, "op": op, "value": wire(value)}}

    own = filter_("ownerUid", "EQUAL", bench.uid("roshan"))
    other = filter_("ownerUid", "EQUAL", bench.uid("oddny"))
    assert status(own) == 200
    assert status(own, filter_("isClosed", "EQUAL", False)) == 200
    assert status(filter_("isClosed", "EQUAL", False)) == 403
    assert status(own, other, op="OR") == 403
    assert status(filter_("ownerUid", "IN", [bench.uid("roshan")])) == 200
    assert status(filter_("ownerUid", "GREATER_THAN_OR_EQUAL", bench.uid("roshan"))) == 403


def test_aggregations_obey_the_rules_of_their_query(bench: Bench) -> None:
    body = {
        "structuredAggregationQuery": {
            "structuredQuery": {"from": [{"collectionId": "batches"}]},
            "aggregations": [{"count": {}}],
        }
    }
    assert bench.rules("imke", "POST", ":runAggregationQuery", body).status == 200
    assert bench.rules("roshan", "POST", ":runAggregationQuery", body).error == (403, "PERMISSION_DENIED")


def test_published_events_are_for_members(bench: Bench) -> None:
    bench.put("events/open", status="published")
    bench.put("events/draft", status="draft")
    assert bench.rules("roshan", "GET", "/events/open").status == 200
    assert bench.rules("roshan", "GET", "/events/draft").status == 403
    assert bench.rules("imke", "GET", "/events/draft").status == 200
    published = {"field": {"fieldPath": "status"}, "op": "EQUAL", "value": wire("published")}
    asked: dict[str, Any] = {"from": [{"collectionId": "events"}]}
    assert bench.rules("roshan", "POST", ":runQuery", {"structuredQuery": asked}).status == 403
    asked["where"] = {"fieldFilter": published}
    assert bench.rules("roshan", "POST", ":runQuery", {"structuredQuery": asked}).status == 200


def test_people_read_their_own_papers(bench: Bench) -> None:
    own = bench.uid("roshan")
    bench.put(f"users/{own}/notifications/n", text="x", readAt=None)
    bench.put(f"users/{own}/prefs/p", text="x")
    allowed = {
        f"profiles/{own}": ["imke", "teo", "roshan"],
        f"users/{own}": ["imke", "teo", "roshan"],
        f"users/{own}/notifications/n": ["roshan"],
        f"users/{own}/prefs/p": ["roshan"],
        f"users/{own}/payments/p": [],
    }
    for path, people in allowed.items():
        for who in PEOPLE.values():
            status = bench.rules(who, "GET", f"/{path}").status
            assert (status in (200, 404)) is (who in people), f"{path} by {who}: {status}"


def test_what_staff_may_change_of_a_reservation(bench: Bench) -> None:
    path = bench.paths("reservations")[0]
    read = bench.rules("imke", "GET", f"/{path}").json
    assert read["name"] == f"{NAME}/{path}"

    def patch(fields: dict[str, Any]) -> int:
        return bench.rules(
            "imke", "PATCH", f"/{path}", {"fields": fields}, **{"updateMask.fieldPaths": list(fields)}
        ).status

    assert patch({"loadStatus": wire("loading"), "updatedAt": TIME}) == 200
    assert patch({"loadStatus": wire("lost"), "updatedAt": TIME}) == 403
    assert patch({"staffNotes": wire("x"), "updatedAt": wire("now")}) == 403
    assert patch({"ownerUid": wire("x")}) == 403


def test_a_write_of_several_documents_needs_leave_for_each(bench: Bench) -> None:
    writes = [
        {"update": {"name": f"{NAME}/kilns/new", "fields": {"x": wire(1)}}},
        {"update": {"name": f"{NAME}/payments/new", "fields": {"x": wire(1)}}},
    ]
    assert bench.rules("imke", "POST", ":commit", {"writes": writes[:1]}).status == 200
    bench.studio.store.commit([("kilns/new", None)])
    assert bench.rules("imke", "POST", ":commit", {"writes": writes}).error == (403, "PERMISSION_DENIED")
    assert bench.studio.store.get("kilns/new") is None


def test_batch_get_needs_leave_for_each(bench: Bench) -> None:
    mine, other = "batches/r1", "batches/r2"
    bench.put(mine, ownerUid=bench.uid("roshan"))
    bench.put(other, ownerUid=bench.uid("oddny"))
    names = [f"{NAME}/{mine}", f"{NAME}/{other}"]
    assert bench.rules("roshan", "POST", ":batchGet", {"documents": names[:1]}).status == 200
    assert bench.rules("roshan", "POST", ":batchGet", {"documents": names}).error == (403, "PERMISSION_DENIED")


def test_a_missing_document_is_told_apart_only_for_whom_may_read(bench: Bench) -> None:
    assert bench.rules("imke", "GET", "/batches/none").error == (404, "NOT_FOUND")
    assert bench.rules("roshan", "GET", "/batches/none").error == (403, "PERMISSION_DENIED")


def test_administration_is_not_for_tokens(bench: Bench) -> None:
    assert bench.rules("imke", "POST", ":listCollectionIds", {}).error == (403, "PERMISSION_DENIED")
    assert bench.rules("imke", "GET", "/batches", showMissing="true").error == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "mf_pat_v1.x.y"])
def test_a_bad_token_is_not_no_token(bench: Bench, token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}
    assert bench.ask("GET", f"{DOCUMENTS}/kilns", headers=headers).error == (401, "UNAUTHENTICATED")
    query = bench.ask("POST", f"{DOCUMENTS}:runQuery", {"structuredQuery": {}}, headers=headers)
    assert query.error == (401, "UNAUTHENTICATED")
    assert isinstance(query.json, list)
    assert bench.ask("GET", f"{DOCUMENTS}/kilns").error == (403, "PERMISSION_DENIED")


def test_an_expired_token(bench: Bench) -> None:
    headers = bench.bearer("imke")
    bench.later(3599)
    assert bench.ask("GET", f"{DOCUMENTS}/kilns", headers=headers).status == 200
    bench.later(2)
    assert bench.ask("GET", f"{DOCUMENTS}/kilns", headers=headers).error == (401, "UNAUTHENTICATED")


def test_claims_decide_who_is_staff(bench: Bench) -> None:
    for claims, allowed in (
        ({"staff": True}, True),
        ({"roles": ["staff"]}, True),
        ({"staff": False, "roles": ["staff"]}, True),
        ({"staff": "true"}, False),
        ({"roles": "staff"}, False),
        ({"admin": True, "roles": ["admin"]}, False),
    ):
        bench.control("POST", f"accounts/{bench.uid('teo')}", {"claims": claims})
        headers = {"authorization": f"Bearer {bench.sign_in('teo')['idToken']}"}
        status = bench.ask("GET", f"{DOCUMENTS}/supportRequests", headers=headers).status
        assert (status == 200) is allowed, claims


def test_the_iam_port_takes_its_bearer_only(bench: Bench) -> None:
    path = f"{DOCUMENTS}/payments"
    assert bench.iam("GET", "/payments").status == 200
    for headers in (
        {},
        bench.bearer("imke"),
        {"authorization": "Bearer owner"},
        {"authorization": "iam-bearer"},
        {"authorization": "Bearer iam-bearer-"},
        {"authorization": "Basic iam-bearer"},
        {"x-goog-api-key": "practice"},
    ):
        assert bench.ask("GET", path, headers=headers, port=1002).error == (401, "UNAUTHENTICATED")
    assert bench.ask("GET", path, headers={"authorization": "Bearer iam-bearer"}).error == (401, "UNAUTHENTICATED")


def test_the_iam_port_serves_documents_only(bench: Bench) -> None:
    headers = {"authorization": "Bearer iam-bearer"}
    for path in (
        "/practice/state",
        "/demo-studio/us-central1/websiteKilnBoard",
        "/identitytoolkit.googleapis.com/v1/accounts:lookup",
        "/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com",
    ):
        assert bench.ask("GET", path, headers=headers, port=1002).status == 404
