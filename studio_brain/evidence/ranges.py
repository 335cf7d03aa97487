"""Ranges of entries, and the map that a sweep draws of a log.

A *range* is half open: [first, end). `Ranges` is a set of indexes kept as sorted ranges that do not touch, so that a
million neighbours cost as much as one. A *range map* says of every index of a log which of five states it is in:

    ok        its bytes are what was sealed, and a signed checkpoint covers it
    erased    as ok, and its payload is gone because a later entry says so
    altered   something about it is not what was sealed, or it cannot be shown to be
    missing   it was there once and is not any more
    unswept   nobody looked this time
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

OK: Final = "ok"
ERASED: Final = "erased"
ALTERED: Final = "altered"
MISSING: Final = "missing"
UNSWEPT: Final = "unswept"

STATES: Final = (OK, ERASED, UNSWEPT, ALTERED, MISSING)
"""Where several hold for one index, the last of them is shown."""


@dataclass(slots=True)
class Ranges:
    """A set of indexes. `starts` and `ends` run side by side, rising."""

    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def add(self, first: int, end: int) -> None:
        """Adds [first, end); neighbours grow together. Nothing happens when it is empty."""
        if first >= end:
            return
        low = bisect_left(self.ends, first)
        high = bisect_right(self.starts, end)
        if low < high:
            first, end = min(first, self.starts[low]), max(end, self.ends[high - 1])
        self.starts[low:high] = [first]
        self.ends[low:high] = [end]

    def add_each(self, indexes: Iterable[int]) -> None:
        for index in indexes:
            self.add(index, index + 1)

    def minus(self, other: "Ranges") -> "Ranges":
        """What is in this set and not in the other."""
        result = Ranges()
        for first, end in self:
            at = first
            for start, stop in other.within(first, end):
                result.add(at, start)
                at = stop
            result.add(at, end)
        return result

    def within(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """The ranges of this set, cut to [first, end)."""
        for i in range(bisect_right(self.ends, first), len(self.starts)):
            if self.starts[i] >= end:
                return
            yield max(first, self.starts[i]), min(end, self.ends[i])

    def __contains__(self, index: int) -> bool:
        i = bisect_right(self.starts, index) - 1
        return i >= 0 and index < self.ends[i]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(list(zip(self.starts, self.ends, strict=True)))

    def __len__(self) -> int:
        """How many indexes, not how many ranges."""
        return sum(self.ends) - sum(self.starts)

    def to_json(self) -> list[list[int]]:
        return [[first, end] for first, end in self]

    @classmethod
    def from_json(cls, value: Any) -> "Ranges":
        result = cls()
        for first, end in value:
            result.add(int(first), int(end))
        return result


def draw(end: int, marks: Iterable[tuple[str, int, int]]) -> list[tuple[int, int, str]]:
    """The range map of [0, end): (first, end, state) in order, without gaps, neighbours of different states.

    `marks` are (state, first, end); what nobody marked is unswept.
    """
    sets = {state: Ranges() for state in STATES}
    sets[UNSWEPT].add(0, end)
    marked = Ranges()
    for state, first, stop in marks:
        sets[state].add(max(first, 0), min(stop, end))
        marked.add(max(first, 0), min(stop, end))
    sets[UNSWEPT] = sets[UNSWEPT].minus(marked)
    above = Ranges()
    pieces: list[tuple[int, int, str]] = []
    for state in reversed(STATES):
        shown = sets[state].minus(above)
        pieces += [(first, stop, state) for first, stop in shown]
        for first, stop in shown:
            above.add(first, stop)
    return sorted(pieces)
