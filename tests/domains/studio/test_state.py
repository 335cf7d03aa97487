"""Counting a StudioState: every status on its side, strange values apart, null with a reason, equal data equal hash."""

import json
import random
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from studio_brain.domains.studio import statuses
from studio_brain.domains.studio.diff import diff
from studio_brain.domains.studio.observe import studio_day
from studio_brain.domains.studio.reads import AGENT_OPERATIONS, AGENT_REQUESTS, COLLECTIONS, FUNCTIONS
from studio_brain.domains.studio.state import GRACE_MS, Tally, compute, state_hash
from studio_brain.kernel.clock import HOUR, utc_ms, utc_text
from studio_brain.kernel.ports import Document, ReadReport, SourceReport
from studio_brain.kernel.reasons import ReasonCode

READ_TIME = "2026-11-21T16:00:00.123456Z"
NOW = utc_ms("2026-11-21T16:00:00.123Z")
SCHEMA = Path(__file__).parents[3] / "resources" / "schema" / "studio-state.v3.0.json"


def doc(collection: str, number: int = 1, **fields: Any) -> Document:
    return Document(f"{collection}/{number}", {name: wire(value) for name, value in fields.items()}, READ_TIME)


def wire(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"booleanValue": value}
        case int():
            return {"integerValue": str(value)}
        case None:
            return {"nullValue": None}
        case dict() if "timestamp" in value:
            return {"timestampValue": value["timestamp"]}
        case dict():
            return {"mapValue": {"fields": {name: wire(member) for name, member in value.items()}}}
    return {"stringValue": value}


def moment(ms: int) -> dict[str, str]:
    return {"timestamp": utc_text(ms)}


def tallied(**collections: list[Document]) -> Tally:
    tally = Tally()
    tally.opened(READ_TIME)
    for collection, documents in collections.items():
        tally.documents(collection, documents)
    return tally


def report(**codes: ReasonCode) -> ReadReport:
    names = [read.collection for read in COLLECTIONS] + [read.name for read in FUNCTIONS]
    return ReadReport(
        READ_TIME, tuple(SourceReport(n, 1, 1, bytes([i]) * 32, NOW, 5, codes.get(n)) for i, n in enumerate(names))
    )


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        *(({"isClosed": False, "state": state}, "batchesActive") for state in sorted(statuses.BATCH_ACTIVE_STATES)),
        *(({"isClosed": True, "state": state}, "batchesClosed") for state in sorted(statuses.BATCH_CLOSED_STATES)),
        ({"isClosed": False, "state": "CLOSED_OTHER"}, "batchesClosed"),
        ({"state": "CLOSED_SOMEHOW_NEW"}, "batchesClosed"),
        ({"isClosed": True, "state": "LOADED", "status": "CLOSED_OTHER"}, "batchesClosed"),
        ({"status": "Complete"}, "batchesClosed"),
        ({"status": "CLOSED_OTHER"}, "batchesClosed"),
        ({"status": "In progress"}, "batchesActive"),
        ({}, "batchesActive"),
        ({"isClosed": None, "state": "FIRED"}, "batchesActive"),
    ],
)
def test_a_batch_is_on_its_side(fields: dict[str, Any], number: str) -> None:
    tally = tallied(batches=[doc("batches", **fields)])
    assert tally.numbers == {number: 1}
    assert not tally.unknown


@pytest.mark.parametrize(
    ("fields", "strange"),
    [
        ({"state": "MELTED"}, ("batches.state", "MELTED")),
        ({"status": "Somewhere"}, ("batches.status", "Somewhere")),
        ({"isClosed": "yes", "state": "FIRED"}, ("batches.isClosed", "(stringValue)")),
        ({"state": 7}, ("batches.state", "(integerValue)")),
        ({"state": ""}, ("batches.state", "(empty)")),
    ],
)
def test_a_strange_batch_is_counted_on_neither_side(fields: dict[str, Any], strange: tuple[str, str]) -> None:
    tally = tallied(batches=[doc("batches", **fields)])
    assert tally.numbers == {}
    assert tally.unknown == {strange[0]: {strange[1]: 1}}


@pytest.mark.parametrize("status", sorted(statuses.RESERVATION_OPEN))
def test_an_open_reservation_counts(status: str) -> None:
    assert tallied(reservations=[doc("reservations", status=status)]).numbers["reservationsOpen"] == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "CANCELLED"},
        {"status": "CONFIRMED", "isArchived": True},
        *({"status": "CONFIRMED", "stageStatus": {"stage": stage}} for stage in sorted(statuses.STAGE_CLOSED)),
        {"status": "CONFIRMED", "pickupWindow": {"status": "completed"}},
    ],
)
def test_a_finished_reservation_does_not_count(fields: dict[str, Any]) -> None:
    tally = tallied(reservations=[doc("reservations", **fields)])
    assert tally.numbers["reservationsOpen"] == 0
    assert not tally.unknown


