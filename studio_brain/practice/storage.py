"""What becomes of finished work that nobody fetches: reminders, then billed storage, then it is reclaimed.

Counted from `readyForPickupAt`: reminders after 14, 17.5 and 19.25 days; storage is billed from then on, every whole
day, at most 28; then the reservation is archived (reservation schema of the real cloud, "Storage automation").
"""

from collections.abc import Iterator
from typing import Any

from . import clock, records
from .plain import Plain, Timestamp, stamp

REMINDER_DAYS = (14.0, 17.5, 19.25)
GRACE_DAYS = REMINDER_DAYS[-1]
MAX_BILLED_DAYS = 28
DAILY_RATE = 1.5
_REMINDER = "Reminder {} of 3: finished work is waiting on the shelf."


def billing(ready: Timestamp, half_shelves: float | None) -> Plain:
    grace = stamp(ready.us + int(GRACE_DAYS * clock.DAY))
    return {
        "chargeBasis": "estimatedHalfShelves",
        "chargeBasisHalfShelves": half_shelves,
        "prepaidWeeklyRatePerHalfShelf": 2,
        "dailyRatePerHalfShelf": DAILY_RATE,
        "graceEndsAt": grace,
        "billingStartsAt": grace,
        "billingEndsAt": stamp(grace.us + MAX_BILLED_DAYS * clock.DAY),
        "billedDays": 0,
        "accruedCost": 0,
        "status": "grace",
        "reclaimedAt": None,
        "reclaimedReason": None,
    }


def waits(data: Plain) -> bool:
    """Whether something is on the shelf for this reservation."""
    return (
        data.get("loadStatus") == "loaded"
        and isinstance(data.get("readyForPickupAt"), Timestamp)
        and not data.get("isArchived")
        and data.get("status") != "CANCELLED"
        and (data.get("pickupWindow") or {}).get("status") != "completed"
    )


def steps(data: Plain, now_us: int) -> Iterator[tuple[Timestamp, Plain]]:
    """(when, changed fields) of everything that is due until now and has not happened yet, in order."""
    if not waits(data):
        return
    ready: Timestamp = data["readyForPickupAt"]
    history: list[Any] = list(data.get("storageNoticeHistory") or [])
    for ordinal in range((data.get("pickupReminderCount") or 0) + 1, len(REMINDER_DAYS) + 1):
        at = stamp(ready.us + int(REMINDER_DAYS[ordinal - 1] * clock.DAY))
        if at.us > now_us:
            break
        status = "hold_pending" if ordinal == len(REMINDER_DAYS) else "reminder_pending"
        kind = f"pickup_reminder_{ordinal}"
        history.append(records.storage_notice(at, kind, _REMINDER.format(ordinal), status, ordinal))
        patch = {"storageStatus": status, "pickupReminderCount": ordinal, "lastReminderAt": at}
        yield at, {**patch, "storageNoticeHistory": list(history), "updatedAt": at}
    bill = data.get("storageBilling") or billing(ready, data.get("estimatedHalfShelves"))
    days = (now_us - bill["graceEndsAt"].us) // clock.DAY
    billed = min(MAX_BILLED_DAYS, max(0, days))
    if billed > bill["billedDays"]:
        at = stamp(bill["graceEndsAt"].us + billed * clock.DAY)
        cost = billed * DAILY_RATE * (bill["chargeBasisHalfShelves"] or 1)
        bill = {**bill, "billedDays": billed, "accruedCost": cost, "status": "billing"}
        history.append(
            records.storage_notice(at, "storage_billing_update", f"{billed} days of storage billed.", "hold_pending")
        )
        yield at, {"storageBilling": bill, "storageNoticeHistory": list(history), "updatedAt": at}
    if days >= MAX_BILLED_DAYS:
        at = stamp(bill["billingEndsAt"].us + clock.MINUTE)
        if at.us > now_us:
            return
        history.append(records.storage_notice(at, "stored_by_policy", "Reclaimed by the studio.", "stored_by_policy"))
        yield (
            at,
            {
                "storageBilling": {
                    **bill,
                    "status": "reclaimed",
                    "reclaimedAt": at,
                    "reclaimedReason": "policy_limit_reached",
                },
                "storageStatus": "stored_by_policy",
                "storageNoticeHistory": list(history),
                "stageStatus": records.stage("stored", at, "system", "stored_by_policy", "system"),
                "isArchived": True,
                "archivedAt": at,
                "updatedAt": at,
            },
        )
