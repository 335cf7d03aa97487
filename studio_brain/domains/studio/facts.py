"""Payload models of the studio's capabilities, and the kinds of entries that the studio writes."""

import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from ...gateway.registry import Payload

OBSERVED: Final = "studio.observed"
OBSERVATION_FAILED: Final = "studio.observation_failed"
KINDS: Final = frozenset({OBSERVED, OBSERVATION_FAILED})


def _plain_text(value: str) -> str:
    """Text stays data: line breaks and tabs are fine, other control characters are not."""
    if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in value):
        raise ValueError("control characters are not text")
    return value


def _document_id(value: str) -> str:
    if "/" in value or value in (".", "..") or (value.startswith("__") and value.endswith("__")):
        raise ValueError("not the id of a document")
    return _plain_text(value)


DocumentId = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_document_id)]


class OpsNote(Payload):
    """A note for staff on a batch."""

    batchId: DocumentId
    note: Annotated[str, Field(min_length=5, max_length=500), AfterValidator(_plain_text)]


class OpsNoteRollback(Payload):
    """The executed note that is to be marked as taken back."""

    proposalId: Annotated[str, Field(min_length=8, max_length=64)]
    executionId: Annotated[str, Field(min_length=8, max_length=64)]
    reason: Annotated[str, Field(min_length=10, max_length=500), AfterValidator(_plain_text)]


class CloseBatch(Payload):
    """A batch whose pieces were picked up."""

    batchId: DocumentId
    notes: Annotated[str, Field(max_length=500), AfterValidator(_plain_text)] | None = None
