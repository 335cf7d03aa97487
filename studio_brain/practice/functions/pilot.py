"""The pilot of Studio Brain's own writes: an ops note, and taking it back.

Faults kept: the key is stripped to letters, digits, `_` and `-` before it is used, so that different keys can meet;
nobody checks the approval, the owner or that the batch exists; the note lands in a collection that no screen shows.
"""

import re
from typing import Any

from ..ids import auto_id
from ..plain import Plain, merged
from ..wire import Reply
from .call import Call, Function, fail, ok
from .schema import Object, OneOf, Text

ACTIONS, NOTES = "studioBrainPilotActions", "studioBrainPilotOpsNotes"
_ABOUT = ("ownerUid", "resourceCollection", "resourceId", "proposalId", "idempotencyKey")
_STRIPPED = re.compile(r"[^a-zA-Z0-9_-]")


def action_id(proposal_id: str, key: str) -> str:
    return f"{proposal_id}__{_STRIPPED.sub('', key)[:80]}"


def _execute(call: Call, data: Plain) -> Reply:
    path = f"{ACTIONS}/{action_id(data['proposalId'], data['idempotencyKey'])}"
    known = call.documents.get(path)
    if known is not None:
        pointer = {"collection": str(known.get("noteCollection", NOTES)), "docId": str(known.get("noteId", ""))}
        return ok(replayed=True, resourcePointer=pointer)
    at = call.documents.now()
    note_id = auto_id()
    about = {name: data[name] for name in _ABOUT}
    undone = {"rolledBackAt": None, "rollbackReason": None}
    note = {**about, "note": data["note"], "createdAt": at, "createdByUid": call.uid, **undone}
    action: Plain = {
        **about,
        "approvedBy": data.get("approvedBy"),
        "approvedAt": data.get("approvedAt"),
        "actorUid": data["actorUid"],
        "noteCollection": NOTES,
        "noteId": note_id,
        "createdAt": at,
        "rollbackState": "active",
        **undone,
    }
    call.documents.commit([(f"{NOTES}/{note_id}", note), (path, action)])
    return ok(replayed=False, resourcePointer={"collection": NOTES, "docId": note_id})


def _roll_back(call: Call, data: Plain) -> Reply:
    path = f"{ACTIONS}/{action_id(data['proposalId'], data['idempotencyKey'])}"
    action = call.documents.get(path)
    if action is None:
        return fail(404, "Pilot action not found.")
    if action.get("rollbackState") == "rolled_back":
        return ok(replayed=True)
    undone: dict[str, Any] = {"rolledBackAt": call.documents.now(), "rollbackReason": data["reason"]}
    note_path = f"{action.get('noteCollection') or NOTES}/{action['noteId']}"
    call.documents.commit(
        [
            (note_path, merged(call.documents.get(note_path) or {}, undone)),
            (path, merged(action, undone | {"rollbackState": "rolled_back", "rolledBackByUid": call.uid})),
        ]
    )
    return ok(replayed=False)


FUNCTIONS = {
    "executeStudioBrainPilotAction": Function(
        _execute,
        Object(
            {
                "proposalId": Text(8),
                "approvedBy": Text().nullish(),
                "approvedAt": Text().nullish(),
                "idempotencyKey": Text(8, 120),
                "actorUid": Text(1),
                "actionType": OneOf(("ops_note_append",)),
                "ownerUid": Text(1),
                "resourceCollection": OneOf(("batches",)),
                "resourceId": Text(1),
                "note": Text(5, 500),
            }
        ),
        denied="Forbidden",
    ),
    "rollbackStudioBrainPilotAction": Function(
        _roll_back,
        Object(
            {
                "proposalId": Text(8),
                "idempotencyKey": Text(8, 120),
                "actorUid": Text(1),
                "reason": Text(10, 500),
            }
        ),
        denied="Forbidden",
    ),
}
