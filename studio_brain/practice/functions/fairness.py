"""Staff's notes on fairness in the queue: did not come, came late, a boost given or taken back. Each needs a reason."""

from ..plain import Plain
from .batches import idempotent_id
from .fairness_policy import fairness_of, policy_of
from .reservation_state import date, find, iso, staged, station_of, status_of, text
from .schema import Anything, Number, Object, OneOf, Text
from .stations import recompute
from .v1 import Visit, bad, conflict

_DONE = {
    "record_no_show": "queue_fairness_no_show_recorded",
    "record_late_arrival": "queue_fairness_late_arrival_recorded",
    "set_override_boost": "queue_fairness_override_set",
    "clear_override": "queue_fairness_override_cleared",
}
_MOST_NOTES = 1500


def _needs_reason(data: Plain) -> str | None:
    if not (data.get("reason") or "").strip():
        return "Reason is required for fairness actions."
    if data["action"] == "set_override_boost" and data.get("boostPoints") is None:
        return "boostPoints is required for set_override_boost."
    return None


_RECORD = Object(
    {
        "reservationId": Text(1, 160, trim=True),
        "action": OneOf(tuple(_DONE)),
        "reason": Text(most=500).nullish(),
        "boostPoints": Number(whole=True, least=0, most=20).nullish(),
        "overrideUntil": Anything(scalar=True).nullish(),
    },
    _needs_reason,
)


def record(visit: Visit) -> Plain:
    visit.need_scope("reservations:write")
    data = visit.body(_RECORD)
    reservation_id, action = data["reservationId"], data["action"]
    reason = text(data.get("reason"))
    visit.need_staff("reservations_queue_fairness", reservation_id)
    path, row, owner = find(visit, reservation_id)
    if status_of(row) == "CANCELLED":
        raise conflict("Reservation is cancelled")
    at = visit.documents.now()
    fairness = fairness_of(row)
    if action == "record_no_show":
        fairness["noShowCount"] += 1
    elif action == "record_late_arrival":
        fairness["lateArrivalCount"] += 1
    elif action == "set_override_boost":
        until = date(data.get("overrideUntil"))
        if data.get("overrideUntil") is not None and until is None:
            raise bad("overrideUntil must be a valid date/time.")
        fairness |= {"overrideBoost": data["boostPoints"], "overrideReason": reason, "overrideUntil": until}
    else:
        fairness |= {"overrideBoost": 0, "overrideReason": None, "overrideUntil": None}
    fairness |= {"updatedAt": at, "updatedByUid": visit.uid, "updatedByRole": "staff", "lastPolicyNote": reason}
    policy = policy_of({"queueFairness": fairness}, at)
    note = f"[fairness:{action}] {reason}"
    known = text(row.get("staffNotes"))
    patch = {
        "queueFairness": fairness,
        "queueFairnessPolicy": policy,
        **staged(row, at, (visit.uid, "staff"), _DONE[action], reason),
        "staffNotes": (f"{known}\n{note}" if known else note)[-_MOST_NOTES:],
        "updatedAt": at,
    }
    visit.documents.merge(path, patch)
    evidence_id = idempotent_id("reservation-fairness", reservation_id, f"{action}:{visit.request_id}")
    visit.documents.merge(
        f"reservationQueueFairnessAudit/{evidence_id}",
        {
            "reservationId": reservation_id,
            "ownerUid": owner,
            "action": action,
            "reason": reason,
            "actorUid": visit.uid,
            "actorRole": "staff",
            "route": visit.route,
            "requestId": visit.request_id,
            "createdAt": at,
            "queueFairness": fairness,
            "queueFairnessPolicy": policy,
            "previousQueueFairness": row.get("queueFairness"),
        },
    )
    recompute(visit.documents, station_of(row))
    shown = {name: value for name, value in fairness.items() if name != "lastEvidenceId"}
    shown |= {"overrideUntil": iso(fairness["overrideUntil"]), "updatedAt": at.iso()}
    return {
        "reservationId": reservation_id,
        "action": action,
        "evidenceId": evidence_id,
        "queueFairness": shown,
        "queueFairnessPolicy": policy,
    }
