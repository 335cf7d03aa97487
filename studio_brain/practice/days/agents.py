"""Agents' requests and orders, one step on."""

from .. import records
from ..functions.agents import STEPS, trail
from ..functions.documents import Documents
from ..plain import Plain
from ..world.agents import POLICY_VERSION
from .diary import Diary

_NEXT = {
    "new": "triaged",
    "triaged": "accepted",
    "accepted": "in_progress",
    "in_progress": "ready",
    "ready": "fulfilled",
}


def plan(diary: Diary) -> None:
    if diary.rng.random() < 0.45:
        _ask(diary)
    requests = [
        (key, row)
        for key, row in diary.documents.scan("agentRequests")
        if row.get("status") in _NEXT and diary.older(row["updatedAt"], 12)
    ]
    for key, _ in diary.some(requests, diary.times(0.5, 2)):
        no, by = diary.rng.random() < 0.1, diary.clerk()
        diary.will(lambda documents, key=key, by=by, no=no: _step(documents, key, by, rejected=no), 2)
    orders = list(diary.documents.scan("agentOrders"))
    unpaid = [one for one in orders if one[1].get("status") in ("payment_required", "payment_pending")]
    for key, _ in diary.some([one for one in unpaid if diary.older(one[1]["updatedAt"], 3)], diary.times(0.35, 1)):
        mark = diary.new_id()
        diary.will(lambda documents, key=key, mark=mark: _pay(documents, key, mark), 2)
    running = [one for one in orders if one[1].get("status") == "paid" and one[1].get("paymentStatus") == "paid"]
    running = [one for one in running if one[1].get("fulfillmentStatus") in STEPS[:6]]
    for key, _ in diary.some(running, diary.times(0.4, 2)):
        by = diary.clerk()
        diary.will(lambda documents, key=key, by=by: _fulfil(documents, key, by), 2)


def _ask(diary: Diary) -> None:
    member = diary.member()
    kind = diary.rng.choice([one for one in diary.studio["agentRequests"] if one != "commission"])
    title = diary.rng.choice(diary.studio["agentRequests"][kind])
    key = diary.new_id()

    def ask(documents: Documents) -> None:
        now = documents.now()
        documents.set(f"agentRequests/{key}", records.agent_request(member.uid, kind, title, now))
        _note(documents, key, "created", member.uid, {"kind": kind})

    diary.will(ask, 2)


def _note(documents: Documents, key: str, kind: str, by: str, details: Plain) -> None:
    row = {"at": documents.now(), "type": kind, "actorUid": by, "actorMode": "firebase", "details": details}
    documents.add(f"agentRequests/{key}/audit", row)


def _step(documents: Documents, key: str, by: str, *, rejected: bool) -> None:
    row = documents.get(f"agentRequests/{key}")
    if row is None or row["status"] not in _NEXT:
        return
    at = documents.now()
    status = "rejected" if rejected else _NEXT[row["status"]]
    patch: Plain = {
        "status": status,
        "updatedAt": at,
        "staff": {"assignedToUid": by, "triagedAt": at, "internalNotes": None},
    }
    if row.get("kind") == "commission" and status in ("accepted", "rejected"):
        patch["policy"] = {
            **(row.get("policy") or {"version": POLICY_VERSION}),
            "reviewDecision": "approved" if status == "accepted" else "rejected",
            "reviewReasonCode": "rights_verified" if status == "accepted" else "copyright_risk_unresolved",
            "reviewedAt": at,
            "reviewedByUid": by,
        }
    documents.merge(f"agentRequests/{key}", patch)
    _note(documents, key, "status_changed", by, {"from": row["status"], "to": status})


def _pay(documents: Documents, key: str, mark: str) -> None:
    order = documents.get(f"agentOrders/{key}")
    if order is None or order["status"] not in ("payment_required", "payment_pending"):
        return
    at = documents.now()
    paid = {"status": "paid", "paymentStatus": "paid", "fulfillmentStatus": "scheduled", "updatedAt": at}
    documents.merge(f"agentOrders/{key}", {**paid, "stripePaymentIntentId": f"pi_test_{mark}"})
    reservation = order.get("reservationId")
    if reservation:
        documents.merge(f"agentReservations/{reservation}", {"status": "reserved", "updatedAt": at})


def _fulfil(documents: Documents, key: str, by: str) -> None:
    order = documents.get(f"agentOrders/{key}")
    if order is None or order.get("fulfillmentStatus") not in STEPS[:6] or order.get("paymentStatus") != "paid":
        return
    at = documents.now()
    before = order["fulfillmentStatus"]
    after = STEPS[STEPS.index(before) + 1]
    done = {"fulfillmentStatus": after, "fulfillmentUpdatedAt": at, "fulfillmentUpdatedByUid": by, "updatedAt": at}
    documents.merge(f"agentOrders/{key}", done)
    steps = {"orderId": key, "fromStatus": before, "toStatus": after}
    trail(documents, by, "agent_order_fulfillment_updated", **steps, reason=None)
