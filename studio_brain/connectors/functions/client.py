"""Calls to the studio's Functions, each as the person it is made for.

A 401 is answered by one refreshed token. Reading calls are tried again while they may pass; a writing call is sent
once.
"""

from collections.abc import Callable

import orjson

from ...kernel.ports import Json, TokenSource
from ..transport import Reply, Transport, patiently
from . import wire

Tokens = Callable[[str], TokenSource]
"""Account id → its token source."""


class FunctionsClient:
    def __init__(self, transport: Transport, address: str, tokens: Tokens) -> None:
        self._transport = transport
        self._tokens = tokens
        self.address = address

    async def read(self, name: str, body: Json, actor: str, deadline_s: float) -> Json:
        """The document of a reading Function's answer."""

        async def attempt() -> Json:
            return wire.answer(await self.send(name, body, actor, deadline_s))

        return await patiently(attempt, deadline_s)

    async def send(
        self,
        name: str,
        body: Json,
        actor: str,
        deadline_s: float,
        *,
        headers: dict[str, str] | None = None,
        before: Callable[[], None] | None = None,
    ) -> Reply:
        """One call; a refused token is renewed once. `before` runs last thing before each socket and may raise."""
        token = self._tokens(actor)
        reply = await self._once(name, body, await token(False), deadline_s, headers, before)
        if reply.status == 401:
            reply = await self._once(name, body, await token(True), deadline_s, headers, before)
        return reply

    async def _once(
        self,
        name: str,
        body: Json,
        token: str,
        deadline_s: float,
        headers: dict[str, str] | None,
        before: Callable[[], None] | None,
    ) -> Reply:
        if before is not None:
            before()
        return await self._transport.call(
            "POST",
            f"{self.address}/{name}",
            deadline_s=deadline_s,
            headers={"authorization": f"Bearer {token}", "content-type": "application/json", **(headers or {})},
            content=orjson.dumps(body),
        )
