"""The life of a review: noted in passing, or waiting for a person, who grants or denies for good.

    noted → waiting → granted | denied

The guard's context: `reviewer`, and `requesters`, who asked with that text.
"""

from typing import Final

from ...kernel.lifecycle import Context, Edge, Lifecycle
from ...kernel.reasons import ReasonCode

NOTED: Final = "noted"
WAITING: Final = "waiting"
GRANTED: Final = "granted"
DENIED: Final = "denied"


def _not_own(context: Context) -> ReasonCode | None:
    return ReasonCode.SELF_APPROVAL if context["reviewer"] in context["requesters"] else None


REVIEW: Final = Lifecycle(
    name="review",
    initial=NOTED,
    states=(NOTED, WAITING, GRANTED, DENIED),
    final=frozenset({GRANTED, DENIED}),
    edges=(
        Edge("flag", NOTED, WAITING),
        Edge("flag", WAITING, WAITING),
        Edge("grant", WAITING, GRANTED, ("not_own",)),
        Edge("deny", WAITING, DENIED),
    ),
    guards={"not_own": _not_own},
)
