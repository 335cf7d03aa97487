"""Legal holds: what may be neither erased nor pruned while somebody may still need it as evidence.

A hold is placed and released by entries of one stream; reading that stream is asking which holds there are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from ...evidence.entry import decode
from ...gateway.decide import Refusal
from ...gateway.queries import entry_row
from ...gateway.receipts import request_event
from ...gateway.registry import Capability, Done, Payload, Query, Request
from ...kernel.policy import PEOPLE, ActorType, Mode, Risk, Role
from ...kernel.reasons import ReasonCode
from ...store.reading import Select, Sources
from ...store.sequencer import Unit
from .office import Topic
from .selecting import on

HELD: Final = "retention.held"
RELEASED: Final = "retention.released"
STREAM: Final = "retention:holds"

LISTED: Final = """
SELECT entry.place, entry.kind, entry.seal, entry.body FROM log JOIN stream ON stream.log_id = log.log_id
  JOIN entry ON entry.stream_id = stream.stream_id
 WHERE log.tenant = :tenant AND stream.name = :stream ORDER BY log.epoch, entry.pos
"""

Scope = Literal["all", "kind", "proposal", "entry"]


class HoldPayload(Payload):
    """`scope` and what of it: a kind of receipt, a proposal's id, an index; nothing for `all`."""

    scope: Scope
    target: Annotated[str, Field(max_length=120)] = ""


@dataclass(frozen=True, slots=True)
class Holds:
    """The holds of a studio that are on."""

    placed: frozenset[tuple[str, str]]

    def cover(self, *, index: int, kind: str, proposal: str | None) -> bool:
        mine = {("all", ""), ("entry", str(index)), ("kind", kind), ("proposal", proposal or "-")}
        return not self.placed.isdisjoint(mine)


def holds(select: Select, tenant: str) -> Holds:
    """All holds that are on. A hold outlives the log it was placed in."""
    found: set[tuple[str, str]] = set()
    for row in select(LISTED, {"tenant": tenant, "stream": STREAM}):
        data = decode(bytes(row["body"])).data
        change = found.add if row["kind"] == HELD else found.discard
        change((data["scope"], data["scopeTarget"]))
    return Holds(frozenset(found))


def _hold(unit: Unit, request: Request) -> Done:
    return _write(unit, request, HELD, "held", is_on=False)


def _release(unit: Unit, request: Request) -> Done:
    return _write(unit, request, RELEASED, "released", is_on=True)


def _write(unit: Unit, request: Request, kind: str, word: str, *, is_on: bool) -> Done:
    scope, target = request.payload.scope, request.payload.target
    if (scope == "all") != (target == ""):
        raise Refusal(ReasonCode.INVALID_PAYLOAD, "target: what is held; nothing for all")
    if ((scope, target) in holds(on(unit.conn), unit.tenant).placed) is not is_on:
        raise Refusal(ReasonCode.NOTHING_TO_DO, f"{scope} {target} is {'not' if is_on else 'already'} held".strip())
    unit.append(request_event(kind, STREAM, request, state=word, scope=scope, scopeTarget=target))
    return Done(word, None, {"scope": scope, "target": target})


def _list(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Every hold that was placed or released, oldest first."""
    found = sources.brain(LISTED, {"tenant": tenant, "stream": STREAM})
    return {"rows": [entry_row(row) for row in found]}


_holding = partial(
    Capability,
    target="record",
    mode=Mode.LOCAL,
    risk=Risk.MEDIUM,
    owner="records",
    payload=HoldPayload,
    rationale=True,
    target_of=lambda input: f"hold/{input.get('scope', '')}/{input.get('target', '')}".rstrip("/"),
    failure_mode="the holds stay as they are; the denial is sealed",
    test="tests/domains/records/test_erasure.py",
)

TOPIC: Final = Topic(
    capabilities=(
        _holding(
            id="retention.hold",
            title="Place a legal hold",
            description="Keeps what is named from being erased or pruned, whatever its time is.",
            role=Role.ADMIN,
            handler=_hold,
        ),
        _holding(
            id="retention.release",
            title="Release a legal hold",
            description="Lets retention and erasure reach what was held.",
            role=Role.OWNER,
            handler=_release,
        ),
        Capability(
            id="retention.read",
            title="See the legal holds",
            description="Which holds were placed and released, by whom and why.",
            target="record",
            mode=Mode.READ,
            risk=Risk.LOW,
            role=Role.VIEWER,
            owner="records",
            failure_mode="nothing is shown and the reason is",
            test="tests/domains/records/test_erasure.py",
            actor_types=PEOPLE | {ActorType.AGENT, ActorType.SYSTEM},
        ),
    ),
    queries=(Query("retention.holds", "retention.read", _list),),
    kinds=frozenset({HELD, RELEASED}),
)
