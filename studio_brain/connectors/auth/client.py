"""One signed-in account: its ID token, renewed at 80 % of its life or when the cloud says 401, by one caller at a time.

A renewed refresh token is stored before the new ID token is used. When the cloud says that the account is no longer
accepted, the stored secret is dropped and somebody has to sign in again; a passing fault keeps it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from ...kernel.clock import Clock
from ...kernel.ports import ConnectorError
from ...kernel.reasons import ReasonCode
from ..transport import Transport, patiently
from . import wire
from .wire import SignInRefused, Tokens

RENEW_AT = 0.8
DEADLINE_S = 10.0


class TokenKeeper(Protocol):
    """Where an account's refresh token is kept."""

    def load(self) -> str | None: ...

    def store(self, refresh_token: str) -> None: ...

    def forget(self) -> None: ...


class AuthClient:
    """Sign-in and refresh calls of one cloud."""

    def __init__(self, transport: Transport, auth: str, token: str, api_key: str) -> None:
        self._transport = transport
        self._sign_in = f"{auth}/v1/accounts:signInWithPassword?key={api_key}"
        self._refresh = f"{token}/v1/token?key={api_key}"

    async def sign_in(self, email: str, password: str) -> Tokens:
        reply = await self._transport.call(
            "POST",
            self._sign_in,
            deadline_s=DEADLINE_S,
            headers={"content-type": "application/json"},
            content=wire.password_request(email, password),
        )
        return wire.signed_in(reply)

    async def refresh(self, refresh_token: str) -> Tokens:
        async def attempt() -> Tokens:
            reply = await self._transport.call(
                "POST",
                self._refresh,
                deadline_s=DEADLINE_S,
                headers={"content-type": "application/x-www-form-urlencoded"},
                content=wire.refresh_request(refresh_token),
            )
            return wire.refreshed(reply)

        return await patiently(attempt, DEADLINE_S)


class Account:
    """A `kernel.ports.TokenSource` for one person. `unattended` signs in anew where that needs nobody (practice)."""

    def __init__(
        self,
        client: AuthClient,
        keeper: TokenKeeper,
        clock: Clock,
        unattended: Callable[[], Awaitable[Tokens]] | None = None,
    ) -> None:
        self._client = client
        self._keeper = keeper
        self._clock = clock
        self._unattended = unattended
        self._tokens: Tokens | None = None
        self._renew_at = 0.0
        self._lock = asyncio.Lock()

    async def __call__(self, force: bool = False) -> str:
        stale = self._tokens
        async with self._lock:
            fresh = self._tokens is not None and self._clock.monotonic() < self._renew_at
            renewed_meanwhile = self._tokens is not stale
            if self._tokens is not None and fresh and (renewed_meanwhile or not force):
                return self._tokens.id_token
            return (await self._renew()).id_token

    async def claims(self) -> dict[str, object]:
        """The claims of the current token, as the cloud gave them."""
        return wire.claims(await self())

    async def _renew(self) -> Tokens:
        saved = await asyncio.to_thread(self._keeper.load)
        if saved is None:
            tokens = await self._again()
        else:
            try:
                tokens = await self._client.refresh(saved)
            except SignInRefused:
                await asyncio.to_thread(self._keeper.forget)
                self._tokens = None
                tokens = await self._again()
        if tokens.refresh_token != saved:
            await asyncio.to_thread(self._keeper.store, tokens.refresh_token)
        self._tokens = tokens
        self._renew_at = self._clock.monotonic() + tokens.lifetime_s * RENEW_AT
        return tokens

    async def _again(self) -> Tokens:
        if self._unattended is None:
            raise ConnectorError("this account is not signed in", code=ReasonCode.NOT_SIGNED_IN)
        return await self._unattended()
