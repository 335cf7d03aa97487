"""A log was behind where it is known to have been. While it is held nothing can be sealed in it; the incident opens
with the first entry afterwards: the tail was taken back from a vault, or given up and another epoch begun."""

from collections.abc import Sequence
from typing import Final

from ..domains.records.vault_restore import RESTORED
from ..evidence.epochs import STARTED
from ..evidence.facts import Fact
from ..evidence.log import LogRow
from .incidents import OPEN, gather
from .story import Story, Wish


def tell(log: LogRow, facts: Sequence[Fact]) -> list[Wish]:
    seen = [fact for fact in facts if fact.kind == RESTORED or fact.data["lost"]]
    return gather(log, "log_set_back", seen, lambda fact: log.tenant, "the log was behind a checkpoint known outside")


STORY: Final = Story("set_back", frozenset({STARTED, RESTORED}), frozenset({OPEN}), tell)
