"""Proofs from stored tiles against RFC 6962 as it is written there: every pair up to 300 leaves, and around the sizes
where tiles fill up."""

import contextlib
import itertools
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio_brain.evidence.log import find_log
from studio_brain.evidence.merkle import (
    EMPTY_ROOT,
    Frontier,
    ProofError,
    complete_spans,
    consistency_proof,
    consistency_spans,
    inclusion_proof,
    inclusion_spans,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)
from studio_brain.evidence.rangeproof import range_proof, range_root, right_spans
from studio_brain.evidence.reader import LogReader
from studio_brain.evidence.tiles import Tile, TileReader, full_tiles
from studio_brain.store.database import Databases
from tests.benchmarks.big_log import TENANT, build

LEAVES = [leaf_hash(n.to_bytes(4, "big")) for n in range(65_540)]
WINDOWS = (*range(3), *range(253, 260), *range(511, 514), *range(65_277, 65_283), *range(65_533, 65_538))


# The oracle: RFC 6962 §2.1, §2.1.1 and §2.1.2, word for word, over leaves [begin, end).


def split(length: int) -> int:
    return 1 << (length - 1).bit_length() - 1


@cache
def mth(begin: int, end: int) -> bytes:
    if end - begin <= 1:
        return LEAVES[begin] if end > begin else EMPTY_ROOT
    k = begin + split(end - begin)
    return node_hash(mth(begin, k), mth(k, end))


def path(m: int, begin: int, end: int) -> list[bytes]:
    if end - begin == 1:
        return []
    k = begin + split(end - begin)
    return [*path(m, begin, k), mth(k, end)] if m < k else [*path(m, k, end), mth(begin, k)]


def subproof(m: int, begin: int, end: int, known: bool) -> list[bytes]:
    if m == end:
        return [] if known else [mth(begin, end)]
    k = begin + split(end - begin)
    if m <= k:
        return [*subproof(m, begin, k, known), mth(k, end)]
    return [*subproof(m, k, end, False), mth(begin, k)]


# The product: tiles as they are stored, read by a reader that counts.


class Stored:
    """`tiles.TileStore` in memory, for a log of `size` leaves appended in groups of `group`."""

    def __init__(self, size: int, group: int) -> None:
        self.leaves: list[bytes] = []
        self.full: dict[tuple[int, int], Tile] = {}
        for start in range(0, size, group):
            new = LEAVES[start : min(start + group, size)]
            for tile in full_tiles(start, new, self):
                self.full[tile.level, tile.index] = tile
            self.leaves += new

    def tile(self, level: int, index: int) -> bytes | None:
        found = self.full.get((level, index))
        return None if found is None else found.hashes

    def seals(self, first: int, end: int) -> list[bytes]:
        return self.leaves[first:end]

    def tile_roots(self, level: int, first: int, end: int) -> list[bytes]:
        return [self.full[level, index].root for index in range(first, end)]


SMALL = Stored(300, 7)


@pytest.fixture(scope="module")
def large() -> Stored:
    return Stored(65_538, 1_000)


def frontier(size: int) -> Frontier:
    return Frontier(size, tuple(mth(span.begin, span.end) for span in complete_spans(0, size)))


def test_every_inclusion_proof_up_to_300_leaves() -> None:
    for size in range(1, 301):
        tiles = cache(TileReader(SMALL, size, frontier(size) if size % 2 else None))
        assert root(size, tiles) == mth(0, size)
        for index in range(size):
            found = inclusion_proof(index, size, tiles)
            assert found == path(index, 0, size)
            verify_inclusion(LEAVES[index], index, size, found, mth(0, size))


def test_every_consistency_proof_up_to_300_leaves() -> None:
    for new in range(301):
        tiles = cache(TileReader(SMALL, new, frontier(new) if new % 2 else None))
        for old in range(new + 1):
            found = consistency_proof(old, new, tiles)
            assert found == (subproof(old, 0, new, True) if old else [])
            verify_consistency(old, new, found, mth(0, old), mth(0, new))


@pytest.mark.parametrize("size", [n for n in WINDOWS if n])
def test_proofs_where_tiles_fill_up(large: Stored, size: int) -> None:
    for index in (n for n in WINDOWS if n < size):
        tiles = TileReader(large, size)
        found = inclusion_proof(index, size, tiles)
        assert found == path(index, 0, size)
        verify_inclusion(LEAVES[index], index, size, found, mth(0, size))
        assert tiles.tiles_read <= 5
        head = TileReader(large, size, frontier(size))
        assert inclusion_proof(index, size, head) == found
        assert head.tiles_read <= 3
    for old in (n for n in WINDOWS if n <= size):
        tiles = TileReader(large, size, frontier(size))
        proof = consistency_proof(old, size, tiles)
        assert proof == (subproof(old, 0, size, True) if old else [])
        verify_consistency(old, size, proof, mth(0, old), mth(0, size))
        assert tiles.tiles_read <= 3


