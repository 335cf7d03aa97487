"""The part of the tree above whole tiles, as it grows while a log is swept from left to right.

It needs the root of every full tile, in order, and nothing else. From it follow the root at any checkpoint (together
with what lies inside that checkpoint's own tile) and the tiles of the upper levels, which are compared with the stored
ones.
"""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from .log import LogRow
from .merkle import Frontier, complete_root, fold
from .statements import Statements
from .tables import tile
from .tiles import TILE_WIDTH, TileReader


@dataclass(frozen=True, slots=True)
class TileFault:
    """A stored tile of an upper level that does not follow from the entries below it; `index` is the first of them."""

    index: int
    what: str


@dataclass(slots=True)
class Upper:
    """`frontier` counts tiles, not entries. `unfinished[l]` holds the hashes of the unfinished tile of level l + 1."""

    frontier: Frontier = field(default_factory=Frontier)
    unfinished: list[list[bytes]] = field(default_factory=list)

    def root(self, inside: tuple[bytes, ...]) -> bytes:
        """The root of the whole tiles so far and of a part of the next one."""
        return fold((*self.frontier.roots, *inside))

    def copy(self) -> "Upper":
        return Upper(self.frontier.copy(), [list(hashes) for hashes in self.unfinished])

    def push(self, conn: Connection, log: LogRow, root: bytes) -> list[TileFault]:
        """Adds the root of one more full tile; what is wrong with tiles above that become full."""
        self.frontier.append(root)
        faults: list[TileFault] = []
        level, item = 1, root
        while True:
            if level > len(self.unfinished):
                self.unfinished.append([])
            hashes = self.unfinished[level - 1]
            hashes.append(item)
            if len(hashes) < TILE_WIDTH:
                return faults
            self.unfinished[level - 1] = []
            item = complete_root(b"".join(hashes))
            index = (self.frontier.size * TILE_WIDTH - 1) // TILE_WIDTH ** (level + 1)
            fault = _compare(conn, log, level, index, hashes, item)
            if fault is not None:
                faults.append(fault)
            level += 1

    def to_json(self) -> dict[str, Any]:
        return {
            "tiles": self.frontier.size,
            "roots": self.frontier.to_bytes().hex(),
            "unfinished": [b"".join(hashes).hex() for hashes in self.unfinished],
        }

    @classmethod
    def from_json(cls, value: Any) -> "Upper":
        """Raises ValueError, KeyError or TypeError for a value that was not made by `to_json`."""
        unfinished = [bytes.fromhex(text) for text in value["unfinished"]]
        return cls(
            Frontier.from_bytes(value["tiles"], bytes.fromhex(value["roots"])),
            [[data[i : i + 32] for i in range(0, len(data), 32)] for data in unfinished],
        )


def stored_upper(conn: Connection, log: LogRow, tiles: int) -> Upper:
    """As the stored tiles have it, over the first `tiles` full ones. Raises LookupError when some are not there.

    Whoever uses it compares its root with a signed one.
    """
    size = tiles * TILE_WIDTH
    node_at = TileReader(Statements(conn, log.log_id), size)
    roots, at = [], 0
    for level in reversed(range(tiles.bit_length())):
        if tiles >> level & 1:
            try:
                roots.append(node_at(level + 8, at >> level))
            except (IndexError, ValueError) as error:
                raise LookupError(f"tiles below {tiles} are missing") from error
            at += 1 << level
    unfinished, whole = [], tiles
    sql = Statements(conn, log.log_id)
    for level in range(max(1, (tiles.bit_length() + 7) // 8)):
        first = whole - whole % TILE_WIDTH
        hashes = sql.tile_roots(level, first, whole)
        if len(hashes) != whole - first:
            raise LookupError(f"tiles of level {level} are missing")
        unfinished.append(hashes)
        whole //= TILE_WIDTH
    return Upper(Frontier(tiles, tuple(roots)), unfinished)


def _compare(
    conn: Connection, log: LogRow, level: int, index: int, hashes: list[bytes], root: bytes
) -> TileFault | None:
    row = conn.execute(
        select(tile.c.root, tile.c.hashes).where(
            tile.c.log_id == log.log_id, tile.c.level == level, tile.c.idx == index
        )
    ).first()
    leaves = TILE_WIDTH**level  # below one hash of this level
    last = (index + 1) * TILE_WIDTH * leaves - 1
    if row is None:
        return TileFault(last, f"tile ({level}, {index}) is missing")
    stored = bytes(row.hashes)
    if stored != b"".join(hashes):
        first = next(i for i, item in enumerate(hashes) if stored[32 * i : 32 * i + 32] != item)
        return TileFault((index * TILE_WIDTH + first) * leaves, f"tile ({level}, {index}) holds another hash")
    if bytes(row.root) != root:
        return TileFault(last, f"the root beside tile ({level}, {index}) is not its root")
    return None
