"""Counting a StudioState, page by page, and putting the snapshot together. Pure.

`Tally` takes masked documents and rows as they come and keeps nothing but numbers. Each number is counted as
`reads` and `statuses` say; a status that stands in no table is counted apart, under its own name. What cannot be
known is null with a reason, never 0.

A *snapshot* is schema v3.0. Beside it, not in it, stand the diagnostics. The state hash covers the snapshot without
`generatedAt` and `cloudSync`: the same data gives the same hash.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ...kernel.canonical import canonical_entry
from ...kernel.clock import HOUR, utc_text
from ...kernel.hashing import sha256
from ...kernel.ports import Document, Json, ReadReport
from ...kernel.reasons import ReasonCode
from . import statuses as s
from .reads import AGENT_OPERATIONS, AGENT_REQUESTS
from .wire import Odd, boolean, iso_ms, moment_ms, text

SCHEMA_VERSION: Final = "v3.0"
GRACE_MS: Final = 48 * HOUR
"""How long an order may wait for its payment before it counts as unsettled."""

MAX_UNKNOWN: Final = 20
"""Distinct unknown values that are named for one field; the rest is counted under `(others)`."""

UNKNOWN: Final = "unknown"


@dataclass
class Tally:
    """Counts of one read. `now_ms` becomes the cloud's read time: what is past is past at that moment."""

    now_ms: int = 0
    numbers: Counter[str] = field(default_factory=Counter)
    unknown: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    classes: Counter[str] = field(default_factory=Counter)
    cut: set[str] = field(default_factory=set)

    # kernel.ports.Sink

    def opened(self, read_time: str) -> None:
        self.now_ms = read_time_ms(read_time)

    def documents(self, collection: str, page: Sequence[Document]) -> None:
        count = _COUNTERS[collection]
        for document in page:
            count(self, document.fields)

    def rows(self, function: str, rows: Sequence[Json], *, maybe_cut: bool) -> None:
        if maybe_cut:
            self.cut.add(function)
        count = _ROW_COUNTERS[function]
        for row in rows:
            count(self, row)

    def sort(self, field_name: str, value: str | None, *tables: frozenset[str]) -> int:
        """Which table `value` is in; −1 when in none, and then it is counted as unknown."""
        if value is not None and not isinstance(value, Odd):
            for index, table in enumerate(tables):
                if value in table:
                    return index
        self.strange(field_name, value)
        return -1

    def strange(self, field_name: str, value: object) -> None:
        seen = self.unknown[field_name]
        name = "(missing)" if value is None else str(value)[:80] or "(empty)"
        seen[name if name in seen or len(seen) < MAX_UNKNOWN else "(others)"] += 1


def _batch(tally: Tally, fields: Json) -> None:
    closed = boolean(fields, "isClosed")
    if isinstance(closed, Odd):
        return tally.strange("batches.isClosed", closed)
    state, status = text(fields, "state"), text(fields, "status")
    if closed:
        side = 1
    elif state is not None:
        if state.startswith(s.BATCH_CLOSED_PREFIX):
            side = 1
        else:
            side = tally.sort("batches.state", state, s.BATCH_ACTIVE_STATES)
    elif status is not None:
        side = tally.sort("batches.status", status, s.BATCH_LEGACY_ACTIVE, s.BATCH_LEGACY_CLOSED)
    else:
        side = 0
    if side >= 0:
        tally.numbers["batchesClosed" if side else "batchesActive"] += 1
    return None


def _reservation(tally: Tally, fields: Json) -> None:
    archived = boolean(fields, "isArchived")
    if isinstance(archived, Odd):
        return tally.strange("reservations.isArchived", archived)
    status = text(fields, "status") or s.RESERVATION_DEFAULT
    sides = [tally.sort("reservations.status", status, s.RESERVATION_OPEN, s.RESERVATION_CLOSED)]
    stage, pickup = text(fields, "stageStatus.stage"), text(fields, "pickupWindow.status")
    if stage is not None:
        sides.append(tally.sort("reservations.stageStatus.stage", stage, s.STAGE_OPEN, s.STAGE_CLOSED))
    if pickup is not None:
        sides.append(tally.sort("reservations.pickupWindow.status", pickup, s.PICKUP_OPEN, s.PICKUP_CLOSED))
    if not archived and all(side == 0 for side in sides):
        tally.numbers["reservationsOpen"] += 1
    return None


