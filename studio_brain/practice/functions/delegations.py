"""Delegated agent tokens: issuing one, listing and revoking the delegations behind them."""

from ..clock import SECOND
from ..ids import auto_id
from ..plain import Plain, stamp
from ..wire import Reply
from .audit import audit_event
from .call import Call, Function, fail, ok
from .callers import Caller, issue
from .limits import Limit
from .schema import Flag, ListOf, Number, Object, Text

_WARNING = "Delegated token is short-lived and single-use (nonce protected)."


def _caller(call: Call) -> Caller:
    return Caller("firebase", str(call.uid), call.claims)


def _distinct(given: list[str]) -> list[str]:
    return list(dict.fromkeys(text for one in given if (text := one.strip())))


def _create(call: Call, data: Plain) -> Reply:
    client_id = data["agentClientId"]
    client = call.documents.get(f"agentClients/{client_id}")
    if client is None:
        return fail(404, "Agent client not found")
    if client.get("status", "active") != "active":
        return fail(400, "Agent client must be active for delegated tokens.")
    owner = client.get("ownerUid") or client.get("createdByUid") or ""
    if not call.staff and owner and owner != call.uid:
        return fail(403, "Forbidden")
    scopes = _distinct(data["scopes"])
    if not scopes:
        return fail(400, "At least one scope is required.")
    missing = [scope for scope in scopes if scope not in (client.get("scopes") or [])]
    if missing:
        return fail(403, f"Agent client missing scope(s): {', '.join(missing)}")
    principal = data.get("principalUid") or str(call.uid)
    if principal != call.uid and not call.staff:
        return fail(403, "Only staff can issue delegated tokens for other principals.")
    ttl = data.get("ttlSeconds") or 300
    resources = _distinct(data.get("resources") or [])
    if f"owner:{principal}" not in resources:
        resources.append(f"owner:{principal}")
    at = call.documents.now()
    delegation_id = auto_id()
    call.documents.set(
        f"delegations/{delegation_id}",
        {
            "ownerUid": principal,
            "agentClientId": client_id,
            "scopes": scopes,
            "resources": resources,
            "status": "active",
            "note": data.get("note"),
            "createdBy": call.uid,
            "createdAt": at,
            "updatedAt": at,
            "expiresAt": stamp(at.us + ttl * SECOND),
            "revokedAt": None,
        },
    )
    token, payload = issue(call, principal, client_id, scopes, ttl, data.get("audience"))
    request_id = call.request_id()
    call.documents.add(
        "agentClientAuditLogs",
        {
            "actorUid": call.uid,
            "action": "issue_delegated_token",
            "clientId": client_id,
            "metadata": {
                "requestId": request_id,
                "delegationId": delegation_id,
                "principalUid": principal,
                "scopes": scopes,
                "ttlSeconds": ttl,
                "audience": payload["aud"],
                "expiresAtMs": payload["exp"],
                "nonce": payload["nonce"],
                "strictDelegationChecksEnabled": False,
            },
            "createdAt": at,
        },
    )
    audit_event(
        call,
        request_id,
        "create_delegated_agent_token",
        "delegation",
        "allow",
        resource_id=delegation_id,
        owner=principal,
        caller=_caller(call),
        metadata={"agentClientId": client_id, "scopeCount": len(scopes)},
    )
    return ok(
        delegatedToken=token,
        delegationId=delegation_id,
        expiresAtMs=payload["exp"],
        audience=payload["aud"],
        principalUid=principal,
        mode="delegated",
        warning=_WARNING,
    )


def _list(call: Call, data: Plain) -> Reply:
    owner = data.get("ownerUid") or str(call.uid)
    if not call.staff and owner != call.uid:
        return fail(403, "Forbidden")
    revoked_too = data.get("includeRevoked") is True
    found = call.documents.where("delegations", "ownerUid", owner)[: data.get("limit") or 100]
    rows = [{"id": key, **row} for key, row in found if revoked_too or not row.get("revokedAt")]
    rows.sort(key=lambda row: row["createdAt"].us // SECOND, reverse=True)
    audit_event(
        call,
        call.request_id(),
        "list_delegations",
        "delegation",
        "allow",
        owner=owner,
        caller=_caller(call),
        metadata={"count": len(rows), "includeRevoked": revoked_too},
    )
    return ok(ownerUid=owner, rows=rows)


def _revoke(call: Call, data: Plain) -> Reply:
    delegation_id = data["delegationId"].strip()
    path = f"delegations/{delegation_id}"
    delegation = call.documents.get(path)
    if delegation is None:
        return fail(404, "Delegation not found")
    owner = data.get("ownerUid") or delegation.get("ownerUid") or ""
    if not call.staff and owner != call.uid:
        return fail(403, "Forbidden")
    at = call.documents.now()
    patch = {"status": "revoked", "revokedAt": at, "updatedAt": at, "updatedBy": call.uid}
    call.documents.merge(path, patch | {"revokeReason": data.get("reason")})
    audit_event(
        call,
        call.request_id(),
        "revoke_delegation",
        "delegation",
        "allow",
        resource_id=delegation_id,
        owner=owner,
        reason="MANUAL_REVOCATION",
        caller=_caller(call),
        metadata={"reason": data.get("reason")},
    )
    return ok(delegationId=delegation_id)


FUNCTIONS = {
    "createDelegatedAgentToken": Function(
        _create,
        Object(
            {
                "agentClientId": Text(1, 120),
                "scopes": ListOf(Text(1, 120), 1, 20),
                "ttlSeconds": Number(whole=True, least=30, most=600).optional(),
                "audience": Text(1, 120).nullish(),
                "principalUid": Text(1, 128).nullish(),
                "resources": ListOf(Text(1, 200), most=20).optional(),
                "note": Text(most=240).nullish(),
            }
        ),
        limit=Limit("createDelegatedAgentToken", 30),
    ),
    "listDelegations": Function(
        _list,
        Object(
            {
                "ownerUid": Text(1, 128).nullish(),
                "includeRevoked": Flag().optional(),
                "limit": Number(whole=True, least=1, most=200).optional(),
            }
        ),
        limit=Limit("listDelegations", 90),
    ),
    "revokeDelegation": Function(
        _revoke,
        Object(
            {
                "delegationId": Text(1, 200),
                "ownerUid": Text(1, 128).nullish(),
                "reason": Text(most=240).nullish(),
            }
        ),
        limit=Limit("revokeDelegation", 30),
    ),
}
