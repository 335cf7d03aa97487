"""Software that acts for members: its clients, what it asks for, quotes, orders, and the delegations it works under."""

import random

from .. import clock, records
from ..ids import seeded_id
from ..plain import Plain, Timestamp, stamp
from .builder import Builder, Member

SCOPES = ("catalog:read", "quote:write", "reserve:write", "status:read", "requests:read", "requests:write")
FULFILMENT = ("queued", "scheduled", "loaded", "firing", "cooling", "ready", "picked_up", "shipped")
_STATUSES = (
    ("new", 20),
    ("triaged", 14),
    ("accepted", 12),
    ("in_progress", 14),
    ("ready", 8),
    ("fulfilled", 18),
    ("rejected", 7),
    ("cancelled", 7),
)
# status, paymentStatus, the steps of fulfilment it can have reached, parts of a hundred
_ORDERS = (
    ("payment_required", "checkout_pending", ("queued",), 22),
    ("payment_pending", "payment_pending", ("queued",), 12),
    ("paid", "paid", FULFILMENT[1:], 46),
    ("refunded", "refunded", ("queued", "ready"), 7),
    ("cancelled", "cancelled", ("queued",), 6),
    ("exception", "paid", ("exception",), 4),
    ("paid", "disputed", ("on_hold",), 3),
)
POLICY_VERSION = "2026-02-12.v1"


def build(builder: Builder) -> None:
    rng = builder.dice("agents")
    clients = [_client(builder, rng, row) for row in builder.studio["agentClients"]]
    names = [name for name, _ in _STATUSES]
    count = builder.scale(32, 700)
    statuses = names + rng.choices(names, [weight for _, weight in _STATUSES], k=max(0, count - len(names)))
    for status in statuses[:count]:
        _request(builder, rng, status)
    for row in rng.choices(_ORDERS, [row[3] for row in _ORDERS], k=builder.scale(16, 190)):
        _order(builder, rng, row, rng.choice(clients[:2]))
    _delegations(builder, rng, clients)
    _config(builder, rng)


def _client(builder: Builder, rng: random.Random, row: list[str]) -> str:
    client_id, name, status, tier = row
    at = builder.ago(rng, 60, 200)
    data = {
        "ownerUid": builder.members[rng.randrange(5)].uid,
        "createdByUid": builder.staff[0],
        "name": name,
        "status": status,
        "trustTier": tier,
        "scopes": list(SCOPES),
        "keyHash": f"{rng.getrandbits(256):064x}",
        "keyPrefix": f"mf_agent_v1.{client_id}",
        "keyLast4": seeded_id(rng, 4),
        "keyVersion": 1,
        "cooldownUntil": None,
        "cooldownReason": None,
        "rateLimits": {"perMinute": 60, "perHour": 600},
        "spendingLimits": {"orderMaxCents": 75_000, "maxOrdersPerHour": 30},
        "createdAt": at,
        "updatedAt": at,
        "lastUsedAt": None,
    }
    builder.put(f"agentClients/{client_id}", data, at)
    account = {
        "status": "active" if status == "active" else "on_hold",
        "independentEnabled": False,
        "prepayRequired": True,
        "prepaidBalanceCents": rng.randrange(0, 40) * 500,
        "dailySpendCapCents": 200_000,
        "spendDayKey": "",
        "spentTodayCents": 0,
        "spentByCategoryCents": {},
        "createdAt": at,
        "updatedAt": at,
        "updatedByUid": "system:init",
    }
    builder.put(f"agentAccounts/{client_id}", account, at)
    return client_id


def _request(builder: Builder, rng: random.Random, status: str) -> None:
    kind = rng.choice(tuple(builder.studio["agentRequests"]))
    member = builder.member(rng)
    closed = status in ("fulfilled", "rejected", "cancelled")
    at = builder.ago(rng, 6, 150) if closed else builder.ago(rng, 0, 25)
    request_id = seeded_id(rng)
    data = records.agent_request(
        member.uid,
        kind,
        rng.choice(builder.studio["agentRequests"][kind]),
        at,
        summary=rng.choice((None, "As we said on Tuesday.", "No hurry.")),
        logistics={"mode": rng.choice((None, "dropoff", "pickup", "ship_out", "local_delivery"))},
        createdByMode="pat" if rng.random() < 0.4 else "firebase",
    )
    if kind == "commission":
        data["status"] = "triaged"
        data["metadata"]["commissionPolicyVersion"] = POLICY_VERSION
        data["policy"] = {
            "version": POLICY_VERSION,
            "rightsAttested": True,
            "intendedUse": "A gift",
            "disposition": "review",
            "reasonCodes": ["manual_ip_review_required"],
            "reviewDecision": None,
            "reviewReasonCode": None,
            "reviewedAt": None,
            "reviewedByUid": None,
        }
        status = "triaged" if status == "new" else status
    _trace(builder, rng, request_id, at, "created", member.uid, {"kind": kind})
    if status != data["status"]:
        at = builder.after(rng, at, 1, 60)
        by = member.uid if status == "cancelled" else builder.clerk(rng)
        _trace(builder, rng, request_id, at, "status_changed", by, {"from": data["status"], "to": status})
        data["status"], data["updatedAt"] = status, at
        if status != "cancelled":
            data["staff"] = {"assignedToUid": by, "triagedAt": at, "internalNotes": None}
        if data["policy"] and status in ("accepted", "in_progress", "ready", "fulfilled", "rejected"):
            approved = status != "rejected"
            data["policy"] |= {
                "reviewDecision": "approved" if approved else "rejected",
                "reviewReasonCode": "rights_verified" if approved else "copyright_risk_unresolved",
                "reviewedAt": at,
                "reviewedByUid": by,
            }
    builder.put(f"agentRequests/{request_id}", data, data["createdAt"], data["updatedAt"])


