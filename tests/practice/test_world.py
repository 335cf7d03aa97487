"""The made-up world and its practice days: always consistent, the same for the same seed."""

from typing import Any

import pytest

from studio_brain.practice import clock
from studio_brain.practice.options import PracticeOptions
from studio_brain.practice.plain import plain_fields
from studio_brain.practice.studio import Studio, open_studio
from tests.practice.bench import KEYS, START_NS
from tests.practice.invariants import faults


def studio(seed: int = 1, batches: int = 400, wall_ns: int = START_NS, **options: Any) -> Studio:
    return open_studio(PracticeOptions(seed=seed, batches=batches, **options), lambda: wall_ns, KEYS)


def documents(made: Studio) -> dict[str, Any]:
    return {
        f"{path}/{key}": (version.fields, version.created, version.updated)
        for path in made.store.collections
        for key, version in made.store.scan(path)
    }


@pytest.mark.parametrize("seed", range(8))
def test_invariants_hold_in_the_seed(seed: int) -> None:
    assert faults(studio(seed)) == []


@pytest.mark.parametrize("batches", [1, 7, 60, 3000])
def test_worlds_of_any_size(batches: int) -> None:
    made = studio(batches=batches)
    assert faults(made) == []
    assert made.store.count("batches") == batches


@pytest.mark.parametrize("seed", [1, 2, 3, 11])
def test_invariants_hold_after_sixty_days(seed: int) -> None:
    made = studio(seed)
    lived = made.advance(60)
    assert faults(made) == []
    assert [day["day"] for day in lived] == list(range(1, 61))
    assert all(5 <= day["documents"] <= 60 for day in lived), lived


def test_what_a_day_changes_carries_its_times() -> None:
    made = studio()
    before = documents(made)
    for _ in range(3):
        start = made.clock.now_us()
        (lived,) = made.advance(1)
        after = documents(made)
        changed = {path: row for path, row in after.items() if before.get(path) != row}
        assert 5 <= len(changed) <= lived["documents"]
        assert all(start < row[2] <= start + clock.DAY for row in changed.values())
        assert before.keys() <= after.keys()
        before = after


def test_many_kinds_of_things_happen() -> None:
    made = studio()
    before = documents(made)
    made.advance(30)
    after = documents(made)
    changed = {path.split("/")[0] for path, row in after.items() if before.get(path) != row}
    assert changed >= {
        "batches", "kilns", "kilnFirings", "reservations", "communityReports", "materialsOrders", "payments",
        "agentRequests", "agentOrders", "supportRequests", "eventSignups", "events",
    }  # fmt: skip
    states = {
        (before[path][0]["state"]["stringValue"], row[0]["state"]["stringValue"])
        for path, row in after.items()
        if path.startswith("batches/") and path.count("/") == 1 and path in before and "state" in row[0]
    }
    assert {("SUBMITTED", "SHELVED"), ("READY_FOR_PICKUP", "CLOSED_PICKED_UP")} <= states
    ends = {row[0]["status"]["stringValue"] for path, row in after.items() if path.startswith("materialsOrders/")}
    assert {"paid", "refunded"} <= ends


def test_the_same_seed_is_the_same_world_and_the_same_days() -> None:
    one, two = studio(5, 60), studio(5, 60)
    assert documents(one) == documents(two)
    one.advance(10)
    for _ in range(10):
        two.advance(1)
    assert documents(one) == documents(two)
    other = studio(6, 60)
    assert documents(other) != documents(studio(5, 60))


def test_what_somebody_does_meanwhile_does_not_upset_the_days() -> None:
    made = studio(5, 60)
    made.advance(2)
    made.store.commit([(path, None) for path in [f"batches/{key}" for key, _ in made.store.scan("batches")][::3]])
    made.store.commit([(f"materialsOrders/{key}", None) for key, _ in made.store.scan("materialsOrders")])
    lived = made.advance(5)
    assert all(day["documents"] <= 60 for day in lived)


def test_days_ago_ends_at_the_present() -> None:
    made = studio(batches=40, days_ago=30)
    assert made.clock.now_us() == START_NS // 1000 - 30 * clock.DAY
    made.advance(30)
    assert made.clock.now_us() == START_NS // 1000
    assert made.clock.shift_ms == 0
    assert faults(made) == []


def test_the_traps_of_the_real_cloud_are_there() -> None:
    made = studio()
    rows = [plain_fields(version.fields or {}) for _, version in made.store.scan("batches")]
    cleaned = [
        row for row in rows if row.get("isClosed") is True and row.get("state") in ("DRAFT", "SUBMITTED", "SHELVED")
    ]
    only_status = [row for row in rows if "state" not in row and "isClosed" not in row]
    emptied = [row for row in rows if row.get("state") == "LOADED" and "currentKilnId" not in row]
    assert all((cleaned, only_status, emptied))
    assert {row["status"] for row in only_status} >= {"In progress", "Complete"}
    states = {row.get("state") for row in rows}
    assert states >= {
        "DRAFT", "SUBMITTED", "SHELVED", "LOADED", "FIRED", "READY_FOR_PICKUP", "CLOSED_PICKED_UP", "CLOSED_OTHER",
    }  # fmt: skip


def test_every_stage_of_reservations_and_orders_is_there() -> None:
    made = studio()
    rows = [plain_fields(version.fields or {}) for _, version in made.store.scan("reservations")]
    assert {row["status"] for row in rows} == {"REQUESTED", "CONFIRMED", "WAITLISTED", "CANCELLED", "CONFIRMED_ARRIVED"}
    assert {row["loadStatus"] for row in rows} == {"queued", "loading", "loaded"}
    assert {row["stageStatus"]["stage"] for row in rows} >= {
        "intake",
        "queued",
        "loaded",
        "picked_up",
        "stored",
        "canceled",
    }
    assert any(row["isArchived"] for row in rows)
    orders = [plain_fields(version.fields or {}) for _, version in made.store.scan("materialsOrders")]
    assert {row["status"] for row in orders} == {
        "checkout_pending", "paid", "picked_up", "payment_failed", "disputed", "refunded",
    }  # fmt: skip


def test_nobody_is_real() -> None:
    made = studio()
    emails = [account.email for account in made.accounts.all()]
    assert all(email.endswith("@example.org") for email in emails)
    assert len(set(emails)) == len(emails) > 40
    names = {plain_fields(version.fields or {})["displayName"] for _, version in made.store.scan("users")}
    assert len(names) > 40
