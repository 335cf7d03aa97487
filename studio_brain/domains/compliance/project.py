"""From entries to the review queue."""

import json
from typing import Final

from ...evidence.erasure import ERASED
from ...evidence.facts import Fact
from ...kernel.hashing import to_text
from ...store.projections import Projection
from ...store.rows import Rows
from . import facts
from .tables import REVIEWS, review, review_text


def _asked(rows: Rows, fact: Fact) -> None:
    """Noted, or flagged by one more requester. What is shown is the first that has to wait for a person."""
    data, key = fact.data, (fact.tenant, fact.data["reviewId"])
    before = rows.get(review, key)
    is_flagged = fact.kind == facts.FLAGGED
    if before is not None and before["requesters"]:
        rows.update(review, key, {"requesters": before["requesters"] + 1, "place": fact.place})
    else:
        rows.put(
            review,
            {
                "tenant": fact.tenant,
                "id": data["reviewId"],
                "state": data["approvalState"],
                "text_class": data["textClass"],
                "classes": json.dumps(data["classes"]),
                "rules": json.dumps(data["rules"]),
                "capability": data["capabilityId"],
                "target": data["target"],
                "requester": data["requester"],
                "requester_type": fact.actor.type,
                "requesters": int(is_flagged),
                "reviewer": None,
                "reason": None,
                "rationale": None,
                "asked_at_ms": fact.at_ms,
                "changed_at_ms": fact.at_ms,
                "place": fact.place,
            },
        )
    rows.add(
        review_text,
        {
            "tenant": fact.tenant,
            "payload": to_text(fact.commitment or b""),
            "review": data["reviewId"],
            "text": None if fact.content is None else json.loads(fact.content)["text"],
            "erased_place": None,
        },
    )


def _decided(rows: Rows, fact: Fact) -> None:
    data = fact.data
    rows.update(
        review,
        (fact.tenant, data["reviewId"]),
        {
            "state": data["approvalState"],
            "reviewer": fact.actor.id,
            "reason": data["reason"],
            "rationale": data["rationale"],
            "changed_at_ms": fact.at_ms,
            "place": fact.place,
        },
    )


def _erased(rows: Rows, fact: Fact) -> None:
    """A payload was erased, of this log or of an earlier one: what it held is empty from now on."""
    rows.update(review_text, (fact.tenant, fact.data["payloadSha256"]), {"text": None, "erased_place": fact.place})


PROJECTION: Final = Projection(
    "compliance",
    1,
    REVIEWS,
    {
        facts.NOTED: _asked,
        facts.FLAGGED: _asked,
        facts.GRANTED: _decided,
        facts.DENIED: _decided,
        ERASED: _erased,
    },
    {ERASED: _erased},
)
