"""A sweep found evidence that is not as it was sealed: an incident of the studio's evidence."""

from collections.abc import Sequence
from typing import Final

from ..domains.records.sweeping import FAILED
from ..evidence.facts import Fact
from ..evidence.log import LogRow
from .incidents import OPEN, gather
from .story import Story, Wish


def tell(log: LogRow, facts: Sequence[Fact]) -> list[Wish]:
    return gather(log, "sweep_failed", facts, lambda fact: "evidence", "a sweep found evidence that is not as sealed")


STORY: Final = Story("failed_sweep", frozenset({FAILED}), frozenset({OPEN}), tell)
