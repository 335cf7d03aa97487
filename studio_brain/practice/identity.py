"""The REST front of Auth: Identity Toolkit (sign-in, sign-up, lookup), the token service and the published keys.

Forms and codes: recorded exchanges of Google's own Auth emulator, with e-mail enumeration protection as in production
(a wrong address and a wrong password are told apart by nobody).
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import orjson

from .accounts import ID_TOKEN_SECONDS, Account, Accounts, TokenRefused, digest
from .clock import PracticeClock
from .ids import auto_id
from .keys import Keys, utc
from .refusals import Refused
from .wire import Reply, Request, reply

API_KEY = "practice"
KEYS_MAX_AGE = 19302
_PROJECT_NUMBER = "000000000042"
_TOOLKIT = "/identitytoolkit.googleapis.com/v1/accounts:"
_TOKEN = "/securetoken.googleapis.com/v1/token"  # noqa: S105  a path
_X509 = "/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
_JWK = "/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"


def operation(http_method: str, path: str) -> str | None:
    """`signInWithPassword`, `token`, ...; None when the path is none of Auth's."""
    if http_method == "POST":
        if path == _TOKEN:
            return "token"
        if path.startswith(_TOOLKIT):
            return path.removeprefix(_TOOLKIT)
    if http_method == "GET":
        return {_X509: "x509", _JWK: "jwk"}.get(path.replace("%40", "@"))
    return None


