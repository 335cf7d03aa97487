"""What a sweep says in the end: one canonical JSON document, that never claims more than was checked.

Its hash stands in the log, the document itself in `reports/` of the home, once as it was hashed (`.json`) and once as a
signed note (`.note`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ...evidence import note
from ...evidence.closing import Seen, counts
from ...evidence.note import Signer
from ...evidence.ranges import ALTERED, MISSING
from ...evidence.sweep import LogSweep, root_of
from ...gateway.conduct import Conduct
from ...home.files import make_home, write_private
from ...kernel.canonical import canonical_entry
from ...kernel.clock import utc_text
from ...kernel.hashing import sha256_text, to_text

FOLDER: Final = "reports"
RANGES: Final = 500
FINDINGS: Final = 100


@dataclass(slots=True)
class Outcome:
    """What the parts of one sweep found. `rows` is the comparison of what is derived, `structure` SQLite's own check
    ("" when it was not asked)."""

    id: str
    tenant: str
    full: bool
    actor: str
    started_at_ms: int
    finished_at_ms: int
    logs: list[LogSweep]
    keys: Mapping[str, str]
    anchors: Sequence[Seen]
    rows: Mapping[str, Any]
    conduct: Mapping[str, Conduct]
    structure: str
    resumed_at: list[int] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return (
            all(log.ok for log in self.logs)
            and not self.rows["differing"]
            and all(conduct.ok for conduct in self.conduct.values())
            and self.structure in ("", "ok")
        )

    def first_bad(self) -> dict[str, Any] | None:
        """The first thing that is wrong, by log and index; the index is None where it lies outside the entries."""
        for log in self.logs:
            if not log.ok:
                index = log.first_bad()
                what = next((f.what for f in log.findings if f.first == index), log.findings[0].what)
                return {"origin": log.log.origin, "index": index, "what": what}
        for origin, conduct in self.conduct.items():
            if not conduct.ok:
                return {"origin": origin, "index": conduct.faults[0][0], "what": conduct.faults[0][1]}
        if self.rows["differing"]:
            return {
                "origin": "rows",
                "index": None,
                "what": f"{', '.join(self.rows['differing'])}: not what the log says",
            }
        if self.structure not in ("", "ok"):
            return {"origin": "brain.db", "index": None, "what": self.structure}
        return None


def report(outcome: Outcome, installation: str) -> dict[str, Any]:
    """The document. Integers, texts, booleans and null only."""
    now = outcome.finished_at_ms
    writes = sum(conduct.writes for conduct in outcome.conduct.values())
    matched = sum(conduct.matched for conduct in outcome.conduct.values())
    return {
        "v": 1,
        "kind": "sweep",
        "id": outcome.id,
        "installation": installation,
        "tenant": outcome.tenant,
        "by": outcome.actor,
        "full": outcome.full,
        "startedAt": utc_text(outcome.started_at_ms),
        "finishedAt": utc_text(now),
        "resumedAt": [utc_text(ms) for ms in outcome.resumed_at],
        "ok": outcome.ok,
        "firstBad": outcome.first_bad(),
        "logs": [log_json(log, outcome.keys[log.log.origin]) for log in outcome.logs],
        "anchors": [anchor_json(seen, now) for seen in outcome.anchors],
        "rows": dict(outcome.rows),
        "conduct": {
            "proposals": sum(conduct.proposals for conduct in outcome.conduct.values()),
            "transitions": sum(conduct.transitions for conduct in outcome.conduct.values()),
            "outsideWrites": writes,
            "withApproval": matched,
            "faults": [
                {"origin": origin, "index": index, "what": what}
                for origin, conduct in outcome.conduct.items()
                for index, what in conduct.faults[:FINDINGS]
            ],
        },
        "structure": outcome.structure or "not checked",
        "checked": checked(outcome, writes, matched),
        "notChecked": not_checked(outcome),
    }


def log_json(log: LogSweep, key: str) -> dict[str, Any]:
    """One log: how much of it, from where, and its range map."""
    ranges = log.map()
    base = log.base
    return {
        "origin": log.log.origin,
        "size": log.total,
        "root": to_text(root_of(log)),
        "from": log.first,
        "before": None
        if base is None
        else {"size": base.size, "root": to_text(base.root), "sweptAt": utc_text(base.at_ms), "index": base.index},
        "ranges": [{"from": first, "to": end, "state": state} for first, end, state in ranges[:RANGES]],
        "rangesMore": max(len(ranges) - RANGES, 0),
        "counts": counts(log),
        "checkpoints": log.checkpoints,
        "payloads": log.payloads,
        "erasedLater": [{"index": s.index, "by": s.by, "origin": s.where} for s in log.later[:FINDINGS]],
        "findings": [{"from": f.first, "to": f.end, "state": f.state, "what": f.what} for f in log.findings[:FINDINGS]],
        "findingsMore": max(log.found + log.outside - FINDINGS, 0),
        "key": key,
    }


def anchor_json(seen: Seen, now_ms: int) -> dict[str, Any]:
    anchor = seen.anchor
    return {
        "where": anchor.where,
        "origin": anchor.origin,
        "size": anchor.size,
        "root": to_text(anchor.root),
        "at": utc_text(anchor.at_ms),
        "ageMs": max(now_ms - anchor.at_ms, 0),
        "holds": seen.holds,
    }


def checked(outcome: Outcome, writes: int, matched: int) -> list[str]:
    """What was looked at, a sentence each."""
    lines = [
        f"{log.log.origin}: {_entries(log.total - log.first)} from index {log.first} on, from their bytes, "
        f"{log.checkpoints} signed checkpoints, {log.payloads} payloads"
        for log in outcome.logs
    ]
    lines += [
        f"{log.log.origin}: the payload of entry {said.index}: erased by entry {said.by} of epoch {said.epoch}"
        for log in outcome.logs
        for said in log.later[:FINDINGS]
    ]
    lines += [
        f"{seen.anchor.origin}: {'as' if seen.holds else 'NOT as'} seen at {seen.anchor.size} entries, "
        f"{utc_text(seen.anchor.at_ms)}, {seen.anchor.where}"
        for seen in outcome.anchors
    ]
    lines.append(f"rows derived again: {', '.join(sorted(outcome.rows['projections'])) or 'none'}")
    lines.append(f"outside writes with an approval that covers them: {matched} of {writes}")
    if outcome.structure:
        lines.append("pages and indexes of the database")
    return lines


def _entries(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"


def not_checked(outcome: Outcome) -> list[str]:
    """What this sweep says nothing about."""
    lines = []
    for log in outcome.logs:
        origin = log.log.origin
        if log.first:
            before = "" if log.base is None else f"; they were swept at {utc_text(log.base.at_ms)}"
            lines.append(f"{origin}: the first {log.first} entries{before}")
        held = [seen.anchor.size for seen in outcome.anchors if seen.holds and seen.anchor.origin == origin]
        if not held:
            lines.append(f"{origin}: nothing outside this home has been compared; a cut tail would not show")
        elif max(held) < log.total:
            newer = _entries(log.total - max(held))
            lines.append(f"{origin}: {newer} at the end: signed, and anchored nowhere else")
    if not outcome.structure:
        lines.append("pages and indexes of the database")
    lines.append("what the vaults hold, entry by entry: vault verify does that")
    return lines


def summary(document: Mapping[str, Any], sha256: str) -> dict[str, Any]:
    """What of a report stands in the log beside its hash."""
    totals: dict[str, int] = {}
    for log in document["logs"]:
        for state, number in log["counts"].items():
            totals[state] = totals.get(state, 0) + number
    bad = [
        {"origin": log["origin"], "from": r["from"], "to": r["to"], "state": r["state"]}
        for log in document["logs"]
        for r in log["ranges"]
        if r["state"] in (ALTERED, MISSING)
    ]
    return {
        "report": sha256,
        "sweepId": document["id"],
        "full": document["full"],
        "ok": document["ok"],
        "firstBad": document["firstBad"],
        "counts": totals,
        "badRanges": bad[:20],
        "badRangesMore": max(len(bad) - 20, 0),
        "logs": [{"origin": log["origin"], "size": log["size"], "root": log["root"]} for log in document["logs"]],
        "anchors": [
            {name: anchor[name] for name in ("where", "origin", "size", "at", "ageMs", "holds")}
            for anchor in document["anchors"][:20]
        ],
        "differing": document["rows"]["differing"],
        "outsideWrites": document["conduct"]["outsideWrites"],
        "withApproval": document["conduct"]["withApproval"],
    }


def store(home: Path, document: Mapping[str, Any], name: str, signer: Signer) -> tuple[str, str]:
    """Writes the report and the signed note beside it. Returns its hash and the note."""
    body = canonical_entry(document)
    signed = note.sign(body.decode() + "\n", name, signer).serialize()
    folder = home / FOLDER
    make_home(folder)
    stem = f"sweep-{document['finishedAt'][:19].replace(':', '')}-{document['id'][-8:]}"
    write_private(folder / f"{stem}.json", body)
    write_private(folder / f"{stem}.note", signed.encode())
    return sha256_text(body), signed
