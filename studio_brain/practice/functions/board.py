"""The kiln board of the public website: what is queued, loading and loaded in each kiln, and its next firing."""

import math
from typing import Any

from ..keys import utc
from ..plain import Plain, Timestamp
from ..records import STATION_CAPACITY
from ..wire import Reply
from .call import Call, Function, answer
from .limits import Limit

LABELS = {
    "studio-electric": "L&L eQ2827-3",
    "studio-kiln-a": "Studio Kiln A",
    "studio-kiln-b": "Studio Kiln B",
    "reduction-raku": "Reduction Raku",
}
_CAPACITY = 8
_MOST_FIRINGS, _MOST_RESERVATIONS = 80, 500
_ACTIVE = ("REQUESTED", "CONFIRMED", "WAITLISTED")
_LATER = "Next load announced in portal"
_UPDATED_BY = "Lantern Yard System"


def half_shelves(row: Plain) -> int:
    """How much room a reservation takes, at least one half shelf."""
    for name in ("estimatedHalfShelves", "shelfEquivalent"):
        number = row.get(name)
        if isinstance(number, int | float):
            return max(1, math.ceil(number) if name == "estimatedHalfShelves" else round(number * 2))
    return 1


def _board(call: Call, _data: Any) -> Reply:
    now = call.documents.now()
    stations: dict[str, Plain] = {}
    for key, kiln in call.documents.scan("kilns"):
        stations[key.lower()] = _station(key.lower(), kiln.get("name"), kiln.get("controller"))
    for station in STATION_CAPACITY:
        stations.setdefault(station, _station(station, None, None))
    rows = (row for _, row in call.documents.scan("reservations"))
    active = [row for row in rows if row.get("status") in _ACTIVE]
    for row in active[:_MOST_RESERVATIONS]:
        place = str(row.get("assignedStationId") or row.get("kilnId") or "").strip().lower()
        if place:
            entry = stations.setdefault(place, _station(place, None, None))
            load = row.get("loadStatus")
            entry[load if load in ("loading", "loaded") else "queued"] += half_shelves(row)
    firings = [row for _, row in call.documents.scan("kilnFirings") if isinstance(row.get("startAt"), Timestamp)]
    firings.sort(key=lambda row: row["startAt"])
    for row in firings[:_MOST_FIRINGS]:
        entry = stations.get(str(row.get("kilnId") or "").strip().lower(), {})
        ends = row.get("endAt")
        if entry and entry["next"] is None and (ends is None or ends >= now):
            entry["next"] = row
    shown = [entry for entry in stations.values() if entry["next"] or _total(entry)]
    shown.sort(key=lambda entry: (-_total(entry), entry["name"]))
    kilns = [_row(entry, now) for entry in shown] or [_idle()]
    return answer({"lastUpdated": now.iso(), "updatedBy": _UPDATED_BY, "kilns": kilns})


def _station(key: str, name: Any, controller: Any) -> Plain:
    return {
        "name": str(name or "").strip() or LABELS.get(key) or f"Kiln {key}",
        "controller": str(controller or "Manual"),
        "capacity": STATION_CAPACITY.get(key, _CAPACITY),
        "queued": 0,
        "loading": 0,
        "loaded": 0,
        "next": None,
    }


def _total(entry: Plain) -> int:
    return int(entry["queued"] + entry["loading"] + entry["loaded"])


def _row(entry: Plain, now: Timestamp) -> Plain:
    total = _total(entry)
    notes = "No active queue now."
    if total:
        notes = f"Queue: {entry['queued']} queued / {entry['loading']} loading / {entry['loaded']} loaded"
    base = {
        "name": entry["name"],
        "controller": entry["controller"],
        "notes": notes,
        "capacity": f"{total}/{entry['capacity']}",
    }
    load = entry["next"]
    if load is None:
        ready = f"Currently {total} half-shelves active" if total else "2+ days after firing"
        return base | {"nextFireType": "Manual schedule", "nextFirePlanned": _LATER, "readyForPickup": ready}
    words = {"in-progress": "In progress", "completed": "Completed"}.get(str(load.get("status")), "Scheduled")
    begins = "Current or live now" if load["startAt"] <= now else _date(load["startAt"])
    ends = load.get("endAt")
    return base | {
        "nextFireType": load.get("cycleType") or load.get("title") or "Firing cycle",
        "nextFirePlanned": f"{words}: {begins}",
        "readyForPickup": f"Ready near {_date(ends)}" if ends else _date(load["startAt"]),
    }


def _idle() -> Plain:
    return {
        "name": LABELS["studio-electric"],
        "controller": "Manual",
        "nextFireType": "Manual schedule",
        "nextFirePlanned": _LATER,
        "readyForPickup": "—",
        "notes": "No active queue right now.",
        "capacity": f"0/{_CAPACITY}",
    }


def _date(moment: Timestamp) -> str:
    """As `toLocaleString("en-US", ...)` of a machine on UTC: `Nov 21, 9:30 AM UTC`."""
    at = utc(moment.us)
    return f"{at:%b} {at.day}, {at.hour % 12 or 12}:{at:%M} {at:%p} UTC"


FUNCTIONS = {
    "websiteKilnBoard": Function(
        _board, method="GET", wrong_method="Use GET", public=True, limit=Limit("websiteKilnBoard", 45)
    ),
}
