"""The words the cockpit has for what the engine names: states, risks, roles, kinds of receipts, counting.

Data that people review. What stands in no table is shown by its own name, made readable, never hidden.
"""

from collections.abc import Mapping
from typing import Any, Final

from .safe_text import plain

STATES: Final[Mapping[str, str]] = {
    "draft": "draft",
    "pending_approval": "waits for approval",
    "approved": "approved",
    "rejected": "rejected",
    "expired": "expired",
    "withdrawn": "withdrawn",
    "executing": "being carried out",
    "executed": "carried out",
    "refused": "refused",
    "failed": "failed",
    "unknown": "outcome unknown",
    "rolled_back": "rolled back",
    "superseded": "superseded",
}

OPEN: Final = frozenset({"draft", "pending_approval", "approved", "executing", "unknown"})

RISKS: Final = ("critical", "high", "medium", "low")

KINDS: Final[Mapping[str, str]] = {
    "studio.observed": "State observed",
    "studio.observation_failed": "Observation failed",
    "proposal.drafted": "Proposal drafted",
    "proposal.submitted": "Proposal submitted",
    "proposal.approved": "Proposal approved",
    "proposal.rejected": "Proposal rejected",
    "proposal.withdrawn": "Proposal withdrawn",
    "proposal.expired": "Proposal expired",
    "proposal.rolled_back": "Proposal rolled back",
    "execution.started": "Execution started",
    "execution.result": "Execution result",
    "execution.compared": "Result compared",
    "execution.late_answer": "Late answer noted",
    "action.denied": "Denied",
    "request.repeated": "Request repeated",
    "killswitch.engaged": "Kill switch engaged",
    "killswitch.released": "Kill switch released",
    "killswitch.expired": "Kill switch ran out",
    "review.flagged": "Text held back",
    "review.noted": "Text noted",
    "review.granted": "Text let through",
    "review.denied": "Text refused",
    "incident.opened": "Incident opened",
    "incident.acknowledged": "Incident acknowledged",
    "incident.linked": "Incident linked",
    "incident.contained": "Incident contained",
    "incident.resolved": "Incident resolved",
    "incident.reviewed": "Incident reviewed",
    "system.rebuilt": "Derived rows rebuilt",
    "rebuild.checked": "Rebuild checked",
    "sweep.done": "Sweep done",
    "sweep.failed": "Sweep failed",
    "vault.exported": "Copied to a vault",
    "vault.restored": "Tail restored",
    "witness.answered": "Witness answered",
    "witness.imported": "Cosignature taken in",
    "payload.erased": "Personal data erased",
    "retention.held": "Legal hold placed",
    "retention.released": "Legal hold released",
    "retention.ran": "Retention ran",
    "evidence.exported": "Evidence exported",
    "backup.made": "Backup made",
    "recovery.drilled": "Recovery drilled",
    "epoch.started": "Epoch started",
    "key.retired": "Signing key retired",
    "ledger.imported": "Earlier history taken in",
    "ledger.import_finished": "Earlier history complete",
}

RIGHTS: Final[Mapping[str, str]] = {
    "owner": "may see, draft, decide, carry out and release kill switches",
    "admin": "may see, draft, decide, carry out and release kill switches",
    "editor": "may see, draft, decide, carry out and engage kill switches",
    "viewer": "may see and take snapshots",
    "guest": "may see who is here",
}

VERDICTS: Final[Mapping[str, str]] = {"approved": "approved", "rejected": "rejected"}

RULES: Final[Mapping[str, str]] = {
    "outside_asks": "what leaves this machine needs approval",
    "registered": "the capability allows it",
    "four_eyes": "nobody approves their own high-risk proposal",
    "role_ladder": "the role does not reach",
    "kill_switch": "a kill switch is on",
    "lifetime": "it has expired",
    "kind_of_actor": "this kind of actor may not",
    "tenant_of_session": "it belongs to another studio",
    "default_deny": "no rule permits it",
}

ABOUT_CONNECTORS: Final[Mapping[str, str]] = {
    "firestore": "Reads batches, reservations, firings, reports, orders and charges. It writes nothing.",
    "functions": "Reads agent requests and orders, and carries out what was approved. Nothing else leaves through it.",
}

CONNECTORS: Final[Mapping[str, str]] = {
    "firestore": "Cloud documents",
    "functions": "Cloud functions",
}


def state(value: str) -> str:
    return STATES.get(value, readable(value))


def kind(value: str) -> str:
    return KINDS.get(value, readable(value))


def readable(name: object) -> str:
    """`MAY_BE_TRUNCATED`, `ops_note.append` → words."""
    text = str(name).replace("_", " ").replace(".", " · ")
    return text.lower() if text.isupper() else text


def rule(name: str) -> str:
    """What a rule of the policy says, with its name."""
    said = RULES.get(name)
    return f"{said} ({name})" if said else readable(name)


def capability(id: str, titles: Mapping[str, str]) -> str:
    """The title the engine gives a capability; before it is known, its own name without the system's."""
    if id in titles:
        return titles[id]
    parts = id.split(".")
    words = readable(" ".join(parts[1:] or parts))
    return words[:1].upper() + words[1:]


def subject(proposal: Mapping[str, Any]) -> str:
    """The thing a proposal is about, by the name people gave it."""
    found = proposal.get("subject") or {}
    return plain(found.get("title") or "", 120)


def about(proposal: Mapping[str, Any], more: str) -> str:
    """The thing a proposal is about, then more."""
    named = subject(proposal)
    return f"{named}: {more}" if named else more


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 entry`, `3 entries`."""
    return f"{number:,} {one if abs(number) == 1 else many or one + 's'}"


def listed(items: list[str], last: str = "and") -> str:
    """`a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text.strip()
    if not text:
        return ""
    return text[:1].upper() + text[1:] + ("" if text[-1] in ".!?…" else ".")


def fault(error: Mapping[str, Any]) -> tuple[str, str]:
    """An error of the engine as (what happened, what to do)."""
    what = sentence(str(error.get("sentence") or readable(error.get("code", "error"))))
    detail = str(error.get("detail") or "")
    if detail:
        what = sentence(f"{what.rstrip('.')}: {detail}")
    return what, sentence(str(error.get("remedy") or ""))
