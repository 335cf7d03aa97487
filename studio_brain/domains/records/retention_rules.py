"""What retention may take, and when at the earliest. Data to be reviewed, not code.

Everything is kept for ever unless `[records.retention]` in studio.toml names its kind of receipt and a number of days.
A number below the least days given here is refused. Sealed entries are never taken, whatever is set.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Takes(StrEnum):
    PAYLOAD = "payload"  # the erasable part beside the entry
    ROWS = "rows"  # what was derived from the entry, for the screen


@dataclass(frozen=True, slots=True)
class Rule:
    """`least_days`: how long it is needed in any case, and `why`."""

    kind: str
    takes: Takes
    least_days: int
    why: str


RULES: Final = (
    Rule("proposal.drafted", Takes.PAYLOAD, 365, "a disputed action is explained by what was proposed"),
    Rule("execution.result", Takes.PAYLOAD, 365, "a disputed action is explained by what the other side answered"),
    Rule("execution.compared", Takes.PAYLOAD, 365, "a deviation is mended from what was read back"),
    Rule("execution.late_answer", Takes.PAYLOAD, 365, "an answer that came late may be the only one there is"),
    Rule("studio.observed", Takes.ROWS, 90, "the history of numbers goes back 90 days"),
)
