"""The life of a batch as staff and members move it.

Faults kept: no step looks at the present state; closing is not idempotent (again: another timeline row, a later
`closedAt`); shelving and ready-for-pickup make a stub of a batch that does not exist; unloading leaves `state` alone;
the timeline says `admin` whoever it was.
"""

import hashlib
from typing import Any

from .. import records
from ..ids import auto_id
from ..plain import DELETE, Plain, Timestamp
from ..wire import Reply
from . import feed
from .call import Call, Function, fail, ok
from .documents import Documents
from .limits import Limit
from .schema import ListOf, Number, Object, Text

_NOT_FOUND = "Batch not found"


def idempotent_id(prefix: str, uid: str, request_id: str) -> str:
    """`<prefix>-` and 20 hex digits of SHA-256, the same for the same request of the same person."""
    return f"{prefix}-{hashlib.sha256(f'{prefix}:{uid}:{request_id}'.encode()).hexdigest()[:20]}"


def add_row(documents: Documents, batch_id: str, row: Plain) -> None:
    documents.add(f"batches/{batch_id}/timeline", row)


def _by_admin(kind: str, at: Timestamp, notes: str, **more: Any) -> Plain:
    return records.timeline(kind, at, "admin", "admin", notes, **more)


def _create(call: Call, data: Plain) -> Reply:
    owner = data["ownerUid"]
    own = owner == call.uid
    if not call.staff and not own:
        return fail(403, "Forbidden")
    asked = data.get("clientRequestId") or ""
    batch_id = idempotent_id("batch", owner, asked) if asked else auto_id()
    path = f"batches/{batch_id}"
    if asked and call.documents.exists(path):
        return ok(existingBatchId=batch_id)
    at = call.documents.now()
    name = data.get("ownerDisplayName") or None
    editors = list(dict.fromkeys([owner] if own else [owner, str(call.uid)]))
    batch = records.batch(
        batch_id,
        owner,
        name,
        data["title"],
        at,
        editors=editors,
        intake_mode=data["intakeMode"],
        cost_cents=data["estimatedCostCents"],
        kiln_name=data.get("kilnName") or None,
        notes=data.get("estimateNotes") or data.get("notes") or None,
    )
    call.documents.set(path, batch)
    actor = (str(call.uid), name or "client") if own else ("admin", "admin")
    add_row(call.documents, batch_id, records.timeline("CREATE_BATCH", at, *actor, "Batch created"))
    told = {"state": "DRAFT", "isClosed": False, "title": data["title"]}
    feed.emit(call.documents, owner, "batch.updated", {"batchId": batch_id}, told)
    return ok(batchId=batch_id)


def _submit(call: Call, data: Plain) -> Reply:
    batch_id = data["batchId"]
    batch = call.documents.get(f"batches/{batch_id}")
    if batch is None:
        return fail(404, _NOT_FOUND)
    if batch.get("ownerUid") != call.uid:
        return fail(403, "Forbidden")
    at = call.documents.now()
    call.documents.merge(f"batches/{batch_id}", {"state": "SUBMITTED", "updatedAt": at})
    notes = data.get("notes") or "Submitted"
    row = records.timeline("SUBMIT_DRAFT", at, call.uid, batch.get("ownerDisplayName"), notes)
    add_row(call.documents, batch_id, row)
    told = {"state": "SUBMITTED", "isClosed": bool(batch.get("isClosed")), "title": batch.get("title") or ""}
    feed.emit(call.documents, str(call.uid), "batch.updated", {"batchId": batch_id}, told)
    return ok()


def _close(call: Call, data: Plain) -> Reply:
    batch_id = data["batchId"]
    batch = call.documents.get(f"batches/{batch_id}")
    if batch is None:
        return fail(404, _NOT_FOUND)
    at = call.documents.now()
    closed = {"isClosed": True, "state": "CLOSED_PICKED_UP", "closedAt": at, "updatedAt": at}
    call.documents.merge(f"batches/{batch_id}", closed)
    add_row(
        call.documents,
        batch_id,
        _by_admin("PICKED_UP_AND_CLOSE", at, data.get("notes") or "Picked up; batch closed"),
    )
    told = {"state": "CLOSED_PICKED_UP", "isClosed": True, "title": batch.get("title") or None}
    _tell_owner(call, batch, "batch.closed", batch_id, told)
    return ok()


def _tell_owner(call: Call, batch: Plain, kind: str, batch_id: str, told: Plain) -> None:
    owner = batch.get("ownerUid")
    if owner:
        feed.emit(call.documents, owner, kind, {"batchId": batch_id}, told)


