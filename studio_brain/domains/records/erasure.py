"""Erasing what is personal: the payloads of named entries, for good, while every seal and every proof stays.

`evidence.erase` names entries by index, of the latest log or of the one of an `epoch`, or all payloads of a proposal
whatever logs they lie in. It is proposed, approved by somebody else,
and carried out by the keeper; each payload gets a `payload.erased` entry of its own, its key and ciphertext are
deleted, and the files are searched for them afterwards.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator
from sqlalchemy import Connection

from ...evidence.erasure import ERASED
from ...evidence.log import all_logs
from ...evidence.tables import place
from ...gateway.decide import Refusal
from ...gateway.limits import EffectClass, Scope, per_hour
from ...gateway.receipts import proposal_stream
from ...gateway.registry import Capability, Idempotency, Outside, Payload, Staleness
from ...kernel.policy import Mode, Risk, Role
from ...kernel.ports import Change, Preview, ReadBack, Settled, WriteCall
from ...kernel.reasons import ReasonCode
from ...store.sequencer import Unit
from ...store.wipe import wipe
from .holds import holds
from .keeper import ID
from .office import Office, Topic
from .payloads import BY_PLACE, BY_STREAM, GONE, StoredPayload, erase, gone, is_open, is_there, place_of, stored
from .selecting import on

CAPABILITY: Final = "evidence.erase"
MOST: Final = 200
SHORT: Final = 4_000
"""Bytes. A longer text may lie on several pages: it is not searched for, the files are written anew instead."""


class Named(Payload):
    """One entry by its index in the log of an `epoch` (0: the latest), or all entries of a proposal."""

    index: Annotated[int, Field(ge=0)] | None = None
    epoch: Annotated[int, Field(ge=0)] = 0
    proposalId: Annotated[str, Field(min_length=1, max_length=64)] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.index is None) == (self.proposalId is None):
            raise ValueError("give index or proposalId, and not both")
        if self.epoch and self.index is None:
            raise ValueError("epoch goes with index")
        return self


class ErasePayload(Payload):
    entries: Annotated[list[Named], Field(min_length=1, max_length=50)]
    reason: Literal["asked by the person", "entered by mistake", "no longer needed", "required by law"]


class Erase:
    """`keeper.Operation` for `evidence.erase`."""

    def preview(self, office: Office, tenant: str, input: Mapping[str, Any]) -> Preview:
        items = office.databases.brain.reading(lambda conn: _named(conn, tenant, input))
        return Preview(tuple(item.change() for item in items), tuple(item.seen() for item in items))

    def execute(self, office: Office, tenant: str, call: WriteCall) -> dict[str, Any]:
        def work(unit: Unit) -> tuple[list[StoredPayload], list[int], list[bytes]]:
            items = _named(unit.conn, tenant, call.input)
            known = {seen.resource: seen.sha256 for seen in call.seen}
            if {item.resource: item.commitment for item in items} != known:
                raise Refusal(ReasonCode.STALE, "other payloads than those that were approved")
            texts = [text for item in items if (text := item.text()) is not None]
            entries = erase(unit, items, call, capability=CAPABILITY, reason=str(call.input["reason"]))
            return items, entries, gone(unit.conn, texts)

        office.replay.forget()
        items, entries, texts = office.gateway.writer.submit(tenant, work).result().value
        office.replay.forget()
        needles = [part for item in items for part in item.secrets] + [t for t in texts if len(t) <= SHORT]
        wiped = wipe(office.databases, needles, rewrite=any(len(text) > SHORT for text in texts))
        return {
            "erased": [
                {"index": item.index, "epoch": item.epoch, "by": by} for item, by in zip(items, entries, strict=True)
            ],
            "traces": wiped.traces,
            "detail": wiped.detail,
        }

    def read_back(self, office: Office, tenant: str, call: WriteCall) -> ReadBack:
        def work(conn: Connection) -> ReadBack:
            named = [seen.resource for seen in call.seen]
            there = {name for name in named if is_there(conn, place_of(conn, tenant, name))}
            changes = tuple(Change(name, "payload", None, "still there" if name in there else GONE) for name in named)
            return ReadBack(Settled.NOT_DONE if there else Settled.DONE, changes)

        return office.databases.brain.reading(work)


def _log_id(conn: Connection, tenant: str, epoch: int) -> int:
    """The log of that epoch, 0 for the latest."""
    logs = {log.epoch: log.log_id for log in all_logs(conn) if log.tenant == tenant}
    if not logs or epoch not in (0, *logs):
        raise Refusal(ReasonCode.NOT_FOUND, f"this studio has no log of epoch {epoch}" if logs else "no log yet")
    return logs[epoch or max(logs)]


def _named(conn: Connection, tenant: str, input: Mapping[str, Any]) -> list[StoredPayload]:
    """The payloads that an input names and that are still there, by place. Raises Refusal for one that must stay."""
    found: dict[int, StoredPayload] = {}
    for named in input["entries"]:
        if named.get("index") is not None:
            items = stored(conn, BY_PLACE, place(_log_id(conn, tenant, named.get("epoch", 0)), named["index"]))
        else:
            items = stored(conn, BY_STREAM, tenant, proposal_stream(named["proposalId"]))
        found.update({item.place: item for item in items})
    if not found:
        raise Refusal(ReasonCode.NOTHING_TO_DO, "none of these entries has a payload that is still there")
    if len(found) > MOST:
        raise Refusal(ReasonCode.INVALID_PAYLOAD, f"{len(found)} payloads; at most {MOST} at once")
    held = holds(on(conn), tenant)
    for _, item in sorted(found.items()):
        if held.cover(index=item.index, kind=item.entry.kind, proposal=item.of_proposal):
            raise Refusal(ReasonCode.LEGAL_HOLD, item.resource)
        if is_open(conn, tenant, item):
            raise Refusal(ReasonCode.WRONG_STATE, f"{item.resource} belongs to a proposal that is still open")
    return [found[place] for place in sorted(found)]


TOPIC: Final = Topic(
    capabilities=(
        Capability(
            id=CAPABILITY,
            title="Erase what is personal",
            description="Destroys the payloads of named entries for good. Seals, proofs and state hashes stay.",
            target="record",
            mode=Mode.OUTSIDE,
            risk=Risk.HIGH,
            role=Role.OWNER,
            owner="records",
            failure_mode="a crash half-way is settled by looking whether the payloads are still there",
            test="tests/domains/records/test_erasure.py",
            payload=ErasePayload,
            rationale=True,
            outside=Outside(
                connector=ID,
                operation=CAPABILITY,
                staleness=Staleness.CHECKED,
                idempotency=Idempotency.READ_BACK,
                rollback=None,
                rollback_note="What was erased cannot be brought back, not from a vault either.",
            ),
            scope=Scope.RECORD,
            effects=frozenset({EffectClass.RECORDS}),
            limits=per_hour(actor=20, owner=20, capability=20, tenant=400),
            escalation=(Role.OWNER,),
        ),
    ),
    kinds=frozenset({ERASED}),
)
