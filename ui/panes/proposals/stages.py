"""How far a proposal has come, and what a person should know about how it went. No Qt."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ... import times, words
from ...safe_text import plain

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StepView:
    title: str
    state: str
    when: str


def steps(proposal: Json, zone: times.Zone) -> tuple[StepView, ...]:
    """The stages of its life, from the receipts there are."""
    if proposal["state"] in ("draft", "pending_approval", "rejected", "withdrawn", "expired", "superseded"):
        return ()
    at = {r["kind"]: zone.time(r["at"], seconds=True) for r in proposal["receipts"]}
    state, execution = proposal["state"], proposal["execution"]
    outcome = {"unknown": "unknown", "failed": "wrong", "refused": "wrong", "executing": "next"}.get(state, "done")
    started = "execution.started" in at
    result = "execution.result" in at
    running = state == "executing"
    found = [
        StepView("Drafted", "done", at.get("proposal.drafted", "")),
        StepView("Approved", "done" if "proposal.approved" in at else "next", at.get("proposal.approved", "")),
        StepView("Start sealed", "done" if started else "next", at.get("execution.started", "")),
        StepView("Sent", "now" if running else "done" if started else "next", ""),
        StepView(
            {"unknown": "Outcome unknown", "failed": "Failed", "refused": "Refused"}.get(state, "Result sealed"),
            outcome if result or outcome in ("unknown", "wrong") else "next",
            at.get("execution.result", ""),
        ),
    ]
    if execution is not None and ("execution.compared" in at or execution.get("deviates")):
        wrong = bool(execution["deviates"])
        found.append(StepView("Compared", "wrong" if wrong else "done", at.get("execution.compared", "")))
    if state == "rolled_back":
        found.append(StepView("Rolled back", "done", at.get("proposal.rolled_back", "")))
    return tuple(found)


def news(proposal: Json, reason: Callable[[str | None], tuple[str, str]]) -> tuple[str, str]:
    """What a person should know now about how it went: (text, tone)."""
    state, execution = proposal["state"], proposal["execution"]
    if state == "executing":
        return "It is being carried out: the start is sealed, the cloud is being asked.", "plain"
    if state == "unknown":
        how = plain(proposal.get("failureMode") or "")
        sent = "It was sent, and no answer came back: it may have taken effect. It is never sent again blindly."
        return f"{sent} {words.sentence(how)}", "danger"
    if state in ("refused", "failed"):
        code = (execution or {}).get("reasonCode") or proposal["reasonCode"]
        sentence, remedy = reason(code)
        said = (execution or {}).get("detail") or proposal["detail"] or ""
        return " ".join(f"{sentence} {words.sentence(plain(said, 300))} {remedy}".split()), "danger"
    if execution is not None and execution["deviates"]:
        return "What happened differs from what was predicted. Compare the columns and correct the record.", "danger"
    if state == "executed":
        replayed = " The cloud had it already: this was a repeated call." if execution and execution["replayed"] else ""
        return f"Carried out. The result is sealed.{replayed}", "good"
    if state == "rolled_back":
        return "It was carried out and then marked as rolled back. The cloud keeps both.", "plain"
    return "", "plain"
