"""What was read back after an execution differs from what was predicted: an incident of that capability."""

from collections.abc import Sequence
from typing import Final

from ..evidence.facts import Fact
from ..evidence.log import LogRow
from ..gateway.receipts import COMPARED
from .incidents import OPEN, gather
from .story import Story, Wish


def tell(log: LogRow, facts: Sequence[Fact]) -> list[Wish]:
    seen = [fact for fact in facts if fact.data["deviates"]]
    because = "what was read back differs from what was predicted"
    return gather(log, "deviation", seen, lambda fact: str(fact.data["capabilityId"]), because)


STORY: Final = Story("deviation", frozenset({COMPARED}), frozenset({OPEN}), tell)
