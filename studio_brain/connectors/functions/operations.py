"""What the functions connector can carry out: for each operation its prediction, its call, and its read-back.

The owner of a batch, its state and when it changed are read from the cloud and never taken from the requester: the
Functions themselves check neither approval nor owner nor whether the batch exists.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from ...kernel.canonical import canonical
from ...kernel.hashing import sha256
from ...kernel.ports import (
    SET_BY_CLOUD,
    Change,
    Document,
    Json,
    Preview,
    ReadBack,
    Seen,
    Settled,
    WriteCall,
)
from ...kernel.reasons import ReasonCode
from ..firestore.wire import plain, with_text_doubles

BATCH_FIELDS: Final = ("closedAt", "isClosed", "ownerUid", "state", "status", "title")


class ReadsDocuments(Protocol):
    async def get(
        self, ids: Sequence[str], fields: Sequence[str], deadline_s: float
    ) -> Mapping[str, Document | None]: ...


class Operation(Protocol):
    """`function` is the name that is called; `body` what is sent."""

    function: str

    async def preview(self, documents: ReadsDocuments, input: Json, deadline_s: float) -> Preview: ...

    def body(self, call: WriteCall) -> Json: ...

    def output(self, answer: Json) -> tuple[bool, Json]:
        """(replayed, what is kept of the answer)."""
        ...

    async def read_back(self, documents: ReadsDocuments, call: WriteCall) -> ReadBack: ...


class OpsNoteAppend:
    """Leaves a note about a batch. A staff account cannot read the note again: the cloud's `replayed` is the proof."""

    function = "executeStudioBrainPilotAction"

    async def preview(self, documents: ReadsDocuments, input: Json, deadline_s: float) -> Preview:
        id = f"batches/{input['batchId']}"
        batch = (await documents.get([id], BATCH_FIELDS, deadline_s))[id]
        if batch is None:
            return Preview((), (), refusal=ReasonCode.NOT_FOUND, detail=f"{id} does not exist in the cloud")
        owner = plain(batch.fields.get("ownerUid"))
        if not isinstance(owner, str) or not owner:
            return Preview((), (), refusal=ReasonCode.NOT_FOUND, detail=f"{id} names no owner")
        return Preview(
            changes=(Change(id, "operations note", None, input["note"]),),
            seen=(_seen(batch),),
            arguments={"ownerUid": owner, "batch": _facts(batch)},
        )

    def body(self, call: WriteCall) -> Json:
        return {
            "proposalId": call.proposal,
            "idempotencyKey": call.key,
            "actorUid": call.actor,
            "approvedBy": call.approved_by,
            "approvedAt": call.approved_at,
            "actionType": "ops_note_append",
            "ownerUid": call.arguments["ownerUid"],
            "resourceCollection": "batches",
            "resourceId": call.input["batchId"],
            "note": call.input["note"],
        }

    def output(self, answer: Json) -> tuple[bool, Json]:
        pointer = answer.get("resourcePointer")
        kept = {key: str(pointer.get(key, "")) for key in ("collection", "docId")} if isinstance(pointer, dict) else {}
        return answer.get("replayed") is True, {"resourcePointer": kept}

    async def read_back(self, documents: ReadsDocuments, call: WriteCall) -> ReadBack:
        return ReadBack(Settled.UNCLEAR, (), "a staff account may not read these notes")


class OpsNoteRollback:
    """Marks a note as rolled back; the cloud keeps it. Nothing of it can be read with a staff account."""

    function = "rollbackStudioBrainPilotAction"

    async def preview(self, documents: ReadsDocuments, input: Json, deadline_s: float) -> Preview:
        note = f"operations note of {input['executionId']}"
        return Preview((Change(note, "rollback state", "active", "rolled back (marked, not deleted)"),), ())

    def body(self, call: WriteCall) -> Json:
        return {
            "proposalId": call.input["proposalId"],
            "idempotencyKey": call.input["executionId"],
            "actorUid": call.actor,
            "reason": call.input["reason"],
        }

    def output(self, answer: Json) -> tuple[bool, Json]:
        return answer.get("replayed") is True, {"marked": True}

    async def read_back(self, documents: ReadsDocuments, call: WriteCall) -> ReadBack:
        return ReadBack(Settled.UNCLEAR, (), "a staff account may not read these notes")


class BatchClose:
    """Closes a picked-up batch. The Function knows no key: a second call moves `closedAt` and adds a timeline row."""

    function = "pickedUpAndClose"

    async def preview(self, documents: ReadsDocuments, input: Json, deadline_s: float) -> Preview:
        id = f"batches/{input['batchId']}"
        batch = (await documents.get([id], BATCH_FIELDS, deadline_s))[id]
        if batch is None:
            return Preview((), (), refusal=ReasonCode.NOT_FOUND, detail=f"{id} does not exist in the cloud")
        facts = _facts(batch)
        if facts["isClosed"] is True:
            return Preview((), (_seen(batch),), refusal=ReasonCode.NOTHING_TO_DO, detail=f"{id} is closed already")
        return Preview(
            changes=(
                Change(id, "isClosed", facts["isClosed"], True),
                Change(id, "state", facts["state"], "CLOSED_PICKED_UP"),
                Change(id, "closedAt", facts["closedAt"], SET_BY_CLOUD),
            ),
            seen=(_seen(batch),),
            arguments={"batch": facts, **_owner(batch)},
        )

    def body(self, call: WriteCall) -> Json:
        notes = call.input.get("notes")
        return {"batchId": call.input["batchId"], **({"notes": notes} if notes else {})}

    def output(self, answer: Json) -> tuple[bool, Json]:
        return False, {}

    async def read_back(self, documents: ReadsDocuments, call: WriteCall) -> ReadBack:
        id = f"batches/{call.input['batchId']}"
        batch = (await documents.get([id], BATCH_FIELDS, call.deadline_s))[id]
        before = call.arguments["batch"]
        if batch is None:
            return ReadBack(Settled.UNCLEAR, (), f"{id} is gone")
        now = _facts(batch)
        changes = tuple(Change(id, name, before[name], now[name]) for name in ("isClosed", "state", "closedAt"))
        if now["isClosed"] is True:
            moved = now["closedAt"] is not None and now["closedAt"] != before["closedAt"]
            return ReadBack(Settled.DONE if moved else Settled.UNCLEAR, changes)
        return ReadBack(Settled.NOT_DONE, changes)


def _facts(batch: Document) -> dict[str, Any]:
    """What a person has to see of a batch before it is acted on."""
    return {name: plain(batch.fields.get(name)) for name in ("closedAt", "isClosed", "state", "status", "title")}


def _owner(batch: Document) -> Json:
    owner = plain(batch.fields.get("ownerUid"))
    return {"ownerUid": owner} if isinstance(owner, str) and owner else {}


def _seen(batch: Document) -> Seen:
    return Seen(batch.id, batch.update_time, sha256(canonical(with_text_doubles(batch.fields))))


OPERATIONS: Final[Mapping[str, Operation]] = {
    "ops_note.append": OpsNoteAppend(),
    "ops_note.rollback": OpsNoteRollback(),
    "batch.close": BatchClose(),
}
