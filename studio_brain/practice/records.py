"""What the studio's documents look like when they are written: one function for each kind.

Fields and values are those of the real cloud (reference of the studio's cloud, collections and 1.3). The seed, the
practice days and the Functions all write through these, so that no two of them disagree.
"""

from typing import Any

from .plain import Plain, Timestamp

OPEN_BATCH_STATES = ("DRAFT", "SUBMITTED", "SHELVED", "LOADED", "FIRED", "READY_FOR_PICKUP")
BATCH_STATES = (*OPEN_BATCH_STATES, "CLOSED_PICKED_UP", "CLOSED_OTHER")
RESERVATION_STATUSES = ("REQUESTED", "CONFIRMED", "WAITLISTED", "CANCELLED", "CONFIRMED_ARRIVED", "LOADED")
STATION_CAPACITY = {"studio-kiln-a": 8, "studio-kiln-b": 8, "studio-electric": 8, "reduction-raku": 8}


def batch(
    batch_id: str,
    owner_uid: str,
    owner_name: str | None,
    title: str,
    at: Timestamp,
    *,
    editors: list[str] | None = None,
    intake_mode: str = "SHELF_PURCHASE",
    cost_cents: int = 0,
    kiln_name: str | None = None,
    notes: str | None = None,
) -> Plain:
    """A batch as `createBatch` leaves it: a draft, the root of its own journey."""
    return {
        "ownerUid": owner_uid,
        "ownerDisplayName": owner_name,
        "editors": editors or [owner_uid],
        "title": title,
        "intakeMode": intake_mode,
        "estimatedCostCents": cost_cents,
        "kilnName": kiln_name,
        "estimateNotes": notes,
        "state": "DRAFT",
        "isClosed": False,
        "createdAt": at,
        "updatedAt": at,
        "closedAt": None,
        "journeyRootBatchId": batch_id,
        "journeyParentBatchId": None,
    }


def timeline(
    kind: str,
    at: Timestamp,
    actor_uid: str | None,
    actor_name: str | None,
    notes: str | None,
    *,
    kiln: tuple[str, str | None] | None = None,
    photos: list[str] | None = None,
    **extra: Any,
) -> Plain:
    """A row of a batch's timeline. Lifecycle Functions write actor `admin`, whoever called them."""
    return {
        "type": kind,
        "at": at,
        "actorUid": actor_uid,
        "actorName": actor_name,
        "notes": notes,
        "kilnId": kiln[0] if kiln else None,
        "kilnName": kiln[1] if kiln else None,
        "photos": photos or [],
        "pieceState": None,
        **extra,
    }


def pickup_window(**changed: Any) -> Plain:
    return {
        "requestedStart": None,
        "requestedEnd": None,
        "confirmedStart": None,
        "confirmedEnd": None,
        "status": "open",
        "confirmedAt": None,
        "completedAt": None,
        "missedCount": 0,
        "rescheduleCount": 0,
        "lastMissedAt": None,
        "lastRescheduleRequestedAt": None,
        **changed,
    }


def stage(name: str, at: Timestamp, source: str, reason: str, actor_uid: str, notes: str | None = None) -> Plain:
    """A reservation's `stageStatus`."""
    return {
        "stage": name,
        "at": at,
        "source": source,
        "reason": reason,
        "notes": notes,
        "actorUid": actor_uid,
        "actorRole": source,
    }


def reservation(owner_uid: str, at: Timestamp, actor_uid: str, role: str, **given: Any) -> Plain:
    """A reservation as `/v1/reservations.create` leaves it; `given` are the request's own fields."""
    return {
        "ownerUid": owner_uid,
        "status": "REQUESTED",
        "loadStatus": "queued",
        "intakeMode": "SHELF_PURCHASE",
        "firingType": "other",
        "shelfEquivalent": 1,
        "footprintHalfShelves": None,
        "heightInches": None,
        "tiers": None,
        "estimatedHalfShelves": None,
        "estimatedCost": None,
        "preferredWindow": {"earliestDate": None, "latestDate": None},
        "linkedBatchId": None,
        "wareType": None,
        "kilnId": None,
        "assignedStationId": None,
        "kilnLabel": None,
        "quantityTier": None,
        "quantityLabel": None,
        "dropOffQuantity": None,
        "dropOffProfile": None,
        "photoUrl": None,
        "photoPath": None,
        "notes": None,
        "pieces": [],
        "notesHistory": [],
        "addOns": {},
        "stageStatus": stage("intake", at, "staff" if role == "staff" else "client", "Reservation created", actor_uid),
        "stageHistory": [],
        "pickupWindow": pickup_window(),
        "storageStatus": "active",
        "readyForPickupAt": None,
        "pickupReminderCount": 0,
        "lastReminderAt": None,
        "pickupReminderFailureCount": 0,
        "lastReminderFailureAt": None,
        "storageNoticeHistory": [],
        "createdByUid": actor_uid,
        "createdByRole": role,
        "createdAt": at,
        "updatedAt": at,
        **given,
    }


