"""A sweep, as values: how far it is, its range map, what it found, and what it says nothing about. No Qt."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ... import times, words
from ...safe_text import plain

Json = Mapping[str, Any]

STATES: Final = ("ok", "altered", "missing", "erased", "unswept")

PHASES: Final[Mapping[str, str]] = {
    "entries": "The log is being swept, entry by entry.",
    "anchors": "What outside of this home vouches for the log is compared.",
    "rows": "The derived rows are derived again and compared.",
    "conduct": "Every outside write is matched with its approval.",
    "file": "Pages and indexes of the database are looked at.",
    "stopped": "Stopped. The next sweep goes on where it stopped.",
    "interrupted": "Broken off. The next sweep goes on where it stopped.",
}


@dataclass(frozen=True, slots=True)
class Range:
    """Entries [first, end) in one state."""

    first: int
    end: int
    state: str


@dataclass(frozen=True, slots=True)
class LogMap:
    """One log: its name, its ranges, how many entries are in each state, in words, and the first bad index."""

    name: str
    ranges: tuple[Range, ...]
    counts: str
    first_bad: int | None
    own: bool


@dataclass(frozen=True, slots=True)
class SweepView:
    """`tone` is plain, good or bad. `findings` are (where, what); `index` the first bad entry of the studio's own
    log."""

    head: str
    tone: str
    running: bool
    done: int
    total: int
    maps: tuple[LogMap, ...]
    findings: tuple[tuple[str, str], ...]
    checked: tuple[str, ...]
    not_checked: tuple[str, ...]
    report: str
    index: int | None


NEVER: Final = SweepView(
    "This log has never been swept here.",
    "plain",
    False,
    0,
    0,
    (),
    (),
    (),
    ("everything: a sweep looks at all that is sealed and says of each entry whether it is what it was",),
    "",
    None,
)


def sweep(shown: Json, origin: str, now_ms: int | None, zone: times.Zone) -> SweepView:
    """The view of an `evidence.sweep` answer, or of a `sweep` event; `origin` is the studio's own log."""
    if shown.get("phase") == "never":
        return NEVER
    phase, running = str(shown["phase"]), bool(shown.get("running"))
    report = shown.get("report") if phase == "done" else None
    document: Json = report["document"] if report else {}
    maps = tuple(_map(log, origin) for log in shown["logs"])
    findings = tuple(
        (_where(log, found), plain(found["what"], 300)) for log in shown["logs"] for found in log["findings"]
    )
    faults = document.get("conduct", {}).get("faults", ())
    findings += tuple((f"entry {int(f['index']):,}", plain(f["what"], 300)) for f in faults)
    bad = next((found.first_bad for found in maps if found.own and found.first_bad is not None), None)
    head, tone = _head(shown, document, findings, now_ms, zone)
    return SweepView(
        head,
        tone,
        running,
        int(shown.get("done", 0)),
        int(shown.get("total", 0)),
        maps,
        findings,
        tuple(_line(line, shown, origin) for line in document.get("checked", ())),
        tuple(_line(line, shown, origin) for line in document.get("notChecked", ())),
        str(report["sha256"]) if report else "",
        bad,
    )


def _head(
    shown: Json, document: Json, findings: tuple[Any, ...], now_ms: int | None, zone: times.Zone
) -> tuple[str, str]:
    phase = str(shown["phase"])
    if not document:
        said = PHASES.get(phase, words.sentence(words.readable(phase)))
        return (f"{said} {words.count(len(findings), 'finding')} so far.", "bad") if findings else (said, "plain")
    at = str(document["finishedAt"])
    age = times.age(at, now_ms)
    when = f"{zone.moment(at)}{', ' + age if age else ''}"
    whole = "everything" if document["full"] else "what is new since the sweep before"
    if document["ok"]:
        return f"Swept {when}: {whole} is what was sealed.", "good"
    first = document["firstBad"] or {}
    where = "" if first.get("index") is None else f"entry {int(first['index']):,}: "
    return f"Swept {when}: not everything is what was sealed. {where}{plain(first.get('what', ''), 300)}.", "bad"


def _map(log: Json, origin: str) -> LogMap:
    ranges = tuple(Range(int(r["from"]), int(r["to"]), str(r["state"])) for r in log["ranges"])
    counts = [f"{int(log['counts'][state]):,} {state}" for state in STATES if log["counts"].get(state)]
    own = log["origin"] == origin
    name = "This studio's log" if own else _name(str(log["origin"]))
    return LogMap(name, ranges, ", ".join(counts) or "nothing in it", log.get("firstBad"), own)


def _name(origin: str) -> str:
    parts = origin.split("/")
    if len(parts) >= 2 and parts[-2] == "_system":
        return "The installation's own log"
    return f"Log {plain(origin, 120)}"


def _line(line: str, shown: Json, origin: str) -> str:
    """A line of the report with logs by what they are for."""
    for log in shown["logs"]:
        found = str(log["origin"])
        line = line.replace(found, "This studio's log" if found == origin else _name(found))
    return plain(line, 300)


def _where(log: Json, found: Json) -> str:
    if found["from"] is None:
        return _name(str(log["origin"]))
    first, last = int(found["from"]), int(found["to"]) - 1
    return f"entry {first:,}" if first == last else f"entries {first:,} – {last:,}"