class Identity:
    def __init__(self, accounts: Accounts, clock: PracticeClock, keys: Keys) -> None:
        self._accounts = accounts
        self._clock = clock
        self._keys = keys
        self._operations: dict[str, Callable[[dict[str, Any]], Reply]] = {
            "signInWithPassword": self._sign_in,
            "signUp": self._sign_up,
            "lookup": self._lookup,
        }

    def answer(self, name: str, request: Request) -> Reply:
        if name == "x509":
            return self._published({self._keys.signing.kid: self._keys.signing.certificate(utc(self._clock.now_us()))})
        if name == "jwk":
            return self._published({"keys": [self._keys.signing.jwk]})
        key = dict(request.parameters()).get("key") or request.headers.get("x-goog-api-key")
        if not key:
            return _error(403, "The request is missing a valid API key.", "forbidden", "PERMISSION_DENIED")
        if key != API_KEY:
            return _error(400, "API key not valid. Please pass a valid API key.", "badRequest", "INVALID_ARGUMENT")
        if name == "token":
            return self._token(request)
        operation = self._operations.get(name)
        if operation is None:
            return _error(404, "Not Found", "notFound", "NOT_FOUND")
        try:
            body = request.json()
        except Refused as error:
            return _error(400, error.message, "badRequest", "INVALID_ARGUMENT")
        if not isinstance(body, dict):
            return _error(400, "Invalid JSON payload received.", "badRequest", "INVALID_ARGUMENT")
        return operation(body)

    def _published(self, body: dict[str, Any]) -> Reply:
        answer = reply(body)
        answer.headers["cache-control"] = f"public, max-age={KEYS_MAX_AGE}, must-revalidate, no-transform"
        return answer

    def _sign_in(self, body: dict[str, Any]) -> Reply:
        email, password = body.get("email"), body.get("password")
        if not isinstance(email, str) or not email:
            return _error(400, "MISSING_EMAIL" if not email else "INVALID_EMAIL")
        if "@" not in email:
            return _error(400, "INVALID_EMAIL")
        if not isinstance(password, str) or not password:
            return _error(400, "MISSING_PASSWORD")
        account = self._accounts.by_email(email)
        if account is None or not account.accepts(password):
            return _error(400, "INVALID_LOGIN_CREDENTIALS")
        if account.disabled:
            return _error(400, "USER_DISABLED")
        answer: dict[str, Any] = {
            "kind": "identitytoolkit#VerifyPasswordResponse",
            "localId": account.uid,
            "email": account.email,
            "displayName": account.display_name,
            "registered": True,
        }
        return reply(answer | self._session(account, body))

    def _session(self, account: Account, body: dict[str, Any]) -> dict[str, Any]:
        id_token, refresh_token = self._accounts.sign_in(account)
        session: dict[str, Any] = {"idToken": id_token}
        if body.get("returnSecureToken"):
            session |= {"refreshToken": refresh_token, "expiresIn": str(ID_TOKEN_SECONDS)}
        return session

    def _sign_up(self, body: dict[str, Any]) -> Reply:
        email, password = body.get("email"), body.get("password")
        if not isinstance(email, str) or not email:
            return _error(400, "ADMIN_ONLY_OPERATION" if email is None and password is None else "MISSING_EMAIL")
        if "@" not in email or len(email) > 256:
            return _error(400, "INVALID_EMAIL")
        if not isinstance(password, str) or not password:
            return _error(400, "MISSING_PASSWORD")
        if self._accounts.by_email(email) is not None:
            return _error(400, "EMAIL_EXISTS")
        if len(password) < 6:
            return _error(400, "WEAK_PASSWORD : Password should be at least 6 characters")
        account = Account(
            uid=auto_id() + auto_id()[:8],
            email=email,
            display_name=str(body.get("displayName") or "")[:256],
            digest=digest(password),
            created_ms=self._clock.now_ms(),
        )
        self._accounts.put(account)
        answer: dict[str, Any] = {
            "kind": "identitytoolkit#SignupNewUserResponse",
            "localId": account.uid,
            "email": account.email,
        }
        return reply(answer | self._session(account, body))

    def _lookup(self, body: dict[str, Any]) -> Reply:
        try:
            claims = self._accounts.verify(str(body.get("idToken", "")))
        except TokenRefused as error:
            return _error(400, str(error))
        account = self._accounts.get(claims["sub"])
        if account is None:
            return _error(400, "USER_NOT_FOUND")
        if account.disabled:
            return _error(400, "USER_DISABLED")
        if claims["auth_time"] < account.valid_since - 1:  # whole seconds: one of the same second is let through
            return _error(400, "TOKEN_EXPIRED")
        user: dict[str, Any] = {
            "localId": account.uid,
            "email": account.email,
            "displayName": account.display_name,
            "emailVerified": True,
            "validSince": str(account.valid_since),
            "createdAt": str(account.created_ms),
            "lastLoginAt": str(claims["auth_time"] * 1000),
            "providerUserInfo": [
                {"providerId": "password", "email": account.email, "federatedId": account.email, "rawId": account.email}
            ],
        }
        if account.claims:
            user["customAttributes"] = orjson.dumps(account.claims).decode()
        return reply({"kind": "identitytoolkit#GetAccountInfoResponse", "users": [user]})

    def _token(self, request: Request) -> Reply:
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        grant = form.get("grant_type")
        if not grant:
            return _error(400, "MISSING_GRANT_TYPE")
        if grant != "refresh_token":
            return _error(400, "INVALID_GRANT_TYPE")
        if not form.get("refresh_token"):
            return _error(400, "MISSING_REFRESH_TOKEN")
        try:
            account, id_token = self._accounts.refresh(form["refresh_token"])
        except TokenRefused as error:
            return _error(400, str(error))
        return reply(
            {
                "access_token": id_token,
                "expires_in": str(ID_TOKEN_SECONDS),
                "token_type": "Bearer",
                "refresh_token": form["refresh_token"],
                "id_token": id_token,
                "user_id": account.uid,
                "project_id": _PROJECT_NUMBER,
            }
        )


def _error(code: int, message: str, reason: str = "invalid", status: str | None = None) -> Reply:
    error: dict[str, Any] = {
        "code": code,
        "message": message,
        "errors": [{"message": message, "reason": reason, "domain": "global"}],
    }
    if status is not None:
        error["status"] = status
    return reply({"error": error}, code)
