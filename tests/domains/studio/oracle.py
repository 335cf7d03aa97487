"""A StudioState counted the slow way: every whole document read over the IAM port, one plain loop a number.

It shares nothing with the product: it is written from the counting rules alone.
"""

from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.practice_process import PracticeProcess

OPEN_STAGES_END = {"picked_up", "stored", "canceled"}


def documents(practice: PracticeProcess, collection: str) -> list[dict[str, Any]]:
    """Every document of a collection, whole, as plain values."""
    found: list[dict[str, Any]] = []
    token = ""
    while True:
        answer = httpx.get(
            f"{practice.documents(iam=True)}/{collection}",
            params={"pageSize": 300, **({"pageToken": token} if token else {})},
            headers=practice.iam,
            timeout=60,
        ).json()
        found += [plain({"mapValue": {"fields": d.get("fields", {})}}) for d in answer.get("documents", [])]
        token = answer.get("nextPageToken", "")
        if not token:
            return found


def plain(value: dict[str, Any]) -> Any:
    if "mapValue" in value:
        return {k: plain(v) for k, v in value["mapValue"].get("fields", {}).items()}
    if "arrayValue" in value:
        return [plain(v) for v in value["arrayValue"].get("values", [])]
    if "timestampValue" in value:
        return datetime.fromisoformat(value["timestampValue"])
    if "integerValue" in value:
        return int(value["integerValue"])
    return next(iter(value.values()), None) if "nullValue" not in value else None


def state(practice: PracticeProcess, now: datetime) -> dict[str, int]:
    """The numbers of the studio's collections at `now`, by the key they have in a snapshot."""
    batches = documents(practice, "batches")
    closed = sum(is_closed(batch) for batch in batches)
    orders = documents(practice, "materialsOrders")
    pending = [o for o in orders if o.get("paymentStatus") in ("checkout_created", "payment_pending")]
    return {
        "counts.batchesClosed": closed,
        "counts.batchesActive": sum(is_active(batch) for batch in batches),
        "counts.reservationsOpen": sum(is_open(r) for r in documents(practice, "reservations")),
        "counts.firingsScheduled": sum(is_ahead(f, now) for f in documents(practice, "kilnFirings")),
        "counts.reportsOpen": sum(is_open_report(r) for r in documents(practice, "communityReports")),
        "ops.highSeverityReports": sum(
            is_open_report(r) and r.get("severity") == "high" for r in documents(practice, "communityReports")
        ),
        "ops.agentRequestsPending": sum(
            r.get("status") in ("new", "triaged", "accepted", "in_progress", "ready")
            for r in documents(practice, "agentRequests")
        ),
        "finance.pendingOrders": len(pending)
        + sum(o.get("status") in ("payment_required", "payment_pending") for o in documents(practice, "agentOrders")),
        "finance.unsettledPayments": sum(o.get("paymentStatus") in ("payment_failed", "disputed") for o in orders)
        + sum(o["createdAt"] < now - timedelta(hours=48) for o in pending if "createdAt" in o)
        + sum(
            c.get("paymentStatus") in ("checkout_pending", "payment_failed", "disputed")
            for c in documents(practice, "eventCharges")
        )
        + sum(
            s.get("status") == "checked_in" and s.get("paymentStatus") == "unpaid"
            for s in documents(practice, "eventSignups")
        ),
    }


def is_closed(batch: dict[str, Any]) -> bool:
    if batch.get("isClosed") is True:
        return True
    if batch.get("state") is not None:
        return str(batch["state"]).startswith("CLOSED_")
    return batch.get("status") in ("CLOSED_OTHER", "Complete")


def is_active(batch: dict[str, Any]) -> bool:
    if is_closed(batch):
        return False
    known = {"DRAFT", "SUBMITTED", "SHELVED", "LOADED", "FIRED", "READY_FOR_PICKUP"}
    if batch.get("state") is not None:
        return batch["state"] in known
    return batch.get("status") is None or batch["status"] in known | {"In progress"}


def is_open(reservation: dict[str, Any]) -> bool:
    return (
        reservation.get("status", "REQUESTED")
        in ("REQUESTED", "CONFIRMED", "WAITLISTED", "CONFIRMED_ARRIVED", "LOADED")
        and not reservation.get("isArchived")
        and (reservation.get("stageStatus") or {}).get("stage") not in OPEN_STAGES_END
        and (reservation.get("pickupWindow") or {}).get("status") != "completed"
    )


def is_ahead(firing: dict[str, Any], now: datetime) -> bool:
    if firing.get("status") in ("in-progress", "loading", "firing", "cooling", "unloading"):
        return True
    until = firing.get("endAt") or firing.get("startAt")
    return firing.get("status") == "scheduled" and until is not None and until >= now


def is_open_report(report: dict[str, Any]) -> bool:
    return report.get("status") in ("open", "triaged", "actioned")
