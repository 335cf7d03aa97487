"""What is seen of the review queue. Imports nothing heavy."""

import json
from collections.abc import Mapping
from typing import Any, Final

from ...kernel.clock import utc_text
from ...store.reading import PLACE_BITS, Row, Sources

PAGE: Final = 200
FAR_PAST: Final = -1

REVIEW: Final = """SELECT review.*, (
  SELECT max(text) FROM review_text AS t WHERE t.tenant = review.tenant AND t.review = review.id
) AS text"""
# Oldest first, from a key on: who waits longest is seen first. Empty filters let everything through.
REVIEWS: Final = f"""
{REVIEW}
  FROM review
 WHERE tenant = :tenant AND (:state = '' OR state = :state) AND (:class = '' OR text_class = :class)
   AND (asked_at_ms > :after_ms OR (asked_at_ms = :after_ms AND id > :after_id))
 ORDER BY asked_at_ms, id LIMIT :limit
"""
ONE: Final = f"""
{REVIEW}
  FROM review WHERE tenant = :tenant AND id LIKE :start ORDER BY id LIMIT 2
"""
COUNTS: Final = "SELECT state, text_class, count(*) AS n FROM review WHERE tenant = :tenant GROUP BY state, text_class"


def reviews_page(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """`state` is waiting (by default), granted, denied, noted or empty for all; `class` one class or empty; `after` the
    last row's `cursor`. `counts` are over all of the studio's reviews."""
    after = params.get("after") or [FAR_PAST, ""]
    rows = sources.views(
        REVIEWS,
        {
            "tenant": tenant,
            "state": str(params.get("state", "waiting")),
            "class": str(params.get("class", "")),
            "after_ms": int(after[0]),
            "after_id": str(after[1]),
            "limit": min(int(params.get("limit", PAGE)), PAGE),
        },
    )
    counts = sources.views(COUNTS, {"tenant": tenant})
    return {"rows": [_review(row) for row in rows], "counts": [dict(row) for row in counts]}


def review_one(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """The review whose id begins with `id`; None when there is none or more than one."""
    start = "".join(c for c in str(params.get("id", "")) if c in "0123456789abcdef")
    rows = sources.views(ONE, {"tenant": tenant, "start": f"{start}%"}) if start else []
    return _review(rows[0]) if len(rows) == 1 else None


def _review(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "state": row["state"],
        "class": row["text_class"],
        "classes": json.loads(row["classes"]),
        "rules": json.loads(row["rules"]),
        "text": row["text"],
        "capability": row["capability"],
        "target": row["target"],
        "requester": row["requester"],
        "requesterType": row["requester_type"],
        "requesters": row["requesters"],
        "reviewer": row["reviewer"],
        "reason": row["reason"],
        "rationale": row["rationale"],
        "askedAt": utc_text(row["asked_at_ms"]),
        "changedAt": utc_text(row["changed_at_ms"]),
        "lastIndex": row["place"] & (1 << PLACE_BITS) - 1,
        "cursor": [row["asked_at_ms"], row["id"]],
    }