def _firing(tally: Tally, fields: Json) -> None:
    side = tally.sort("kilnFirings.status", text(fields, "status"), s.FIRING_SCHEDULED, s.FIRING_RUNNING, s.FIRING_DONE)
    if side == 1:
        tally.numbers["firingsScheduled"] += 1
    if side != 0:
        return
    end = moment_ms(fields, "endAt")
    until = moment_ms(fields, "startAt") if end is None else end
    if until is None:
        tally.strange("kilnFirings.endAt", "scheduled without a date")
    elif until >= tally.now_ms:
        tally.numbers["firingsScheduled"] += 1


def _report(tally: Tally, fields: Json) -> None:
    if tally.sort("communityReports.status", text(fields, "status"), s.REPORT_OPEN, s.REPORT_CLOSED) != 0:
        return
    tally.numbers["reportsOpen"] += 1
    if tally.sort("communityReports.severity", text(fields, "severity"), s.SEVERITY_HIGH, s.SEVERITY_OTHER) == 0:
        tally.numbers["highSeverityReports"] += 1


def _order(tally: Tally, fields: Json) -> None:
    status = text(fields, "paymentStatus")
    side = tally.sort("materialsOrders.paymentStatus", status, s.ORDER_PENDING, s.ORDER_TROUBLED, s.ORDER_SETTLED)
    if side >= 0:
        tally.classes[f"materialsOrders.{status}"] += 1
    if side == 0:
        tally.numbers["pendingOrders"] += 1
        created = moment_ms(fields, "createdAt")
        if created is None:
            tally.strange("materialsOrders.createdAt", "pending without a date")
        elif created < tally.now_ms - GRACE_MS:
            tally.numbers["unsettledPayments"] += 1
    elif side == 1:
        tally.numbers["unsettledPayments"] += 1


def _charge(tally: Tally, fields: Json) -> None:
    status = text(fields, "paymentStatus")
    side = tally.sort("eventCharges.paymentStatus", status, s.CHARGE_UNSETTLED, s.CHARGE_SETTLED)
    if side >= 0:
        tally.classes[f"eventCharges.{status}"] += 1
    if side == 0:
        tally.numbers["unsettledPayments"] += 1


def _signup(tally: Tally, fields: Json) -> None:
    if tally.sort("eventSignups.status", text(fields, "status"), s.SIGNUP_PRESENT, s.SIGNUP_OTHER) != 0:
        return
    paid = text(fields, "paymentStatus")
    if tally.sort("eventSignups.paymentStatus", paid, s.SIGNUP_UNPAID, s.SIGNUP_PAYMENT_OTHER) == 0:
        tally.numbers["unsettledPayments"] += 1
        tally.classes["eventSignups.owed"] += 1


def _agent_request(tally: Tally, row: Json) -> None:
    if tally.sort("agentRequests.status", _word(row, "status"), s.AGENT_REQUEST_PENDING, s.AGENT_REQUEST_CLOSED) == 0:
        tally.numbers["agentRequestsPending"] += 1


def _agent_order(tally: Tally, row: Json) -> None:
    if tally.sort("agentOrders.status", _word(row, "status"), s.AGENT_ORDER_PENDING, s.AGENT_ORDER_OTHER) == 0:
        tally.numbers["pendingAgentOrders"] += 1


def _word(row: Json, name: str) -> str | None:
    value = row.get(name)
    return value if value is None or isinstance(value, str) else Odd(f"({type(value).__name__})")


