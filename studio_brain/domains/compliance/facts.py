"""Words and payload models of the review queue.

A *review* is about one exact text: its id is the beginning of the text's SHA-256, so that what was decided about it is
remembered for that text, whoever sends it and however often.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from ...gateway.registry import Payload, Request

NOTED: Final = "review.noted"
FLAGGED: Final = "review.flagged"
GRANTED: Final = "review.granted"
DENIED: Final = "review.denied"
KINDS: Final = frozenset({NOTED, FLAGGED, GRANTED, DENIED})

GrantReason = Literal["rights_verified", "licensed_use_verified", "staff_discretion_low_risk"]
DenyReason = Literal[
    "prohibited_content", "copyright_risk_unresolved", "illegal_request", "insufficient_rights_attestation"
]
"""The cloud's own reason codes for commissions (studio-cloud §1.4), so that both say the same."""


class OnReview(Payload):
    reviewId: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class Grant(OnReview):
    reason: GrantReason


class Deny(OnReview):
    reason: DenyReason


def id_of(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def stream_of(review: str) -> str:
    return f"review:{review}"


def texts(request: Request) -> Iterator[str]:
    """Every text a request carries, each once: its rationale and the values of its payload, however deep."""
    seen: set[str] = set()
    for text in (request.rationale, *_strings(request.input)):
        if text and text not in seen:
            seen.add(text)
            yield text


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)
