"""Evidence, as values: a receipt as a row and whole, and what a Verify found, said without claiming more. No Qt."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ... import times, words
from ...safe_text import block, plain

Json = Mapping[str, Any]
Who = Callable[[str | None], str]

HEADINGS: Final = ("#", "When", "What", "Who", "About", "Kept", "Seal")

TIMES: Final[tuple[tuple[str, int], ...]] = (
    ("any time", 0),
    ("last 24 hours", 1),
    ("last 7 days", 7),
    ("last 30 days", 30),
    ("last 90 days", 90),
)
"""(words, days back; 0 for any)."""

KINDS: Final[tuple[tuple[str, str], ...]] = (
    ("every kind", ""),
    ("state readings", "studio."),
    ("proposals", "proposal."),
    ("executions", "execution."),
    ("denials", "action.denied"),
    ("repeated requests", "request."),
    ("kill switches", "killswitch."),
    ("sweeps", "sweep."),
    ("vaults", "vault."),
    ("witnesses", "witness."),
    ("incidents", "incident."),
    ("epochs", "epoch."),
)


RAW: Final = (
    "index",
    "at",
    "kind",
    "state",
    "capability",
    "stream",
    "reasonCode",
    "proposalId",
    "target",
    "seal",
    "actor",
)


def raw(row: Json) -> tuple[Any, ...]:
    """What `cells` needs of a row, flat: it costs nothing to keep, and the texts are made when somebody looks."""
    return (*(row[name] for name in RAW[:-1]), row["actor"]["id"])


def cells_of(flat: tuple[Any, ...], titles: Mapping[str, str], who: Who, zone: times.Zone) -> tuple[str, ...]:
    """`cells` of a `raw` row."""
    row = dict(zip(RAW, flat, strict=True))
    return cells(row | {"actor": {"id": row["actor"]}}, titles, who, zone)


def cells(row: Json, titles: Mapping[str, str], who: Who, zone: times.Zone) -> tuple[str, ...]:
    """A receipt as the table's tuple of texts."""
    bad = row["kind"] in ("action.denied", "studio.observation_failed") or row["state"] in ("failed", "refused")
    what = f"✗ {words.kind(row['kind'])}" if bad else words.kind(row["kind"])
    about = words.capability(row["capability"], titles) if row["capability"] else row["stream"]
    if row["reasonCode"]:
        about = f"{words.sentence(words.readable(row['reasonCode']))} {about}"
    elif row["proposalId"] and row["target"]:
        about = f"{about} · {row['target']}"
    return (
        f"{row['index']:,}",
        zone.moment(row["at"]),
        what,
        plain(who(row["actor"]["id"]), 60),
        plain(about, 160),
        "",
        row["seal"].removeprefix("sha256:")[:8],
    )


def linked(rows: Mapping[int, tuple[str, str | None]]) -> str:
    """Whether the receipts of a stream that are here, (seal, prev) by row, each name the seal of the one before."""
    pairs = [(rows[row][1], rows[row + 1][0]) for row in rows if row + 1 in rows]
    broken = sum(prev != seal for prev, seal in pairs)
    if broken:
        return f"✗ {words.count(broken, 'link')} broken"
    return f"✓ {words.count(len(pairs), 'link')} checked here" if pairs else ""


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """A receipt whole. `hashes` are (what, value); `pretty` and `raw` are its sealed bytes."""

    index: int
    title: str
    when: str
    facts: tuple[tuple[str, str], ...]
    seal: str
    hashes: tuple[tuple[str, str], ...]
    pretty: str
    raw: str
    checkpoint: str
    covered: str
    proposal: str | None
    stream: str


