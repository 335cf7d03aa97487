"""What is behind a number: how it is counted, when it was read, from which reads. No Qt."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ... import times, words
from ...safe_text import plain
from .numbers import number_of
from .presenter import Reason, numbers

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WhyView:
    """What is behind a number: how it is counted, when it was read, from what."""

    title: str
    value: str
    counted: str
    facts: tuple[tuple[str, str], ...]
    reads: tuple[tuple[str, str, str, str], ...]


def why(key: str, observation: Json, reason: Reason, zone: times.Zone) -> WhyView:
    """(source, documents, read at, hash) of each read behind a number of an observation."""
    number, diagnostics = number_of(key), observation["diagnostics"]
    value = numbers(observation).get(key)
    facts = [("Read", zone.moment(observation["snapshot"]["cloudSync"]["firestoreReadAt"], seconds=True))]
    code = diagnostics["reasons"].get(key)
    if code:
        sentence, remedy = reason(code)
        facts += [("Not known", f"{sentence} {remedy}".strip())]
    least = diagnostics.get("lowerBounds", {}).get(key)
    if least is not None:
        facts.append(("At least", f"{least:,}"))
    for source in number.sources:
        seen = {k: n for k, n in diagnostics.get("classes", {}).items() if k.split(".")[0] == source}
        said = ", ".join(f"{n:,} {words.readable(plain(k.split('.')[-1]))}" for k, n in seen.items())
        facts += [(plain(source), said)] if said else []
    reads = tuple(
        (
            plain(name.split("/")[-1]),
            words.count(read["rows"], "row"),
            zone.time(read["startedAt"], seconds=True),
            read["sha256"] or "",
        )
        for name in number.sources
        if (read := diagnostics["sources"].get(name)) is not None
    )
    return WhyView(
        title=number.title,
        value="not known" if value is None else f"{value:,}",
        counted=number.counted,
        facts=tuple(facts),
        reads=reads,
    )