def test_a_reservation_without_a_status_is_requested() -> None:
    assert tallied(reservations=[doc("reservations")]).numbers["reservationsOpen"] == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"status": "MAYBE"}, "reservations.status"),
        ({"status": "CONFIRMED", "stageStatus": {"stage": "floating"}}, "reservations.stageStatus.stage"),
        ({"status": "CONFIRMED", "pickupWindow": {"status": "lost"}}, "reservations.pickupWindow.status"),
    ],
)
def test_a_strange_reservation_is_named(fields: dict[str, Any], field: str) -> None:
    tally = tallied(reservations=[doc("reservations", **fields)])
    assert tally.numbers["reservationsOpen"] == 0
    assert set(tally.unknown) == {field}


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        *(({"status": status}, 1) for status in sorted(statuses.FIRING_RUNNING)),
        *(({"status": status}, 0) for status in sorted(statuses.FIRING_DONE)),
        ({"status": "scheduled", "endAt": moment(NOW + HOUR)}, 1),
        ({"status": "scheduled", "endAt": moment(NOW)}, 1),
        ({"status": "scheduled", "endAt": moment(NOW - 1)}, 0),
        ({"status": "scheduled", "startAt": moment(NOW + HOUR)}, 1),
        ({"status": "scheduled", "startAt": moment(NOW - HOUR)}, 0),
        ({"status": "scheduled", "startAt": moment(NOW - HOUR), "endAt": moment(NOW + HOUR)}, 1),
        ({"status": "scheduled", "endAt": utc_text(NOW + HOUR)}, 1),
        ({"status": "scheduled", "endAt": {"seconds": NOW // 1000 + 60, "nanoseconds": 0}}, 1),
        ({"status": "scheduled", "endAt": {"_seconds": NOW // 1000 - 60, "_nanoseconds": 0}}, 0),
    ],
)
def test_a_firing_is_ahead_or_not(fields: dict[str, Any], counts: int) -> None:
    tally = tallied(kilnFirings=[doc("kilnFirings", **fields)])
    assert tally.numbers["firingsScheduled"] == counts
    assert not tally.unknown


@pytest.mark.parametrize(
    "fields", [{"status": "scheduled"}, {"status": "scheduled", "endAt": "soon"}, {"status": "lit"}, {}]
)
def test_a_firing_that_cannot_be_placed_is_unknown(fields: dict[str, Any]) -> None:
    tally = tallied(kilnFirings=[doc("kilnFirings", **fields)])
    assert tally.numbers["firingsScheduled"] == 0
    assert tally.unknown


def test_reports_open_and_high_are_the_same_reports() -> None:
    reports = [
        doc("communityReports", 1, status="open", severity="high"),
        doc("communityReports", 2, status="triaged", severity="low"),
        doc("communityReports", 3, status="actioned", severity="high"),
        doc("communityReports", 4, status="resolved", severity="high"),
        doc("communityReports", 5, status="dismissed", severity="medium"),
        doc("communityReports", 6, status="open", severity="dire"),
        doc("communityReports", 7, status="escalated", severity="high"),
    ]
    tally = tallied(communityReports=reports)
    assert (tally.numbers["reportsOpen"], tally.numbers["highSeverityReports"]) == (4, 2)
    assert tally.unknown == {"communityReports.severity": {"dire": 1}, "communityReports.status": {"escalated": 1}}


def test_money_classes_are_kept_apart() -> None:
    old, young = moment(NOW - GRACE_MS - 1), moment(NOW - GRACE_MS + 1)
    orders = [
        doc("materialsOrders", 1, paymentStatus="checkout_created", createdAt=old),
        doc("materialsOrders", 2, paymentStatus="payment_pending", createdAt=young),
        doc("materialsOrders", 3, paymentStatus="payment_failed"),
        doc("materialsOrders", 4, paymentStatus="disputed"),
        doc("materialsOrders", 5, paymentStatus="refunded"),
        doc("materialsOrders", 6, paymentStatus="paid"),
        doc("materialsOrders", 7, paymentStatus="payment_pending"),
    ]
    charges = [doc("eventCharges", n, paymentStatus=s) for n, s in enumerate(["checkout_pending", "paid", "refunded"])]
    signups = [
        doc("eventSignups", 1, status="checked_in", paymentStatus="unpaid"),
        doc("eventSignups", 2, status="checked_in", paymentStatus="waived"),
        doc("eventSignups", 3, status="ticketed", paymentStatus="unpaid"),
    ]
    tally = tallied(materialsOrders=orders, eventCharges=charges, eventSignups=signups)
    assert tally.numbers["pendingOrders"] == 3
    assert tally.numbers["unsettledPayments"] == 1 + 2 + 1 + 1
    assert tally.classes["materialsOrders.refunded"] == 1
    assert tally.unknown == {"materialsOrders.createdAt": {"pending without a date": 1}}


def test_an_answer_that_may_be_cut_gives_null_and_a_lower_bound() -> None:
    tally = tallied()
    tally.rows(AGENT_REQUESTS, [{"status": "new"}, {"status": "rejected"}, {"status": "odd"}, {}], maybe_cut=True)
    tally.rows(AGENT_OPERATIONS, [{"status": "payment_required"}, {"status": 3}], maybe_cut=True)
    state = compute(tally, report(), "2026-11-21", NOW)
    assert state.snapshot["ops"]["agentRequestsPending"] is None
    assert state.snapshot["finance"]["pendingOrders"] is None
    assert state.diagnostics["reasons"]["ops.agentRequestsPending"] == "MAY_BE_TRUNCATED"
    assert state.diagnostics["lowerBounds"] == {"ops.agentRequestsPending": 1, "finance.pendingOrders": 1}
    assert state.diagnostics["unknownStatuses"] == {
        "agentOrders.status": {"(int)": 1},
        "agentRequests.status": {"(missing)": 1, "odd": 1},
    }


def test_a_whole_answer_gives_the_number() -> None:
    tally = tallied()
    tally.rows(AGENT_REQUESTS, [{"status": s} for s in sorted(statuses.AGENT_REQUEST_PENDING)], maybe_cut=False)
    state = compute(tally, report(), "2026-11-21", NOW)
    assert state.snapshot["ops"]["agentRequestsPending"] == 5
    assert state.snapshot["ops"]["blockedTickets"] is None
    assert state.diagnostics["reasons"] == {"ops.blockedTickets": "SOURCE_REMOVED"}


def test_half_a_studio_makes_no_state() -> None:
    with pytest.raises(ValueError, match="partial"):
        compute(tallied(), report(batches=ReasonCode.FORBIDDEN), "2026-11-21", NOW)


def test_the_hash_covers_the_data_and_not_the_moment_it_was_made() -> None:
    first = compute(tallied(), report(), "2026-11-21", NOW)
    later = compute(tallied(), ReadReport("2026-11-21T16:05:00.000000Z", report().sources), "2026-11-21", NOW + 300_000)
    other = compute(tallied(batches=[doc("batches")]), report(), "2026-11-21", NOW)
    assert first.state_hash == later.state_hash
    assert first.snapshot != later.snapshot
    assert other.state_hash != first.state_hash
    assert state_hash(first.snapshot) == first.state_hash


def test_many_unknown_values_do_not_swell_the_receipt() -> None:
    tally = tallied(batches=[doc("batches", n, state=f"ODD_{n}_{'x' * 200}") for n in range(500)])
    named = tally.unknown["batches.state"]
    assert len(named) == 21
    assert sum(named.values()) == 500
    assert max(len(name) for name in named) <= 80


def test_the_snapshot_follows_the_published_schema() -> None:
    snapshot = compute(tallied(), report(), "2026-11-21", NOW).snapshot
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(snapshot, schema)
    for broken in (
        snapshot | {"extra": 1},
        snapshot | {"schemaVersion": "v2"},
        snapshot | {"cloudSync": {"firestoreReadAt": None, "stripeReadAt": None}},
        snapshot | {"counts": snapshot["counts"] | {"batchesActive": 1.5}},
        snapshot | {"counts": snapshot["counts"] | {"batchesActive": -1}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema)


def test_page_boundaries_do_not_matter() -> None:
    rng = random.Random(3)
    batches = [
        doc("batches", n, state=rng.choice(["FIRED", "LOADED", "ODD"]), isClosed=rng.random() < 0.3) for n in range(200)
    ]
    whole, pieces = tallied(batches=batches), Tally()
    pieces.opened(READ_TIME)
    for first in range(0, 200, 7):
        pieces.documents("batches", batches[first : first + 7])
    assert pieces.numbers == whole.numbers
    assert pieces.unknown == whole.unknown


def test_a_diff_names_only_what_changed() -> None:
    older = compute(tallied(batches=[doc("batches")]), report(), "2026-11-20", NOW).snapshot
    newer = compute(tallied(), report(), "2026-11-21", NOW).snapshot
    assert diff(older, newer) == {
        "fromSnapshotDate": "2026-11-20",
        "toSnapshotDate": "2026-11-21",
        "changes": {"counts.batchesActive": {"from": 1, "to": 0}},
    }
    assert diff(newer, newer)["changes"] == {}


@pytest.mark.parametrize(
    ("text", "zone", "day"),
    [
        ("2026-11-21T06:59:59.999Z", "America/Phoenix", "2026-11-20"),
        ("2026-11-21T07:00:00.000Z", "America/Phoenix", "2026-11-21"),
        ("2026-03-29T00:59:59.000Z", "Europe/Berlin", "2026-03-29"),
        ("2026-10-24T22:00:00.000Z", "Europe/Berlin", "2026-10-25"),
        ("2026-11-21T10:30:00.000Z", "Pacific/Kiritimati", "2026-11-22"),
    ],
)
def test_the_studio_day_is_that_of_its_time_zone(text: str, zone: str, day: str) -> None:
    assert studio_day(utc_ms(text), zone) == day
