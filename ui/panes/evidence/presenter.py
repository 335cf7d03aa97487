"""Evidence, as values: a receipt as a row and whole, and what a Verify found, said without claiming more. No Qt."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ... import times, words
from ...safe_text import block, plain

Json = Mapping[str, Any]
Who = Callable[[str | None], str]

HEADINGS: Final = ("#", "When", "What", "Who", "About", "Seal")

KINDS: Final[tuple[tuple[str, str], ...]] = (
    ("every kind", ""),
    ("state readings", "studio."),
    ("proposals", "proposal."),
    ("executions", "execution."),
    ("denials", "action.denied"),
    ("repeated requests", "request."),
    ("kill switches", "killswitch."),
)


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
        row["seal"].removeprefix("sha256:")[:8],
    )


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
    "Not covered: no copy of a checkpoint is kept outside this machine, "
    "so this does not rule out a log rewritten whole by somebody who holds its key."
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
