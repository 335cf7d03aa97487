"""Turning a probe into a health: how long it took, or what went wrong, and whether the two clocks agree."""

from collections.abc import Awaitable, Callable
from typing import Any

from ..kernel.clock import Clock
from ..kernel.ports import ConnectorError, Health, HealthState
from ..kernel.reasons import ReasonCode
from .transport import MAX_SKEW_MS

_STATES = {
    ReasonCode.AUTH: HealthState.REFUSED,
    ReasonCode.FORBIDDEN: HealthState.REFUSED,
    ReasonCode.NOT_SIGNED_IN: HealthState.REFUSED,
    ReasonCode.NOT_CONFIGURED: HealthState.NOT_CONFIGURED,
    ReasonCode.RATE_LIMITED: HealthState.DEGRADED,
    ReasonCode.BAD_RESPONSE: HealthState.DEGRADED,
}


async def health_of(
    connector: str, probe: Callable[[], Awaitable[Any]], clock: Clock, skew: Callable[[], int | None]
) -> Health:
    """Runs the probe. Never raises for what is outside."""
    checked_at_ms, began = clock.now_ms(), clock.monotonic()
    code: ReasonCode | None = None
    state, detail = HealthState.OK, ""
    try:
        await probe()
    except ConnectorError as error:
        code, detail = error.code, error.detail
        state = _STATES.get(error.code, HealthState.DOWN)
    latency_ms = int((clock.monotonic() - began) * 1000)
    skew_ms = skew()
    if skew_ms is not None and abs(skew_ms) > MAX_SKEW_MS and state is not HealthState.DOWN:
        way = "ahead of" if skew_ms > 0 else "behind"
        code, state = ReasonCode.CLOCK_SKEW, HealthState.REFUSED
        detail = f"this machine's clock is {abs(skew_ms) // 1000} s {way} the cloud's"
    return Health(connector, state, checked_at_ms, latency_ms, code, detail, skew_ms)
