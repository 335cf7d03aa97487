"""One engine for every object that has states: a proposal, a firing of work, a capsule, an incident.

A *lifecycle* is data: states, and *edges* that an event takes from one state to another when its *guards* agree. A
*guard* is a named pure function of the context; it answers with a reason code when it blocks. A state may have a
*deadline*: the name of the context field that holds the moment, and the event that is then due.

`decide` never raises for a refused event: what was asked is answered by a value, and every value can be traced in a
receipt. The same request asked twice is `Repeated`: nothing happens again, and that too is traced.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .reasons import ReasonCode

Context = Mapping[str, Any]
Guard = Callable[[Context], ReasonCode | None]


@dataclass(frozen=True, slots=True)
class Edge:
    event: str
    source: str
    target: str
    guards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deadline:
    """`event` is due once `now_ms` of the context has reached the context's `field` (milliseconds)."""

    field: str
    event: str


@dataclass(frozen=True, slots=True)
class Accepted:
    event: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Repeated:
    """This very request was applied before; the object stays as it is."""

    event: str
    state: str


@dataclass(frozen=True, slots=True)
class Refused:
    event: str
    state: str
    code: ReasonCode
    guard: str | None = None


Outcome = Accepted | Repeated | Refused


class LifecycleError(ValueError):
    """The definition contradicts itself; raised when it is built, never while it is used."""


@dataclass(frozen=True)
class Lifecycle:
    """States, edges, guards, deadlines. Building one checks it: names resolve, every state is reachable, a final
    state has no way out, and one event has one target a state."""

    name: str
    initial: str
    states: tuple[str, ...]
    final: frozenset[str]
    edges: tuple[Edge, ...]
    guards: Mapping[str, Guard] = field(default_factory=dict)
    deadlines: Mapping[str, Deadline] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = set(self.states)
        self._demand(len(known) == len(self.states), "a state is named twice")
        self._demand(self.initial in known, f"the initial state {self.initial!r} is not a state")
        self._demand(self.final <= known, f"unknown final states {sorted(self.final - known)}")
        taken: set[tuple[str, str]] = set()
        for edge in self.edges:
            self._demand({edge.source, edge.target} <= known, f"{edge} joins unknown states")
            self._demand(edge.source not in self.final, f"{edge} leaves a final state")
            self._demand((edge.source, edge.event) not in taken, f"two edges for {edge.event!r} from {edge.source!r}")
            self._demand(set(edge.guards) <= set(self.guards), f"{edge} names an unknown guard")
            taken.add((edge.source, edge.event))
        for state, deadline in self.deadlines.items():
            self._demand((state, deadline.event) in taken, f"the deadline of {state!r} has no edge")
        lost = known - self._reachable()
        self._demand(not lost, f"unreachable states {sorted(lost)}")

    def decide(
        self, state: str, event: str, context: Context, *, request: str | None = None, applied: Iterable[str] = ()
    ) -> Outcome:
        """What `event` does to an object in `state`.

        `request` is the id of the caller's request and `applied` the ids that this object has taken before.
        """
        if request is not None and request in applied:
            return Repeated(event, state)
        edge = next((edge for edge in self.edges if edge.source == state and edge.event == event), None)
        if edge is None:
            return Refused(event, state, ReasonCode.WRONG_STATE)
        for name in edge.guards:
            code = self.guards[name](context)
            if code is not None:
                return Refused(event, state, code, name)
        return Accepted(event, state, edge.target)

    def due(self, state: str, context: Context) -> str | None:
        """The event whose deadline has passed, if any. `context` holds `now_ms` and the deadline's field."""
        deadline = self.deadlines.get(state)
        if deadline is None or context.get(deadline.field) is None:
            return None
        return deadline.event if context["now_ms"] >= context[deadline.field] else None

    def events(self, state: str) -> tuple[str, ...]:
        """The events that have an edge from `state`, in the order of the definition."""
        return tuple(edge.event for edge in self.edges if edge.source == state)

    def _reachable(self) -> set[str]:
        found = {self.initial}
        while True:
            more = {edge.target for edge in self.edges if edge.source in found} - found
            if not more:
                return found
            found |= more

    def _demand(self, holds: bool, message: str) -> None:
        if not holds:
            raise LifecycleError(f"lifecycle {self.name}: {message}")
