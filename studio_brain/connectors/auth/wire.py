"""Firebase Auth's REST as bytes and values.

Source: Identity Toolkit v1 `accounts:signInWithPassword` (camelCase) and Secure Token v1 `token` (form in, snake_case
out, `expires_in` as text). Errors are `{"error":{"message":"CODE : free text"}}`.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson

from ...kernel.ports import ConnectorError
from ...kernel.reasons import ReasonCode
from ..transport import Reply

FINAL = frozenset(
    {
        "USER_DISABLED", "USER_NOT_FOUND", "TOKEN_EXPIRED", "INVALID_REFRESH_TOKEN", "EMAIL_NOT_FOUND",
        "INVALID_PASSWORD", "INVALID_LOGIN_CREDENTIALS", "INVALID_EMAIL", "INVALID_GRANT_TYPE", "MISSING_REFRESH_TOKEN",
    }
)  # fmt: skip
"""Answers after which the secret is of no more use: sign in again."""

_PASSING = frozenset({"TOO_MANY_ATTEMPTS_TRY_LATER", "QUOTA_EXCEEDED"})


class SignInRefused(ConnectorError):
    """The account is not accepted; `cloud_code` is the cloud's own word."""

    code = ReasonCode.AUTH

    def __init__(self, cloud_code: str) -> None:
        super().__init__(cloud_code)
        self.cloud_code = cloud_code


@dataclass(frozen=True, slots=True)
class Tokens:
    """An ID token and what renews it. `lifetime_s` counts from when it was given."""

    uid: str
    id_token: str
    refresh_token: str
    lifetime_s: int

    def __repr__(self) -> str:
        return f"Tokens({self.uid}, …)"


def password_request(email: str, password: str) -> bytes:
    return orjson.dumps({"email": email, "password": password, "returnSecureToken": True})


def refresh_request(refresh_token: str) -> bytes:
    return urlencode({"grant_type": "refresh_token", "refresh_token": refresh_token}).encode()


def signed_in(reply: Reply) -> Tokens:
    document = _answer(reply)
    return _tokens(document, "localId", "idToken", "refreshToken", "expiresIn")


def refreshed(reply: Reply) -> Tokens:
    document = _answer(reply)
    return _tokens(document, "user_id", "id_token", "refresh_token", "expires_in")


def claims(id_token: str) -> dict[str, Any]:
    """The payload of a token, not verified: for showing roles. The cloud verifies it at every call."""
    try:
        part = id_token.split(".")[1]
        parsed = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError, binascii.Error) as error:
        raise ConnectorError("an ID token of another form", code=ReasonCode.BAD_RESPONSE) from error
    if not isinstance(parsed, dict):
        raise ConnectorError("an ID token of another form", code=ReasonCode.BAD_RESPONSE)
    return parsed


def is_staff(claims: Mapping[str, Any]) -> bool:
    """The cloud's own rule: `staff` true, or, where `staff` is no boolean, `roles` holds exactly `staff`. `admin` alone
    is not staff."""
    staff = claims.get("staff")
    if isinstance(staff, bool):
        return staff
    roles = claims.get("roles")
    return isinstance(roles, list) and "staff" in roles


def _answer(reply: Reply) -> Mapping[str, Any]:
    document = reply.json()
    if reply.status == 200 and isinstance(document, dict):
        return document
    fault = document.get("error") if isinstance(document, dict) else None
    message = str(fault.get("message", "")) if isinstance(fault, dict) else ""
    word = message.split(" : ")[0].strip()
    if word in FINAL:
        raise SignInRefused(word)
    if word in _PASSING or reply.status == 429:
        raise ConnectorError(
            word or "429", code=ReasonCode.RATE_LIMITED, retryable=True, retry_after_s=reply.retry_after_s()
        )
    if reply.status >= 500:
        raise ConnectorError(f"HTTP {reply.status}", code=ReasonCode.UNAVAILABLE, retryable=True)
    raise ConnectorError(f"HTTP {reply.status} {word}".strip(), code=ReasonCode.BAD_RESPONSE)


def _tokens(document: Mapping[str, Any], uid: str, id_token: str, refresh: str, expires: str) -> Tokens:
    try:
        result = Tokens(
            str(document[uid]), str(document[id_token]), str(document[refresh]), int(str(document[expires]))
        )
    except (KeyError, ValueError) as error:
        raise ConnectorError(f"a sign-in answer without {error}", code=ReasonCode.BAD_RESPONSE) from error
    if not result.uid or not result.id_token:
        raise ConnectorError("an empty sign-in answer", code=ReasonCode.BAD_RESPONSE)
    return result
