"""Moments as people say them, seen from the engine's clock and in the studio's time zone.

"Now" is the engine's (see engine_clock.py); before it is known there is no age, and none is shown. `zoneinfo` is loaded
when the first studio time is shown.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_ms(text: str | None) -> int | None:
    """UTC text of the engine → milliseconds; None when it is none."""
    if not text:
        return None
    from datetime import UTC, datetime  # with the first moment that is shown, not with the window

    try:
        return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return None


def age(text: str | None, now_ms: int | None) -> str:
    """`4 min ago`; empty when it cannot be told."""
    at_ms = parse_ms(text)
    if at_ms is None or now_ms is None:
        return ""
    passed = now_ms - at_ms
    return "just now" if passed < MINUTE else f"{span(passed)} ago"


def left(text: str | None, now_ms: int | None) -> str:
    """`7 h 52 min left`, or `expired`; empty when it cannot be told."""
    at_ms = parse_ms(text)
    if at_ms is None or now_ms is None:
        return ""
    remaining = at_ms - now_ms
    if remaining <= 0:
        return "expired"
    hours, minutes = remaining // HOUR, remaining % HOUR // MINUTE
    if hours >= 48:
        return f"{hours // 24} days left"
    if hours:
        return f"{hours} h {minutes} min left"
    return f"{minutes} min left" if minutes else f"{remaining // 1000} s left"


def span(milliseconds: int) -> str:
    """A length of time in its largest unit: `3 days`, `2 h`, `4 min`, `12 s`."""
    if milliseconds >= 2 * DAY:
        return f"{milliseconds // DAY} days"
    if milliseconds >= HOUR:
        return f"{milliseconds // HOUR} h"
    if milliseconds >= MINUTE:
        return f"{milliseconds // MINUTE} min"
    return f"{max(0, milliseconds) // 1000} s"


def day(text: str | None) -> str:
    """`2026-11-21` → `Sat 21 Nov`."""
    from datetime import date

    text = text or ""
    try:
        moment = date.fromisoformat(text if text[4:8:3] == "--" else "")  # ten characters, no week dates
    except ValueError:
        return text or "–"
    return f"{_DAYS[moment.weekday()]} {moment.day} {_MONTHS[moment.month - 1]}"


class Zone:
    """A studio's time zone by its IANA name; UTC, and saying so, while the name is not known."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        self._zone: tzinfo | None = None

    def _tz(self) -> "tzinfo":
        if self._zone is None:
            from datetime import UTC

            self._zone = UTC
            if self.name and self.name != "UTC":
                from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

                try:
                    self._zone = ZoneInfo(self.name)
                except (ZoneInfoNotFoundError, ValueError, OSError):
                    self.name = None
        return self._zone

    def time(self, text: str | None, *, seconds: bool = False) -> str:
        """`08:12`, with ` UTC` behind it where no studio time is known."""
        moment = self._moment(text)
        return "–" if moment is None else self._time(moment, seconds=seconds)

    def moment(self, text: str | None, *, seconds: bool = False) -> str:
        """`21 Nov, 08:12`; the year where it is not this one is left to the receipt."""
        moment = self._moment(text)
        if moment is None:
            return "–"
        return f"{moment.day} {_MONTHS[moment.month - 1]}, {self._time(moment, seconds=seconds)}"

    def _time(self, moment: "datetime", *, seconds: bool) -> str:
        shown = f"{moment:%H:%M:%S}" if seconds else f"{moment:%H:%M}"
        return shown if self.name else f"{shown} UTC"

    def _moment(self, text: str | None) -> "datetime | None":
        from datetime import datetime

        at_ms = parse_ms(text)
        return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, self._tz())
