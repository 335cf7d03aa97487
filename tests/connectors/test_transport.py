"""The one place where a socket is opened: each fault below HTTP and above it ends in a named error, in time."""

import asyncio
import time

import pytest

from studio_brain.connectors.transport import MAX_BODY, Reply, Transport, TransportError, patiently
from studio_brain.kernel.clock import SystemClock
from studio_brain.kernel.ports import ConnectorError
from studio_brain.kernel.reasons import ReasonCode
from tests.connectors.scripted import Script, answer, closes, cuts, drips, hangs, resets, scripted


async def call(script: Script, deadline_s: float = 2.0) -> Reply:
    async with scripted(script) as server:
        transport = Transport(SystemClock())
        try:
            return await transport.call("GET", server.address + "/x?access_token=verysecret", deadline_s=deadline_s)
        finally:
            await transport.close()


@pytest.mark.parametrize(
    ("script", "code", "sent"),
    [
        (closes, ReasonCode.UNAVAILABLE, True),
        (resets, ReasonCode.UNAVAILABLE, True),
        (cuts, ReasonCode.UNAVAILABLE, True),
        (hangs, ReasonCode.TIMEOUT, True),
        (drips, ReasonCode.TIMEOUT, True),
        (answer(b" " * (MAX_BODY + 1)), ReasonCode.BAD_RESPONSE, True),
    ],
    ids=["closes", "resets", "cuts", "hangs", "drips", "oversize"],
)
def test_a_fault_of_the_wire_is_named_in_time(script: Script, code: ReasonCode, sent: bool) -> None:
    began = time.monotonic()
    with pytest.raises(TransportError) as caught:
        asyncio.run(call(script, deadline_s=0.4 if code is ReasonCode.TIMEOUT else 5.0))
    assert (caught.value.code, caught.value.sent) == (code, sent)
    assert time.monotonic() - began < (0.8 if code is ReasonCode.TIMEOUT else 5.0)
    assert "verysecret" not in str(caught.value) + repr(caught.value.__cause__)


def test_nothing_listening_means_nothing_was_sent() -> None:
    async def work() -> None:
        transport = Transport(SystemClock())
        try:
            await transport.call("POST", "http://127.0.0.1:9/x", deadline_s=2, content=b"{}")
        finally:
            await transport.close()

    with pytest.raises(TransportError) as caught:
        asyncio.run(work())
    assert (caught.value.code, caught.value.sent) == (ReasonCode.UNAVAILABLE, False)


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async def work() -> tuple[Reply, int]:
        async with scripted(answer(status=302, headers={"location": "/elsewhere"})) as server:
            transport = Transport(SystemClock())
            reply = await transport.call("GET", server.address, deadline_s=2)
            await transport.close()
            return reply, len(server.requests)

    reply, requests = asyncio.run(work())
    assert (reply.status, requests) == (302, 1)


@pytest.mark.parametrize(
    ("body", "content_type", "says"),
    [
        (b"<html>gateway</html>", "text/html", "text/html"),
        (b'{"a":', "application/json", "malformed"),
        (b"", "application/json", "malformed"),
        (b"\xff\xfe", "application/json", "malformed"),
        (b"{}", "", "no content type"),
    ],
)
def test_what_is_not_json_is_refused_by_what_it_says_it_is(body: bytes, content_type: str, says: str) -> None:
    reply = asyncio.run(call(answer(body, content_type=content_type)))
    with pytest.raises(TransportError, match=says) as caught:
        reply.json()
    assert caught.value.code is ReasonCode.BAD_RESPONSE


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Sat, 21 Nov 2026 09:00:30 GMT", "date": "Sat, 21 Nov 2026 09:00:00 GMT"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 08:00:00 GMT", "date": "Sat, 21 Nov 2026 09:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_both_forms_of_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert Reply(429, headers, b"").retry_after_s() == seconds


@pytest.mark.parametrize("ahead_s", [-3600, 3600, 0])
def test_the_other_clock_is_compared_with_ours(ahead_s: int) -> None:
    async def work() -> int | None:
        async with scripted(answer(b"{}", date=time.time() + ahead_s)) as server:
            transport = Transport(SystemClock())
            await transport.call("GET", server.address, deadline_s=2)
            await transport.close()
            return transport.skew_of(server.address)

    skew = asyncio.run(work())
    assert skew is not None
    assert abs(skew + ahead_s * 1000) < 2500


def patient(outcomes: list[Exception | str], deadline_s: float = 5.0) -> tuple[str, int]:
    """Runs `patiently` over scripted outcomes; the answer and the number of attempts."""
    attempts = 0

    async def attempt() -> str:
        nonlocal attempts
        attempts += 1
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return asyncio.run(patiently(attempt, deadline_s)), attempts


def passing(**options: object) -> ConnectorError:
    return ConnectorError("busy", code=ReasonCode.UNAVAILABLE, retryable=True, **options)  # type: ignore[arg-type]


def test_what_may_pass_is_tried_again() -> None:
    assert patient([passing(), passing(), "there"]) == ("there", 3)


def test_what_is_final_is_not_tried_again() -> None:
    final = ConnectorError("no", code=ReasonCode.FORBIDDEN)
    outcomes: list[Exception | str] = [final, "never"]
    with pytest.raises(ConnectorError):
        patient(outcomes)
    assert outcomes == ["never"]


def test_attempts_are_bounded_and_the_last_error_is_kept() -> None:
    with pytest.raises(ConnectorError, match="busy"):
        patient([passing() for _ in range(10)])


def test_the_other_side_says_when_and_is_obeyed() -> None:
    began = time.monotonic()
    assert patient([passing(retry_after_s=0.6), "there"]) == ("there", 2)
    assert time.monotonic() - began >= 0.6


def test_a_longer_wait_than_anyone_waits_is_not_begun() -> None:
    began = time.monotonic()
    with pytest.raises(ConnectorError):
        patient([passing(retry_after_s=3600), "never"])
    assert time.monotonic() - began < 1


def test_the_deadline_is_for_everything_together() -> None:
    began = time.monotonic()
    with pytest.raises(ConnectorError):
        patient([passing(retry_after_s=0.3) for _ in range(4)], deadline_s=0.5)
    assert time.monotonic() - began < 0.8
