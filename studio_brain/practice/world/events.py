"""Workshops: events, who signed up, and what they were charged. An event's counters are those of its signups."""

import random
from collections import Counter

from .. import clock
from ..ids import seeded_id
from ..plain import Plain, Timestamp, stamp
from ..records import payment
from .builder import Builder, Member

# paymentStatus of the charge, of the signup, of the payment record, parts of a hundred
CHARGES = (
    ("paid", "paid", "payment_succeeded", 70),
    ("checkout_pending", "checkout_pending", "checkout_created", 12),
    ("payment_failed", "payment_failed", "payment_failed", 6),
    ("disputed", "disputed", "charge_disputed", 4),
    ("refunded", "refunded", "charge_refunded", 8),
)
_COUNTERS = {"ticketed": "ticketedCount", "offered": "offeredCount", "checked_in": "checkedInCount"} | {
    "waitlisted": "waitlistCount"
}


def build(builder: Builder) -> None:
    rng = builder.dice("events")
    for number in range(builder.scale(9, 60)):
        upcoming = number % 3 == 0
        _event(
            builder, rng, builder.studio["eventTitles"][number % len(builder.studio["eventTitles"])], upcoming, number
        )


def _event(builder: Builder, rng: random.Random, title: str, upcoming: bool, number: int) -> None:
    event_id = seeded_id(rng)
    created = builder.ago(rng, 30, 60) if upcoming else builder.ago(rng, 60, 200)
    start = stamp((builder.now_us if upcoming else created.us) + rng.randrange(4, 25) * clock.DAY)
    status = "draft" if number == 6 else "cancelled" if number == 7 else "published"
    capacity = rng.choice((8, 10, 12))
    price = rng.choice((0, 4500, 6500, 8500))
    counters: Counter[str] = Counter()
    if status == "published":
        people = rng.sample(builder.members, min(len(builder.members), rng.randrange(4, capacity + 2)))
        for position, member in enumerate(people):
            counters[
                _signup(builder, rng, event_id, member, created, start, price, upcoming, position >= capacity)
            ] += 1
    data = {
        "title": title,
        "summary": f"{title} at the studio.",
        "description": "Everybody is welcome, clay is included.",
        "status": status,
        "startAt": start,
        "endAt": stamp(start.us + 3 * clock.HOUR),
        "timezone": builder.studio["timeZone"],
        "location": "The long table",
        "capacity": capacity,
        "priceCents": price,
        "currency": "USD",
        "waitlistEnabled": True,
        "createdAt": created,
        "updatedAt": created,
        "publishedAt": None if status == "draft" else created,
    }
    data |= {name: counters[word] for word, name in _COUNTERS.items()}
    builder.put(f"events/{event_id}", data, created)


def _signup(
    builder: Builder,
    rng: random.Random,
    event_id: str,
    member: Member,
    opened: Timestamp,
    start: Timestamp,
    price: int,
    upcoming: bool,
    full: bool,
) -> str:
    at = builder.after(rng, opened, 1, 24 * 3)
    signup_id = f"{event_id}__{member.uid}"
    updated = at
    status, payment_status = "ticketed", "unpaid" if price else "waived"
    checked_in: Timestamp | None = None
    if full:
        status = "waitlisted"
    elif rng.random() < 0.08:
        status = "cancelled"
        updated = builder.after(rng, at, 2, 30)
    elif not upcoming and rng.random() < 0.85:
        status = "checked_in"
        updated = checked_in = max(at, builder.after(rng, start, 0, 0.5))
    if price and status in ("ticketed", "checked_in") and rng.random() < 0.85:
        row = rng.choices(CHARGES, [row[3] for row in CHARGES])[0]
        payment_status = row[1]
        _charge(builder, rng, event_id, signup_id, member, price, row, at)
    data = {
        "eventId": event_id,
        "uid": member.uid,
        "status": status,
        "paymentStatus": payment_status,
        "offeredAt": None,
        "offerExpiresAt": None,
        "checkedInAt": checked_in,
        "checkInMethod": "staff" if checked_in else None,
        "displayName": member.name,
        "email": member.email,
        "createdAt": at,
        "updatedAt": updated,
    }
    builder.put(f"eventSignups/{signup_id}", data, at, updated)
    return status


def _charge(
    builder: Builder,
    rng: random.Random,
    event_id: str,
    signup_id: str,
    member: Member,
    price: int,
    row: tuple,
    at: Timestamp,
) -> None:
    status, _, record_status, _ = row
    extra = rng.random() < 0.25
    lines: list[Plain] = [{"id": "ticket", "title": "Ticket", "priceCents": price, "quantity": 1}]
    if extra:
        lines.append({"id": "extra-clay", "title": "Extra clay", "priceCents": 1000, "quantity": 1})
    session, charge_id = f"cs_test_{seeded_id(rng, 24)}", seeded_id(rng)
    intent = None if status == "checkout_pending" else f"pi_test_{seeded_id(rng, 24)}"
    total = price + (1000 if extra else 0)
    paid = at if status in ("paid", "disputed", "refunded") else None
    receipt = f"https://receipts.example.org/{charge_id}" if paid else None
    data = {
        "eventId": event_id,
        "signupId": signup_id,
        "uid": member.uid,
        "lineItems": lines,
        "totalCents": total,
        "currency": "USD",
        "paymentStatus": status,
        "stripeCheckoutSessionId": session,
        "stripePaymentIntentId": intent,
        "receiptUrl": receipt,
        "paidAt": paid,
        "createdAt": at,
        "updatedAt": at,
    }
    builder.put(f"eventCharges/{charge_id}", data, at)
    record = payment(session, member.uid, "events", charge_id, total, at, status=record_status, signupId=signup_id)
    record |= {"stripePaymentIntentId": intent, "receiptUrl": receipt}
    for path in (f"payments/{session}", f"users/{member.uid}/payments/{session}"):
        builder.put(path, record, at)
