"""UUIDv7 and the text form of time."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_brain.kernel.clock import SystemClock, utc_ms, utc_text
from studio_brain.kernel.ids import Uuid7Source


class Hands:
    """A clock whose hands the test moves."""

    def __init__(self, ms: int) -> None:
        self.ms = ms

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000


def test_uuid7_layout_follows_rfc_9562() -> None:
    made = Uuid7Source(Hands(0x017F22E279B0), lambda n: b"\xff" * n).uuid7()
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == 0x017F22E279B0


def test_uuid7_never_goes_back_when_the_clock_does() -> None:
    clock = Hands(1_000_000)
    source = Uuid7Source(clock)
    made = [source.uuid7()]
    for step in (5, -1000, 0, -500_000, 3):
        clock.ms += step
        made += [source.uuid7() for _ in range(50)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


@given(st.integers(0, 253_402_300_799_999))
def test_time_text_round_trips(ms: int) -> None:
    text = utc_text(ms)
    assert len(text) == 24
    assert utc_ms(text) == ms


@pytest.mark.parametrize("text", ["2026-11-21", "2026-11-21T09:30:00Z", "2026-11-21T09:30:00.000+00:00", "x", ""])
def test_other_forms_of_time_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a UTC time"):
        utc_ms(text)


def test_the_system_clock_tells_milliseconds() -> None:
    assert utc_text(SystemClock().now_ms()) > "2026-"
