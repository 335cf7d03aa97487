"""The three ways of calling a v1 route: a person's ID token, a personal access token, a delegated agent token.

Each refusal leaves a row in `securityAudit` with its code. A delegated token is signed, short-lived and used once.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any

import orjson

from ..plain import Plain, stamp
from .call import Call

DELEGATED_PREFIX = "mf_dlg_v1"
PAT_PREFIX = "mf_pat_v1"
AUDIENCE = "monsoonfire-agent-v1"
MAX_AGE_MS = 10 * 60 * 1000
MAX_AHEAD_MS = 60_000
_TEXTS = ("principalUid", "agentClientId", "aud", "nonce")


@dataclass(frozen=True, slots=True)
class Caller:
    """`mode` is firebase, pat or delegated; only the first has claims, only the others have scopes."""

    mode: str
    uid: str
    claims: dict[str, Any] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()
    token_id: str | None = None
    delegated: Plain | None = None

    def lacks(self, scope: str) -> str | None:
        """What is answered when a token does not carry the scope."""
        if self.mode == "firebase" or scope in self.scopes:
            return None
        return f"Missing scope(s): {scope}"


class Unknown(Exception):
    """The caller is not known; the message is the answer's."""


def identify(call: Call) -> Caller:
    """Raises Unknown."""
    token = call.request.bearer()
    if token is None:
        security_event(call, "auth_missing_authorization", "deny", "MISSING_AUTH_HEADER", "unknown")
        raise Unknown("Missing Authorization header")
    if token.startswith(f"{DELEGATED_PREFIX}."):
        return _delegated(call, token)
    if token.startswith(f"{PAT_PREFIX}."):
        return _personal(call, token)
    refused = call.sign_in()
    if refused is not None or call.uid is None:
        raise Unknown(refused or "Invalid Authorization token")
    return Caller("firebase", call.uid, call.claims)


def security_event(
    call: Call, kind: str, outcome: str, code: str, mode: str, uid: str | None = None, token_id: str | None = None
) -> None:
    call.documents.add(
        "securityAudit",
        {
            "at": call.documents.now(),
            "type": kind,
            "outcome": outcome,
            "code": code,
            "uid": uid,
            "mode": mode,
            "tokenId": token_id,
            "ipHash": call.ip_hash(),
            "ua": call.request.headers.get("user-agent", "")[:200] or None,
            "requestId": None,
            "path": call.path or None,
            "metadata": None,
        },
    )


def _signature(call: Call, payload: str) -> str:
    mac = hmac.digest(call.keys.delegation, payload.encode(), "sha256")
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def issue(
    call: Call, principal: str, client: str, scopes: list[str], ttl_s: int, audience: str | None
) -> tuple[str, Plain]:
    """(token, payload) of a new delegated token, valid 30 to 600 seconds."""
    now = call.clock.now_ms()
    payload: Plain = {
        "principalUid": principal,
        "agentClientId": client,
        "scopes": scopes,
        "aud": (audience or "").strip() or AUDIENCE,
        "exp": now + max(30, min(ttl_s, 600)) * 1000,
        "iat": now,
        "nonce": secrets.token_urlsafe(12),
    }
    encoded = base64.urlsafe_b64encode(orjson.dumps(payload)).rstrip(b"=").decode()
    return f"{DELEGATED_PREFIX}.{encoded}.{_signature(call, encoded)}", payload


def _payload(encoded: str) -> Plain | None:
    try:
        data = orjson.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    texts = all(isinstance(data.get(name), str) and data[name] for name in _TEXTS)
    times = all(type(data.get(name)) is int and data[name] > 0 for name in ("exp", "iat"))
    return data if texts and times and isinstance(data.get("scopes"), list) and data["scopes"] else None


def _delegated(call: Call, token: str) -> Caller:
    def refuse(code: str, payload: Plain | None = None) -> Unknown:
        known = payload or {}
        security_event(
            call,
            "auth_delegated_denied",
            "deny",
            f"DELEGATED_{code}",
            "delegated",
            known.get("principalUid"),
            known.get("agentClientId"),
        )
        return Unknown("Unauthorized")

    parts = token.split(".")
    if len(parts) != 3 or not all(parts):
        raise refuse("PARSE_FAILED")
    if not hmac.compare_digest(_signature(call, parts[1]), parts[2]):
        raise refuse("SIGNATURE_INVALID")
    payload = _payload(parts[1])
    if payload is None:
        raise refuse("PAYLOAD_INVALID")
    if payload["aud"] != AUDIENCE:
        raise refuse("AUDIENCE_MISMATCH", {"agentClientId": payload["agentClientId"]})
    now = call.clock.now_ms()
    if payload["exp"] <= now:
        raise refuse("EXPIRED", payload)
    if payload["iat"] > now + MAX_AHEAD_MS:
        raise refuse("ISSUED_IN_FUTURE", payload)
    if now - payload["iat"] > MAX_AGE_MS:
        raise refuse("TOKEN_TOO_OLD", payload)
    client_path = f"agentClients/{payload['agentClientId']}"
    client = call.documents.get(client_path)
    if client is None:
        raise refuse("CLIENT_NOT_FOUND", payload)
    if client.get("status", "active") != "active":
        raise refuse("CLIENT_INACTIVE", payload)
    if not set(payload["scopes"]) <= set(client.get("scopes") or []):
        raise refuse("SCOPE_INVALID", payload)
    mark = f"{payload['nonce']}:{payload['agentClientId']}:{payload['principalUid']}:{payload['exp']}"
    nonce_path = f"delegatedTokenNonces/{hashlib.sha256(mark.encode()).hexdigest()[:40]}"
    if call.documents.exists(nonce_path):
        raise refuse("NONCE_REPLAY", payload)
    at = call.documents.now()
    call.documents.set(
        nonce_path,
        {
            "nonce": payload["nonce"],
            "principalUid": payload["principalUid"],
            "agentClientId": payload["agentClientId"],
            "expMs": payload["exp"],
            "aud": payload["aud"],
            "createdAt": at,
            "expiresAt": stamp(payload["exp"] * 1000),
        },
    )
    call.documents.merge(client_path, {"lastUsedAt": at, "updatedAt": at})
    call.uid = payload["principalUid"]
    security_event(
        call, "auth_delegated_ok", "ok", "DELEGATED_AUTH_OK", "delegated", call.uid, payload["agentClientId"]
    )
    return Caller("delegated", call.uid, {}, tuple(payload["scopes"]), payload["agentClientId"], payload)


def _personal(call: Call, token: str) -> Caller:
    """A personal access token. Those of the made-up world have secrets that nobody knows, so each is refused."""
    parts = token.split(".")
    if len(parts) != 3 or not all(parts):
        code, token_id = "PAT_PARSE_FAILED", None
    else:
        token_id = parts[1]
        known = call.documents.get(f"integrationTokens/{token_id}")
        if known is None:
            code = "PAT_TOKEN_NOT_FOUND"
        elif known.get("revokedAt"):
            code = "PAT_REVOKED_OR_INVALID"
        else:
            code = "PAT_HASH_MISMATCH"
    security_event(call, "auth_pat_denied", "deny", code, "pat", None, token_id)
    raise Unknown("Unauthorized")
