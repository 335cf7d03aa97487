"""What agents ask of the studio, as staff see and decide it.

Fault kept: `listStaff` reads 500 documents in no order and filters them afterwards; with more than 500 it leaves some
out and does not say so.
"""

from typing import Any

from ..plain import Plain, Timestamp
from .agents import trail
from .schema import Number, Object, OneOf, Text
from .v1 import Problem, Visit, bad, forbidden, missing

STATUSES = ("new", "triaged", "accepted", "in_progress", "ready", "fulfilled", "rejected", "cancelled")
KINDS = ("firing", "pickup", "delivery", "shipping", "commission", "x1c_print", "other")
READ_AT_MOST = 500
POLICY_VERSION = "2026-02-12.v1"
_DECISIONS = (
    "rights_verified",
    "licensed_use_verified",
    "staff_discretion_low_risk",
    "prohibited_content",
    "copyright_risk_unresolved",
    "illegal_request",
    "insufficient_rights_attestation",
)
_LIST = Object(
    {
        "status": OneOf(("all", *STATUSES)).optional(),
        "kind": OneOf(("all", *KINDS)).optional(),
        "limit": Number(whole=True, least=1, most=500).optional(),
    }
)
_UPDATE = Object(
    {
        "requestId": Text(1),
        "status": OneOf(STATUSES),
        "reason": Text(most=500).nullish(),
        "reasonCode": Text(most=120).nullish(),
    }
)


def row_of(key: str, data: Plain) -> Plain:
    """A request as lists show it."""
    staff = data.get("staff") or {}
    return {
        "id": key,
        **{name: data.get(name) for name in ("createdByUid", "createdByMode", "createdByTokenId", "title", "summary")},
        **{name: data.get(name) for name in ("notes", "kind", "status", "linkedBatchId")},
        "logisticsMode": (data.get("logistics") or {}).get("mode"),
        "createdAt": data.get("createdAt"),
        "updatedAt": data.get("updatedAt"),
        "staffAssignedToUid": staff.get("assignedToUid"),
        "staffTriagedAt": staff.get("triagedAt"),
        "staffInternalNotes": staff.get("internalNotes"),
        "constraints": data.get("constraints") or {},
        "metadata": data.get("metadata") or {},
        "commissionOrderId": data.get("commissionOrderId"),
        "commissionPaymentStatus": data.get("commissionPaymentStatus"),
    }


def list_staff(visit: Visit) -> Plain:
    visit.need_scope("requests:read")
    if not visit.staff:
        raise forbidden()
    data = visit.body(_LIST)
    status, kind = data.get("status") or "all", data.get("kind") or "all"
    rows = []
    for number, (key, row) in enumerate(visit.documents.scan("agentRequests")):
        if number == READ_AT_MOST:
            break
        if status in ("all", row.get("status")) and kind in ("all", row.get("kind")):
            rows.append(row_of(key, row))
    rows.sort(key=_seconds, reverse=True)
    rows = rows[: data.get("limit") or 120]
    trail(
        visit.documents,
        visit.uid,
        "agent_requests_list_staff",
        visit.caller.mode,
        requestId=visit.request_id,
        statusFilter=status,
        kindFilter=kind,
        returned=len(rows),
    )
    return {"requests": rows}


def _seconds(row: Plain) -> int:
    updated = row.get("updatedAt")
    return updated.us // 1_000_000 if isinstance(updated, Timestamp) else 0


def update_status(visit: Visit) -> Plain:
    """Staff set any status; an owner may only cancel."""
    visit.need_scope("requests:write")
    data = visit.body(_UPDATE)
    request_id, status = data["requestId"], data["status"]
    path = f"agentRequests/{request_id}"
    row = visit.documents.get(path)
    if row is None:
        raise missing("Request not found")
    owner = row.get("createdByUid") or ""
    reason, code = _text(data.get("reason")), _text(data.get("reasonCode"))
    commission = row.get("kind") == "commission"
    if commission and visit.staff and status in ("accepted", "rejected"):
        if code is None:
            message = "Commission status updates to accepted/rejected require reasonCode."
            raise Problem(400, "FAILED_PRECONDITION", message, {"policyVersion": POLICY_VERSION})
        if code not in _DECISIONS:
            problem = bad("Unsupported reasonCode for commission review decision.")
            problem.details = {"allowed": list(_DECISIONS)}
            raise problem
    visit.need_owner("agent_request_status_update", owner, request_id, "requests:write")
    if not visit.staff and not (owner == visit.uid and status == "cancelled"):
        raise forbidden()
    at = visit.documents.now()
    patch: Plain = {"status": status, "updatedAt": at}
    if visit.staff:
        patch["staff"] = {"assignedToUid": visit.uid, "triagedAt": at, "internalNotes": reason}
        if commission:
            patch["policy"] = _reviewed(row.get("policy") or {}, status, code, at, visit.uid)
    visit.documents.merge(path, patch)
    policy_version = POLICY_VERSION if commission else None
    details = {"from": row.get("status") or "new", "to": status, "reason": reason, "reasonCode": code}
    visit.documents.add(
        f"{path}/audit",
        {
            "at": at,
            "type": "status_changed",
            "actorUid": visit.uid,
            "actorMode": visit.caller.mode,
            "details": {**details, "policyVersion": policy_version},
        },
    )
    trail(
        visit.documents,
        visit.uid,
        "agent_request_status_updated",
        visit.caller.mode,
        requestId=visit.request_id,
        agentRequestId=request_id,
        status=status,
        reason=reason,
        reasonCode=code,
        policyVersion=policy_version,
    )
    return {"agentRequestId": request_id, "status": status}


def _reviewed(policy: Plain, status: str, code: str | None, at: Timestamp, uid: str) -> Plain:
    decided = status in ("accepted", "rejected")
    words = {"accepted": "approved", "rejected": "rejected"}
    return {
        **policy,
        "version": policy.get("version") or POLICY_VERSION,
        "reviewDecision": words.get(status, policy.get("reviewDecision")),
        "reviewReasonCode": code or policy.get("reviewReasonCode"),
        "reviewedAt": at if decided else policy.get("reviewedAt"),
        "reviewedByUid": uid if decided else policy.get("reviewedByUid"),
    }


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
