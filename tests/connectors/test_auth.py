"""Signing in and staying signed in: one renewal for many callers, secrets dropped only when the cloud says so."""

import asyncio
import base64
import json
from typing import Any

import pytest

from studio_brain.connectors.auth import wire
from studio_brain.connectors.auth.client import Account, AuthClient
from studio_brain.connectors.auth.wire import SignInRefused, Tokens
from studio_brain.connectors.transport import Reply, Transport
from studio_brain.kernel.clock import SystemClock
from studio_brain.kernel.ports import ConnectorError
from studio_brain.kernel.reasons import ReasonCode
from tests.connectors.scripted import Script, answer, scripted
from tests.shared_data import shared


class Hands:
    """A clock whose hands the test moves."""

    seconds = 0.0

    def now_ms(self) -> int:
        return 0

    def monotonic(self) -> float:
        return self.seconds


class Drawer:
    """A keeper that remembers in which order things happened."""

    def __init__(self, token: str | None) -> None:
        self.token = token
        self.history: list[str] = []

    def load(self) -> str | None:
        return self.token

    def store(self, refresh_token: str) -> None:
        self.token = refresh_token
        self.history.append(f"store {refresh_token}")

    def forget(self) -> None:
        self.token = None
        self.history.append("forget")


def refreshed(number: int, refresh: str = "r") -> Script:
    return answer({"id_token": f"id{number}", "refresh_token": refresh, "expires_in": "3600", "user_id": "u"})


def refused(message: str, status: int = 400) -> Script:
    return answer({"error": {"code": status, "message": message}}, status=status)


def with_account(work: Any, *scripts: Script, keeper: Drawer | None = None) -> tuple[Any, Drawer, int]:
    drawer, hands = keeper or Drawer("r"), Hands()

    async def run() -> tuple[Any, Drawer, int]:
        async with scripted(*scripts) as server:
            transport = Transport(SystemClock())
            account = Account(AuthClient(transport, server.address, server.address, "key"), drawer, hands)
            try:
                result = await work(account, hands)
            except ConnectorError as error:
                result = error
            await transport.close()
            return result, drawer, len(server.requests)

    return asyncio.run(run())


def test_many_callers_cause_one_renewal() -> None:
    async def work(account: Account, hands: Hands) -> list[str]:
        return list(await asyncio.gather(*(account() for _ in range(20))))

    tokens, _, requests = with_account(work, refreshed(1), refreshed(2))
    assert set(tokens) == {"id1"}
    assert requests == 1


def test_a_token_is_renewed_at_eighty_percent_of_its_life() -> None:
    async def work(account: Account, hands: Hands) -> list[str]:
        found = [await account()]
        hands.seconds = 3600 * 0.79
        found.append(await account())
        hands.seconds = 3600 * 0.81
        found.append(await account())
        return found

    tokens, _, _ = with_account(work, refreshed(1), refreshed(2))
    assert tokens == ["id1", "id1", "id2"]


def test_many_refused_callers_cause_one_renewal() -> None:
    async def work(account: Account, hands: Hands) -> list[str]:
        await account()
        return list(await asyncio.gather(*(account(True) for _ in range(10))))

    tokens, _, requests = with_account(work, refreshed(1), refreshed(2), refreshed(3))
    assert set(tokens) == {"id2"}
    assert requests == 2


def test_a_changed_refresh_token_is_stored_before_the_new_token_is_used() -> None:
    async def work(account: Account, hands: Hands) -> str:
        return await account()

    token, drawer, _ = with_account(work, refreshed(1, refresh="changed"))
    assert token == "id1"
    assert drawer.history == ["store changed"]


@pytest.mark.parametrize(
    "message", ["TOKEN_EXPIRED", "USER_DISABLED", "INVALID_REFRESH_TOKEN", "USER_NOT_FOUND : gone"]
)
def test_a_final_refusal_drops_the_secret_and_asks_for_a_sign_in(message: str) -> None:
    async def work(account: Account, hands: Hands) -> str:
        return await account()

    error, drawer, requests = with_account(work, refused(message))
    assert error.code is ReasonCode.NOT_SIGNED_IN
    assert drawer.token is None
    assert requests == 1


@pytest.mark.parametrize(
    "script", [refused("TOO_MANY_ATTEMPTS_TRY_LATER"), refused("oops", 503), answer(b"<html>", 502, "text/html")]
)
def test_a_passing_fault_keeps_the_secret(script: Script) -> None:
    async def work(account: Account, hands: Hands) -> str:
        return await account()

    error, drawer, _ = with_account(work, script)
    assert error.code in (ReasonCode.RATE_LIMITED, ReasonCode.UNAVAILABLE, ReasonCode.BAD_RESPONSE)
    assert drawer.token == "r"


def token_of(claims: dict[str, Any]) -> str:
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{part}.x"


@pytest.mark.parametrize(
    ("claims", "staff"),
    [
        ({"staff": True}, True),
        ({"staff": False, "roles": ["staff"]}, False),
        ({"roles": ["staff", "admin"]}, True),
        ({"staff": "yes", "roles": ["staff"]}, True),
        ({"admin": True}, False),
        ({"roles": ["admin"]}, False),
        ({"roles": "staff"}, False),
        ({}, False),
    ],
)
def test_staff_is_what_the_cloud_calls_staff(claims: dict[str, Any], staff: bool) -> None:
    assert wire.is_staff(wire.claims(token_of(claims))) is staff


@pytest.mark.parametrize("token", ["", "a.b", "a.!!!.c", token_of({})[:3]])
def test_a_token_of_another_form_is_refused(token: str) -> None:
    with pytest.raises(ConnectorError):
        wire.claims(token)


def test_tokens_show_nothing_of_themselves() -> None:
    assert "secret" not in repr(Tokens("u", "secret-id", "secret-refresh", 1))


@pytest.mark.vectors
def test_recorded_answers_of_the_auth_emulator() -> None:
    lines = [json.loads(line) for line in shared("samples/firebase-auth/auth-emulator.jsonl").read_text().splitlines()]
    signed_in = refreshes = refusals = 0
    for line in lines:
        body = line["body"] if isinstance(line["body"], str) else json.dumps(line["body"])
        reply = Reply(line["status"], {"content-type": "application/json"}, body.encode())
        path = line["request"]["path"]
        if "signInWithPassword" in path and line["status"] == 200:
            assert wire.signed_in(reply).lifetime_s == 3600
            signed_in += 1
        elif "/token" in path and line["status"] == 200:
            assert wire.refreshed(reply).id_token
            refreshes += 1
        elif line["status"] == 400 and ("signInWithPassword" in path or "/token" in path):
            with pytest.raises(SignInRefused):
                wire.signed_in(reply)
            refusals += 1
    assert signed_in
    assert refreshes
    assert refusals
