"""How the stories about incidents gather what they saw into wishes for `incident.open`."""

from collections.abc import Callable, Iterable
from typing import Final

from ..evidence.facts import Fact
from ..evidence.log import LogRow
from .story import Wish

OPEN: Final = "incident.open"
MOST_NAMED: Final = 20


def gather(log: LogRow, kind: str, seen: Iterable[Fact], subject: Callable[[Fact], str], because: str) -> list[Wish]:
    """One wish for each subject, in the order in which each was first seen."""
    by_subject: dict[str, list[int]] = {}
    for fact in seen:
        by_subject.setdefault(subject(fact)[:200], []).append(fact.seq)
    return [
        Wish(
            OPEN,
            {
                "kind": kind,
                "subject": name,
                "origin": log.origin,
                "indexes": indexes[:MOST_NAMED],
                "through": indexes[-1],
                "count": len(indexes),
            },
            because,
        )
        for name, indexes in by_subject.items()
    ]
