"""Clay and glazes sold: products, orders in every state of payment, and the payment records that go with them."""

import random

from ..ids import seeded_id
from ..plain import Plain, Timestamp
from ..records import materials_order, payment
from .builder import Builder

# order status, its paymentStatus, payments.status, the webhook event that said so, parts of a hundred
STATES = (
    ("checkout_pending", "checkout_created", "checkout_created", None, 16),
    ("checkout_pending", "payment_pending", "checkout_completed", "checkout.session.completed", 10),
    ("paid", "paid", "payment_succeeded", "payment_intent.succeeded", 30),
    ("picked_up", "paid", "payment_succeeded", "payment_intent.succeeded", 26),
    ("payment_failed", "payment_failed", "payment_failed", "payment_intent.payment_failed", 7),
    ("disputed", "disputed", "charge_disputed", "charge.dispute.created", 4),
    ("refunded", "refunded", "charge_refunded", "charge.refunded", 7),
)


def build(builder: Builder) -> None:
    rng = builder.dice("shop")
    for product_id, name, category, sku, price, tracked, stock in builder.studio["products"]:
        at = builder.ago(rng, 300, 700)
        data = {
            "name": name,
            "description": f"{name}, from the shelf by the door.",
            "category": category,
            "sku": sku,
            "priceCents": price,
            "currency": "USD",
            "stripePriceId": None,
            "imageUrl": None,
            "trackInventory": tracked,
            "inventoryOnHand": stock,
            "inventoryReserved": 0,
            "active": True,
            "createdAt": at,
            "updatedAt": at,
        }
        builder.put(f"materialsProducts/{product_id}", data, at)
    count = builder.scale(44, 900)
    for row in (*STATES, *rng.choices(STATES, [row[4] for row in STATES], k=max(0, count - len(STATES)))):
        _order(builder, rng, row)


def items(builder_products: list[list], rng: random.Random) -> list[Plain]:
    """One to three lines of an order, prices in cents."""
    return [
        {
            "productId": product_id,
            "name": name,
            "sku": sku,
            "quantity": rng.randrange(1, 4),
            "unitPrice": price,
            "currency": "USD",
            "trackInventory": tracked,
        }
        for product_id, name, _, sku, price, tracked, _ in rng.sample(builder_products, rng.randrange(1, 4))
    ]


def _order(builder: Builder, rng: random.Random, row: tuple) -> None:
    status, event = row[0], row[3]
    member = builder.member(rng)
    at = builder.ago(rng, 0, 3) if status == "checkout_pending" and rng.random() < 0.6 else builder.ago(rng, 3, 160)
    order_id = f"materials-order-{rng.getrandbits(80):020x}"
    session = f"cs_test_{seeded_id(rng, 24)}"
    order = materials_order(member.uid, member.name, member.email, items(builder.studio["products"], rng), session, at)
    record = payment(session, member.uid, "materials", order_id, order["totalCents"], at)
    updated = at
    if event is not None:
        updated = builder.after(rng, at, 0.05, 0.4)
        settle(order, record, row, updated, seeded_id(rng, 24))
    if status in ("picked_up", "refunded", "disputed"):
        updated = builder.after(rng, updated, 5, 70)
        order["updatedAt"] = updated
        if status != "picked_up":
            record["updatedAt"] = updated
    order["idempotencyKey"] = None
    builder.put(f"materialsOrders/{order_id}", order, at, updated)
    for path in (f"payments/{session}", f"users/{member.uid}/payments/{session}"):
        builder.put(path, record, at, record["updatedAt"])
    if event is not None:
        webhook(builder, str(order["lastEventId"]), event, record["updatedAt"])


def settle(order: Plain, record: Plain, row: tuple, at: Timestamp, mark: str) -> None:
    """What a webhook writes into an order and its payment: `row` is one of STATES."""
    status, payment_status, record_status, event, _ = row
    intent = order["stripePaymentIntentId"] or f"pi_test_{mark}"
    event_id = f"evt_test_{mark}"
    order |= {
        "status": status,
        "paymentStatus": payment_status,
        "stripePaymentIntentId": intent,
        "lastEventId": event_id,
        "lastEventType": event,
        "updatedAt": at,
    }
    record |= {
        "status": record_status,
        "stripePaymentIntentId": intent,
        "lastEventId": event_id,
        "lastEventType": event,
        "eventIds": [*record["eventIds"], event_id],
        "updatedAt": at,
    }
    if payment_status in ("paid", "disputed", "refunded"):
        receipt = f"https://receipts.example.org/{mark}"
        order |= {"paidAt": order["paidAt"] or at, "receiptUrl": order["receiptUrl"] or receipt}
        record["receiptUrl"] = record["receiptUrl"] or receipt
    if payment_status == "disputed":
        dispute = {"stripeDisputeStatus": "needs_response", "stripeDisputeLifecycle": "opened"}
        order |= dispute
        record |= dispute


def webhook(builder: Builder, event_id: str, kind: str, at: Timestamp) -> None:
    data = {
        "type": kind,
        "mode": "test",
        "livemode": False,
        "receivedAt": at,
        "processingStartedAt": at,
        "processedAt": at,
        "ignored": False,
        "failureCode": None,
    }
    builder.put(f"stripeWebhookEvents/{event_id}", data, at)