def receipt(
    found: Json,
    titles: Mapping[str, str],
    who: Who,
    zone: times.Zone,
    reason: Callable[[str | None], tuple[str, str]],
) -> ReceiptView:
    """The view of an `evidence.one` answer."""
    document = _document(found["body"])
    data = document.get("data", {}) if isinstance(document.get("data"), dict) else {}
    actor = found["actor"]
    sentence, remedy = reason(found["reasonCode"])
    facts = [
        ("Who", f"{plain(who(actor['id']), 80)} ({plain(actor['type'])}, through {plain(actor['via'])})"),
        ("Capability", plain(words.capability(found["capability"], titles)) if found["capability"] else ""),
        ("Target", plain(found["target"] or "", 200)),
        ("State", words.state(found["state"]) if found["state"] else ""),
        ("Reason", f"{sentence} {remedy}".strip()),
        ("Detail", plain(data.get("detail") or "", 400)),
        ("Why", block(found["rationale"] or "", 2_000)),
        ("Stream", plain(found["stream"])),
    ]
    named = (
        ("Correlation", found["corr"]),
        ("Previous in stream", found["prev"]),
        ("Input", data.get("inputHash")),
        ("Output", data.get("outputHash")),
        ("Proposal", data.get("proposalHash")),
        ("State", data.get("stateHash")),
    )
    checkpoint = found["checkpoint"]
    return ReceiptView(
        index=found["index"],
        title=words.kind(found["kind"]),
        when=zone.moment(found["at"], seconds=True),
        facts=tuple((label, value) for label, value in facts if value),
        seal=found["seal"],
        hashes=tuple((label, str(value)) for label, value in named if value),
        pretty=block(json.dumps(document, ensure_ascii=False, indent=2)) if document else block(found["body"]),
        raw=block(found["body"]),
        checkpoint=block(checkpoint["note"]) if checkpoint else "",
        covered=f"Covered by the signed checkpoint of {words.count(checkpoint['size'], 'entry', 'entries')}."
        if checkpoint
        else "No signed checkpoint covers it yet.",
        proposal=found["proposalId"],
        stream=found["stream"],
    )


def _document(body: str) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


@dataclass(frozen=True, slots=True)
class VerifyView:
    """What a Verify found. `tone` is good, bad or plain."""

    head: str
    lines: tuple[str, ...]
    tone: str
    index: int | None = None


CAVEAT: Final = (
    "Not covered: pins lie on this machine. A log that was rewritten whole, by somebody who holds its key and the "
    "pins, is shown only by a vault or a witness elsewhere."
)


def verified(report: Json, reason: Callable[[str | None], tuple[str, str]]) -> VerifyView:
    """A report in words: what was checked and with which key; never more than it says."""
    fault = report["fault"]
    lines = [plain(line, 300) for line in report["checked"]]
    keys = sorted({plain(log["key"], 200) for log in report["logs"]})
    if fault:
        where = "" if fault["index"] is None else f", entry {fault['index']:,}"
        head = f"Does not verify: {plain(fault['origin'], 120)}{where}: {plain(fault['what'], 300)}."
        remedy = reason("NOT_VERIFIED")[1] or "Keep a copy of the files and look at the entry that is named."
        return VerifyView(head, (remedy, *(f"Before it: {line}" for line in lines)), "bad", fault["index"])
    entries = sum(log["size"] for log in report["logs"])
    head = f"Verified just now: {words.count(entries, 'entry', 'entries')} are what was sealed."
    return VerifyView(head, (*lines, *(f"Signed by {key}" for key in keys), CAVEAT), "good")


STOPPED: Final = VerifyView("Stopped before the end: nothing can be said.", (), "plain")


def checked_file(name: str, found: Json) -> VerifyView:
    """What a `receipt.check` answer says of a file, on whose word, and what it does not show."""
    what = f"{words.kind(str(found['kind']))} #{found['index']:,} of {words.count(found['size'], 'entry', 'entries')}"
    lines = [plain(line, 300) for line in found["checked"]]
    if found["here"] is not None:
        here = "the same receipt" if found["here"] else "ANOTHER receipt"
        lines.append(f"In this studio's log, {here} stands at this index.")
    lines += [f"Not shown: {plain(line, 300)}" for line in found["unchecked"]]
    index = int(found["index"]) if found["here"] is not None else None
    if found["here"] is False:
        return VerifyView(f"{plain(name, 80)} is not of this log as it is now: {what}.", tuple(lines), "bad", index)
    if not found["anchored"]:
        head = f"{plain(name, 80)} agrees with itself, and nobody known here vouches for it: {what}."
        return VerifyView(head, tuple(lines), "plain", index)
    return VerifyView(f"{plain(name, 80)} proves {what}.", tuple(lines), "good", index)
