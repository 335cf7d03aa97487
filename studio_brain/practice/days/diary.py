"""A day as a list of things that will happen, each at its time, and the living of it."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import clock, resources
from ..functions.documents import Documents
from ..ids import dice, seeded_id
from ..plain import Plain, Timestamp
from ..store import Store
from ..world.builder import CLOSES, OPENS

# A day changes at most so many documents.
MOST = 60
# How busy the weekdays are, Monday first.
_PACE = (0.5, 0.9, 1.0, 1.0, 1.1, 1.3, 0.7)


@dataclass(frozen=True, slots=True)
class Person:
    uid: str
    name: str
    email: str


Deed = Callable[[Documents], None]


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that will happen. `cost` is how many document changes it makes at most; a low `rank` comes first."""

    at: int
    rank: int
    cost: int
    deed: Deed


class Diary:
    def __init__(self, store: Store, seed: int, day: int) -> None:
        self.store = store
        self.rng: random.Random = dice(seed, "day", day)
        self.start = store.clock.now_us()
        self.end = self.start + clock.DAY
        self.studio: dict[str, Any] = resources.load("studio.json")
        local_day = (self.start + self.studio["utcOffsetHours"] * clock.HOUR) // clock.DAY
        # the first of January 1970 was a Thursday
        self._pace = _PACE[(local_day + 3) % 7] * self.rng.uniform(0.7, 1.2)
        self.documents = Documents(store)
        self._things: list[Thing] = []
        people = [row for _, row in self.documents.scan("users") if row.get("isActive")]
        self.members = [
            Person(row["uid"], row["displayName"], row["email"]) for row in people if row.get("role") == "member"
        ]
        self.staff = [row["uid"] for row in resources.load("accounts.json")["staff"]]

    # --- chance ---

    def member(self) -> Person:
        return self.rng.choice(self.members)

    def clerk(self) -> str:
        return self.rng.choice(self.staff)

    def times(self, likely: float, most: int) -> int:
        """How often something happens today: each of `most` chances comes true with about `likely`."""
        return sum(self.rng.random() < likely * self._pace for _ in range(most))

    def some(self, rows: list[tuple[str, Plain]], most: int) -> list[tuple[str, Plain]]:
        return self.rng.sample(rows, min(len(rows), most))

    def pot(self) -> str:
        return f"{self.rng.choice(self.studio['looks'])} {self.rng.choice(self.studio['pots'])}".capitalize()

    def new_id(self) -> str:
        return seeded_id(self.rng)

    # --- time ---

    def hour(self, earliest: int = 0) -> int:
        """A moment of today in opening hours, not before `earliest`."""
        offset = self.studio["utcOffsetHours"] * clock.HOUR
        local = self.start + offset
        midnight = local // clock.DAY * clock.DAY
        moment = midnight + int(self.rng.uniform(OPENS, CLOSES) * clock.HOUR)
        if moment < local:
            moment += clock.DAY
        return max(moment - offset, earliest)

    def older(self, value: Any, hours: float) -> bool:
        """Whether a timestamp of a document lies so many hours before the start of the day."""
        return isinstance(value, Timestamp) and value.us < self.start - hours * clock.HOUR

    # --- what happens ---

    def will(self, deed: Deed, cost: int, at: int | None = None, rank: int = 5) -> None:
        moment = self.hour() if at is None else at
        if self.start < moment < self.end:
            self._things.append(Thing(moment, rank, cost, deed))

    def live(self) -> int:
        """Does what there is room for, in the order of time; the number of document changes."""
        chosen: list[Thing] = []
        room = MOST
        for thing in sorted(self._things, key=lambda one: one.rank):
            if thing.cost <= room:
                chosen.append(thing)
                room -= thing.cost
        changes = 0
        for thing in sorted(chosen, key=lambda one: one.at):
            documents = Documents(self.store, thing.at, self.new_id)
            before = self.store.changes
            thing.deed(documents)
            changes += self.store.changes - before
        return changes
