"""What a text turns into: nothing, a note, a wait in the queue, or what was decided about it before.

State is read from the text's own stream, inside the unit of work; only texts that a rule speaks about have one.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from sqlalchemy import Connection, text

from ...evidence.entry import decode
from ...gateway.decide import Refusal
from ...gateway.limits import EffectClass
from ...gateway.receipts import request_event
from ...gateway.registry import Done, Request
from ...kernel.lifecycle import Accepted, Context, Refused
from ...kernel.policy import Mode
from ...kernel.reasons import ReasonCode
from ...store.sequencer import Unit
from . import facts
from .classify import Rules, Verdict
from .lifecycles import DENIED, GRANTED, NOTED, REVIEW, WAITING

# A stream of a studio, through all its logs, oldest first.
STREAM: Final = text(
    "SELECT entry.kind, entry.body FROM log JOIN stream ON stream.log_id = log.log_id "
    "JOIN entry ON entry.stream_id = stream.stream_id "
    "WHERE log.tenant = :tenant AND stream.name = :stream ORDER BY log.epoch, entry.pos"
)
OWN: Final = "review."
"""What reviewers write about a text is not reviewed again, or the queue would never drain."""


REMEMBERED: Final = 4_096
"""Texts whose verdicts are kept: most are looked at twice, before the unit of work and in it."""


@dataclass(slots=True)
class Review:
    """What is known of a text. `requesters` asked with it for something outside."""

    id: str
    state: str
    requesters: set[str] = field(default_factory=set)
    text_class: str = ""


def find_review(conn: Connection, tenant: str, id: str) -> Review | None:
    found: Review | None = None
    for row in conn.execute(STREAM, {"tenant": tenant, "stream": facts.stream_of(id)}):
        data = decode(bytes(row.body)).data
        found = found or Review(id, NOTED)
        found.state, found.text_class = data["approvalState"], data["textClass"]
        if row.kind == facts.FLAGGED:
            found.requesters.add(data["requester"])
    return found


class Intake:
    """`gateway.intake.Intake` by the rules of this folder."""

    def __init__(self, rules: Rules) -> None:
        self._version = rules.version
        self._classify = lru_cache(REMEMBERED)(rules.classify)

    def is_held(self, conn: Connection, request: Request) -> bool:
        if not leaves(request):
            return False
        return any(_state(find_review(conn, request.tenant, id)) != GRANTED for id, _, _ in self._risky(request))

    def hold(self, unit: Unit, request: Request) -> Refusal | None:
        if not leaves(request) or unit.tenant != request.tenant:
            return None
        refusal: Refusal | None = None
        for id, said, verdict in self._risky(request):
            known = find_review(unit.conn, unit.tenant, id)
            state = _state(known)
            if state == DENIED:
                return Refusal(ReasonCode.REVIEW_DENIED, f"review {id}: {verdict.text_class.value}")
            if state == GRANTED:
                continue
            if known is None or request.actor.id not in known.requesters:
                self._seal(unit, request, facts.FLAGGED, WAITING, id, said, verdict, requester=request.actor.id)
            refusal = refusal or Refusal(ReasonCode.REVIEW_REQUIRED, f"review {id}: {verdict.text_class.value}")
        return refusal

    def note(self, unit: Unit, request: Request) -> None:
        if unit.tenant != request.tenant or request.capability.id.startswith(OWN):
            return
        if leaves(request):
            return
        for id, said, verdict in self._risky(request):
            if find_review(unit.conn, unit.tenant, id) is None:
                self._seal(unit, request, facts.NOTED, NOTED, id, said, verdict, requester=request.actor.id)

    def _risky(self, request: Request) -> list[tuple[str, str, Verdict]]:
        found = ((said, self._classify(said)) for said in facts.texts(request))
        return [(facts.id_of(said), said, verdict) for said, verdict in found if verdict.is_high_risk]

    def _seal(
        self, unit: Unit, request: Request, kind: str, state: str, id: str, said: str, verdict: Verdict, requester: str
    ) -> None:
        """The text is in the erasable payload and nowhere else, not in the rationale of the entry either."""
        unit.append(
            request_event(
                kind,
                facts.stream_of(id),
                replace(request, rationale=""),
                state=state,
                reviewId=id,
                textClass=verdict.text_class.value,
                classes=sorted(each.value for each in verdict.classes),
                rules=list(verdict.rules),
                rulesVersion=self._version,
                requester=requester,
                payload={"text": said},
            )
        )


def leaves(request: Request) -> bool:
    """Whether it asks for something beyond this home. Undoing and erasing are never held back for what they say."""
    capability = request.capability
    if capability.mode is not Mode.OUTSIDE or capability.internal:
        return False
    return capability.effects != frozenset({EffectClass.RECORDS})


def grant(unit: Unit, request: Request) -> Done:
    return _decide(unit, request, "grant", facts.GRANTED)


def deny(unit: Unit, request: Request) -> Done:
    return _decide(unit, request, "deny", facts.DENIED)


def _decide(unit: Unit, request: Request, event: str, kind: str) -> Done:
    known = find_review(unit.conn, unit.tenant, request.payload.reviewId)
    if known is None:
        raise Refusal(ReasonCode.NOT_FOUND, f"review {request.payload.reviewId}")
    context: Context = {"reviewer": request.actor.id, "requesters": known.requesters}
    outcome = REVIEW.decide(known.state, event, context)
    if not isinstance(outcome, Accepted):
        code = outcome.code if isinstance(outcome, Refused) else ReasonCode.WRONG_STATE
        raise Refusal(code, f"{event} of a review that is {known.state}")
    unit.append(
        request_event(
            kind,
            facts.stream_of(known.id),
            request,
            state=outcome.target,
            reviewId=known.id,
            textClass=known.text_class,
            reason=request.payload.reason,
        )
    )
    return Done(outcome.target, None, {"reviewId": known.id, "reason": request.payload.reason})


def _state(known: Review | None) -> str | None:
    return None if known is None else known.state
