"""The trails that the cloud keeps of calls by itself: who asked what, and what was refused."""

from typing import Any

from ..wire import Reply
from .call import Call, is_staff, ok
from .callers import Caller


def audit_event(
    call: Call,
    request_id: str,
    action: str,
    resource: str,
    result: str,
    *,
    resource_id: str | None = None,
    owner: str | None = None,
    reason: str | None = None,
    caller: Caller | None = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """A row of `auditEvents`. `resource` is its type, `result` allow, deny or error."""
    mode = caller.mode if caller else "unknown"
    kinds = {"delegated": "agent_delegated", "pat": "agent_pat", "unknown": "unknown"}
    if caller is not None and mode == "firebase":
        kinds["firebase"] = "staff" if is_staff(caller.claims) else "human"
    delegated: dict[str, Any] = {}
    if caller is not None and caller.delegated is not None:
        delegated = {
            "delegationId": caller.delegated.get("delegationId"),
            "delegationAudience": caller.delegated.get("aud"),
            "agentClientId": caller.delegated.get("agentClientId"),
        }
    call.documents.add(
        "auditEvents",
        {
            "at": call.documents.now(),
            "requestId": request_id,
            "action": action,
            "resourceType": resource,
            "resourceId": resource_id,
            "ownerUid": owner,
            "result": result,
            "reasonCode": reason,
            "actorUid": caller.uid if caller else None,
            "actorType": kinds[mode],
            "actorMode": mode,
            "tokenId": caller.token_id if caller else None,
            "metadata": delegated | (metadata or {}),
            "ipHash": call.ip_hash(),
            "userAgent": call.request.headers.get("user-agent", "")[:200] or None,
        },
    )


def list_security_events(call: Call, data: dict[str, Any]) -> Reply:
    """The newest rows of `securityAudit`, filtered after at most 500 have been read."""
    limit = data.get("limit") or 80
    rows = [{"id": key, **row} for key, row in call.documents.newest("securityAudit", "at", 500)]
    for name in ("outcome", "mode", "code"):
        wanted = data.get(name) or "all"
        if wanted != "all":
            rows = [row for row in rows if row.get(name) == wanted]
    return ok(rows=rows[:limit])
