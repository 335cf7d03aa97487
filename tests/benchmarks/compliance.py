"""Classifying free text: how much of what is risky is found and how much of what is flagged is risky, beside searching
for the same words as substrings; and how long one text takes.

The substrings are the words a hurried list would hold. The lines held out were not used for making the rules.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from studio_brain.domains.compliance.classify import rules
from tests.benchmarks.figures import Figure, at_least, limit

FOLDER = Path(__file__).resolve().parents[2] / "resources" / "compliance"
WORDS = (
    "gun", "bomb", "weapon", "knife", "bullet", "explos", "firing pin", "ammunition", "drug", "stolen", "illegal",
    "nazi", "porn", "counterfeit", "fake", "replica", "trademark", "logo", "copyright", "forge", "antique", "tip",
    "gift card", "password", "invoice", "launder", "insurance",
)  # fmt: skip

Flags = Callable[[str], bool]


def figures() -> list[Figure]:
    found: list[Figure] = []
    for name in ("rules", "held-out"):
        lines = _labelled(name)
        precision, recall = _measured(lines, lambda text: rules().classify(text).is_high_risk)
        plain_precision, plain_recall = _measured(lines, lambda text: any(word in text.lower() for word in WORDS))
        what = f"{name}, {len(lines)} lines"
        found += [
            at_least(f"compliance precision ({what})", precision, "", "substrings", plain_precision, None),
            at_least(f"compliance recall ({what})", recall, "", "substrings", plain_recall, None),
        ]
    return [*found, limit("classify one text, p50", _p50_ms(), "ms", 1.0)]


def _labelled(name: str) -> list[tuple[bool, str]]:
    lines = (FOLDER / f"labelled-{name}.tsv").read_text("utf-8").splitlines()
    return [(label != "unknown", text) for label, _, text in (line.partition("\t") for line in lines)]


def _measured(lines: list[tuple[bool, str]], flags: Flags) -> tuple[float, float]:
    """Precision, recall."""
    found = [(risky, flags(text)) for risky, text in lines]
    both = sum(risky and flagged for risky, flagged in found)
    return both / sum(flagged for _, flagged in found), both / sum(risky for risky, _ in found)


def _p50_ms() -> float:
    took = []
    for _, text in (*_labelled("rules"), *_labelled("held-out")) * 3:
        began = time.perf_counter()
        rules().classify(text)
        took.append((time.perf_counter() - began) * 1_000)
    return statistics.median(took)