def _trace(
    builder: Builder, rng: random.Random, request_id: str, at: Timestamp, kind: str, by: str, details: Plain
) -> None:
    row = {"at": at, "type": kind, "actorUid": by, "actorMode": "firebase", "details": details}
    builder.put(f"agentRequests/{request_id}/audit/{seeded_id(rng)}", row, at)


def _order(builder: Builder, rng: random.Random, row: tuple, client: str) -> None:
    status, payment_status, steps, _ = row
    member = builder.member(rng)
    at = (
        builder.ago(rng, 0, 8) if payment_status in ("checkout_pending", "payment_pending") else builder.ago(rng, 2, 90)
    )
    service, title, price, category = rng.choice(builder.studio["agentServices"])
    quantity = rng.randrange(1, 5)
    quote_id, reservation_id, order_id = (f"{kind}-{seeded_id(rng)}" for kind in ("quote", "areservation", "order"))
    updated = at if payment_status == "checkout_pending" else builder.after(rng, at, 0.2, 70)
    amount = price * quantity
    common = {"uid": member.uid, "agentClientId": client, "currency": "USD", "createdAt": at}
    quote = {
        **common,
        "quoteId": quote_id,
        "serviceId": service,
        "serviceTitle": title,
        "category": category,
        "quantity": quantity,
        "subtotalCents": amount,
        "status": "reserved",
        "expiresAt": stamp(at.us + 30 * clock.MINUTE),
        "updatedAt": at,
    }
    reservation = {
        **common,
        "reservationId": reservation_id,
        "quoteId": quote_id,
        "orderId": order_id,
        "status": "payment_required" if payment_status == "checkout_pending" else "reserved",
        "updatedAt": updated,
    }
    order = {
        **common,
        "orderId": order_id,
        "quoteId": quote_id,
        "reservationId": reservation_id,
        "agentRequestId": None,
        "amountCents": amount,
        "quantity": quantity,
        "priceId": f"price_{service.replace('-', '_')}",
        "mode": "test",
        "status": status,
        "paymentStatus": payment_status,
        "fulfillmentStatus": rng.choice(steps),
        "paymentProvider": "stripe",
        "stripeCheckoutSessionId": None if payment_status == "cancelled" else f"cs_test_{seeded_id(rng, 24)}",
        "stripePaymentIntentId": f"pi_test_{seeded_id(rng, 24)}" if payment_status in ("paid", "refunded") else None,
        "updatedAt": updated,
    }
    builder.put(f"agentQuotes/{quote_id}", quote, at)
    builder.put(f"agentReservations/{reservation_id}", reservation, at, updated)
    builder.put(f"agentOrders/{order_id}", order, at, updated)
    trace = {"actorUid": member.uid, "actorMode": "delegated", "action": "agent_order_created", "orderId": order_id}
    builder.put(f"agentAuditLogs/{seeded_id(rng)}", trace | {"agentClientId": client, "createdAt": at}, at)


def _delegations(builder: Builder, rng: random.Random, clients: list[str]) -> None:
    for number in range(builder.scale(5, 60)):
        owner: Member = builder.members[number % len(builder.members)]
        at = builder.ago(rng, 1, 60)
        revoked = number % 3 == 2
        until = builder.after(rng, at, 1, 30) if revoked else None
        data = {
            "ownerUid": owner.uid,
            "agentClientId": clients[number % 2],
            "scopes": list(SCOPES[: 2 + number % 4]),
            "resources": [f"owner:{owner.uid}"],
            "status": "revoked" if revoked else "active",
            "note": rng.choice((None, "For the holiday market.")),
            "createdBy": owner.uid,
            "createdAt": at,
            "updatedAt": until or at,
            "expiresAt": stamp(builder.now_us + 30 * clock.DAY) if number == 0 else stamp(at.us + 300 * clock.SECOND),
            "revokedAt": until,
        }
        if revoked:
            data |= {"updatedBy": builder.staff[0], "revokeReason": "Not needed any more."}
        builder.put(f"delegations/{seeded_id(rng)}", data, at, until or at)
    for number in range(2):
        at = builder.ago(rng, 20, 90)
        token = {
            "ownerUid": builder.members[number].uid,
            "label": ("Shelf watcher", "Calendar feed")[number],
            "scopes": ["batches:read", "timeline:read", "events:read"],
            "secretHash": f"{rng.getrandbits(256):064x}",
            "createdAt": at,
            "updatedAt": at,
            "lastUsedAt": None,
            "revokedAt": None,
        }
        builder.put(f"integrationTokens/{seeded_id(rng, 22)}", token, at)


def _config(builder: Builder, rng: random.Random) -> None:
    at = builder.ago(rng, 60, 90)
    by = {"updatedAt": at, "updatedByUid": builder.staff[0]}
    builder.put("config/agentOps", {"enabled": True, "allowPayments": True, **by}, at)
    builder.put("config/agentTerms", {"currentVersion": POLICY_VERSION, "termsUrl": None, **by}, at)
