"""Quotas replayed over the log: was ever more admitted than the limits that were sealed with each use allow?

Nothing here reads a row or a manifest: each use carries the limits that were in force, and its age in the terms of its
own entry.
"""

from collections import defaultdict, deque
from typing import Final

from ..evidence.facts import Fact
from ..kernel.clock import SECOND, Moment
from . import receipts
from .limits import MOST_USES, Per
from .quotas import COOLDOWN, Bucket, Use

KINDS: Final = frozenset({receipts.STARTED, receipts.QUOTA_USED, receipts.QUOTA_RESET})
_EVERY: Final = (Per.ACTOR.value, Per.OWNER.value, Per.CAPABILITY.value, Per.TENANT.value, COOLDOWN)


class Admissions:
    """Takes the entries of one log in order; remembers no more uses of a bucket than a limit can have."""

    def __init__(self) -> None:
        self._uses: dict[Bucket, deque[Moment]] = defaultdict(lambda: deque(maxlen=MOST_USES))

    def see(self, fact: Fact) -> list[str]:
        """What is wrong with this entry; nothing when it is in order. Raises KeyError and the like for one that does
        not say what it has to."""
        if fact.kind == receipts.QUOTA_RESET:
            bucket = fact.data["bucket"]
            self._uses.pop(Bucket(bucket["capability"], bucket["per"], bucket["subject"]), None)
            return []
        quota = fact.data.get("quota")
        if quota is None:
            return []
        use = Use(fact.data["capabilityId"], quota["actor"], quota["owner"], quota["target"])
        now = Moment(fact.at_ms, quota["boot"], quota["upMs"])
        faults = []
        for per, uses, window_s in quota["limits"]:
            past = self._uses.get(use.bucket(per), ())
            if len(past) >= uses and now.since(past[-uses]) < window_s * SECOND:
                faults.append(f"more than {uses} uses per {per} within {window_s} s")
        for per in _EVERY:
            self._uses[use.bucket(per)].append(now)
        return faults
