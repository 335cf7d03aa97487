"""What always holds in the studio's documents, in the seed and after any number of days, but for the known traps."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from studio_brain.practice.plain import Timestamp, plain_fields
from studio_brain.practice.studio import Studio

OPEN = {"DRAFT", "SUBMITTED", "SHELVED", "LOADED", "FIRED", "READY_FOR_PICKUP"}
CLOSED = {"CLOSED_PICKED_UP", "CLOSED_OTHER"}
MODES = {"SHELF_PURCHASE", "WHOLE_KILN", "COMMUNITY_SHELF", "STAFF_HANDOFF", "SELF_SERVICE", "CLIENT_DROP_OFF"}
STATIONS = {"studio-kiln-a", "studio-kiln-b", "studio-electric", "reduction-raku"}
ROWS = {
    "CREATE_BATCH", "SUBMIT_DRAFT", "SHELVED", "KILN_LOAD", "KILN_UNLOAD", "ASSIGNED_FIRING", "READY_FOR_PICKUP",
    "PICKED_UP_AND_CLOSE", "CONTINUE_JOURNEY",
}  # fmt: skip
LIVE = {"in-progress", "loading", "firing", "cooling", "unloading"}
PAID = {
    "checkout_pending": {"checkout_created", "payment_pending"},
    "paid": {"paid"},
    "picked_up": {"paid"},
    "payment_failed": {"payment_failed"},
    "disputed": {"disputed"},
    "refunded": {"refunded"},
}
RECORDS = {
    "checkout_created": "checkout_created",
    "payment_pending": "checkout_completed",
    "paid": "payment_succeeded",
    "payment_failed": "payment_failed",
    "disputed": "charge_disputed",
    "refunded": "charge_refunded",
}
STEPS = {"queued", "scheduled", "loaded", "firing", "cooling", "ready", "picked_up", "shipped", "exception", "on_hold"}
_EMAIL = re.compile(r"[\w.+-]+@[\w.-]+")


class World:
    """A studio's documents as plain values."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.now = studio.clock.now_us()

    def rows(self, collection: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for key, version in self.studio.store.scan(collection):
            yield key, plain_fields(version.fields or {})

    def get(self, path: str) -> dict[str, Any] | None:
        version = self.studio.store.get(path)
        return None if version is None else plain_fields(version.fields or {})


def faults(studio: Studio) -> list[str]:
    """Every rule that is broken, by the document that breaks it; empty when all hold."""
    world = World(studio)
    checks = (_times, _people, _batches, _timelines, _kilns, _reservations, _orders, _reports, _agents, _events)
    return [f"{check.__name__[1:]}: {fault}" for check in checks for fault in check(world)]


def _times(world: World) -> Iterator[str]:
    for path in world.studio.store.collections:
        for key, version in world.studio.store.scan(path):
            if not version.created <= version.updated <= world.now:
                yield f"{path}/{key}: created {version.created}, updated {version.updated}"
            fields = plain_fields(version.fields or {})
            created, updated = fields.get("createdAt"), fields.get("updatedAt")
            if isinstance(updated, Timestamp):
                if updated.us > world.now or (isinstance(created, Timestamp) and created > updated):
                    yield f"{path}/{key}: createdAt {created}, updatedAt {updated}"
                if updated.us // 1000 > version.updated // 1000 + 1:
                    yield f"{path}/{key}: says it was updated after it was"


def _people(world: World) -> Iterator[str]:
    emails: Counter[str] = Counter()
    for uid, row in world.rows("users"):
        emails[row["email"]] += 1
        if row["uid"] != uid:
            yield f"users/{uid} is about {row['uid']}"
    yield from (f"{email} twice" for email, count in emails.items() if count > 1)
    for path in world.studio.store.collections:
        for key, version in world.studio.store.scan(path):
            for found in _EMAIL.findall(str(version.fields)):
                if not found.endswith("@example.org"):
                    yield f"{path}/{key}: {found}"


def _batches(world: World) -> Iterator[str]:
    for key, row in world.rows("batches"):
        where = f"batches/{key}"
        if world.get(f"users/{row['ownerUid']}") is None:
            yield f"{where}: nobody owns it"
        if "state" not in row:  # a row of the first portal
            if set(row) != {"ownerUid", "ownerDisplayName", "title", "status", "createdAt", "updatedAt"}:
                yield f"{where}: odd old row"
            continue
        state, closed = row["state"], row["isClosed"]
        if row["intakeMode"] not in MODES or row["ownerUid"] not in row["editors"]:
            yield f"{where}: {row['intakeMode']} {row['editors']}"
        if "staffArtifactCleanup" in row:  # a cleanup closed it and left its state alone
            if not closed or state not in OPEN or row["status"] != "CLOSED_OTHER":
                yield f"{where}: odd cleanup"
            continue
        if closed is not (state in CLOSED) or state not in OPEN | CLOSED:
            yield f"{where}: {state}, closed {closed}"
        if (row["closedAt"] is not None) is not closed:
            yield f"{where}: closedAt {row['closedAt']}"
        if "currentKilnId" in row and state not in ("LOADED", "CLOSED_PICKED_UP"):
            yield f"{where}: {state} in a kiln"


def _timelines(world: World) -> Iterator[str]:
    for path in world.studio.store.collections:
        if path.startswith("batches/") and path.endswith("/timeline"):
            for key, row in world.rows(path):
                if row["type"] not in ROWS or row["at"].us > world.now:
                    yield f"{path}/{key}: {row['type']} {row['at']}"


def _kilns(world: World) -> Iterator[str]:
    live: dict[str, list[str]] = {}
    for key, row in world.rows("kilnFirings"):
        if not row["startAt"] < row["endAt"]:
            yield f"kilnFirings/{key}: ends before it starts"
        if row["status"] in LIVE:
            live.setdefault(row["kilnId"], []).append(key)
            if row["startAt"].us > world.now:
                yield f"kilnFirings/{key}: burns before it starts"
        if (row["status"] == "completed") is not (row["unloadedAt"] is not None):
            yield f"kilnFirings/{key}: {row['status']}, unloaded {row['unloadedAt']}"
    for key, row in world.rows("kilns"):
        burning = live.get(key, [])
        if len(burning) > 1:
            yield f"kilns/{key}: {len(burning)} firings at once"
        if (row["status"] in ("firing", "cooling")) is not bool(burning):
            yield f"kilns/{key}: {row['status']} with {burning}"
        if row["isAvailable"] is not (row["status"] == "idle"):
            yield f"kilns/{key}: {row['status']}, available {row['isAvailable']}"


def _reservations(world: World) -> Iterator[str]:
    taken: Counter[str] = Counter()
    for key, row in world.rows("reservations"):
        where = f"reservations/{key}"
        if row["status"] not in {"REQUESTED", "CONFIRMED", "WAITLISTED", "CANCELLED", "CONFIRMED_ARRIVED"}:
            yield f"{where}: {row['status']}"
        if row["loadStatus"] not in ("queued", "loading", "loaded"):
            yield f"{where}: {row['loadStatus']}"
        if row["loadStatus"] == "loaded" and row["status"] == "REQUESTED":
            yield f"{where}: loaded before it was confirmed"
        if row["status"] == "CONFIRMED" and not str(row.get("arrivalToken", "")).startswith("MF-ARR-"):
            yield f"{where}: confirmed without a token"
        if len(row["stageHistory"]) > 120 or len(row["storageNoticeHistory"]) > 80:
            yield f"{where}: history too long"
        steps = [entry["at"] for entry in row["stageHistory"]]
        if steps != sorted(steps):
            yield f"{where}: history out of order"
        if bool(row.get("isArchived")) is not (row.get("archivedAt") is not None):
            yield f"{where}: archived {row.get('isArchived')} at {row.get('archivedAt')}"
        if row.get("isArchived") and row["stageStatus"]["stage"] != "stored":
            yield f"{where}: archived at stage {row['stageStatus']['stage']}"
        station = row.get("assignedStationId")
        if station is not None and station not in STATIONS:
            yield f"{where}: at {station}"
        if station is not None and row["status"] != "CANCELLED" and row["intakeMode"] != "COMMUNITY_SHELF":
            taken[station] += int(row["estimatedHalfShelves"])
    yield from (f"{station} holds {count}" for station, count in taken.items() if count > 8)


def _orders(world: World) -> Iterator[str]:
    for key, row in world.rows("materialsOrders"):
        where = f"materialsOrders/{key}"
        if row["paymentStatus"] not in PAID[row["status"]]:
            yield f"{where}: {row['status']}, {row['paymentStatus']}"
        if row["totalCents"] != sum(item["quantity"] * item["unitPrice"] for item in row["items"]):
            yield f"{where}: does not add up"
        session = row["stripeCheckoutSessionId"]
        record, copy = world.get(f"payments/{session}"), world.get(f"users/{row['uid']}/payments/{session}")
        if record is None or record != copy:
            yield f"{where}: payment and its copy differ"
        elif record["status"] != RECORDS[row["paymentStatus"]] or record["amountTotal"] != row["totalCents"]:
            yield f"{where}: {row['paymentStatus']} but the payment says {record['status']}"
        if row["lastEventId"] is not None and world.get(f"stripeWebhookEvents/{row['lastEventId']}") is None:
            yield f"{where}: no such event"


def _reports(world: World) -> Iterator[str]:
    for key, row in world.rows("communityReports"):
        where = f"communityReports/{key}"
        closed = row["status"] in ("resolved", "dismissed")
        if row["status"] not in ("open", "triaged", "actioned", "resolved", "dismissed"):
            yield f"{where}: {row['status']}"
        if (row["resolvedAt"] is not None) is not closed or (row["resolutionCode"] is not None) is not closed:
            yield f"{where}: {row['status']}, resolved {row['resolvedAt']}"
        if row["category"] == "safety" and row["severity"] != "high":
            yield f"{where}: {row['category']} is {row['severity']}"
        if row["status"] != "open" and row["assigneeUid"] is None:
            yield f"{where}: decided by nobody"
    active = (world.get("config/moderationPolicy") or {}).get("activeVersion")
    policy = world.get(f"moderationPolicyVersions/{active}")
    if policy is None or policy["status"] != "published":
        yield f"the active policy {active} is not published"


def _agents(world: World) -> Iterator[str]:
    known = {"new", "triaged", "accepted", "in_progress", "ready", "fulfilled", "rejected", "cancelled"}
    for key, row in world.rows("agentRequests"):
        if row["status"] not in known:
            yield f"agentRequests/{key}: {row['status']}"
    for key, row in world.rows("agentOrders"):
        where = f"agentOrders/{key}"
        if row["fulfillmentStatus"] not in STEPS:
            yield f"{where}: {row['fulfillmentStatus']}"
        if row["fulfillmentStatus"] in STEPS - {"queued", "exception", "on_hold"} and row["paymentStatus"] not in (
            "paid",
            "refunded",
        ):
            yield f"{where}: {row['fulfillmentStatus']} but {row['paymentStatus']}"
        if world.get(f"agentQuotes/{row['quoteId']}") is None:
            yield f"{where}: no quote"


def _events(world: World) -> Iterator[str]:
    counted: dict[str, Counter[str]] = {}
    for _, row in world.rows("eventSignups"):
        counted.setdefault(row["eventId"], Counter())[row["status"]] += 1
    names = {"ticketed": "ticketedCount", "checked_in": "checkedInCount", "waitlisted": "waitlistCount"}
    for key, row in world.rows("events"):
        for status, name in names.items():
            if row[name] != counted.get(key, Counter())[status]:
                yield f"events/{key}: {name} {row[name]}, signups {counted.get(key)}"
        if row["ticketedCount"] + row["checkedInCount"] > row["capacity"]:
            yield f"events/{key}: overbooked"
