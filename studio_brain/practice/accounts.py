"""Who can sign in: the accounts of the practice studio's Auth, and their tokens.

ID tokens are RS256-signed JWTs as Firebase issues them, valid for an hour of practice time. A refresh token is an
account id, the time of its sign-in and an HMAC: it needs no table and survives a restart. Revoking moves the account's
`valid_since`; a refresh token from before it is TOKEN_EXPIRED.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import orjson

from .clock import SECOND, PracticeClock
from .keys import Keys

ID_TOKEN_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Account:
    """`password` is a published one of the made-up world; `digest` (salt and scrypt) that of somebody who signed up."""

    uid: str
    email: str
    display_name: str
    password: str | None = None
    digest: str | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    title: str | None = None
    disabled: bool = False
    created_ms: int = 0
    valid_since: int = 0

    @property
    def staff(self) -> bool:
        roles = self.claims.get("roles")
        explicit = self.claims.get("staff")
        return explicit if isinstance(explicit, bool) else isinstance(roles, list) and "staff" in roles

    def accepts(self, password: str) -> bool:
        if self.password is not None:
            return hmac.compare_digest(self.password.encode(), password.encode())
        return self.digest is not None and hmac.compare_digest(self.digest, digest(password, self.digest[:32]))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def digest(password: str, salt: str | None = None) -> str:
    """32 hex digits of salt, then scrypt of the password: cheap, since nothing here protects anybody."""
    salt = salt or secrets.token_hex(16)
    return salt + hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=2**10, r=8, p=1).hex()


class TokenRefused(Exception):
    """An ID or refresh token that is not taken; the message is Identity Toolkit's code."""


class Accounts:
    """`listener` hears of every account that changes, and of every one that is deleted (None)."""

    def __init__(self, project: str, clock: PracticeClock, keys: Keys) -> None:
        self.project = project
        self._clock = clock
        self._keys = keys
        self._by_uid: dict[str, Account] = {}
        self._by_email: dict[str, str] = {}
        self.listener: Callable[[str, Account | None], None] | None = None
        # Tokens in the order in which they were issued, to tell those from before a moment; see `refuse_issued`.
        self._issued: dict[bytes, int] = {}
        self._refused_up_to = -1
        self._counter = 0

    # --- accounts ---

    def seed(self, accounts: list[Account]) -> None:
        for account in accounts:
            self._set(account)

    def get(self, uid: str) -> Account | None:
        return self._by_uid.get(uid)

    def by_email(self, email: str) -> Account | None:
        return self._by_uid.get(self._by_email.get(email.lower(), ""))

    def all(self) -> list[Account]:
        return list(self._by_uid.values())

    def put(self, account: Account) -> None:
        if self.listener is not None:
            self.listener(account.uid, account)
        self._set(account)

    def delete(self, uid: str) -> None:
        if self.listener is not None:
            self.listener(uid, None)
        self.restore(uid, None)

    def restore(self, uid: str, account: Account | None) -> None:
        """As the journal has it."""
        if account is not None:
            self._set(account)
        elif (gone := self._by_uid.pop(uid, None)) is not None:
            self._by_email.pop(gone.email.lower(), None)

    def revoke(self, uid: str) -> None:
        """Refresh tokens issued until now are worthless afterwards; ID tokens live on until they expire."""
        account = self._by_uid[uid]
        self.put(replace(account, valid_since=self._clock.now_us() // SECOND + 1))

    def _set(self, account: Account) -> None:
        old = self._by_uid.get(account.uid)
        if old is not None and old.email.lower() != account.email.lower():
            self._by_email.pop(old.email.lower(), None)
        self._by_uid[account.uid] = account
        self._by_email[account.email.lower()] = account.uid

    # --- tokens ---

    def sign_in(self, account: Account) -> tuple[str, str]:
        """(ID token, refresh token) of a sign-in now."""
        # a revocation in this very second was of what came before it
        auth_time = max(self._clock.now_us() // SECOND, account.valid_since)
        return self._id_token(account, auth_time), self._refresh_token(account.uid, auth_time)

    def _id_token(self, account: Account, auth_time: int) -> str:
        import jwt

        now = self._clock.now_us() // SECOND
        key = self._keys.signing
        payload = {
            **account.claims,
            "name": account.display_name,
            "iss": f"https://securetoken.google.com/{self.project}",
            "aud": self.project,
            "auth_time": min(auth_time, now),
            "user_id": account.uid,
            "sub": account.uid,
            "iat": now,
            "exp": now + ID_TOKEN_SECONDS,
            "email": account.email,
            "email_verified": True,
            "firebase": {"identities": {"email": [account.email]}, "sign_in_provider": "password"},
        }
        token = jwt.encode(payload, key.private, algorithm="RS256", headers={"kid": key.kid})
        self._counter += 1  # two tokens of one second are the same text; the later one counts
        self._issued[_fingerprint(token)] = self._counter
        return token

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token of ours that is valid now. Raises TokenRefused."""
        import jwt

        key = self._keys.signing
        try:
            header = jwt.get_unverified_header(token)
            if header.get("kid") != key.kid:
                raise TokenRefused("INVALID_ID_TOKEN")
            claims: dict[str, Any] = jwt.decode(
                token,
                key.private.public_key(),
                algorithms=["RS256"],
                audience=self.project,
                issuer=f"https://securetoken.google.com/{self.project}",
                options={"verify_exp": False, "verify_iat": False, "require": ["exp", "iat", "sub", "auth_time"]},
            )
        except jwt.InvalidTokenError as error:
            raise TokenRefused("INVALID_ID_TOKEN") from error
        if not claims["sub"] or claims["exp"] <= self._clock.now_us() // SECOND:
            raise TokenRefused("TOKEN_EXPIRED")
        if self._issued.get(_fingerprint(token), 0) <= self._refused_up_to:
            raise TokenRefused("TOKEN_EXPIRED")
        return claims

    def refuse_issued(self) -> None:
        """From now on every ID token issued so far is refused; a refresh mends it."""
        self._refused_up_to = self._counter

    def accept_issued(self) -> None:
        self._refused_up_to = -1

    def _refresh_token(self, uid: str, auth_time: int) -> str:
        body = orjson.dumps([uid, auth_time, secrets.token_hex(8)])
        mac = hmac.digest(self._keys.refresh, body, "sha256")
        return base64.urlsafe_b64encode(mac + body).rstrip(b"=").decode()

    def refresh(self, token: str) -> tuple[Account, str]:
        """(account, new ID token). Raises TokenRefused: INVALID_REFRESH_TOKEN, USER_DISABLED, TOKEN_EXPIRED."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            uid, auth_time, _ = orjson.loads(raw[32:])
        except ValueError as error:
            raise TokenRefused("INVALID_REFRESH_TOKEN") from error
        if not hmac.compare_digest(raw[:32], hmac.digest(self._keys.refresh, raw[32:], "sha256")):
            raise TokenRefused("INVALID_REFRESH_TOKEN")
        account = self._by_uid.get(uid)
        if account is None:
            raise TokenRefused("INVALID_REFRESH_TOKEN")
        if account.disabled:
            raise TokenRefused("USER_DISABLED")
        if auth_time < account.valid_since:
            raise TokenRefused("TOKEN_EXPIRED")
        return account, self._id_token(account, auth_time)


def _fingerprint(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()[:16]


def from_json(data: dict[str, Any]) -> Account:
    return Account(**data)
