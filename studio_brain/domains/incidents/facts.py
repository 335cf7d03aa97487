"""Words and payload models of incidents.

An incident has a *kind* and a *subject*: what went wrong with what. All incidents of one kind and subject stand in one
stream, one after the other; while one is not reviewed, whatever happens again is linked to it instead of opening
another. Its id is the stream's name and its number there: `3f0c…-2` is the second one.
"""

from hashlib import sha256
from typing import Annotated, Final, Literal

from pydantic import Field

from ...gateway.registry import Payload

OPENED: Final = "incident.opened"
LINKED: Final = "incident.linked"
ACKNOWLEDGED: Final = "incident.acknowledged"
CONTAINED: Final = "incident.contained"
RESOLVED: Final = "incident.resolved"
REVIEWED: Final = "incident.reviewed"
KINDS: Final = frozenset({OPENED, LINKED, ACKNOWLEDGED, CONTAINED, RESOLVED, REVIEWED})

Kind = Literal["deviation", "sweep_failed", "log_set_back", "foreign_tenant", "reported"]
Severity = Literal["low", "medium", "high", "critical"]

TITLES: Final[dict[str, str]] = {
    "deviation": "What happened differs from what was predicted",
    "sweep_failed": "A sweep found evidence that is not as it was sealed",
    "log_set_back": "A log was behind where it is known to have been",
    "foreign_tenant": "Somebody named another studio than their own",
    "reported": "Reported by hand",
}
SEVERITIES: Final[dict[str, Severity]] = {
    "deviation": "high",
    "sweep_failed": "critical",
    "log_set_back": "critical",
    "foreign_tenant": "medium",
    "reported": "medium",
}
"""How bad each kind is until a person says otherwise."""

MOST_LINKED: Final = 20
"""Receipts that one entry names; the count tells how many there were."""


def playbook(kind: str) -> str:
    """Where it is written what to do, from the top of the documentation."""
    return f"playbooks/{kind.replace('_', '-')}.md"


def stream_of(kind: str, subject: str) -> str:
    return "incident:" + sha256(f"{kind}\0{subject}".encode()).hexdigest()[:16]


def stream_of_id(incident: str) -> str:
    return "incident:" + incident.partition("-")[0]


class Opening(Payload):
    """What a story saw: `count` receipts in the log `origin`, the last of them at index `through`; `indexes` are the
    first of them, at most twenty, in order. What was linked before is not linked again."""

    kind: Literal["deviation", "sweep_failed", "log_set_back", "foreign_tenant"]
    subject: Annotated[str, Field(min_length=1, max_length=200)]
    origin: Annotated[str, Field(min_length=1, max_length=200)]
    indexes: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=MOST_LINKED)]
    through: Annotated[int, Field(ge=0)]
    count: Annotated[int, Field(ge=1)]


class Report(Payload):
    """What a person saw."""

    summary: Annotated[str, Field(min_length=10, max_length=2_000)]
    severity: Severity = "medium"


class OnIncident(Payload):
    incidentId: Annotated[str, Field(pattern=r"^[0-9a-f]{16}-[1-9][0-9]{0,8}$")]


class Acknowledgement(OnIncident):
    """Who looks after it, by default whoever acknowledges; and how bad it is, where that is other than was thought."""

    owner: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    severity: Severity | None = None


class Containment(OnIncident):
    """The kill switch to engage. Without a scope: the one that fits the incident's kind."""

    scope: Literal["capability", "connector", "tenant"] | None = None
    target: Annotated[str, Field(max_length=120)] = ""


class Resolution(OnIncident):
    outcome: Literal["mended", "no_harm", "false_alarm", "accepted"]
