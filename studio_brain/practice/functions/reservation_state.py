"""How the reservation routes read a document that may be old or incomplete, and what they write back."""

from typing import Any

from .. import clock, records
from ..plain import Plain, Timestamp, stamp
from .v1 import Problem, Visit, missing

PICKUP_STATUSES = ("open", "confirmed", "missed", "expired", "completed")
_PICKUP_TIMES = ("requestedStart", "requestedEnd", "confirmedStart", "confirmedEnd", "confirmedAt", "completedAt")
PICKUP_DATES = (*_PICKUP_TIMES, "lastMissedAt", "lastRescheduleRequestedAt")
MOST_HISTORY, MOST_NOTICES = 120, 80


def date(value: Any) -> Timestamp | None:
    """What `new Date(value)` makes of a request's member: ISO text or milliseconds; None when it is no date."""
    if isinstance(value, Timestamp):
        return value
    if isinstance(value, bool) or not value:
        return None
    if isinstance(value, int | float):
        return stamp(int(value) * clock.MS) if abs(value) < 8.64e15 else None
    if isinstance(value, str):
        for text in (value, f"{value}Z", f"{value}:00Z", f"{value}T00:00:00Z"):
            try:
                return stamp(clock.parse(text))
            except (ValueError, OverflowError):
                continue
    return None


def iso(value: Timestamp | None) -> str | None:
    return value.iso() if value is not None else None


def text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def status_of(row: Plain) -> str:
    status = str(row.get("status") or "").strip().upper()
    status = "CANCELLED" if status == "CANCELED" else status
    return status if status in records.RESERVATION_STATUSES else "REQUESTED"


def load_of(row: Plain) -> str | None:
    load = row.get("loadStatus")
    return load if load in ("queued", "loading", "loaded") else None


def station_of(row: Plain) -> str | None:
    return str(row.get("assignedStationId") or "").strip().lower() or None


def history_of(row: Plain) -> list[Plain]:
    return [entry for entry in row.get("stageHistory") or [] if isinstance(entry, dict)]


def notices_of(row: Plain) -> list[Plain]:
    return [entry for entry in row.get("storageNoticeHistory") or [] if isinstance(entry, dict) and entry.get("kind")]


def window_of(row: Plain) -> Plain:
    """The pickup window with every member there; a status that is none counts as not set."""
    given = row.get("pickupWindow") or {}
    window = records.pickup_window(**{name: date(given.get(name)) for name in PICKUP_DATES})
    window["status"] = given.get("status") if given.get("status") in PICKUP_STATUSES else None
    for name in ("missedCount", "rescheduleCount"):
        count = given.get(name)
        window[name] = max(0, round(count)) if isinstance(count, int | float) else 0
    return window


def window_written(window: Plain) -> Plain:
    return {**window, "status": window["status"] or "open"}


def window_shown(window: Plain) -> Plain:
    return {name: iso(value) if name in PICKUP_DATES else value for name, value in window.items()}


def find(visit: Visit, reservation_id: str) -> tuple[str, Plain, str]:
    """(path, document, owner). Raises Problem."""
    path = f"reservations/{reservation_id}"
    row = visit.documents.get(path)
    if row is None:
        raise missing("Reservation not found")
    owner = row.get("ownerUid")
    if not owner:
        raise Problem(500, "INTERNAL", "Reservation missing owner")
    return path, row, str(owner)


def staged(
    row: Plain,
    at: Timestamp,
    actor: tuple[str, str],
    reason: str,
    notes: str | None,
    after: tuple[str, str | None] | None = None,
) -> Plain:
    """`stageHistory` and `stageStatus` with one step more. `actor` is (uid, role); `after` the new (status, load)."""
    before = (status_of(row), load_of(row))
    now = after or before
    stage = records.current_stage(*now)
    entry = records.stage_entry(
        (*before, records.current_stage(*before)), (*now, stage), at, actor[0], actor[1], reason, notes
    )
    return {
        "stageHistory": [*history_of(row), entry][-MOST_HISTORY:],
        "stageStatus": records.stage(stage, at, actor[1], reason, actor[0], notes),
    }
