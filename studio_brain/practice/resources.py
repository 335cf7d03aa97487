"""Finds the practice studio's data files: names, things, indexes, rules. The only place that knows where they lie."""

from functools import cache
from pathlib import Path
from typing import Any

import orjson

_PACKAGE = Path(__file__).resolve().parent.parent
_PLACES = (_PACKAGE / "_resources" / "practice", _PACKAGE.parent / "resources" / "practice")


def folder() -> Path:
    """`studio_brain/_resources/practice` in an installed wheel, `resources/practice` in a checkout."""
    for place in _PLACES:
        if place.is_dir():
            return place
    raise FileNotFoundError(f"the practice data is in neither of {', '.join(map(str, _PLACES))}: install again")


@cache
def load(name: str) -> Any:
    """The parsed JSON of one data file, read once. Callers do not change what they get."""
    return orjson.loads((folder() / name).read_bytes())