_COUNTERS: Final = {
    "batches": _batch,
    "communityReports": _report,
    "eventCharges": _charge,
    "eventSignups": _signup,
    "kilnFirings": _firing,
    "materialsOrders": _order,
    "reservations": _reservation,
}
_ROW_COUNTERS: Final = {AGENT_REQUESTS: _agent_request, AGENT_OPERATIONS: _agent_order}


@dataclass(frozen=True, slots=True)
class StudioState:
    """A snapshot, its diagnostics and its hash (32 bytes). Both documents are JSON without floats."""

    snapshot: Json
    diagnostics: Json
    state_hash: bytes


def compute(tally: Tally, report: ReadReport, day: str, generated_at_ms: int) -> StudioState:
    """The state of a complete read. Raises ValueError for a partial one: nothing is made of half a studio."""
    if not report.complete:
        raise ValueError("a partial read makes no StudioState")
    numbers, reasons, bounds = tally.numbers, {}, {}
    requests: int | None = numbers["agentRequestsPending"]
    orders: int | None = numbers["pendingOrders"] + numbers["pendingAgentOrders"]
    reasons["ops.blockedTickets"] = ReasonCode.SOURCE_REMOVED.value
    if AGENT_REQUESTS in tally.cut:
        reasons["ops.agentRequestsPending"] = ReasonCode.MAY_BE_TRUNCATED.value
        bounds["ops.agentRequestsPending"], requests = requests, None
    if AGENT_OPERATIONS in tally.cut:
        reasons["finance.pendingOrders"] = ReasonCode.MAY_BE_TRUNCATED.value
        bounds["finance.pendingOrders"], orders = orders, None
    snapshot: Json = {
        "schemaVersion": SCHEMA_VERSION,
        "snapshotDate": day,
        "generatedAt": utc_text(generated_at_ms),
        "cloudSync": {"firestoreReadAt": report.read_time, "stripeReadAt": None},
        "counts": {
            name: numbers[name]
            for name in ("batchesActive", "batchesClosed", "reservationsOpen", "firingsScheduled", "reportsOpen")
        },
        "ops": {
            "blockedTickets": None,
            "agentRequestsPending": requests,
            "highSeverityReports": numbers["highSeverityReports"],
        },
        "finance": {"pendingOrders": orders, "unsettledPayments": numbers["unsettledPayments"]},
        "sourceHashes": {"firestore": "sha256:" + documents_hash(report).hex(), "stripe": None},
    }
    diagnostics: Json = {
        "completeness": "complete",
        "unknownStatuses": {name: dict(sorted(values.items())) for name, values in sorted(tally.unknown.items())},
        "reasons": reasons,
        "lowerBounds": bounds,
        "classes": dict(sorted(tally.classes.items())),
        "durations": {source.source: source.duration_ms for source in report.sources},
        "sources": {
            source.source: {
                "rows": source.rows,
                "startedAt": utc_text(source.started_at_ms),
                "sha256": None if source.sha256 is None else "sha256:" + source.sha256.hex(),
            }
            for source in report.sources
        },
    }
    return StudioState(snapshot, diagnostics, state_hash(snapshot))


def documents_hash(report: ReadReport) -> bytes:
    """SHA-256 over the hashes of the document sources, each with its name, in the order of their names."""
    parts = {source.source: source.sha256 for source in report.sources if source.source in _COUNTERS}
    return sha256(canonical_entry({name: None if h is None else h.hex() for name, h in sorted(parts.items())}))


def state_hash(snapshot: Mapping[str, Any]) -> bytes:
    return sha256(canonical_entry({k: v for k, v in snapshot.items() if k not in ("generatedAt", "cloudSync")}))


def read_time_ms(read_time: str) -> int:
    """The cloud's read time in UTC milliseconds. Raises ValueError when it is none."""
    moment = iso_ms(read_time)
    if moment is None:
        raise ValueError(f"not a time: {read_time[:40]!r}")
    return moment
