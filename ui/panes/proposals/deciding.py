"""Who may do what with a proposal, and why not: the policy in words, and the buttons that follow from it. No Qt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ... import words
from ...safe_text import plain, short_id

Json = Mapping[str, Any]

DECIDES = ("owner", "admin", "editor")


@dataclass(frozen=True, slots=True)
class ButtonView:
    """`why_not` is empty when it may be pressed; `rationale` says that a reason has to be typed first."""

    act: str
    label: str
    kind: str
    why_not: str
    rationale: bool


def policy(proposal: Json, people: Sequence[Any], ruling: Json | None) -> tuple[tuple[str, str], ...]:
    """Which rule asked for approval, what may be done by whom, and why not."""
    lines: list[tuple[str, str]] = []
    if ruling is not None and ruling.get("quorum"):
        seats = f" from {words.count(ruling['seats'], 'seat')}" if ruling.get("seats", 1) > 1 else ""
        lines.append(("Asks for", f"{words.count(ruling['quorum'], 'approval')}{seats}"))
    if ruling is not None and ruling.get("rule"):
        lines.append(("Because", words.rule(ruling["rule"])))
    if proposal["state"] == "pending_approval":
        may = proposal["may"].get("proposal.approve", {})
        if may.get("allowed"):
            lines.append(("You", "may approve it"))
        elif may:
            lines.append(("You", f"may not approve it: {words.rule(may['rule'])}"))
        others = approvers(proposal, people)
        lines.append(("Can approve", words.listed([plain(p.name, 40) for p in others]) or "nobody else in this studio"))
    lines.append(("Policy", short_id(proposal["policyVersion"].removeprefix("sha256:"), 8, 6)))
    return tuple(lines)


def approvers(proposal: Json, people: Sequence[Any]) -> list[Any]:
    """Accounts that the four-eyes rule and the role ladder let approve it."""
    alone = proposal["risk"] in ("low", "medium")
    return [p for p in people if p.role in DECIDES and (alone or p.id != proposal["requester"])]


_BUTTONS: Mapping[str, tuple[str, str, bool]] = {
    "proposal.approve": ("Approve", "primary", True),
    "proposal.reject": ("Reject", "danger", True),
    "proposal.execute": ("Execute", "plain", False),
    "proposal.rollback": ("Propose a rollback", "plain", True),
    "proposal.withdraw": ("Withdraw", "quiet", False),
}
_SHOWN: Mapping[str, tuple[str, ...]] = {
    "draft": ("proposal.withdraw",),
    "pending_approval": ("proposal.approve", "proposal.reject", "proposal.execute", "proposal.withdraw"),
    "approved": ("proposal.execute", "proposal.reject", "proposal.withdraw"),
    "executing": (),
    "unknown": (),
    "executed": ("proposal.rollback",),
}


def buttons(proposal: Json, blocked: str, people: Sequence[Any]) -> tuple[ButtonView, ...]:
    """The acts that belong to its state; the first that may be pressed is the primary one."""
    found = []
    for act in _SHOWN.get(proposal["state"], ()):
        label, kind, rationale = _BUTTONS[act]
        may = proposal["may"].get(act) or {"allowed": False, "sentence": "It is not known whether you may."}
        why_not = blocked or ("" if may["allowed"] else _why_not(may))
        if act == "proposal.approve" and may.get("reasonCode") == "SELF_APPROVAL" and not blocked:
            others = words.listed([plain(p.name, 40) for p in approvers(proposal, people)], "or")
            why_not = f"{why_not} {others} can." if others else why_not
        if act == "proposal.execute" and proposal["state"] == "approved":
            kind = "primary"
        found.append(ButtonView(act, label, kind, why_not, rationale))
    return tuple(found)


def _why_not(may: Json) -> str:
    """Why policy or lifecycle says no, as short as it can be said."""
    if may.get("reasonCode") == "WRONG_STATE":
        return words.sentence(str(may["detail"]).replace("pending approval", "not approved yet"))
    if may.get("reasonCode") == "ROLE_REQUIRED" and may.get("detail"):
        return words.sentence(plain(may["detail"]))
    return plain(may.get("sentence") or words.readable(may.get("reasonCode") or "not allowed"))
