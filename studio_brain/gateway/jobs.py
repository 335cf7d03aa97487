"""Jobs: what a studio does by itself at a time of day, and when it is due. Pure; the engine runs them.

A job is a capability with its payload, performed by the system at a time of day in the studio's time zone, on some days
of the week. It is *due* when the last of those times lies behind and it has not run since: a machine that was off for
a week catches up once. A time of day that a change to summer time leaves out is taken as much later as the clock moved;
one that comes twice counts the first time only (whenever's `compatible`, as RFC 5545 §3.3.5 has it).
"""

from datetime import date as Date
from datetime import timedelta
from typing import Final

from whenever import Instant, PlainDateTime

from ..kernel.clock import HOUR
from .registry import Job

_A_WEEK: Final = 8
"""Days to look back: any day of the week comes within them, whatever the clocks did."""


def last_due(job: Job, now_ms: int, time_zone: str) -> int | None:
    """The latest moment (UTC ms) at or before `now_ms` at which the job was to run; None when it never is."""
    today = Instant.from_timestamp(now_ms, unit="millisecond").to_tz(time_zone).date()
    day = Date(today.year, today.month, today.day) + timedelta(days=1)  # a day more: zones differ by up to one
    for _ in range(_A_WEEK + 1):
        if day.weekday() in job.days:
            moment = moment_of(day, job.at, time_zone)
            if moment <= now_ms:
                return moment
        day -= timedelta(days=1)
    return None


def next_due(job: Job, now_ms: int, time_zone: str) -> int | None:
    """The first moment after `now_ms` at which the job is to run."""
    today = Instant.from_timestamp(now_ms, unit="millisecond").to_tz(time_zone).date()
    day = Date(today.year, today.month, today.day) - timedelta(days=1)
    for _ in range(_A_WEEK + 2):
        if day.weekday() in job.days:
            moment = moment_of(day, job.at, time_zone)
            if moment > now_ms:
                return moment
        day += timedelta(days=1)
    return None


def moment_of(day: Date, at: str, time_zone: str) -> int:
    """A time of day on a calendar day of a time zone, in UTC milliseconds."""
    hour, minute = (int(part) for part in at.split(":"))
    local = PlainDateTime(day.year, day.month, day.day, hour, minute)
    return int(local.assume_tz(time_zone, disambiguation="compatible").timestamp(unit="millisecond"))


def due(job: Job, now_ms: int, time_zone: str, ran_at_ms: int | None, born_at_ms: int | None) -> int | None:
    """The moment for which the job is to run now, or None. `ran_at_ms` is when it last began; without it the studio's
    first entry counts, so that a new studio does not begin with catching up.

    A run in the future (the clock was set back since) counts as none.
    """
    moment = last_due(job, now_ms, time_zone)
    if moment is None or born_at_ms is None:
        return None
    since = ran_at_ms if ran_at_ms is not None and ran_at_ms <= now_ms + HOUR else born_at_ms
    return moment if since < moment else None
