"""Stations: who is queued where, in which order, and how much room is left.

Fault kept: a reservation that has been loaded and fetched long ago still takes its room, as long as it names a station.
"""

from typing import Any

from ..clock import DAY
from ..plain import Plain, Timestamp, stamp
from ..records import STATION_CAPACITY
from .board import half_shelves
from .documents import Documents
from .fairness_policy import policy_of
from .reservation_state import find, staged, station_of, status_of, text
from .schema import ListOf, Number, Object, Text
from .v1 import Visit, bad, conflict

STATIONS = tuple(STATION_CAPACITY)
_RANK = {"CONFIRMED": 0, "REQUESTED": 1, "WAITLISTED": 2}
_ASSIGN = Object(
    {
        "reservationId": Text(1, 160, trim=True),
        "assignedStationId": Text(1, 120, trim=True),
        "queueClass": Text(most=120).nullish(),
        "requiredResources": Object(
            {
                "kilnProfile": Text(most=120).nullish(),
                "rackCount": Number(whole=True, least=1, most=20).nullish(),
                "specialHandling": ListOf(Text(most=120), most=20).optional(),
            }
        ).nullish(),
    }
)


def mode_of(row: Plain) -> str:
    mode = str(row.get("intakeMode") or "").strip().upper()
    if mode in ("WHOLE_KILN", "COMMUNITY_SHELF"):
        return mode
    return "WHOLE_KILN" if (row.get("addOns") or {}).get("wholeKilnRequested") is True else "SHELF_PURCHASE"


def _priority(key: str, row: Plain, now: Timestamp) -> tuple[Any, ...]:
    """Paid work before the community shelf, confirmed first, rush first, then fairness, size and age."""
    mode = mode_of(row)
    created = row.get("createdAt")
    return (
        mode == "COMMUNITY_SHELF",
        _RANK.get(status_of(row), 3),
        (row.get("addOns") or {}).get("rushRequested") is not True,
        mode != "WHOLE_KILN",
        policy_of(row, now)["effectivePenaltyPoints"],
        half_shelves(row),
        created.us if isinstance(created, Timestamp) else 0,
        key,
    )


def recompute(documents: Documents, station: str | None) -> None:
    """Places and windows of everybody at a station anew, two to a slot of two days."""
    if not station:
        return
    now = documents.now()
    rows = documents.where("reservations", "assignedStationId", station)
    queue = [(key, row) for key, row in rows if status_of(row) != "CANCELLED"]
    queue.sort(key=lambda one: _priority(one[0], one[1], now))
    place = {key: number for number, (key, _) in enumerate(queue, 1)}
    for key, row in rows:
        policy = {**policy_of(row, now), "computedAt": now}
        position = place.get(key)
        window: Plain = {"currentStart": None, "currentEnd": None, "slaState": "unknown", "confidence": None}
        if position is not None:
            start = now.us + (position - 1) // 2 * 2 * DAY
            confidence = "high" if position <= 2 else "medium" if position <= 5 else "low"
            window = {
                "currentStart": stamp(start),
                "currentEnd": stamp(start + 2 * DAY),
                "slaState": {"high": "on_track", "medium": "at_risk", "low": "delayed"}[confidence],
                "confidence": confidence,
            }
        patch = {"queuePositionHint": position, "queueFairnessPolicy": policy}
        documents.merge(f"reservations/{key}", patch | {"estimatedWindow": {**window, "updatedAt": now}})


def _resources(value: Any) -> Plain:
    given = value if isinstance(value, dict) else {}
    racks = given.get("rackCount")
    return {
        "kilnProfile": text(given.get("kilnProfile")),
        "rackCount": racks if isinstance(racks, int) else None,
        "specialHandling": [word for one in given.get("specialHandling") or [] if (word := one.strip())],
    }


def _used(documents: Documents, station: str, reservation_id: str, row: Plain) -> int:
    """Half shelves taken at a station once this reservation is there."""
    there = documents.where("reservations", "assignedStationId", station)
    counted = [one for key, one in there if key != reservation_id and status_of(one) != "CANCELLED"]
    return sum(half_shelves(one) for one in [*counted, row] if mode_of(one) != "COMMUNITY_SHELF")


def assign(visit: Visit) -> Plain:
    visit.need_scope("reservations:write")
    visit.need_staff("reservations_assign_station", visit.route)
    data = visit.body(_ASSIGN)
    reservation_id = data["reservationId"]
    path, row, _ = find(visit, reservation_id)
    station = data["assignedStationId"].strip().lower()
    if station not in STATIONS:
        raise bad("Unknown station id.")
    if status_of(row) == "CANCELLED":
        raise conflict("Reservation is cancelled")
    previous = station_of(row)
    moved = previous != station
    queue_class = (text(data.get("queueClass")) or "").lower() or None
    class_changed = "queueClass" in data and queue_class != ((text(row.get("queueClass")) or "").lower() or None)
    resources = _resources(data["requiredResources"]) if data.get("requiredResources") is not None else None
    known = row.get("requiredResources")
    same_resources = known is None if resources is None else _resources(known) == resources
    resources_changed = "requiredResources" in data and not same_resources
    capacity = STATION_CAPACITY[station]
    used = _used(visit.documents, station, reservation_id, row) if moved else None
    if used is not None and used > capacity:
        raise conflict("Station is at capacity")
    answer = {
        "reservationId": reservation_id,
        "assignedStationId": station,
        "previousAssignedStationId": previous,
        "stationCapacity": capacity,
    }
    replay = not (moved or class_changed or resources_changed)
    if not replay:
        at = visit.documents.now()
        patch: Plain = {
            "assignedStationId": station,
            "updatedAt": at,
            "updatedByUid": visit.uid,
            "updatedByRole": "staff",
        }
        if "queueClass" in data:
            patch["queueClass"] = queue_class
        if "requiredResources" in data:
            patch["requiredResources"] = resources
        if moved:
            step = staged(row, at, (visit.uid, "staff"), "Station assignment updated", None)
            patch["stageHistory"] = step["stageHistory"]
        visit.documents.merge(path, patch)
        if used is None:
            used = _used(visit.documents, station, reservation_id, row)
    recompute(visit.documents, station)
    if previous and previous != station:
        recompute(visit.documents, previous)
    return {**answer, "stationUsedAfter": used, "idempotentReplay": replay}
