"""What every part of the world is built with: dice, times in opening hours, people, and where documents go."""

import random
from dataclasses import dataclass, field
from typing import Any

from .. import clock, resources
from ..ids import dice
from ..plain import Plain, Timestamp, shared_fields, stamp
from ..store import Store
from ..values import Value

OPENS, CLOSES = 9, 20


@dataclass(frozen=True, slots=True)
class Member:
    uid: str
    name: str
    email: str
    tier: str
    joined: Timestamp


@dataclass
class Builder:
    store: Store
    seed: int
    batch_count: int
    now_us: int
    studio: dict[str, Any] = field(init=False)
    members: list[Member] = field(default_factory=list)
    staff: list[str] = field(default_factory=list)
    _drift: int = 0
    _shared: dict[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.studio = resources.load("studio.json")

    def dice(self, part: str) -> random.Random:
        return dice(self.seed, part)

    def scale(self, at_400: int, most: int) -> int:
        """How many of something there are, when there are `at_400` beside 400 batches."""
        return max(1, min(most, round(at_400 * self.batch_count / 400)))

    def put(self, path: str, data: Plain, created: Timestamp, updated: Timestamp | None = None) -> None:
        """A document of the seed. Its update time is some microseconds after what it says of itself."""
        self._drift = (self._drift * 31 + 17) % 997
        fields = shared_fields(data, self._shared)
        first = created.us + self._drift + 1
        last = first if updated is None or updated == created else updated.us + self._drift + 1
        self.store.load(path, fields, first, last)

    def ago(self, rng: random.Random, least_days: float, most_days: float) -> Timestamp:
        """A moment between so many days ago, in opening hours, and at least a minute before now."""
        return self.open_at(rng, self.now_us - int(rng.uniform(least_days, most_days) * clock.DAY))

    def open_at(self, rng: random.Random, us: int) -> Timestamp:
        """The moment itself, or one in the opening hours just before it when the studio was closed then."""
        offset = self.studio["utcOffsetHours"] * clock.HOUR
        local = us + offset
        midnight = local // clock.DAY * clock.DAY
        if not OPENS <= (local - midnight) // clock.HOUR < CLOSES:
            if local - midnight < OPENS * clock.HOUR:
                midnight -= clock.DAY
            local = midnight + OPENS * clock.HOUR + rng.randrange((CLOSES - OPENS) * clock.HOUR)
        return stamp(min(local - offset, self.now_us - clock.MINUTE))

    def after(self, rng: random.Random, since: Timestamp, least_hours: float, most_hours: float) -> Timestamp:
        """Some hours later, in opening hours, not before `since` and not after a minute ago."""
        wanted = since.us + int(rng.uniform(least_hours, most_hours) * clock.HOUR)
        moment = self.open_at(rng, min(wanted, self.now_us - clock.MINUTE))
        return max(moment, since)

    def member(self, rng: random.Random) -> Member:
        """Some come more often than others."""
        return self.members[int(len(self.members) * rng.random() ** 1.6)]

    def clerk(self, rng: random.Random) -> str:
        return rng.choice(self.staff)

    def pot(self, rng: random.Random) -> str:
        return f"{rng.choice(self.studio['looks'])} {rng.choice(self.studio['pots'])}".capitalize()
