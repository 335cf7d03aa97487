"""What a manifest says about how often and how far: limits, cooldowns, reach and class of effect. Pure data.

A *limit* is a number of uses within a sliding window, counted per actor (who asked), owner (whose thing it is),
capability, or tenant. The first three count the uses of that capability; the last counts every counted use in the
studio. A *cooldown* is the time between two uses on the same target.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ..kernel.policy import Risk

MOST_USES: Final = 2_000
"""The largest number that a limit can have: a replay remembers that many uses of each bucket."""


class Per(StrEnum):
    """What is counted together."""

    ACTOR = "actor"
    OWNER = "owner"
    CAPABILITY = "capability"
    TENANT = "tenant"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `uses` within any `window_s` seconds."""

    per: Per
    uses: int
    window_s: int

    def to_json(self) -> list[str | int]:
        return [self.per.value, self.uses, self.window_s]


def per_hour(*, actor: int, owner: int, capability: int, tenant: int) -> tuple[Limit, ...]:
    """One limit of each kind, within an hour."""
    uses = {Per.ACTOR: actor, Per.OWNER: owner, Per.CAPABILITY: capability, Per.TENANT: tenant}
    return tuple(Limit(per, count, 3_600) for per, count in uses.items())


class Scope(StrEnum):
    """How far one use reaches."""

    RECORD = "record"
    STUDIO = "studio"
    INSTALLATION = "installation"


class EffectClass(StrEnum):
    """What an outside write touches in the world."""

    CLOUD = "cloud"
    RECORDS = "records"  # destroys records of this home
    PHYSICAL = "physical"  # doors, locks, kilns, anything that somebody may stand beside
    MONEY = "money"
    POWER = "power"
    MOBILITY = "mobility"
    PUBLISH = "publish"


NEVER_EXEMPT: Final = frozenset(
    {EffectClass.PHYSICAL, EffectClass.MONEY, EffectClass.POWER, EffectClass.MOBILITY, EffectClass.RECORDS}
)
"""Classes whose capabilities always ask a person."""

EXEMPTABLE_RISKS: Final = frozenset({Risk.LOW, Risk.MEDIUM})


def exemption_bar(risk: Risk, effects: Sequence[EffectClass] | frozenset[EffectClass]) -> str | None:
    """Why a capability of this risk and these effects may never be exempted; None when it may."""
    if risk not in EXEMPTABLE_RISKS:
        return f"of {risk.value} risk"
    barred = sorted(effect.value for effect in NEVER_EXEMPT.intersection(effects))
    return ", ".join(barred) or None
