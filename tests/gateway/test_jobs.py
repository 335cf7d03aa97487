"""When a job is due: in the studio's time zone, across changes of the clock, and once for any number of missed runs."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_brain.gateway.jobs import due, last_due, moment_of, next_due
from studio_brain.gateway.registry import Job, Manifest, RegistryError
from studio_brain.kernel.clock import DAY, HOUR, MINUTE, utc_ms
from tests.gateway.test_registry import registry

BERLIN = "Europe/Berlin"
JOB = Job("sweep.daily", "evidence.sweep", {}, "02:30", "records")


def at(text: str) -> int:
    return utc_ms(f"{text}:00.000Z")


def test_an_hour_that_is_left_out_is_taken_as_much_later() -> None:
    assert moment_of(date(2026, 3, 28), "02:30", BERLIN) == at("2026-03-28T01:30")
    assert moment_of(date(2026, 3, 29), "02:30", BERLIN) == at("2026-03-29T01:30")  # 03:30 summer time
    assert moment_of(date(2026, 3, 30), "02:30", BERLIN) == at("2026-03-30T00:30")


def test_an_hour_that_comes_twice_counts_the_first_time_only() -> None:
    first = at("2026-10-25T00:30")
    assert moment_of(date(2026, 10, 25), "02:30", BERLIN) == first
    ran = due(JOB, first, BERLIN, first - DAY, 0)
    assert ran == first
    for minutes in range(0, 180, 5):
        assert due(JOB, first + minutes * MINUTE, BERLIN, first, 0) is None
    assert next_due(JOB, first, BERLIN) == at("2026-10-26T01:30")


def test_it_runs_once_a_day_through_a_year_with_both_changes() -> None:
    now, end = at("2026-01-01T00:00"), at("2027-01-01T00:00")
    ran: list[int] = [now]
    while now < end:
        if due(JOB, now, BERLIN, ran[-1], 0) is not None:
            ran.append(now)
        now += 20 * MINUTE
    assert len(ran) - 1 == 365
    days = {datetime.fromtimestamp(ms / 1000, ZoneInfo(BERLIN)).date() for ms in ran[1:]}
    assert len(days) == 365


def test_any_number_of_missed_runs_is_caught_up_once() -> None:
    now = at("2026-06-20T12:00")
    moment = due(JOB, now, BERLIN, at("2026-06-01T12:00"), 0)
    assert moment == at("2026-06-20T00:30")
    assert due(JOB, now + MINUTE, BERLIN, now, 0) is None


def test_a_new_studio_does_not_begin_with_catching_up() -> None:
    born = at("2026-06-20T10:00")
    assert due(JOB, born + HOUR, BERLIN, None, born) is None
    assert due(JOB, born + DAY, BERLIN, None, born) == at("2026-06-21T00:30")
    assert due(JOB, born + DAY, BERLIN, None, None) is None  # nothing sealed, nothing to do


def test_a_clock_that_was_set_back_does_not_stop_it_for_ever() -> None:
    now = at("2026-06-20T12:00")
    assert due(JOB, now, BERLIN, now + 400 * DAY, 0) is not None
    assert due(JOB, now, BERLIN, now + 10 * MINUTE, 0) is None  # a small step after it ran: not again


def test_days_of_the_week_are_the_studios() -> None:
    sundays = replace(JOB, days=frozenset({6}), at="00:10")
    # Sunday 00:10 in Auckland is still Saturday in UTC.
    moment = last_due(sundays, at("2026-06-20T20:00"), "Pacific/Auckland")
    assert moment == at("2026-06-20T12:10")
    assert last_due(sundays, at("2026-06-20T12:00"), "Pacific/Auckland") == at("2026-06-13T12:10")


@given(
    st.sampled_from([BERLIN, "America/Phoenix", "Australia/Lord_Howe", "Pacific/Apia", "UTC", "America/St_Johns"]),
    st.integers(at("2011-12-01T00:00"), at("2030-01-01T00:00")),
    st.integers(0, 23),
    st.integers(0, 59),
    st.frozensets(st.integers(0, 6), min_size=1),
)
def test_the_standard_library_agrees_about_every_moment(
    zone: str, now: int, hour: int, minute: int, days: frozenset[int]
) -> None:
    job = Job("j", "c", {}, f"{hour:02d}:{minute:02d}", "o", days)
    local = datetime.fromtimestamp(now // 1000, ZoneInfo(zone))
    candidates = []
    for offset in range(-9, 10):
        day = (local + timedelta(days=offset)).date()
        if day.weekday() in days:
            moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone))
            candidates.append(int(moment.timestamp()) * 1000)
    assert last_due(job, now, zone) == max(ms for ms in candidates if ms <= now)
    assert next_due(job, now, zone) == min(ms for ms in candidates if ms > now)


@pytest.mark.parametrize(
    "wrong",
    [
        {"capability": "nonesuch"},
        {"capability": "firestore.batch.close"},
        {"capability": "proposal.execute"},
        {"at": "25:00"},
        {"days": frozenset()},
        {"days": frozenset({7})},
        {"owner": " "},
    ],
)
def test_a_job_that_cannot_be_run_stops_the_start(wrong: dict[str, object]) -> None:
    good = Job("j", "studio.snapshot", {}, "04:30", "records")
    assert "j" in registry(Manifest("extra", jobs=(good,))).jobs
    with pytest.raises(RegistryError, match="job j"):
        registry(Manifest("extra", jobs=(replace(good, **wrong),)))  # type: ignore[arg-type]
    with pytest.raises(RegistryError, match="twice"):
        registry(Manifest("extra", jobs=(good, good)))
