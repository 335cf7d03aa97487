"""The pickup window: staff open one, members confirm it or ask for another, staff note whether somebody came."""

from .. import records
from ..plain import Plain, Timestamp
from .reservation_state import (
    MOST_NOTICES,
    date,
    find,
    load_of,
    notices_of,
    staged,
    status_of,
    text,
    window_of,
    window_shown,
    window_written,
)
from .schema import Anything, Flag, Object, OneOf, Text
from .v1 import Problem, Visit, bad, conflict, forbidden

_STAFF_ONLY = ("staff_set_open_window", "staff_mark_missed", "staff_mark_completed")
_ACTIONS = (*_STAFF_ONLY, "member_confirm_window", "member_request_reschedule")
_RESCHEDULED = "pickup_window_reschedule_requested"
_RANGE = "Pickup window requires a valid start/end range."


def _needs_times(data: Plain) -> str | None:
    for action, lead in (("staff_set_open_window", "confirmed"), ("member_request_reschedule", "requested")):
        if data["action"] == action and not (data.get(f"{lead}Start") and data.get(f"{lead}End")):
            return f"Provide {lead}Start and {lead}End for {action}."
    return None


_when = Anything(scalar=True).nullish()
_CHANGE = Object(
    {
        "reservationId": Text(1, 160, trim=True),
        "action": OneOf(_ACTIONS),
        "confirmedStart": _when,
        "confirmedEnd": _when,
        "requestedStart": _when,
        "requestedEnd": _when,
        "note": Text(most=500).nullish(),
        "force": Flag().optional(),
    },
    _needs_times,
)


class _Change:
    """One action on the window of one reservation, before it is written."""

    def __init__(self, row: Plain, data: Plain, at: Timestamp) -> None:
        self.data = data
        self.at = at
        self.force = data.get("force") is True
        self.window = window_of(row)
        self.notices = notices_of(row)
        self.storage = row.get("storageStatus") or "active"
        self.patch: Plain = {"updatedAt": at}
        self.reason = "pickup_window_updated"
        self.replay = False

    def range(self, lead: str) -> tuple[Timestamp, Timestamp]:
        start, end = date(self.data.get(f"{lead}Start")), date(self.data.get(f"{lead}End"))
        return _ordered(start, end)

    def notice(self, kind: str, detail: str) -> None:
        self.notices.append(records.storage_notice(self.at, kind, detail, self.storage))

    def open(self) -> None:
        start, end = self.range("confirmed")
        window = self.window
        if window["status"] == "open" and window["confirmedStart"] == start and window["confirmedEnd"] == end:
            self.replay = True
            return
        window |= {
            "confirmedStart": start,
            "confirmedEnd": end,
            "requestedStart": window["requestedStart"] or start,
            "requestedEnd": window["requestedEnd"] or end,
            "status": "open",
            "confirmedAt": None,
            "completedAt": None,
        }
        self.reason = "pickup_window_opened"
        self.notice(self.reason, "Pickup window is available. Please confirm a pickup slot.")

    def confirm(self) -> None:
        window = self.window
        if window["status"] != "open" and not self.force:
            raise conflict("Pickup window is not open for confirmation.")
        _, end = _ordered(window["confirmedStart"], window["confirmedEnd"])
        if not self.force and end < self.at:
            raise conflict("Pickup window has already expired.")
        window |= {"status": "confirmed", "confirmedAt": self.at}
        self.reason = "pickup_window_confirmed"
        self.notice(self.reason, "Pickup window confirmed by member.")

    def reschedule(self) -> None:
        asked = sum(notice["kind"] == _RESCHEDULED for notice in self.notices)
        count = max(self.window["rescheduleCount"], asked)
        if count >= 1 and not self.force:
            raise conflict("Reschedule request limit reached for this reservation.")
        start, end = self.range("requested")
        self.window |= {
            "requestedStart": start,
            "requestedEnd": end,
            "confirmedStart": None,
            "confirmedEnd": None,
            "confirmedAt": None,
            "status": "open",
            "rescheduleCount": count + 1,
            "lastRescheduleRequestedAt": self.at,
        }
        self.reason = _RESCHEDULED
        self.notice(self.reason, "Member requested one pickup-window reschedule.")

    def miss(self) -> None:
        end = self.window["confirmedEnd"]
        if not self.force and end is not None and end > self.at:
            raise conflict("Pickup window has not elapsed yet. Use force=true for manual override.")
        count = self.window["missedCount"] + 1
        self.window |= {"status": "missed", "missedCount": count, "lastMissedAt": self.at, "confirmedAt": None}
        self.reason = "pickup_window_missed"
        if count >= 2:
            self.storage = "stored_by_policy"
            self.notice(self.storage, "Reservation exceeded pickup-window misses and moved to stored-by-policy.")
        else:
            self.storage = "hold_pending"
            self.notice(self.reason, "Pickup window was missed. Reservation moved to hold-pending for follow-up.")
        self.patch["storageStatus"] = self.storage

    def complete(self) -> None:
        self.window |= {
            "status": "completed",
            "completedAt": self.at,
            "confirmedAt": self.window["confirmedAt"] or self.at,
        }
        self.reason = "pickup_window_completed"
        self.storage = "active"
        self.patch |= {
            "storageStatus": "active",
            "readyForPickupAt": None,
            "pickupReminderCount": 0,
            "lastReminderAt": None,
            "pickupReminderFailureCount": 0,
            "lastReminderFailureAt": None,
        }
        self.notice(self.reason, "Pickup completed and storage reminder counters reset.")


def _ordered(start: Timestamp | None, end: Timestamp | None) -> tuple[Timestamp, Timestamp]:
    if start is None or end is None or end <= start:
        raise bad(_RANGE)
    return start, end


_STEPS = {
    "staff_set_open_window": _Change.open,
    "member_confirm_window": _Change.confirm,
    "member_request_reschedule": _Change.reschedule,
    "staff_mark_missed": _Change.miss,
    "staff_mark_completed": _Change.complete,
}


def change(visit: Visit) -> Plain:
    visit.need_scope("reservations:write")
    data = visit.body(_CHANGE)
    action = data["action"]
    path, row, owner = find(visit, data["reservationId"])
    if action in _STAFF_ONLY and not visit.staff:
        visit.deny("reservations_pickup_window_admin_auth", data["reservationId"], owner, "FORBIDDEN")
        raise forbidden()
    visit.need_owner("reservations_pickup_window", owner, data["reservationId"], "reservations:write")
    if status_of(row) == "CANCELLED":
        raise conflict("Reservation is cancelled")
    step = _Change(row, data, visit.documents.now())
    if load_of(row) != "loaded" and not step.force:
        raise Problem(409, "CONFLICT", "Reservation must be loaded before pickup window actions.")
    _STEPS[action](step)
    step.patch |= staged(row, step.at, (visit.uid, visit.role), step.reason, text(data.get("note")))
    step.patch["pickupWindow"] = window_written(step.window)
    step.patch["storageNoticeHistory"] = step.notices[-MOST_NOTICES:]
    visit.documents.merge(path, step.patch)
    return {
        "reservationId": data["reservationId"],
        "pickupWindowStatus": step.window["status"],
        "pickupWindow": window_shown(step.window),
        "storageStatus": step.storage,
        "idempotentReplay": step.replay,
    }
