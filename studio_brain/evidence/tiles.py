"""The tree kept as C2SP tlog-tiles: rows of 256 hashes, written once when they are full.

Tile (0, i) holds the seals of entries 256·i … 256·i+255; tile (l, i) holds the roots of tiles (l−1, 256·i …). Beside
its hashes a stored tile keeps its own root, so that the unfinished tile one level up is read with one query and never
stored.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from .merkle import HASH_SIZE, Frontier, ProofError, complete_root, complete_spans

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT

HashRange = Callable[[int, int], list[bytes]]
"""(first, end) → the hashes of that half-open range."""


@dataclass(frozen=True, slots=True)
class Tile:
    level: int
    index: int
    root: bytes
    hashes: bytes


class TileStore(Protocol):
    """Where hashes are read from. Ranges are half-open."""

    def tile(self, level: int, index: int) -> bytes | None:
        """The 8192 bytes of a full tile, or None when it is not full yet."""
        ...

    def seals(self, first: int, end: int) -> list[bytes]: ...

    def tile_roots(self, level: int, first: int, end: int) -> list[bytes]: ...


def full_tiles(start: int, new: list[bytes], store: TileStore) -> Iterator[Tile]:
    """The tiles that become full when the seals `new` are added at index `start`, lowest level first.

    The caller stores each one before it takes the next: higher levels read the roots of the lower.
    """
    end = start + len(new)
    for index in range(start // TILE_WIDTH, end // TILE_WIDTH):
        first = index * TILE_WIDTH
        old = store.seals(first, start) if first < start else []
        yield from _completed(0, index, old + new[max(first - start, 0) : first + TILE_WIDTH - start], store)


def _completed(level: int, index: int, hashes: list[bytes], store: TileStore) -> Iterator[Tile]:
    if len(hashes) != TILE_WIDTH:
        raise ValueError(f"tile ({level}, {index}) is full with {TILE_WIDTH} hashes, not {len(hashes)}")
    stored = b"".join(hashes)
    yield Tile(level, index, complete_root(stored), stored)
    if (index + 1) % TILE_WIDTH == 0:
        yield from _completed(
            level + 1, index // TILE_WIDTH, store.tile_roots(level, index + 1 - TILE_WIDTH, index + 1), store
        )


class TileReader:
    """`merkle.NodeAt` over stored tiles, each read at most once. Good for one tree size; make a new one for the next.

    `frontier`, when it is that of this size, gives the roots along the unfinished edge without reading it.
    """

    def __init__(self, store: TileStore, size: int, frontier: Frontier | None = None) -> None:
        self._store = store
        self._size = size
        self._tiles: dict[tuple[int, int], bytes] = {}
        self._edge: dict[tuple[int, int], bytes] = {}
        if frontier is not None and frontier.size == size:
            nodes = [span.node for span in complete_spans(0, size)]
            self._edge = dict(zip(nodes, frontier.roots, strict=True))

    def __call__(self, level: int, index: int) -> bytes:
        known = self._edge.get((level, index))
        if known is not None:
            return known
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, offset = divmod(index << height, TILE_WIDTH)
        first = offset * HASH_SIZE
        return complete_root(self._hashes(tile_level, tile_index)[first : first + (HASH_SIZE << height)])

    @property
    def tiles_read(self) -> int:
        return len(self._tiles)

    def _hashes(self, level: int, index: int) -> bytes:
        known = self._tiles.get((level, index))
        if known is None:
            known = self._tiles[level, index] = self._read(level, index)
        return known

    def _read(self, level: int, index: int) -> bytes:
        """The hashes of a tile as it was at this size; one that is full by now is read whole. Raises ProofError when
        the stored tree has a hole."""
        first = index * TILE_WIDTH
        end = min(first + TILE_WIDTH, self._size >> TILE_HEIGHT * level)
        is_full = end == first + TILE_WIDTH
        stored = self._store.tile(level, index) if is_full or not self._edge else None
        if stored is None:
            read = self._store.seals(first, end) if level == 0 else self._store.tile_roots(level - 1, first, end)
            stored = b"".join(read)
        hashes = stored[: (end - first) * HASH_SIZE]
        if len(hashes) != (end - first) * HASH_SIZE:
            raise ProofError(f"tile ({level}, {index}) is not all there")
        return hashes