def _continue(call: Call, data: Plain) -> Reply:
    source_id = data["fromBatchId"]
    if data["uid"] != call.uid:
        return fail(403, "Forbidden")
    source = call.documents.get(f"batches/{source_id}")
    if source is None:
        return fail(404, "Source batch not found")
    if source.get("ownerUid") != call.uid:
        return fail(403, "Forbidden")
    root = source.get("journeyRootBatchId") or source_id
    batch_id = auto_id()
    at = call.documents.now()
    name = source.get("ownerDisplayName")
    title = data.get("title") or f"{source.get('title')} (resubmission)"
    batch = records.batch(
        batch_id, str(call.uid), name, title, at, intake_mode=source.get("intakeMode", "SELF_SERVICE")
    )
    del batch["editors"], batch["kilnName"]  # the real one leaves these out here
    batch |= {"journeyRootBatchId": root, "journeyParentBatchId": source_id}
    call.documents.set(f"batches/{batch_id}", batch)
    notes = f"Continued journey from {source_id}"
    row = records.timeline("CONTINUE_JOURNEY", at, call.uid, name, notes, fromBatchId=source_id)
    add_row(call.documents, batch_id, row)
    told = {"state": "DRAFT", "isClosed": False, "title": title, "journeyRootBatchId": root}
    feed.emit(call.documents, str(call.uid), "batch.updated", {"batchId": batch_id, "fromBatchId": source_id}, told)
    return ok(batchId=batch_id, rootId=root)


def _shelve(call: Call, data: Plain) -> Reply:
    return _set_state(call, data, "SHELVED", "SHELVED", "Shelved")


def _ready(call: Call, data: Plain) -> Reply:
    return _set_state(call, data, "READY_FOR_PICKUP", "READY_FOR_PICKUP", "Ready for pickup")


def _set_state(call: Call, data: Plain, state: str, kind: str, words: str) -> Reply:
    at = call.documents.now()
    call.documents.merge(f"batches/{data['batchId']}", {"state": state, "updatedAt": at})
    add_row(call.documents, data["batchId"], _by_admin(kind, at, data.get("notes") or words))
    return ok()


def _load(call: Call, data: Plain) -> Reply:
    batch_id, kiln_id, kiln_name = data["batchId"], data["kilnId"], data.get("kilnName") or None
    batch = call.documents.get(f"batches/{batch_id}")
    if batch is None:
        return fail(404, _NOT_FOUND)
    at = call.documents.now()
    patch = {"state": "LOADED", "updatedAt": at, "currentKilnId": kiln_id, "currentKilnName": kiln_name}
    call.documents.merge(f"batches/{batch_id}", patch)
    notes = data.get("notes") or "Loaded to kiln"
    row = _by_admin("KILN_LOAD", at, notes, kiln=(kiln_id, kiln_name), photos=data.get("photos"))
    add_row(call.documents, batch_id, row)
    told = {"state": "LOADED", "kilnId": kiln_id, "kilnName": kiln_name, "isClosed": False}
    _tell_owner(call, batch, "batch.updated", batch_id, told | {"title": batch.get("title") or None})
    return ok()


def _unload(call: Call, data: Plain) -> Reply:
    batch_id = data["batchId"]
    batch = call.documents.get(f"batches/{batch_id}")
    if batch is None:
        return fail(404, _NOT_FOUND)
    at = call.documents.now()
    patch = {"updatedAt": at, "currentKilnId": DELETE, "currentKilnName": DELETE}
    call.documents.merge(f"batches/{batch_id}", patch)
    notes = data.get("notes") or "Unloaded from kiln"
    add_row(call.documents, batch_id, _by_admin("KILN_UNLOAD", at, notes, photos=data.get("photos")))
    told = {"state": batch.get("state") or "UNKNOWN", "kilnId": None, "kilnName": None, "isClosed": False}
    _tell_owner(call, batch, "batch.updated", batch_id, told | {"title": batch.get("title") or None})
    return ok()


_ACTION = Object({"batchId": Text(1), "notes": Text().nullish()})
_PHOTOS = ListOf(Text()).optional()

FUNCTIONS = {
    "createBatch": Function(
        _create,
        Object(
            {
                "ownerUid": Text(1),
                "ownerDisplayName": Text().nullish(),
                "title": Text(1),
                "intakeMode": Text(1),
                "estimatedCostCents": Number(whole=True, least=0),
                "kilnName": Text().nullish(),
                "estimateNotes": Text().nullish(),
                "notes": Text().nullish(),
                "clientRequestId": Text().nullish(),
            }
        ),
        limit=Limit("createBatch", 6),
    ),
    "submitDraftBatch": Function(_submit, _ACTION, limit=Limit("submitDraftBatch", 6)),
    "continueJourney": Function(
        _continue,
        Object({"uid": Text(1), "fromBatchId": Text(1), "title": Text().nullish()}),
        limit=Limit("continueJourney", 4),
    ),
    "pickedUpAndClose": Function(_close, _ACTION, denied="Forbidden", limit=Limit("pickedUpAndClose", 10)),
    "shelveBatch": Function(_shelve, _ACTION, denied="Forbidden", limit=Limit("shelveBatch", 15)),
    "readyForPickup": Function(_ready, _ACTION, denied="Forbidden", limit=Limit("readyForPickup", 20)),
    "kilnLoad": Function(
        _load,
        Object(
            {
                "batchId": Text(1),
                "kilnId": Text(1),
                "kilnName": Text().nullish(),
                "notes": Text().nullish(),
                "photos": _PHOTOS,
            }
        ),
        denied="Forbidden",
        limit=Limit("kilnLoad", 20),
    ),
    "kilnUnload": Function(
        _unload,
        Object({"batchId": Text(1), "notes": Text().nullish(), "photos": _PHOTOS}),
        denied="Forbidden",
        limit=Limit("kilnUnload", 20),
    ),
}
