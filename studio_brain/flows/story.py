"""A *story* crosses domains: it listens to kinds of receipts and *wishes* for capabilities, by id.

Its `tell` is pure: the same facts give the same wishes. It may be told the same facts again, after a crash or when it
is not known any more how far it came, so that what it wishes for has to be safe to ask for twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..evidence.facts import Fact
from ..evidence.log import LogRow


@dataclass(frozen=True, slots=True)
class Wish:
    """A capability to perform, as the system. `because` is its rationale."""

    capability: str
    payload: dict[str, Any]
    because: str


@dataclass(frozen=True, slots=True)
class Story:
    """`tell` gets the facts of these kinds out of one stretch of one log, in order."""

    name: str
    kinds: frozenset[str]
    capabilities: frozenset[str]
    tell: Callable[[LogRow, Sequence[Fact]], Sequence[Wish]]
