"""What every benchmark hands back: one figure, what it is measured against in the same run, and its bound."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`ratio` is value ÷ the other value, both measured in this run; `bound` is what the ratio may reach, if any, or
    with `at_least` what it has to reach."""

    name: str
    value: float
    unit: str
    against: str
    ratio: float
    bound: float | None
    holds: bool
    at_least: bool = False

    @property
    def verdict(self) -> str:
        """Whether the bound holds, and by how much it does not."""
        if self.holds or not self.bound:
            return "holds" if self.holds else "MISSED"
        return f"MISSED by {abs(self.ratio - self.bound) / self.bound:.0%}"

    def line(self) -> str:
        """{"name", "value", "unit", "against", "ratio", "bound", "holds"}"""
        shown = {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}
        del shown["at_least"]
        return json.dumps(shown)


def at_most(name: str, value: float, unit: str, against: str, other: float, bound: float | None) -> Figure:
    """A figure whose ratio to `other` has to stay at or below `bound`."""
    ratio = value / other
    return Figure(name, value, unit, against, ratio, bound, bound is None or ratio <= bound)


def at_least(name: str, value: float, unit: str, against: str, other: float, bound: float | None) -> Figure:
    """A figure whose ratio to `other` has to reach `bound`."""
    ratio = value / other
    return Figure(name, value, unit, against, ratio, bound, bound is None or ratio >= bound, True)


def limit(name: str, value: float, unit: str, bound: float) -> Figure:
    """A figure held to an absolute limit in its own unit."""
    return Figure(name, value, unit, f"{bound:g} {unit}", value / bound, 1.0, value <= bound)


def table(figures: list[Figure]) -> str:
    """The same for people."""
    head = ("figure", "value", "against", "ratio", "bound", "")
    rows = [
        (
            f.name,
            f"{f.value:.4g} {f.unit}",
            f.against,
            f"{f.ratio:.2f}",
            "–" if f.bound is None else f"{'≥' if f.at_least else '≤'} {f.bound:g}",
            f.verdict,
        )
        for f in figures
    ]
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in (head, *rows))
