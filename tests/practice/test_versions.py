"""The store keeps every version of the last hour: a read of any moment sees exactly what was there."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from studio_brain.practice.clock import HOUR, MINUTE, PracticeClock, parse, text
from studio_brain.practice.store import Store

PATHS = ["a/1", "a/2", "a/1/b/1", "a/1/b/2", "c/1"]
COLLECTIONS = ["a", "a/1/b", "c"]
puts = st.dictionaries(st.sampled_from(PATHS), st.one_of(st.none(), st.integers(0, 3)), max_size=3)
steps = st.lists(st.tuples(puts, st.sampled_from([0, 1, 1000, MINUTE, 20 * MINUTE, 61 * MINUTE])), max_size=25)


def wire(number: int | None) -> Any:
    return None if number is None else {"n": {"integerValue": str(number)}}


@settings(max_examples=300, deadline=None)
@given(steps, st.data())
def test_reads_of_any_moment_of_the_last_hour(history: list[tuple[dict[str, Any], int]], data: st.DataObject) -> None:
    wall = [1_795_000_000_000_000]
    store = Store(PracticeClock(wall=lambda: wall[0] * 1000))
    world: dict[str, int] = {}
    updated: dict[str, int] = {}
    snapshots: list[tuple[int, dict[str, int]]] = [(0, {})]
    for wanted, pause in history:
        commit = store.commit([(path, wire(number)) for path, number in wanted.items()])
        assert commit.at > snapshots[-1][0]
        for path, number in wanted.items():
            if world.get(path) != number:
                updated[path] = commit.at
            world.pop(path, None)
            if number is not None:
                world[path] = number
        snapshots.append((commit.at, dict(world)))
        changed = {change.path for change in commit.changes}
        assert changed == {path for path in wanted if snapshots[-2][1].get(path) != world.get(path)}
        wall[0] += pause

        oldest = snapshots[-1][0] - HOUR
        at = data.draw(st.sampled_from([moment for moment, _ in snapshots if moment >= oldest] or [None]))
        seen = world if at is None else next(known for moment, known in reversed(snapshots) if moment <= at)
        for path in PATHS:
            version = store.get(path, at)
            assert (None if version is None else version.fields) == wire(seen.get(path))
        for collection in COLLECTIONS:
            rows = [f"{collection}/{key}" for key, _ in store.scan(collection, at)]
            assert rows == sorted(path for path in seen if path.rpartition("/")[0] == collection)
        for path in world:
            version = store.get(path)
            assert version is not None
            assert version.updated == updated[path]


def test_versions_beyond_the_hour_are_let_go() -> None:
    wall = [1_795_000_000_000_000]
    store = Store(PracticeClock(wall=lambda: wall[0] * 1000))
    for number in range(100):
        store.commit([("a/1", wire(number)), (f"b/{number}", wire(1))])
        store.commit([(f"b/{number}", None)])
        wall[0] += 10 * MINUTE
    store.commit([("a/1", wire(0))])
    version, depth = store.get("a/1"), 0
    while version is not None:
        version, depth = version.older, depth + 1
    assert depth <= 9
    assert len(store.collections["b"].heads) <= 8


@given(st.integers(0, 4_102_444_800_000_000))
def test_times_survive_their_text(moment: int) -> None:
    shown = text(moment)
    assert parse(shown) == moment
    assert len(shown) in (20, 24, 27)


def test_commit_times_increase_even_when_the_clock_goes_back() -> None:
    wall = [1_795_000_000_000_000]
    store = Store(PracticeClock(wall=lambda: wall[0] * 1000))
    first = store.commit([("a/1", wire(1))]).at
    wall[0] -= 10 * MINUTE
    second = store.commit([("a/1", wire(2))]).at
    assert second > first
    assert store.get("a/1", store.clock.read_us()).updated == second  # type: ignore[union-attr]
