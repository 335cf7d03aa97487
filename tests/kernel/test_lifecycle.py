"""The lifecycle engine: definitions that contradict themselves are refused, events answer with values."""

import pytest

from studio_brain.kernel.lifecycle import (
    Accepted,
    Deadline,
    Edge,
    Lifecycle,
    LifecycleError,
    Refused,
    Repeated,
)
from studio_brain.kernel.reasons import ReasonCode


def door(**changes: object) -> Lifecycle:
    parts: dict[str, object] = {
        "name": "door",
        "initial": "shut",
        "states": ("shut", "open", "gone"),
        "final": frozenset({"gone"}),
        "edges": (
            Edge("open", "shut", "open", ("has_key",)),
            Edge("shut", "open", "shut"),
            Edge("remove", "shut", "gone"),
            Edge("fall_shut", "open", "shut"),
        ),
        "guards": {"has_key": lambda context: None if context["key"] else ReasonCode.ROLE_REQUIRED},
        "deadlines": {"open": Deadline("shut_at_ms", "fall_shut")},
    }
    return Lifecycle(**(parts | changes))  # type: ignore[arg-type]


def test_an_event_with_an_edge_and_willing_guards_is_accepted() -> None:
    assert door().decide("shut", "open", {"key": True}) == Accepted("open", "shut", "open")


def test_a_guard_that_blocks_is_named_with_its_reason() -> None:
    assert door().decide("shut", "open", {"key": False}) == Refused("open", "shut", ReasonCode.ROLE_REQUIRED, "has_key")


def test_an_event_without_an_edge_is_a_value_not_an_exception() -> None:
    assert door().decide("gone", "open", {"key": True}) == Refused("open", "gone", ReasonCode.WRONG_STATE)


def test_the_same_request_twice_changes_nothing_and_says_so() -> None:
    assert door().decide("open", "open", {}, request="r1", applied=["r0", "r1"]) == Repeated("open", "open")


def test_a_deadline_is_due_from_its_moment_on() -> None:
    assert door().due("open", {"now_ms": 99, "shut_at_ms": 100}) is None
    assert door().due("open", {"now_ms": 100, "shut_at_ms": 100}) == "fall_shut"
    assert door().due("shut", {"now_ms": 100, "shut_at_ms": 1}) is None


def test_events_of_a_state_are_listed_in_order() -> None:
    assert door().events("shut") == ("open", "remove")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"states": ("shut", "open", "gone", "open")}, "twice"),
        ({"initial": "ajar"}, "initial"),
        ({"final": frozenset({"melted"})}, "unknown final"),
        ({"edges": (Edge("open", "shut", "ajar"),)}, "unknown states"),
        ({"edges": (Edge("remove", "shut", "gone"), Edge("back", "gone", "shut"))}, "leaves a final state"),
        ({"edges": (Edge("open", "shut", "open"), Edge("open", "shut", "gone"))}, "two edges"),
        ({"guards": {}}, "unknown guard"),
        ({"deadlines": {"open": Deadline("x", "explode")}}, "no edge"),
        ({"edges": (Edge("open", "shut", "open"), Edge("fall_shut", "open", "shut"))}, "unreachable"),
    ],
)
def test_a_definition_that_contradicts_itself_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(LifecycleError, match=says):
        door(**changes)
