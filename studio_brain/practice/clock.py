"""Practice time: the machine's clock plus a shift, in whole microseconds since 1970, and its text form on the wire.

Commit times strictly increase, whatever the machine's clock does, so that two versions of a document never share one.
"""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

MS = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)")


class PracticeClock:
    """Also a `studio_brain.kernel.clock.Clock`. `wall` gives nanoseconds since 1970."""

    def __init__(self, shift_ms: int = 0, wall: Callable[[], int] = time.time_ns) -> None:
        self.shift_ms = shift_ms
        self.last_us = 0
        self._wall = wall

    def now_us(self) -> int:
        return self._wall() // 1_000 + self.shift_ms * MS

    def now_ms(self) -> int:
        return self.now_us() // MS

    def monotonic(self) -> float:
        return time.monotonic()

    def tick(self, at_us: int | None = None) -> int:
        """The next commit time: `at_us` or now, and always later than every one before.

        Never a whole millisecond, so that its text always has six digits, as nearly every one of the real cloud has.
        """
        moment = max(self.now_us() if at_us is None else at_us, self.last_us + 1)
        if moment % MS == 0:
            moment += 1
        self.last_us = moment
        return moment

    def read_us(self) -> int:
        """The time of a read now: it covers every commit so far, and every later one comes after it."""
        moment = self.now_us()
        self.last_us = max(self.last_us, moment - 1 if moment % MS == 0 else moment)
        return self.last_us


def text(us: int) -> str:
    """Microseconds → RFC 3339 with 0, 3 or 6 digits, as Google's JSON mapping of Timestamp writes it."""
    moment = (_EPOCH + timedelta(microseconds=us)).isoformat()[:-6]
    return (moment[:-3] if us % SECOND and not us % MS else moment) + "Z"


def parse(value: str) -> int:
    """RFC 3339 with a zone → microseconds; finer digits are cut off. Raises ValueError on any other form."""
    if not _RFC3339.fullmatch(value):
        raise ValueError(f"not an RFC 3339 time with a zone: {value[:40]!r}")
    return (datetime.fromisoformat(value) - _EPOCH) // _MICROSECOND


def stored(value: str) -> int:
    """As `parse`, for text that this package has written itself."""
    return (datetime.fromisoformat(value) - _EPOCH) // _MICROSECOND


def http_date(us: int) -> str:
    """Microseconds → the form of a Date header (RFC 9110 §5.6.7)."""
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(us // SECOND))
