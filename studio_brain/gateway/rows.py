"""From entries to rows: how the gateway's tables follow from the log, in the same unit of work and again at a rebuild.

Nothing but an entry and its payload decides what a row says. Each kind of entry has one function here. What payloads
hold may be personal: it lies in columns of its own that an erasure empties, beside the commitments that stay.
"""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Connection, delete

from ..evidence.entry import Entry, Receipt
from ..evidence.erasure import ERASED
from ..evidence.facts import Fact, fact_of
from ..kernel.clock import utc_ms
from ..kernel.hashing import from_text
from ..store.database import Database
from ..store.projections import Handler, Projection, derive, sizes_of
from ..store.rows import MemoryRows, Rows, TableRows
from ..store.schema import projection
from . import quotas, receipts
from .lifecycle import DRAFT, ROLLED_BACK
from .tables import ROWS, approval, execution, proposal, request, switch


def apply(conn: Callable[[], Connection], receipt: Receipt, entry: Entry, payload: bytes | None) -> None:
    """`store.sequencer.Apply` for the gateway's tables."""
    if entry.kind in GATEWAY.handlers:
        GATEWAY.apply(TableRows(conn()), fact_of(receipt, entry, payload))


def derived(conn: Connection) -> MemoryRows:
    """The gateway's rows as the logs say they are."""
    rows = MemoryRows()
    derive(conn, (GATEWAY,), rows, sizes_of(conn))
    return rows


def rebuild(conn: Connection) -> None:
    """Empties the gateway's tables and fills them from the logs."""
    rows = derived(conn)
    for table in reversed(ROWS):
        conn.execute(delete(table))
    rows.write(conn, ROWS)
    TableRows(conn).put(projection, {"name": GATEWAY.name, "version": GATEWAY.version})


def prepare(database: Database) -> None:
    """Derives the rows again when another version of this program derived those that are there."""

    def is_current(conn: Connection) -> bool:
        row = TableRows(conn).get(projection, (GATEWAY.name,))
        return row is not None and row["version"] == GATEWAY.version

    if not database.reading(is_current):
        database.writing(rebuild)


def _drafted(rows: Rows, fact: Fact) -> None:
    data = fact.data
    rows.add(
        proposal,
        {
            "tenant": fact.tenant,
            "id": data["proposalId"],
            "capability": data["capabilityId"],
            "target": data["target"],
            "state": DRAFT,
            "risk": data["risk"],
            "requester": fact.actor.id,
            "requester_type": fact.actor.type,
            "rationale": data["rationale"],
            "content": _text(fact.content),
            "commitment": fact.commitment,
            "input_hash": from_text(data["inputHash"]),
            "plan_hash": from_text(data["planHash"]),
            "proposal_hash": from_text(data["proposalHash"]),
            "policy_version": data["policyVersion"],
            "rollback_of": data["rollbackOf"],
            "corr": fact.corr,
            "created_at_ms": fact.at_ms,
            "expires_at_ms": utc_ms(data["expiresAt"]),
            "changed_at_ms": fact.at_ms,
            "code": None,
            "detail": None,
            "drafted_place": fact.place,
            "place": fact.place,
            "erased_place": None,
        },
    )


def _moved(rows: Rows, fact: Fact) -> None:
    """The proposal takes the state that the entry names."""
    rows.update(
        proposal,
        _proposal_key(fact),
        {
            "state": fact.data["approvalState"],
            "changed_at_ms": fact.at_ms,
            "code": fact.data["reasonCode"],
            "detail": fact.data.get("detail"),
            "place": fact.place,
        },
    )


def _decided(rows: Rows, fact: Fact) -> None:
    """An approval or a rejection; the same person's later word replaces the earlier one."""
    rows.put(
        approval,
        {
            "tenant": fact.tenant,
            "proposal": fact.data["proposalId"],
            "actor": fact.actor.id,
            "role": fact.data["role"],
            "verdict": "approved" if fact.kind == receipts.APPROVED else "rejected",
            "rationale": fact.data["rationale"],
            "proposal_hash": from_text(fact.data["proposalHash"]),
            "at_ms": fact.at_ms,
            "place": fact.place,
        },
    )
    _moved(rows, fact)


def _started(rows: Rows, fact: Fact) -> None:
    data = fact.data
    lease = {
        "state": "started",
        "attempt": data["attempt"],
        "lease_owner": data["lease"]["owner"],
        "lease_until_ms": data["lease"]["untilMs"],
        "place": fact.place,
    }
    if data["attempt"] == 1:
        rows.add(
            execution,
            {
                "tenant": fact.tenant,
                "id": data["executionId"],
                "proposal": data["proposalId"],
                "actor": fact.actor.id,
                "request_id": data["requestId"],
                "started_at_ms": fact.at_ms,
                "finished_at_ms": None,
                "replayed": 0,
                "deviates": 0,
                "code": None,
                "detail": None,
                "output": None,
                "output_commitment": None,
                "actual": None,
                "actual_commitment": None,
                "output_hash": None,
                "erased_place": None,
                **lease,
            },
        )
        quotas.used(rows, fact)
    else:
        rows.update(execution, _execution_key(fact), lease)
    _moved(rows, fact)


