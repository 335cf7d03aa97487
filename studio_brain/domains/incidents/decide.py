"""What a request about an incident turns into. State is read from the incident's stream, inside the unit of work."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import Connection, text

from ...evidence.entry import decode
from ...gateway import switches
from ...gateway.decide import Refusal
from ...gateway.receipts import request_event
from ...gateway.registry import Done, Request
from ...gateway.switches import SwitchPayload
from ...kernel.lifecycle import Accepted, Context
from ...kernel.reasons import ReasonCode
from ...store.sequencer import Unit
from . import facts
from .lifecycles import INCIDENT, OPEN, REVIEWED

# A stream of a studio, through all its logs, oldest first.
STREAM: Final = text(
    "SELECT entry.body FROM log JOIN stream ON stream.log_id = log.log_id "
    "JOIN entry ON entry.stream_id = stream.stream_id "
    "WHERE log.tenant = :tenant AND stream.name = :stream ORDER BY log.epoch, entry.pos"
)


@dataclass(slots=True)
class Incident:
    """The latest incident of a stream. `through` says by log how far its receipts were linked, by all of them."""

    id: str
    kind: str
    subject: str
    state: str
    severity: str
    owner: str | None
    number: int
    through: dict[str, int] = field(default_factory=dict)


def latest(conn: Connection, tenant: str, stream: str) -> Incident | None:
    found: Incident | None = None
    for row in conn.execute(STREAM, {"tenant": tenant, "stream": stream}):
        data = decode(bytes(row.body)).data
        known = {} if found is None else found.through
        found = Incident(
            id=data["incidentId"],
            kind=data["incidentKind"],
            subject=data["subject"],
            state=data["approvalState"],
            severity=data["severity"],
            owner=data["owner"],
            number=data["number"],
            through=known,
        )
        if "through" in data:
            found.through[data["origin"]] = max(data["through"], known.get(data["origin"], -1))
    return found


def open_incident(unit: Unit, request: Request) -> Done:
    """Opens one, links to the one there is, or does nothing when all of it was linked before."""
    seen = request.payload
    stream = facts.stream_of(seen.kind, seen.subject)
    now = latest(unit.conn, unit.tenant, stream)
    known = -1 if now is None else now.through.get(seen.origin, -1)
    indexes = [index for index in seen.indexes if index > known]
    if now is not None and seen.through <= known:
        return Done("known", None, {"incidentId": now.id})
    linked: dict[str, Any] = {
        "origin": seen.origin,
        "indexes": indexes,
        "through": seen.through,
        "count": len(indexes) + min(seen.count - len(seen.indexes), seen.through - max(known, seen.indexes[-1])),
    }
    if now is None or now.state == REVIEWED:
        number = 1 if now is None else now.number + 1
        made = _new(stream, seen.kind, seen.subject, facts.SEVERITIES[seen.kind], number)
        return _append(unit, request, facts.OPENED, made, OPEN, **linked)
    return _append(unit, request, facts.LINKED, now, _move(now, "recur"), **linked)


def report(unit: Unit, request: Request) -> Done:
    """Each report is an incident of its own; the words stay erasable."""
    stream = facts.stream_of("reported", request.key)
    made = _new(stream, "reported", request.key, request.payload.severity, 1)
    if latest(unit.conn, unit.tenant, stream) is not None:
        raise Refusal(ReasonCode.KEY_REUSED, f"key {request.key[:64]}")
    return _append(unit, request, facts.OPENED, made, OPEN, payload={"summary": request.payload.summary})


def acknowledge(unit: Unit, request: Request) -> Done:
    now = _the_incident(unit, request)
    owner = request.payload.owner or request.actor.id
    changed = replace(now, owner=owner, severity=request.payload.severity or now.severity)
    return _append(unit, request, facts.ACKNOWLEDGED, changed, _move(now, "acknowledge"))


def contain(unit: Unit, request: Request) -> Done:
    """Engages the kill switch and says so in the incident, in one unit; a switch that is on already stays on."""
    now = _the_incident(unit, request)
    state = _move(now, "contain")
    scope, target = request.payload.scope, request.payload.target
    if scope is None:
        scope, target = suggested(now.kind, now.subject)
    wanted = SwitchPayload(scope=scope, target=target)
    try:
        switches.engage(unit, replace(request, payload=wanted))
        engaged = True
    except Refusal as refusal:
        if refusal.code is not ReasonCode.NOTHING_TO_DO:
            raise
        engaged = False
    owned = replace(now, owner=now.owner or request.actor.id)
    switched = {"scope": scope, "scopeTarget": switches.target_of(scope, target, unit.tenant), "engaged": engaged}
    return _append(unit, request, facts.CONTAINED, owned, state, **switched)


def suggested(kind: str, subject: str) -> tuple[str, str]:
    """The kill switch that fits: the capability that deviated, else everything of the studio."""
    return ("capability", subject) if kind == "deviation" else ("tenant", "")


def resolve(unit: Unit, request: Request) -> Done:
    now = _the_incident(unit, request)
    state = _move(now, "resolve", {"owner": now.owner})
    return _append(unit, request, facts.RESOLVED, now, state, outcome=request.payload.outcome)


def review(unit: Unit, request: Request) -> Done:
    now = _the_incident(unit, request)
    return _append(unit, request, facts.REVIEWED, now, _move(now, "review"))


def _new(stream: str, kind: str, subject: str, severity: str, number: int) -> Incident:
    return Incident(f"{stream.partition(':')[2]}-{number}", kind, subject, OPEN, severity, None, number)


def _the_incident(unit: Unit, request: Request) -> Incident:
    id = request.payload.incidentId
    now = latest(unit.conn, unit.tenant, facts.stream_of_id(id))
    number = int(id.partition("-")[2])
    if now is None or number > now.number:
        raise Refusal(ReasonCode.NOT_FOUND, f"incident {id}")
    if number < now.number:
        raise Refusal(ReasonCode.WRONG_STATE, f"the incident is reviewed; {now.id} came after it")
    return now


def _move(now: Incident, event: str, context: Context | None = None) -> str:
    outcome = INCIDENT.decide(now.state, event, context or {})
    if isinstance(outcome, Accepted):
        return outcome.target
    raise Refusal(ReasonCode.WRONG_STATE, f"{event} of an incident that is {now.state}")


def _append(unit: Unit, request: Request, kind: str, now: Incident, state: str, **more: Any) -> Done:
    unit.append(
        request_event(
            kind,
            facts.stream_of_id(now.id),
            request,
            state=state,
            incidentId=now.id,
            incidentKind=now.kind,
            subject=now.subject,
            severity=now.severity,
            owner=now.owner,
            number=now.number,
            **more,
        )
    )
    return Done(state, None, {"incidentId": now.id, "severity": now.severity, "owner": now.owner})
