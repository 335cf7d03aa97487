"""The way from one receipt to the signed root, worked out again here (RFC 9162 §2.1.3.2). Values only; no Qt.

The engine gives the hashes beside the way; which side each is on follows from index and size, never from what the
engine says, and the root that comes out is compared with the one in the checkpoint. The signature under the checkpoint
is not checked here: that takes a Verify, or a reader who has the key from elsewhere.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...seals import PREFIX, Check, node_of

Json = Mapping[str, Any]


class NotAPath(ValueError):
    """What the engine gave is no path of this shape."""


@dataclass(frozen=True, slots=True)
class Level:
    """One step up: `node` (what is known so far) and `beside` give the next node. Hashes are `sha256:<hex>`."""

    node: str
    beside: str
    left: bool
    """Whether `beside` stands left of the node."""
    spans: str
    """Which entries lie below `beside`, in words."""


@dataclass(frozen=True, slots=True)
class ProofView:
    """`levels` from the leaf up; `root` is what came out, `signed` what the checkpoint says."""

    index: int
    size: int
    levels: tuple[Level, ...]
    root: str
    signed: str
    check: Check
    said: str


def proof(answer: Json | None, seal: str) -> ProofView | None:
    """The view of an `evidence.proof` answer for the receipt with this seal; None where there is no proof yet."""
    if answer is None:
        return None
    index, size = int(answer["index"]), int(answer["size"])
    try:
        levels, root = climb(seal, index, size, answer["path"])
        if answer["checkpoint"] is None:
            said = f"No checkpoint of {size:,} entries is signed yet."
            return ProofView(index, size, levels, root, "", Check.UNCHECKED, said)
        signed = signed_root(answer["checkpoint"], answer["origin"], size)
    except (KeyError, ValueError) as error:
        said = f"What the engine gave is no proof: {error}."
        return ProofView(index, size, (), seal, "", Check.WRONG, said)
    if root != signed:
        said = "Worked out here, the path does not lead to the signed root: this receipt is not in that tree."
        return ProofView(index, size, levels, root, signed, Check.WRONG, said)
    count = f"{len(levels)} hash{'' if len(levels) == 1 else 'es'}"
    said = (
        f"Worked out here: the seal and {count} give the root that the checkpoint of {size:,} entries signs. "
        "Its signature is checked by Verify."
    )
    return ProofView(index, size, levels, root, signed, Check.CHECKED, said)


def climb(seal: str, index: int, size: int, path: Any) -> tuple[tuple[Level, ...], str]:
    """(levels, root). Raises NotAPath when there are too many hashes, or too few."""
    if not 0 <= index < size:
        raise NotAPath(f"no entry {index} in a tree of {size}")
    place, last, node = index, size - 1, seal
    levels = []
    for step in path:
        if last == 0:
            raise NotAPath("it goes on above the root")
        beside = str(step["hash"])
        left = bool(place & 1) or place == last
        levels.append(Level(node, beside, left, _span(step)))
        node = node_of(beside, node) if left else node_of(node, beside)
        if left:
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
    if last != 0:
        raise NotAPath("it ends below the root")
    return tuple(levels), node


def signed_root(note: str, origin: str, size: int) -> str:
    """The root that a checkpoint of this log and size names. Raises NotAPath."""
    lines = note.split("\n")
    if len(lines) < 4 or lines[0] != origin or lines[1] != str(size):
        raise NotAPath("the checkpoint is of another log or size")
    return PREFIX + base64.b64decode(lines[2], validate=True).hex()


def _span(step: Json) -> str:
    first, last = int(step["begin"]), int(step["end"]) - 1
    return f"{first:,}" if first == last else f"{first:,} – {last:,}"
