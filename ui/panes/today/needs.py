"""What waits for a person, said in words: the riskiest first. No Qt."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ... import times, words
from ...safe_text import plain

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Need:
    """A proposal somebody has to do something about."""

    id: str
    title: str
    about: str
    risk: str
    state: str
    left: str


@dataclass(frozen=True, slots=True)
class NeedsView:
    sentence: str
    button: str
    items: tuple[Need, ...]
    more: str


def needs(page: Json, titles: Mapping[str, str], who: Callable[[str], str], now_ms: int | None) -> NeedsView:
    """What waits for a person, the riskiest first, then the one that expires first."""
    waiting = [row for row in page["rows"] if row["state"] in ("pending_approval", "approved", "unknown")]
    order = {risk: place for place, risk in enumerate(words.RISKS)}
    waiting.sort(key=lambda row: (order.get(row["risk"], 9), row["expiresAt"]))
    pending = [row for row in waiting if row["state"] == "pending_approval"]
    approved = sum(row["state"] == "approved" for row in waiting)
    lost = sum(row["state"] == "unknown" for row in waiting)
    risks = [f"{n} {risk} risk" for risk in words.RISKS if (n := sum(row["risk"] == risk for row in pending))]
    parts = []
    if pending:
        verb = "waits" if len(pending) == 1 else "wait"
        parts.append(f"{words.count(len(pending), 'proposal')} {verb} for a decision: {words.listed(risks)}.")
    if approved:
        parts.append(f"{words.count(approved, 'approved proposal')} can be carried out.")
    if lost:
        parts.append(f"The outcome of {lost} is not known yet.")
    items = tuple(
        Need(
            id=row["id"],
            title=words.capability(row["capability"], titles),
            about=words.about(row, f"{plain(row['rationale'], 160)} ({plain(who(row['requester']), 40)})"),
            risk=row["risk"],
            state=words.state(row["state"]),
            left=times.left(row["expiresAt"], now_ms),
        )
        for row in waiting
    )
    return NeedsView(
        sentence=" ".join(parts) or "Nothing waits for you.",
        button=f"Review {words.count(len(items), 'proposal')}" if items else "",
        items=items[:4],
        more=f"and {len(items) - 4} more" if len(items) > 4 else "",
    )
