"""The life of an incident, in one definition.

    open → acknowledged → contained → resolved → reviewed

Containing does not wait for an acknowledgement, and what needs no containing is resolved without. What happens again
after it was resolved opens it anew; once reviewed, it is closed for good and the next one is another incident. The
guard's context: `owner`, None while nobody looks after it.
"""

from typing import Final

from ...kernel.lifecycle import Context, Edge, Lifecycle
from ...kernel.reasons import ReasonCode

OPEN: Final = "open"
ACKNOWLEDGED: Final = "acknowledged"
CONTAINED: Final = "contained"
RESOLVED: Final = "resolved"
REVIEWED: Final = "reviewed"

UNSETTLED: Final = frozenset({OPEN, ACKNOWLEDGED, CONTAINED})


def _owned(context: Context) -> ReasonCode | None:
    return ReasonCode.WRONG_STATE if context["owner"] is None else None


INCIDENT: Final = Lifecycle(
    name="incident",
    initial=OPEN,
    states=(OPEN, ACKNOWLEDGED, CONTAINED, RESOLVED, REVIEWED),
    final=frozenset({REVIEWED}),
    edges=(
        Edge("recur", OPEN, OPEN),
        Edge("recur", ACKNOWLEDGED, ACKNOWLEDGED),
        Edge("recur", CONTAINED, CONTAINED),
        Edge("recur", RESOLVED, OPEN),
        Edge("acknowledge", OPEN, ACKNOWLEDGED),
        Edge("acknowledge", ACKNOWLEDGED, ACKNOWLEDGED),
        Edge("acknowledge", CONTAINED, CONTAINED),
        Edge("contain", OPEN, CONTAINED),
        Edge("contain", ACKNOWLEDGED, CONTAINED),
        Edge("contain", CONTAINED, CONTAINED),
        Edge("resolve", ACKNOWLEDGED, RESOLVED, ("owned",)),
        Edge("resolve", CONTAINED, RESOLVED, ("owned",)),
        Edge("review", RESOLVED, REVIEWED),
    ),
    guards={"owned": _owned},
)