@given(st.integers(1, 65_538), st.data())
@settings(max_examples=60, deadline=None)
def test_any_pair_and_nothing_else_verifies(large: Stored, size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    found = inclusion_proof(index, size, TileReader(large, size))
    assert found == path(index, 0, size)
    if not found:
        return
    at = data.draw(st.integers(0, len(found) - 1))
    bent = [*found[:at], bytes([found[at][0] ^ 1]) + found[at][1:], *found[at + 1 :]]
    other = data.draw(st.integers(0, size - 1).filter(lambda n: n != index))
    for wrong_index, wrong in ((index, bent), (other, found), (index, found[1:]), (index, [*found, found[-1]])):
        with pytest.raises(ProofError):
            verify_inclusion(LEAVES[index], wrong_index, size, wrong, mth(0, size))


def test_a_hole_in_the_stored_tree_is_an_error_and_never_a_wrong_proof() -> None:
    broken = Stored(300, 50)
    del broken.full[0, 0]
    broken.leaves = broken.leaves[:200]
    with pytest.raises(ProofError, match="not all there"):
        inclusion_proof(3, 300, TileReader(broken, 300))


def test_spans_say_what_each_hash_covers() -> None:
    for size, index in itertools.product((1, 2, 7, 256, 300), (0, 1, 6, 255, 299)):
        if index < size:
            hashes = [mth(span.begin, span.end) for span in inclusion_spans(index, size)]
            assert hashes == path(index, 0, size)
    assert [span.node for span in inclusion_spans(2, 7)] == [(0, 3), (1, 0), (2, 1)]
    assert [mth(s.begin, s.end) for s in consistency_spans(5, 300)] == subproof(5, 0, 300, True)


# ranges


def node_at(level: int, index: int) -> bytes:
    return mth(index << level, (index + 1) << level)


def test_every_range_of_a_small_tree_leads_to_its_root() -> None:
    for size in range(34):
        for first in range(size + 1):
            for end in range(first, size + 1):
                left, right = range_proof(first, end, size, node_at)
                assert range_root(first, LEAVES[first:end], size, left, right) == mth(0, size)


@given(st.integers(0, 3_000), st.data())
@settings(max_examples=80, deadline=None)
def test_a_range_with_a_row_missing_moved_or_changed_does_not(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, size))
    end = data.draw(st.integers(first, size))
    left, right = range_proof(first, end, size, node_at)
    leaves = LEAVES[first:end]
    assert range_root(first, leaves, size, left, right) == mth(0, size)
    if len(leaves) < 2:
        return
    at = data.draw(st.integers(0, len(leaves) - 2))
    swapped = [*leaves[:at], leaves[at + 1], leaves[at], *leaves[at + 2 :]]
    assert range_root(first, swapped, size, left, right) != mth(0, size)
    missing = [*leaves[:at], *leaves[at + 1 :]]
    for where in (first, first + 1):
        with contextlib.suppress(ProofError):  # another range may have another number of hashes beside it
            assert range_root(where, missing, size, left, right) != mth(0, size)


@pytest.mark.parametrize(("first", "count", "size"), [(-1, 1, 5), (3, 3, 5), (0, 6, 5)])
def test_a_range_outside_the_tree_is_refused(first: int, count: int, size: int) -> None:
    with pytest.raises(ProofError):
        range_root(first, LEAVES[:count], size, [], [])


def test_a_range_proof_with_other_than_its_hashes_is_refused() -> None:
    left, right = range_proof(3, 5, 11, node_at)
    assert len(right) == len(right_spans(5, 11))
    for wrong in (([*left, left[0]], right), (left[1:], right), (left, right[1:]), (left, [*right, right[0]])):
        with pytest.raises(ProofError):
            range_root(3, LEAVES[3:5], 11, *wrong)
    with pytest.raises(ProofError):
        range_root(3, LEAVES[3:5], 11, [left[0][:31], *left[1:]], right)


# a real log


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    home: Path = tmp_path_factory.mktemp("log")
    databases, _ = build(home, 2_570, group=257)
    yield databases
    databases.close()


def test_a_stored_log_proves_every_entry_at_its_head_and_at_every_checkpoint(database: Databases) -> None:
    def check(conn):  # type: ignore[no-untyped-def]
        reader = LogReader(conn, find_log(conn, TENANT))
        head, rng = reader.size(), random.Random(1)
        seals = [stored.entry.seal for stored in reader.entries()]
        roots = {size: reader.root(size) for size in range(257, head + 1, 257)}
        assert roots[head] == reader.frontier().root()
        for size, top in roots.items():
            for index in {0, 255, 256, size - 1, *(rng.randrange(size) for _ in range(8))}:
                verify_inclusion(seals[index], index, size, reader.inclusion(index, size), top)
            for old in (257, 512 - 512 % 257, size):
                verify_consistency(old, size, reader.consistency(old, size), reader.root(old), top)
        return head

    assert database.brain.reading(check) == 2_570


def test_a_cold_proof_reads_no_entry_at_the_head(database: Databases) -> None:
    """The statements that a proof runs name tiles and the head; `body` is never among the columns."""
    seen: list[str] = []

    def check(conn):  # type: ignore[no-untyped-def]
        reader = LogReader(conn, find_log(conn, TENANT))
        size = reader.size()
        raw = conn.connection.driver_connection
        raw.set_trace_callback(seen.append)
        reader.inclusion(700, size)
        reader.consistency(300, size)
        raw.set_trace_callback(None)

    database.brain.reading(check)
    assert seen
    assert not [sql for sql in seen if "body" in sql or "FROM entry" in sql]
