"""What staff see and decide of agents' business: quotes, reservations, orders; and the cloud's switch for agents."""

from typing import Any

from ..plain import Plain
from ..wire import Reply
from .call import Call, Function, fail, ok
from .documents import Documents
from .schema import Flag, Number, Object, OneOf, Text

STEPS = ("queued", "scheduled", "loaded", "firing", "cooling", "ready", "picked_up", "shipped")
_FINAL = ("picked_up", "shipped", "exception")
_DENIALS = {
    "agent_quote_denied_risk_limit": "quoteLimit",
    "agent_pay_denied_risk_limit": "payLimit",
    "agent_pay_denied_velocity": "velocity",
}


def trail(documents: Documents, uid: str | None, action: str, mode: str = "firebase", **more: Any) -> None:
    """A row of `agentAuditLogs`."""
    row = {"actorUid": uid, "actorMode": mode, "action": action, **more, "createdAt": documents.now()}
    documents.add("agentAuditLogs", row)


def agent_switch(documents: Documents) -> Plain:
    """`config/agentOps`: on unless it says off."""
    row = documents.get("config/agentOps") or {}
    return {"enabled": row.get("enabled") is not False, "allowPayments": row.get("allowPayments") is not False}


def may_follow(before: str, after: str) -> bool:
    """One step forward at a time; an exception from anywhere, and nothing after one."""
    if before == after or after == "exception":
        return True
    if before in _FINAL or before not in STEPS or after not in STEPS:
        return False
    return STEPS.index(after) == STEPS.index(before) + 1


def _list(call: Call, data: Plain) -> Reply:
    limit = data.get("limit") or 80

    def newest(collection: str, field: str, count: int) -> list[Plain]:
        return [{"id": key, **row} for key, row in call.documents.newest(collection, field, count)]

    quotes = newest("agentQuotes", "createdAt", limit)
    reservations = newest("agentReservations", "createdAt", limit)
    orders = newest("agentOrders", "updatedAt", limit)
    audit = newest("agentAuditLogs", "createdAt", max(limit, 300))
    risk: dict[str, dict[str, int]] = {}
    for row in audit:
        kind, client = _DENIALS.get(row.get("action", "")), row.get("agentClientId")
        if kind and client:
            counts = risk.setdefault(client, {"total": 0, "quoteLimit": 0, "payLimit": 0, "velocity": 0})
            counts["total"] += 1
            counts[kind] += 1
    snapshot = {
        "quotes": len(quotes),
        "reservations": len(reservations),
        "orders": len(orders),
        "auditEvents": len(audit),
        "riskDeniedEvents": sum(counts["total"] for counts in risk.values()),
    }
    return ok(
        snapshot=snapshot, quotes=quotes, reservations=reservations, orders=orders, audit=audit, riskByClient=risk
    )


def _fulfil(call: Call, data: Plain) -> Reply:
    order_id, after = data["orderId"].strip(), data["toStatus"]
    path = f"agentOrders/{order_id}"
    order = call.documents.get(path)
    if order is None:
        return fail(404, "Order not found")
    before = order.get("fulfillmentStatus") or "queued"
    if not may_follow(before, after):
        return fail(409, f"Invalid fulfillment transition: {before} -> {after}")
    if order.get("paymentStatus") not in ("paid", "payment_succeeded") and after != "exception":
        return fail(409, "Order must be paid before non-exception fulfillment updates.")
    at = call.documents.now()
    reason = (data.get("reason") or "").strip() or None
    patch = {
        "fulfillmentStatus": after,
        "status": "exception" if after == "exception" else order.get("status") or "paid",
        "fulfillmentUpdatedAt": at,
        "fulfillmentUpdatedByUid": call.uid,
        "fulfillmentReason": reason,
        "updatedAt": at,
    }
    call.documents.merge(path, patch)
    steps = {"orderId": order_id, "fromStatus": before, "toStatus": after}
    trail(call.documents, call.uid, "agent_order_fulfillment_updated", **steps, reason=reason)
    return ok(**steps)


def _read_switch(call: Call, _data: Any) -> Reply:
    return ok(config=agent_switch(call.documents))


def _set_switch(call: Call, data: Plain) -> Reply:
    at = call.documents.now()
    patch: Plain = {"updatedAt": at, "updatedByUid": call.uid}
    patch |= {name: data[name] for name in ("enabled", "allowPayments") if isinstance(data.get(name), bool)}
    reason = (data.get("reason") or "").strip() or None
    if (data.get("enabled") is False or data.get("allowPayments") is False) and not reason:
        return fail(400, "Reason is required when disabling agent controls.")
    if reason:
        patch["lastControlReason"] = reason
    call.documents.merge("config/agentOps", patch)
    trail(call.documents, call.uid, "agent_ops_config_updated", patch=patch, reason=reason)
    return ok(config=agent_switch(call.documents))


_REASON = Text(most=500).nullish()

FUNCTIONS = {
    "staffListAgentOperations": Function(
        _list, Object({"limit": Number(whole=True, least=1, most=200).optional()}), denied="Unauthorized"
    ),
    "staffUpdateAgentOrderFulfillment": Function(
        _fulfil,
        Object({"orderId": Text(1), "toStatus": OneOf((*STEPS, "exception")), "reason": _REASON}),
        denied="Unauthorized",
    ),
    "staffGetAgentOpsConfig": Function(_read_switch, denied="Unauthorized"),
    "staffUpdateAgentOpsConfig": Function(
        _set_switch,
        Object({"enabled": Flag().optional(), "allowPayments": Flag().optional(), "reason": _REASON}),
        denied="Unauthorized",
    ),
}
