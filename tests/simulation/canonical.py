"""The canonical campaign: random documents, whose canonical bytes have to equal those of the reference implementation.

Documents are drawn quickly rather than shrunk well: hypothesis looks for what is odd in `tests/kernel`, this one for
what is rare.
"""

import math
import random
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rfc8785

from studio_brain.kernel.canonical import FloatRefused, canonical, canonical_entry, is_canonical

SAFE = 2**53 - 1
RANGES = ((0x20, 0x7E), (0x00, 0x1F), (0x80, 0x2FF), (0x2000, 0x206F), (0xE000, 0xFFFF), (0x10000, 0x10FFFF))


@dataclass
class Report:
    """`differences` are documents whose bytes differ, or, of those that may be sealed, are not held to be canonical."""

    seed: int
    documents: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.differences

    def lines(self) -> list[str]:
        head = f"canonical campaign, seed {self.seed}: {self.documents} documents, {len(self.differences)} differences"
        return [head, *(f"  DIFFERS {item:.300}" for item in self.differences[:20])]


def text(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.7:
        return "".join(rng.choices('abcdefghijklmnopqrstuvwxyzABC_.:/-\\" 0123456789', k=rng.randrange(20)))
    low, high = rng.choice(RANGES)
    return "".join(chr(rng.randint(low, high)) for _ in range(rng.randrange(8)))


def number(rng: random.Random) -> int | float:
    kind = rng.random()
    if kind < 0.4:
        return rng.randint(-1000, 1000)
    if kind < 0.6:
        return rng.choice((1, -1)) * (SAFE - rng.randrange(3))
    if kind < 0.8:
        return rng.randint(-SAFE, SAFE)
    while True:
        value = (
            struct.unpack(">d", rng.randbytes(8))[0] if kind < 0.9 else rng.choice((1, -1)) * 10 ** rng.uniform(-9, 23)
        )
        if math.isfinite(value):
            return float(value)


def document(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.random()
    if depth < 4 and kind < (0.95 if depth == 0 else 0.3):
        if kind < 0.12:
            return [document(rng, depth + 1) for _ in range(rng.randrange(6))]
        return {text(rng): document(rng, depth + 1) for _ in range(rng.randrange(9))}
    return rng.choice((text, text, number, lambda r: r.choice((True, False, None))))(rng)


def _same_as_an_entry(value: Any) -> bool:
    """What may be sealed gives the same bytes as an entry, and they are held to be canonical."""
    try:
        data = canonical_entry(value)
    except FloatRefused:
        return True
    return data == rfc8785.dumps(value) and is_canonical(data)


def campaign(folder: Path, seed: int, count: int) -> Report:
    rng, report = random.Random(seed), Report(seed)
    for _ in range(count):
        value = document(rng)
        report.documents += 1
        if canonical(value) != rfc8785.dumps(value) or not _same_as_an_entry(value):
            report.differences.append(repr(value))
    return report
