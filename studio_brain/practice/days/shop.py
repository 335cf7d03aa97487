"""Clay sold: orders are placed, paid, fetched, now and then disputed or refunded; workshops are signed up for."""

from typing import Any

from .. import clock, records
from ..functions.documents import Documents
from ..plain import Plain
from ..world.shop import STATES, items, settle
from .diary import Diary

_BY_STATUS = {row[0]: row for row in STATES if row[3] is not None}


def plan(diary: Diary) -> None:
    for _ in range(diary.times(0.45, 1)):
        _order(diary)
    orders = diary.documents.where("materialsOrders", "status", "checkout_pending", "paid")

    def of(status: str, hours: float) -> list[tuple[str, Plain]]:
        return [
            (key, row) for key, row in orders if row.get("status") == status and diary.older(row["updatedAt"], hours)
        ]

    for key, _ in diary.some(of("checkout_pending", 1), diary.times(0.3, 1)):
        row = _BY_STATUS["payment_failed" if diary.rng.random() < 0.1 else "paid"]
        _settle(diary, key, row)
    for key, _ in diary.some(of("paid", 18), diary.times(0.6, 1)):
        if diary.rng.random() < 0.08:
            _settle(diary, key, _BY_STATUS[diary.rng.choice(("refunded", "disputed"))])
        else:
            diary.will(lambda documents, key=key: _fetch(documents, key), 1)
    _sign_up(diary)


def _order(diary: Diary) -> None:
    member = diary.member()
    order_id = f"materials-order-{diary.rng.getrandbits(80):020x}"
    session = f"cs_test_{diary.new_id()}"
    lines = items(diary.studio["products"], diary.rng)
    at = diary.hour()

    def place(documents: Documents) -> None:
        now = documents.now()
        order = records.materials_order(member.uid, member.name, member.email, lines, session, now)
        order["idempotencyKey"] = None
        record = records.payment(session, member.uid, "materials", order_id, order["totalCents"], now)
        documents.commit([(f"materialsOrders/{order_id}", order), *_copies(record, record)])

    diary.will(place, 3, at, rank=4)
    if diary.rng.random() < 0.6:
        _settle(diary, order_id, _BY_STATUS["paid"], at + int(diary.rng.uniform(0.05, 0.3) * clock.HOUR))


def _copies(keyed: Plain, record: Plain) -> list[tuple[str, Plain]]:
    session, uid = keyed["checkoutSessionId"], keyed["uid"]
    return [(f"payments/{session}", record), (f"users/{uid}/payments/{session}", record)]


def _settle(diary: Diary, key: str, row: tuple[Any, ...], at: int | None = None) -> None:
    """A webhook's word on an order: the order, both payment records and the webhook's own record."""
    mark = diary.new_id()

    def settled(documents: Documents) -> None:
        order = documents.get(f"materialsOrders/{key}")
        record = documents.get(f"payments/{order['stripeCheckoutSessionId']}") if order else None
        if order is None or record is None or order["status"] not in ("checkout_pending", "paid"):
            return
        now = documents.now()
        settle(order, record, row, now, mark)
        event = {
            "type": row[3],
            "mode": "test",
            "livemode": False,
            "receivedAt": now,
            "processingStartedAt": now,
            "processedAt": now,
            "ignored": False,
            "failureCode": None,
        }
        event_path = f"stripeWebhookEvents/{order['lastEventId']}"
        documents.commit([(f"materialsOrders/{key}", order), *_copies(record, record), (event_path, event)])

    diary.will(settled, 4, at, rank=4)


def _fetch(documents: Documents, key: str) -> None:
    order = documents.get(f"materialsOrders/{key}")
    if order is not None and order["status"] == "paid":
        documents.merge(f"materialsOrders/{key}", {"status": "picked_up", "updatedAt": documents.now()})


def _sign_up(diary: Diary) -> None:
    """Somebody takes a place in a workshop that is still to come."""
    coming = [
        (key, row)
        for key, row in diary.documents.scan("events")
        if row.get("status") == "published" and row["startAt"].us > diary.end
    ]
    if not coming or diary.rng.random() < 0.4:
        return
    event_id, event = diary.rng.choice(coming)
    member = diary.member()

    def sign_up(documents: Documents) -> None:
        path = f"eventSignups/{event_id}__{member.uid}"
        known = documents.get(f"events/{event_id}")
        if known is None or documents.exists(path):
            return
        now = documents.now()
        full = known["ticketedCount"] + known["checkedInCount"] >= known["capacity"]
        status = "waitlisted" if full else "ticketed"
        counter = "waitlistCount" if full else "ticketedCount"
        signup = {
            "eventId": event_id,
            "uid": member.uid,
            "status": status,
            "paymentStatus": "unpaid" if event["priceCents"] else "waived",
            "offeredAt": None,
            "offerExpiresAt": None,
            "checkedInAt": None,
            "checkInMethod": None,
            "displayName": member.name,
            "email": member.email,
            "createdAt": now,
            "updatedAt": now,
        }
        documents.commit([(path, signup), (f"events/{event_id}", {**known, counter: known[counter] + 1})])

    diary.will(sign_up, 2)
