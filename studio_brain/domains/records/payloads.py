"""Payloads that may be destroyed: found, described, and destroyed with the entry that says so, never without it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select

from ...evidence.entry import Entry, decode
from ...evidence.erasure import ERASED, STREAM, destroy_payload
from ...evidence.log import all_logs
from ...evidence.payload import PayloadError, open_payload
from ...evidence.tables import place, seq_of
from ...gateway.lifecycle import OPEN
from ...gateway.proposals import find_proposal
from ...gateway.receipts import gateway_event
from ...gateway.tables import execution, proposal
from ...kernel.canonical import canonical_entry
from ...kernel.hashing import sha256, to_text
from ...kernel.policy import Actor, ActorType, Role
from ...kernel.ports import Change, Seen, WriteCall
from ...store.sequencer import Unit

# Entries with what is left of their payloads, by place or by stream.
_STORED: Final = (
    "SELECT entry.place, entry.body, payload.salt, payload.sealed, payload_key.key, log.origin, log.epoch FROM entry "
    "JOIN log ON log.log_id = entry.log_id "
    "JOIN payload ON payload.place = entry.place JOIN payload_key ON payload_key.place = entry.place "
)
BY_PLACE: Final = _STORED + "WHERE entry.place = ?"
BY_STREAM: Final = (
    _STORED + "JOIN stream ON stream.stream_id = entry.stream_id "
    "WHERE log.tenant = ? AND stream.name = ? ORDER BY entry.place"
)
BY_KIND: Final = (
    _STORED + "WHERE entry.place >= ? AND entry.place < ? AND entry.kind = ? AND entry.at_ms < ? ORDER BY entry.place"
)
GONE: Final = "erased"


@dataclass(frozen=True, slots=True)
class StoredPayload:
    """A payload that is still there, at `place`, in the log `origin` of that `epoch`. `secrets` are its key and its
    ciphertext: what may be found nowhere afterwards."""

    place: int
    origin: str
    epoch: int
    entry: Entry
    salt: bytes
    secrets: tuple[bytes, bytes]

    @property
    def index(self) -> int:
        return seq_of(self.place)

    @property
    def record(self) -> str:
        return record_of(self.entry)

    @property
    def of_proposal(self) -> str | None:
        found = self.entry.data.get("proposalId")
        return found if isinstance(found, str) else None

    @property
    def resource(self) -> str:
        return resource_of(self.epoch, self.index)

    def text(self) -> bytes | None:
        """The bytes themselves; None when they cannot be read any more."""
        key, sealed = self.secrets
        try:
            return None if self.entry.payload is None else open_payload(self.entry.payload, self.salt, sealed, key)
        except PayloadError:
            return None

    def change(self) -> Change:
        size = 0 if self.entry.payload is None else self.entry.payload.size
        return Change(self.resource, "payload", f"{self.entry.kind}, {size} bytes", GONE)

    def seen(self) -> Seen:
        return Seen(self.resource, to_text(self.entry.seal), b"" if self.entry.payload is None else self.commitment)

    @property
    def commitment(self) -> bytes:
        return b"" if self.entry.payload is None else self.entry.payload.sha256


def record_of(entry: Entry) -> str:
    """The row that shows an entry's payload: an incident's id, an execution's, or a proposal's."""
    data = entry.data
    return str(data.get("incidentId") or data.get("executionId") or data.get("proposalId") or "")


def resource_of(epoch: int, index: int) -> str:
    """How an entry is named in what is shown and approved: the same before and after a next epoch began."""
    return f"epoch/{epoch}/entry/{index}"


def place_of(conn: Connection, tenant: str, resource: str) -> int:
    """The place that `resource_of` named. Raises LookupError when the tenant has no such log."""
    _, epoch, _, index = resource.split("/")
    log = next(log for log in all_logs(conn) if (log.tenant, log.epoch) == (tenant, int(epoch)))
    return place(log.log_id, int(index))


def stored(conn: Connection, sql: str, *parameters: Any) -> list[StoredPayload]:
    """Payloads by one of the statements above."""
    sql = sql.replace("?", "%s") if conn.dialect.name == "postgresql" else sql
    return [
        StoredPayload(row[0], row[5], row[6], decode(bytes(row[1])), bytes(row[2]), (bytes(row[4]), bytes(row[3])))
        for row in conn.exec_driver_sql(sql, parameters).all()
    ]


def is_open(conn: Connection, tenant: str, item: StoredPayload) -> bool:
    """Whether it belongs to a proposal that is still to be decided or carried out, and needs it."""
    found = None if item.of_proposal is None else find_proposal(conn, tenant, item.of_proposal)
    return found is not None and found.state in OPEN


def erase(unit: Unit, items: Sequence[StoredPayload], call: WriteCall, *, capability: str, reason: str) -> list[int]:
    """Seals one entry for each payload and destroys it, in the same unit. The indexes of those entries, which stand in
    the unit's log whatever log they are about."""
    approved = find_proposal(unit.conn, unit.tenant, call.proposal)
    actor = Actor(ActorType.SYSTEM, "records", unit.tenant, Role.OWNER, via="engine")
    for item in items:
        about: dict[str, Any] = {} if item.origin == unit.log.origin else {"origin": item.origin}
        unit.append(
            gateway_event(
                ERASED,
                STREAM,
                actor,
                call.correlation_id,
                capability=capability,
                target=item.resource,
                proposal=call.proposal,
                rationale="" if approved is None else approved.rationale,
                state="erased",
                input_hash=sha256(canonical_entry(call.input)),
                request_id=call.request_id,
                index=item.index,
                seal=to_text(item.entry.seal),
                erasedKind=item.entry.kind,
                recordId=item.record,
                payloadSha256=to_text(item.commitment),
                reason=reason,
                executedFor=call.actor,
                approvedBy=call.approved_by,
                **about,
            )
        )
        destroy_payload(unit.conn, item.place)
    return [receipt.seq for receipt in unit.receipts]


def gone(conn: Connection, texts: Sequence[bytes]) -> list[bytes]:
    """Of these, the ones that no row shows any more: the same words may rightly stand in another record."""
    wanted = sorted({text.decode() for text in texts})
    left: set[str] = set()
    for column in (proposal.c.content, execution.c.output, execution.c.actual):
        left.update(conn.execute(select(column).where(column.in_(wanted))).scalars())
    return [text.encode() for text in wanted if text not in left]


def is_there(conn: Connection, place: int) -> bool:
    return bool(stored(conn, BY_PLACE, place))