def stage_entry(
    before: tuple[str, str | None, str],
    after: tuple[str, str | None, str],
    at: Timestamp,
    actor_uid: str,
    role: str,
    reason: str,
    notes: str | None = None,
) -> Plain:
    """A row of a reservation's `stageHistory`; before and after are (status, loadStatus, stage)."""
    return {
        "fromStatus": before[0],
        "toStatus": after[0],
        "fromLoadStatus": before[1],
        "toLoadStatus": after[1],
        "fromStage": before[2],
        "toStage": after[2],
        "at": at,
        "actorUid": actor_uid,
        "actorRole": role,
        "reason": reason,
        "notes": notes,
    }


def storage_notice(at: Timestamp, kind: str, detail: str, status: str, ordinal: int | None = None) -> Plain:
    return {
        "at": at,
        "kind": kind,
        "detail": detail,
        "status": status,
        "reminderOrdinal": ordinal,
        "reminderCount": ordinal or 0,
        "failureCode": None,
    }


def current_stage(status: str | None, load_status: str | None) -> str:
    if status == "CANCELLED":
        return "canceled"
    return {"loaded": "loaded", "loading": "queued"}.get(load_status or "", "intake")


def firing(kiln: Plain, title: str, cycle: str, start: Timestamp, end: Timestamp, at: Timestamp, by: str) -> Plain:
    """A scheduled firing."""
    return {
        "kilnId": kiln["id"],
        "kilnName": kiln["name"],
        "title": title,
        "cycleType": cycle,
        "startAt": start,
        "endAt": end,
        "status": "scheduled",
        "confidence": "scheduled",
        "notes": None,
        "unloadedAt": None,
        "unloadedByUid": None,
        "unloadNote": None,
        "batchIds": [],
        "pieceIds": [],
        "evidencePhotos": [],
        "createdByUid": by,
        "updatedByUid": by,
        "createdAt": at,
        "updatedAt": at,
    }


def report(
    reporter_uid: str, category: str, severity: str, note: str | None, target: Plain, dedupe: str, at: Timestamp
) -> Plain:
    """A community report as `createReport` leaves it. `target` is {type, ref, snapshot}."""
    return {
        "reporterUid": reporter_uid,
        "status": "open",
        "assigneeUid": None,
        "resolutionCode": None,
        "resolvedAt": None,
        "category": category,
        "severity": severity,
        "note": note,
        "targetType": target["type"],
        "targetRef": target["ref"],
        "targetSnapshot": target["snapshot"],
        "dedupeKey": dedupe,
        "coordinationSignal": False,
        "coordinationWindowStartMs": at.ms,
        "coordinationReportCount": 1,
        "coordinationUniqueReporterCount": 1,
        "createdAt": at,
        "updatedAt": at,
    }


def agent_request(owner_uid: str, kind: str, title: str, at: Timestamp, **changed: Any) -> Plain:
    return {
        "createdAt": at,
        "updatedAt": at,
        "createdByUid": owner_uid,
        "createdByMode": "firebase",
        "createdByTokenId": None,
        "status": "new",
        "kind": kind,
        "title": title,
        "summary": None,
        "notes": None,
        "constraints": {},
        "logistics": {"mode": None},
        "metadata": {"commissionPolicyVersion": None, "x1cValidationVersion": None},
        "x1cSpec": None,
        "policy": None,
        "linkedBatchId": None,
        "staff": {"assignedToUid": None, "triagedAt": None, "internalNotes": None},
        **changed,
    }


def materials_order(uid: str, name: str, email: str, items: list[Plain], session: str, at: Timestamp) -> Plain:
    """An order whose checkout has been opened and not been paid."""
    return {
        "uid": uid,
        "displayName": name,
        "email": email,
        "items": items,
        "status": "checkout_pending",
        "paymentStatus": "checkout_created",
        "totalCents": sum(item["unitPrice"] * item["quantity"] for item in items),
        "currency": "USD",
        "pickupNotes": None,
        "stripeSessionId": session,
        "stripeCheckoutSessionId": session,
        "stripePaymentIntentId": None,
        "checkoutUrl": f"https://checkout.example.org/c/{session}",
        "receiptUrl": None,
        "mode": "test",
        "stripeDisputeStatus": None,
        "stripeDisputeLifecycle": None,
        "paidAt": None,
        "lastEventId": None,
        "lastEventType": None,
        "createdAt": at,
        "updatedAt": at,
    }


def payment(session: str, uid: str, domain: str, order_id: str, amount: int, at: Timestamp, **changed: Any) -> Plain:
    """`payments/{session}` and its copy under the user."""
    return {
        "uid": uid,
        "mode": "test",
        "status": "checkout_created",
        "source": {"materials": "materials_checkout", "events": "event_checkout"}.get(domain, "portal_checkout"),
        "paymentDomain": domain,
        "orderId": order_id,
        "checkoutSessionId": session,
        "stripePaymentIntentId": None,
        "amountTotal": amount,
        "currency": "usd",
        "receiptUrl": None,
        "stripeDisputeStatus": None,
        "stripeDisputeLifecycle": None,
        "lastEventId": None,
        "lastEventType": None,
        "eventIds": [],
        "createdAt": at,
        "updatedAt": at,
        **changed,
    }
