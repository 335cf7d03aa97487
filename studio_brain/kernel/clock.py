"""Time as an argument. Wall time is UTC in integer milliseconds since 1970; its text form is
`YYYY-MM-DDTHH:MM:SS.mmmZ`.

Leases and deadlines use `monotonic`, never the wall.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Clock(Protocol):
    def now_ms(self) -> int:
        """UTC wall time in milliseconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards; only differences mean anything."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()


class ShiftedClock:
    """The machine's clock moved by `shift_ms`: a practice studio lives through days on request."""

    def __init__(self, shift_ms: int = 0) -> None:
        self.shift_ms = shift_ms

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.shift_ms

    def monotonic(self) -> float:
        return time.monotonic()


Uptime = Callable[[], tuple[str, int]]
"""The name of the machine's start and the milliseconds since, sleep included; ("", 0) where that is not known."""


def unknown_uptime() -> tuple[str, int]:
    return "", 0


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, or when something was: wall time, and time since a start of the machine. What has to outlast a process and
    must not be moved by a clock that jumps is aged with these."""

    at_ms: int
    boot: str
    up_ms: int

    def since(self, then: "Moment") -> int:
        """Milliseconds from `then` until now, never negative: by the machine's uptime where both belong to the same
        start, else by the wall."""
        same = self.boot != "" and self.boot == then.boot
        return max(self.up_ms - then.up_ms if same else self.at_ms - then.at_ms, 0)


def utc_text(ms: int) -> str:
    """Milliseconds since 1970 → `2026-11-21T09:30:00.000Z`. Years 1 to 9999."""
    seconds, rest = divmod(ms, 1000)
    return f"{_seconds_text(seconds)}.{rest:03d}Z"


@lru_cache(maxsize=16)  # what happens together shares its second
def _seconds_text(seconds: int) -> str:
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}".rjust(19, "0")


def utc_ms(text: str) -> int:
    """The inverse of `utc_text`; raises ValueError on any other form."""
    if not _TEXT.fullmatch(text):
        raise ValueError(f"not a UTC time with milliseconds: {text[:40]!r}")
    since = datetime.fromisoformat(text) - _EPOCH
    return since.days * DAY + since.seconds * SECOND + since.microseconds // 1000
