"""Proposals, as values: the queue, and one proposal whole, said in words. No Qt.

What a person decides on is here in one piece: what will change, why, what was seen, who may, and the hash that binds
the decision to exactly this. A button that cannot be pressed always says why.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ... import times, words
from ...safe_text import block, plain
from .deciding import ButtonView, buttons, policy
from .stages import StepView, news, steps

Json = Mapping[str, Any]
Who = Callable[[str | None], str]

GONE = ("rejected", "expired", "withdrawn", "refused", "failed", "rolled_back", "superseded")


@dataclass(frozen=True, slots=True)
class RowView:
    """One line of the queue."""

    id: str
    title: str
    about: str
    who: str
    risk: str
    state: str
    state_words: str
    left: str
    spoken: str


def row_view(row: Json, titles: Mapping[str, str], who: Who, now_ms: int | None, *, gone: bool = False) -> RowView:
    """`gone` is a row that its filter no longer holds, kept where it was until the list is drawn anew."""
    title = plain(words.capability(row["capability"], titles))
    about = words.about(row, plain(row["rationale"], 200))
    waits = row["state"] in ("pending_approval", "approved")
    left = times.left(row["expiresAt"], now_ms) if waits else times.age(row["changedAt"], now_ms)
    moved_on = gone and row["state"] in words.OPEN
    state = "no longer in this list" if moved_on else words.state(row["state"])
    name = plain(who(row["requester"]), 40)
    return RowView(
        id=row["id"],
        title=title,
        about=about,
        who=name,
        risk=row["risk"],
        state=row["state"],
        state_words=state,
        left=left,
        spoken=f"{title}, {row['risk']} risk, {state}, from {name}, {left}. {about}",
    )


@dataclass(frozen=True, slots=True)
class ChangeLine:
    field: str
    before: str
    after: str
    happened: str
    deviates: bool


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """`place` names the receipt among all logs of this home."""

    place: int
    index: int
    what: str
    who: str
    when: str
    note: str


@dataclass(frozen=True, slots=True)
class DetailView:
    id: str
    title: str
    subject: str
    target: str
    description: str
    risk: str
    risk_note: str
    state: str
    state_words: str
    left: str
    changes_title: str
    changes: tuple[ChangeLine, ...]
    shows_happened: bool
    rationale: str
    asked_by: str
    asked_at: str
    seen: tuple[tuple[str, str, str], ...]
    policy: tuple[tuple[str, str], ...]
    approvals: tuple[str, ...]
    hash: str
    history: tuple[ReceiptLine, ...]
    steps: tuple[StepView, ...]
    news: str
    news_tone: str
    buttons: tuple[ButtonView, ...]
    nothing_left: str


def detail(
    proposal: Json,
    *,
    who: Who,
    people: Sequence[Any],
    reason: Callable[[str | None], tuple[str, str]],
    zone: times.Zone,
    now_ms: int | None,
    ruling: Json | None,
    blocked: str,
) -> DetailView:
    """`ruling` is the data of its submitted receipt ({"rule", "quorum", "seats"}), None until it was read."""
    execution, state = proposal["execution"], proposal["state"]
    said, tone = news(proposal, reason)
    expired = times.left(proposal["expiresAt"], now_ms) == "expired"
    waits = state in ("pending_approval", "approved")
    return DetailView(
        id=proposal["id"],
        title=plain(proposal["title"]),
        subject=words.subject(proposal),
        target=plain(proposal["target"], 160),
        description=plain(proposal["description"]),
        risk=proposal["risk"],
        risk_note=plain(proposal["rollbackNote"]),
        state=state,
        state_words=words.state(state),
        left=times.left(proposal["expiresAt"], now_ms) if waits else "",
        changes_title="What will change" if state in words.OPEN else "What was to change",
        changes=_changes(proposal),
        shows_happened=bool(execution and execution["actual"]),
        rationale=block(proposal["rationale"]),
        asked_by=plain(who(proposal["requester"]), 80),
        asked_at=f"{zone.moment(proposal['createdAt'])}",
        seen=tuple(
            (plain(seen["resource"], 120), zone.moment(seen["updateTime"], seconds=True), seen["sha256"])
            for seen in proposal["seen"] or ()
        ),
        policy=policy(proposal, people, ruling),
        approvals=tuple(
            f"{words.VERDICTS.get(a['verdict'], a['verdict']).capitalize()} by {plain(who(a['actor']), 60)} "
            f"({a['role']}), {zone.moment(a['at'])}: {block(a['rationale'], 400)}"
            for a in proposal["approvals"]
        ),
        hash=proposal["proposalHash"],
        history=tuple(
            ReceiptLine(
                r["place"],
                r["index"],
                words.kind(r["kind"]),
                plain(who(r["actor"]["id"]), 40),
                zone.moment(r["at"], seconds=True),
                plain(r["rationale"] or "", 200),
            )
            for r in proposal["receipts"]
        ),
        steps=steps(proposal, zone),
        news=f"{said} It has expired and will be marked so.".strip() if waits and expired else said,
        news_tone=tone,
        buttons=buttons(proposal, blocked, people),
        nothing_left="" if state not in GONE else f"This proposal was {words.state(state)}. Nothing is left to decide.",
    )


def _changes(proposal: Json) -> tuple[ChangeLine, ...]:
    execution = proposal["execution"]
    actual = {(c["resource"], c["field"]): c for c in (execution or {}).get("actual") or ()}
    lines = []
    for change in proposal["changes"] or ():
        found = actual.get((change["resource"], change["field"]))
        free = change["after"] == "(set by the cloud)"
        lines.append(
            ChangeLine(
                field=plain(words.readable(change["field"]) if " " in change["field"] else change["field"], 80),
                before=value(change["before"]),
                after=value(change["after"]),
                happened=value(found["after"]) if found else "",
                deviates=bool(found and not free and found["after"] != change["after"]),
            )
        )
    return tuple(lines)


def value(raw: Any) -> str:
    """A value of the cloud in words; text stays as it is."""
    if raw is None:
        return "nothing"
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    if isinstance(raw, str):
        return "set by the cloud" if raw == "(set by the cloud)" else block(raw, 1_000) or "empty"
    return plain(raw, 1_000)


def counts(found: Mapping[str, int]) -> dict[str, int]:
    """Open, decided and all, from the counts by state."""
    is_open = sum(number for state, number in found.items() if state in words.OPEN)
    total = sum(found.values())
    return {"open": is_open, "decided": total - is_open, "": total}
