"""Two receipts side by side: what differs, field by field. Values only; no Qt."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ...safe_text import block, short_hash, short_id

Json = Mapping[str, Any]

_ID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")

ALWAYS: Final = frozenset({"id", "at"})
"""Every two receipts differ in these; they come last."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field and its value in each; an empty text where one has no such field."""

    field: str
    one: str
    other: str


@dataclass(frozen=True, slots=True)
class Comparison:
    head: str
    differences: tuple[Difference, ...]
    same: str


def compare(one: Json, other: Json) -> Comparison:
    """Of two `evidence.one` answers, the earlier one first."""
    first, second = sorted((one, other), key=lambda found: int(found["index"]))
    a, b = dict(_fields(first)), dict(_fields(second))
    names = sorted({*a, *b}, key=lambda name: (name in ALWAYS, name))
    differences = tuple(
        Difference(name.removeprefix("data."), _shown(a.get(name, "")), _shown(b.get(name, "")))
        for name in names
        if a.get(name) != b.get(name)
    )
    equal = [name.removeprefix("data.") for name in names if a.get(name) == b.get(name)]
    head = f"#{first['index']:,} and #{second['index']:,}"
    if first["index"] == second["index"]:
        return Comparison(head, (), "This is the same receipt.")
    same = f"Equal in both: {', '.join(equal)}." if equal else "No field is equal."
    return Comparison(head, differences, block(same, 600))


def _shown(value: str) -> str:
    """Hashes and ids shortened: which they are is in the receipts themselves."""
    if value.startswith("sha256:"):
        return short_hash(value)
    return short_id(value, 8, 6) if _ID.fullmatch(value) else block(value, 600)


def _fields(found: Json) -> Iterator[tuple[str, str]]:
    """(path, text) of every value in the sealed bytes; the whole bytes where they are no JSON."""
    try:
        document = json.loads(found["body"])
    except ValueError:
        yield "bytes", str(found["body"])
        return
    yield from _walk("", document)


def _walk(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _walk(f"{path}.{name}" if path else str(name), inner)
    elif isinstance(value, str):
        yield path, value
    else:
        yield path, json.dumps(value, ensure_ascii=False)
