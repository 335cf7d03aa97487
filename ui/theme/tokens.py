"""The one token file, read: colours of a variant by name, sizes as ratios, radii.

A *surface* is what things lie on, a *fill* is one of the five Pearl Nacre tokens used as a signal, an *ink* is what
text and lines are drawn with. Every ink may stand on every surface; on a fill stands `on_fill` only. That is why the
contrast test can walk all pairs: there are no others.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import resources

VARIANTS = ("light", "night")


@dataclass(frozen=True, slots=True)
class Tokens:
    """One variant. `colours` holds surfaces, inks, fills and the single ones (`on_fill`, `line`, `edge`, `focus`)."""

    variant: str
    surfaces: Mapping[str, str]
    inks: Mapping[str, str]
    fills: Mapping[str, str]
    colours: Mapping[str, str]
    type: Mapping[str, float]
    shape: Mapping[str, int]

    def __getitem__(self, name: str) -> str:
        return self.colours[name]


def read() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(resources.path("tokens.json").read_text(encoding="utf-8"))
    return document


def tokens(variant: str, document: Mapping[str, Any] | None = None) -> Tokens:
    """The tokens of `light` or `night`."""
    document = read() if document is None else document
    found = document["variants"][variant]
    single = {name: found[name] for name in ("on_fill", "line", "edge", "focus")}
    return Tokens(
        variant=variant,
        surfaces=found["surfaces"],
        inks=found["inks"],
        fills=found["fills"],
        colours={**found["fills"], **found["surfaces"], **found["inks"], **single},
        type=document["type"],
        shape=document["shape"],
    )
