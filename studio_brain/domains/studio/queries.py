"""What the studio's state lets be seen: the numbers with what changed, their history, the days there are.

A diff compares two days. While the latest day is open, it compares that day's last two observations. Imports nothing
heavy: the first page after a start is read with these.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from ...kernel.clock import utc_text
from ...store.reading import PLACE_BITS, Row, Sources, hash_text
from .diff import diff, numbers

HISTORY_DAYS: Final = 90

# The last observation of each day, newest day first.
DAYS = """
SELECT o.* FROM day JOIN observation AS o ON o.tenant = day.tenant AND o.place = day.place
 WHERE day.tenant = :tenant ORDER BY day.day DESC LIMIT :limit
"""
OF_DAY = "SELECT * FROM observation WHERE tenant = :tenant AND day = :day ORDER BY place DESC LIMIT :limit"
JOB = "SELECT * FROM job WHERE tenant = :tenant AND job = 'snapshot'"
DIFF = "SELECT changes FROM diff WHERE tenant = :tenant AND from_day = :from_day AND to_day = :to_day"


def today(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """A day's snapshot (`day`, by default the latest), what it is compared with, the diff, and every number's
    history."""
    days = sources.views(DAYS, {"tenant": tenant, "limit": HISTORY_DAYS})
    job = sources.views(JOB, {"tenant": tenant})
    result: dict[str, Any] = {
        "snapshot": None,
        "baseline": None,
        "diff": None,
        "history": [],
        "days": [row["day"] for row in days],
        "job": _job(job[0]) if job else None,
    }
    if not days:
        return result
    wanted = params.get("day") or days[0]["day"]
    shown = next((row for row in days if row["day"] == wanted), None)
    if shown is None:
        return result
    baseline = _baseline(sources, tenant, days, shown)
    earlier = [row for row in reversed(days) if row["day"] <= shown["day"]]
    result["snapshot"] = observation(shown)
    result["baseline"] = None if baseline is None else observation(baseline)
    result["diff"] = None if baseline is None else diff(_snapshot(baseline), _snapshot(shown))
    result["history"] = [{"day": row["day"], "numbers": numbers(_snapshot(row))} for row in earlier]
    return result


def _baseline(sources: Sources, tenant: str, days: list[Row], shown: Row) -> Row | None:
    if shown is days[0]:
        of_day = sources.views(OF_DAY, {"tenant": tenant, "day": shown["day"], "limit": 2})
        if len(of_day) == 2:
            return of_day[1]
    return next((row for row in days if row["day"] < shown["day"]), None)


def snapshot_of_day(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """The snapshot of `day`, or the latest; None when there is none."""
    day = params.get("day")
    if day:
        rows = sources.views(OF_DAY, {"tenant": tenant, "day": str(day), "limit": 1})
    else:
        rows = sources.views(DAYS, {"tenant": tenant, "limit": 1})
    return observation(rows[0]) if rows else None


def diff_of_days(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """The diff `from` → `to`. Without days: the latest diff there is. None when a day has no snapshot."""
    if not params.get("from") and not params.get("to"):
        shown: dict[str, Any] | None = today(sources, tenant, {})["diff"]
        return shown
    rows = [
        sources.views(OF_DAY, {"tenant": tenant, "day": str(params.get(name, "")), "limit": 1})
        for name in ("from", "to")
    ]
    if not all(rows):
        return None
    return diff(_snapshot(rows[0][0]), _snapshot(rows[1][0]))


def observation(row: Row) -> dict[str, Any]:
    """An observation as doors show it. Its numbers are derived from the cloud and say when they were read."""
    return {
        "index": row["place"] & (1 << PLACE_BITS) - 1,
        "place": row["place"],
        "day": row["day"],
        "observedAt": utc_text(row["observed_at_ms"]),
        "stateHash": hash_text(row["state_hash"]),
        "snapshot": _snapshot(row),
        "diagnostics": json.loads(row["diagnostics"]),
        "authority": "cloud",
    }


def _snapshot(row: Row) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(row["snapshot"])
    return document


def _job(row: Row) -> dict[str, Any]:
    return {
        "ranAt": utc_text(row["ran_at_ms"]),
        "okAt": None if row["ok_at_ms"] is None else utc_text(row["ok_at_ms"]),
        "reasonCode": row["code"],
        "detail": row["detail"],
    }
