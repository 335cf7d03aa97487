"""Paths of tiles and entry bundles in a folder or on a server: C2SP tlog-tiles §Merkle Tree, §Partial Tiles, §Log
entries.

Index 1234067 is `x001/x234/067`; a tile that is not full ends with `.p/<width>`.
"""

import re
from collections.abc import Iterator
from typing import Final

from .note import NoteError
from .numbers import decimal

WIDTH: Final = 256
MAX_LEVEL: Final = 63
_INDEX: Final = re.compile(r"(?:x[0-9]{3}/)*[0-9]{3}", re.ASCII)


def index_path(index: int) -> str:
    """1234067 → `x001/x234/067`."""
    if index < 0:
        raise ValueError("an index is not negative")
    path = f"{index % 1000:03d}"
    while index := index // 1000:
        path = f"x{index % 1000:03d}/{path}"
    return path


def parse_index_path(path: str) -> int:
    """The inverse of `index_path`; NoteError for anything that it would not write."""
    if not _INDEX.fullmatch(path):
        raise NoteError(f"not the path of an index: {path[:40]!r}")
    index = int("".join(part.removeprefix("x") for part in path.split("/")))
    if index_path(index) != path:
        raise NoteError(f"not the path of an index: {path[:40]!r}")
    return index


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """`tile/<L>/<N>[.p/<W>]`."""
    _check(level, width)
    return f"tile/{level}/{index_path(index)}{_suffix(width)}"


def bundle_path(index: int, width: int = WIDTH) -> str:
    """`tile/entries/<N>[.p/<W>]`."""
    _check(0, width)
    return f"tile/entries/{index_path(index)}{_suffix(width)}"


def parse_tile_path(path: str) -> tuple[int | None, int, int]:
    """(level, index, width) of a tile; level is None for an entry bundle. NoteError for anything else."""
    parts = path.split("/", 2)
    if len(parts) != 3 or parts[0] != "tile":
        raise NoteError(f"not the path of a tile: {path[:60]!r}")
    level = None if parts[1] == "entries" else decimal(parts[1], "the level")
    if level is not None and level > MAX_LEVEL:
        raise NoteError("a level is at most 63")
    name, partial, width_text = parts[2].partition(".p/")
    width = decimal(width_text, "the width") if partial else WIDTH
    if partial and not 1 <= width < WIDTH:
        raise NoteError("a partial tile is 1 to 255 wide")
    return level, parse_index_path(name), width


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """(level, index, width) of every tile of a tree of `size` leaves, lowest level first; the last of a level may be
    partial, empty ones are left out."""
    level = 0
    while size:
        full, rest = divmod(size, WIDTH)
        yield from ((level, index, WIDTH) for index in range(full))
        if rest:
            yield level, full, rest
        size, level = full, level + 1


def _check(level: int, width: int) -> None:
    if not 0 <= level <= MAX_LEVEL or not 1 <= width <= WIDTH:
        raise ValueError("a level is 0 to 63, a width 1 to 256")


def _suffix(width: int) -> str:
    return "" if width == WIDTH else f".p/{width}"
