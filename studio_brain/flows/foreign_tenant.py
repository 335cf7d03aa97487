"""Somebody named another studio than the one their session is for: an incident of that actor."""

from collections.abc import Sequence
from typing import Final

from ..evidence.facts import Fact
from ..evidence.log import LogRow
from ..gateway.receipts import DENIED
from ..kernel.reasons import ReasonCode
from .incidents import OPEN, gather
from .story import Story, Wish


def tell(log: LogRow, facts: Sequence[Fact]) -> list[Wish]:
    seen = [fact for fact in facts if fact.data["reasonCode"] == ReasonCode.TENANT_MISMATCH]
    because = "a request named another studio than the session's"
    return gather(log, "foreign_tenant", seen, lambda fact: f"{fact.actor.type}:{fact.actor.id}", because)


STORY: Final = Story("foreign_tenant", frozenset({DENIED}), frozenset({OPEN}), tell)
