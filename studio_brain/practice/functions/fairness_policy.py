"""How the queue treats people who did not come, came late, or were promised something: points that sort the queue."""

from typing import Any

from ..plain import Plain, Timestamp
from .reservation_state import date, text

VERSION = "2026-02-24.v1"
_NO_SHOW, _LATE = 2, 1


def _count(value: Any) -> int:
    return max(0, round(value)) if isinstance(value, int | float) and not isinstance(value, bool) else 0


def fairness_of(row: Plain) -> Plain:
    """`queueFairness` with every member there."""
    given = row.get("queueFairness") or {}
    role = given.get("updatedByRole")
    return {
        "noShowCount": _count(given.get("noShowCount")),
        "lateArrivalCount": _count(given.get("lateArrivalCount")),
        "overrideBoost": _count(given.get("overrideBoost")),
        "overrideReason": text(given.get("overrideReason")),
        "overrideUntil": date(given.get("overrideUntil")),
        "updatedAt": date(given.get("updatedAt")),
        "updatedByUid": text(given.get("updatedByUid")),
        "updatedByRole": role if role in ("staff", "dev", "system") else None,
        "lastPolicyNote": text(given.get("lastPolicyNote")),
        "lastEvidenceId": text(given.get("lastEvidenceId")),
    }


def policy_of(row: Plain, now: Timestamp) -> Plain:
    """What follows from it: two points for each time not shown up, one for each time late, less a boost."""
    fairness = fairness_of(row)
    absent, late = fairness["noShowCount"], fairness["lateArrivalCount"]
    until = fairness["overrideUntil"]
    boost = fairness["overrideBoost"] if until is None or until >= now else 0
    points = absent * _NO_SHOW + late * _LATE
    reasons = []
    if absent:
        reasons.append("repeat_no_show" if absent >= 2 else "no_show")
    if late:
        reasons.append("late_arrival")
    if boost:
        reasons.append("staff_override_boost")
    return {
        "noShowCount": absent,
        "lateArrivalCount": late,
        "penaltyPoints": points,
        "effectivePenaltyPoints": max(0, points - boost),
        "overrideBoostApplied": boost,
        "reasonCodes": reasons,
        "policyVersion": VERSION,
        "computedAt": now,
    }
