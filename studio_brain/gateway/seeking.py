"""Finding entries in a log of any length.

A search goes from the newest entry down, a stretch a call: however long the log is and however rare what is looked for,
a call costs no more than its stretch. What fits comes back as indexes alone; the rows on screen are then asked for by
index (`evidence.rows`), so that neither counting nor jumping reads anything that nobody looks at.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from ..store.reading import PLACE_BITS, Row, Sources
from .queries import PAGE, entry_row, log_of

STRETCH: Final = 20_000
"""How many entries one call looks at, at most."""

TEXT_STRETCH: Final = 10_000
"""The same where the sealed bytes have to be read."""

FITS: Final = """
(:kind = '' OR kind LIKE :kind) AND (:since < 0 OR at_ms >= :since) AND (:until < 0 OR at_ms < :until)
"""
HOLDS: Final = {
    "sqlite": "instr(lower(CAST(body AS TEXT)), :text) > 0",
    "postgresql": "strpos(lower(convert_from(body, 'UTF8')), :text) > 0",
}
# The entries of a stretch that fit, newest first. Empty filters let everything through.
OF_LOG = "SELECT place FROM entry WHERE place >= :low AND place < :before AND {} ORDER BY place DESC"
# The same along a stream: its entries lie together in the index of streams.
OF_STREAM = (
    "SELECT place FROM entry WHERE stream_id = :stream_id AND pos >= :low AND pos < :before AND {} ORDER BY pos DESC"
)
STREAM = "SELECT stream_id FROM stream WHERE log_id = :log_id AND name = :name"
POSITION = "SELECT pos FROM entry WHERE stream_id = :stream_id AND place < :before ORDER BY pos DESC LIMIT 1"
PLACE = "SELECT place FROM entry WHERE stream_id = :stream_id AND pos = :pos"
ROWS = "SELECT place, kind, seal, body FROM entry WHERE place IN ({}) ORDER BY place DESC"


def evidence_seek(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The indexes, newest first, of what fits in the next stretch below `before` (an index; the size without it).

    `kind` is a prefix, `stream` a whole name, `text` any part of the sealed bytes (the case of a to z does not count);
    `since` and `until` are UTC milliseconds, the second exclusive. → {"indexes", "next", "size", "origin"}: `next` is
    the `before` to go on with, None when there is no more to look at.
    """
    log = log_of(sources, tenant, params)
    if log is None:
        return {"indexes": [], "next": None, "size": 0, "origin": ""}
    before = log["size"] if params.get("before") is None else min(int(params["before"]), log["size"])
    places, following = _stretch(sources, log, before, params)
    mask = (1 << PLACE_BITS) - 1
    return {
        "indexes": [place & mask for place in places],
        "next": following,
        "size": log["size"],
        "origin": log["origin"],
    }


def evidence_rows(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The receipts of these `indexes` (at most a page of them), newest first."""
    log = log_of(sources, tenant, params)
    wanted = sorted({int(index) for index in params["indexes"]}, reverse=True)[:PAGE]
    wanted = [index for index in wanted if log is not None and 0 <= index < log["size"]]
    if log is None or not wanted:
        return {"rows": []}
    base = log["log_id"] << PLACE_BITS
    places = {f"p{number}": base + index for number, index in enumerate(wanted)}
    rows = sources.brain(ROWS.format(", ".join(f":{name}" for name in places)), places)
    return {"rows": [entry_row(row) for row in rows]}


def _stretch(sources: Sources, log: Row, before: int, params: Mapping[str, Any]) -> tuple[list[int], int | None]:
    """(places that fit, the `before` of the next stretch or None)."""
    fits, filters = _filters(sources.dialect, params)
    length = TEXT_STRETCH if "text" in filters else STRETCH
    base = log["log_id"] << PLACE_BITS
    if params.get("stream"):
        return _of_stream(sources, log, str(params["stream"]), before, fits, filters, length)
    low = max(0, before - length)
    rows = sources.brain(OF_LOG.format(fits), {"low": base + low, "before": base + before, **filters})
    return [row["place"] for row in rows], low or None


def _of_stream(
    sources: Sources, log: Row, name: str, before: int, fits: str, filters: Mapping[str, Any], length: int
) -> tuple[list[int], int | None]:
    base = log["log_id"] << PLACE_BITS
    found = sources.brain(STREAM, {"log_id": log["log_id"], "name": name})
    key = {"stream_id": found[0]["stream_id"] if found else -1}
    last = sources.brain(POSITION, {"before": base + before, **key})
    if not last:
        return [], None
    end = last[0]["pos"] + 1
    low = max(0, end - length)
    rows = sources.brain(OF_STREAM.format(fits), {"low": low, "before": end, **key, **filters})
    following = sources.brain(PLACE, {"pos": low, **key})[0]["place"] - base if low else None
    return [row["place"] for row in rows], following


def _filters(dialect: str, params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The condition and its parameters. A text is looked for as it stands in JSON."""
    kind, since, until = str(params.get("kind") or ""), params.get("since"), params.get("until")
    filters: dict[str, Any] = {
        "kind": f"{kind}%" if kind else "",
        "since": -1 if since is None else int(since),
        "until": -1 if until is None else int(until),
    }
    text = json.dumps(str(params.get("text") or ""), ensure_ascii=False)[1:-1]
    if not text:
        return FITS, filters
    ascii_only = dialect == "sqlite"  # as its lower()
    filters["text"] = "".join(c.lower() if c.isascii() or not ascii_only else c for c in text)
    return f"{FITS} AND {HOLDS[dialect]}", filters
