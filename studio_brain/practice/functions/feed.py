"""Integration events: what the cloud tells an owner's software about their batches, counted per owner."""

from ..plain import Plain
from .documents import Documents


def emit(documents: Documents, uid: str, kind: str, subject: Plain, data: Plain) -> None:
    """Only `batch.updated` and `batch.closed` are ever emitted."""
    at = documents.now()
    path = f"integrationEventCursors/{uid}"
    counter = documents.get(path) or {}
    cursor = max(1, int(counter.get("nextCursor", 1)))
    documents.commit(
        [
            (path, {**counter, "nextCursor": cursor + 1, "updatedAt": at}),
            (
                f"integrationEvents/{documents.new_id()}",
                {"at": at, "uid": uid, "type": kind, "subject": subject, "data": data, "cursor": cursor},
            ),
        ]
    )


def after(documents: Documents, uid: str, cursor: int, limit: int) -> tuple[list[Plain], int]:
    """Events of one owner with a greater cursor, in order, and the cursor to go on from."""
    events = [
        {"id": key, **{name: row.get(name) for name in ("at", "uid", "type", "subject", "data", "cursor")}}
        for key, row in documents.where("integrationEvents", "uid", uid)
        if row["cursor"] > cursor
    ]
    events.sort(key=lambda event: event["cursor"])
    events = events[:limit]
    return events, events[-1]["cursor"] if events else cursor