def _result(rows: Rows, fact: Fact) -> None:
    data = fact.data
    rows.update(
        execution,
        _execution_key(fact),
        {
            "state": data["outcome"],
            "lease_owner": None,
            "lease_until_ms": None,
            "finished_at_ms": fact.at_ms,
            "replayed": int(data["replayed"]),
            "code": data["reasonCode"],
            "detail": data.get("detail"),
            "output": _text(fact.content),
            "output_commitment": fact.commitment,
            "output_hash": None if data["outputHash"] is None else from_text(data["outputHash"]),
            "place": fact.place,
        },
    )
    _moved(rows, fact)


def _compared(rows: Rows, fact: Fact) -> None:
    """What was read back after the result."""
    rows.update(
        execution,
        _execution_key(fact),
        {
            "deviates": int(fact.data["deviates"]),
            "actual": _text(fact.content),
            "actual_commitment": fact.commitment,
            "place": fact.place,
        },
    )


def _rolled_back(rows: Rows, fact: Fact) -> None:
    rows.update(proposal, _proposal_key(fact), {"state": ROLLED_BACK, "changed_at_ms": fact.at_ms, "place": fact.place})


def _denied(rows: Rows, fact: Fact) -> None:
    """A denial moves a proposal only where it says that it was refused for good."""
    if fact.data["final"]:
        _moved(rows, fact)


def _engaged(rows: Rows, fact: Fact) -> None:
    rows.put(
        switch,
        {
            "tenant": fact.tenant,
            "scope": fact.data["scope"],
            "target": fact.data["scopeTarget"],
            "actor": fact.actor.id,
            "rationale": fact.data["rationale"],
            "engaged_at_ms": fact.at_ms,
            "until_ms": None if fact.data.get("until") is None else utc_ms(fact.data["until"]),
            "boot": fact.data.get("boot", ""),
            "up_ms": fact.data.get("upMs", 0),
            "place": fact.place,
        },
    )


def _released(rows: Rows, fact: Fact) -> None:
    rows.delete(switch, (fact.tenant, fact.data["scope"], fact.data["scopeTarget"]))


def _erased(rows: Rows, fact: Fact) -> None:
    """A payload was erased: the column that held it is empty from now on."""
    holder = _HOLDS.get(fact.data["erasedKind"])
    if holder is None:
        return
    table, name, commitment = holder
    key = (fact.tenant, fact.data["recordId"])
    row = rows.get(table, key)
    if row is not None and row[commitment] == from_text(fact.data["payloadSha256"]):
        rows.update(table, key, {name: None, "erased_place": fact.place})


def _nothing(rows: Rows, fact: Fact) -> None:
    """It changes no row of what it is about."""


def _remember_request(rows: Rows, fact: Fact) -> None:
    """The first entry of a request is its answer to whoever sends it again."""
    data = fact.data
    rows.add(
        request,
        {
            "tenant": fact.tenant,
            "key": data["requestId"],
            "capability": data.get("requestedCapability", data["capabilityId"]),
            "input_hash": from_text(data.get("requestHash", data["inputHash"])),
            "outcome": _OUTCOMES.get(fact.kind, "done"),
            "proposal": data["proposalId"],
            "code": data["reasonCode"],
            "place": fact.place,
        },
    )


def _proposal_key(fact: Fact) -> tuple[Any, ...]:
    return (fact.tenant, fact.data["proposalId"])


def _execution_key(fact: Fact) -> tuple[Any, ...]:
    return (fact.tenant, fact.data["executionId"])


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode()


_HOLDS: Final = {
    receipts.DRAFTED: (proposal, "content", "commitment"),
    receipts.RESULT: (execution, "output", "output_commitment"),
    receipts.COMPARED: (execution, "actual", "actual_commitment"),
}
"""Where the payload of each kind of entry lies, and its commitment."""

_OUTCOMES = {receipts.DRAFTED: "asked", receipts.DENIED: "denied"}

_BY_KIND: Final[dict[str, Handler]] = {
    receipts.DRAFTED: _drafted,
    receipts.SUBMITTED: _moved,
    receipts.APPROVED: _decided,
    receipts.REJECTED: _decided,
    receipts.WITHDRAWN: _moved,
    receipts.EXPIRED: _moved,
    receipts.ROLLED_BACK: _rolled_back,
    receipts.STARTED: _started,
    receipts.RESULT: _result,
    receipts.COMPARED: _compared,
    receipts.LATE: _nothing,
    receipts.DENIED: _denied,
    receipts.ENGAGED: _engaged,
    receipts.RELEASED: _released,
    receipts.SWITCH_EXPIRED: _released,
    receipts.QUOTA_RESET: quotas.was_reset,
    ERASED: _erased,
}


def _remembered(change: Handler) -> Handler:
    def handler(rows: Rows, fact: Fact) -> None:
        change(rows, fact)
        _remember_request(rows, fact)

    return handler


GATEWAY: Final = Projection(
    "gateway",
    2,
    ROWS,
    {kind: _remembered(change) for kind, change in _BY_KIND.items()} | {receipts.QUOTA_USED: quotas.used},
    {ERASED: _erased},
)
"""`receipts.REPEATED` and `receipts.QUOTA_USED` are traces of a request that another entry answers."""
