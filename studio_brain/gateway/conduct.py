"""Was everything that was done allowed when it was done? The gateway's entries replayed through its own rules.

Every entry about a proposal is an event of its lifecycle; the guards are asked again with what the log itself says.
Every outside write has to have its approval: enough people, each for the very hash that was drafted, none of them the
requester where the tier forbids it, one execution for each approval, begun only under a signed checkpoint. What does
not fit is named by its index. Nothing here trusts a row: entries decide.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..evidence.facts import Fact
from ..kernel.clock import SECOND, utc_ms
from ..kernel.lifecycle import Accepted
from ..kernel.policy import TIERS, Risk
from . import admissions, receipts
from .lifecycle import APPROVED, PROPOSAL, UNKNOWN

GRACE_MS: Final = 5 * SECOND
"""A unit of work asks the guards before it dates its entries."""

SHOWN: Final = 100
_LIFE: Final = frozenset(
    {
        receipts.DRAFTED, receipts.SUBMITTED, receipts.APPROVED, receipts.REJECTED, receipts.WITHDRAWN,
        receipts.EXPIRED, receipts.ROLLED_BACK, receipts.STARTED, receipts.RESULT, receipts.COMPARED, receipts.LATE,
        receipts.DENIED,
    }
)  # fmt: skip
KINDS: Final = _LIFE | admissions.KINDS
"""The kinds of entry that conduct is judged by."""

_RESULTS: Final = {"executed": "succeed", "refused": "refuse", "failed": "fail", "unknown": "lose"}
_PLAIN: Final = {
    receipts.SUBMITTED: "submit",
    receipts.REJECTED: "reject",
    receipts.WITHDRAWN: "withdraw",
    receipts.EXPIRED: "expire",
    receipts.ROLLED_BACK: "roll_back",
    receipts.DENIED: "refuse",
}


@dataclass(slots=True)
class _Life:
    """One proposal as its entries tell it. `begun` holds index and attempt of each start without a result."""

    state: str
    risk: Risk
    requester: str
    hash: str
    expires_at_ms: int
    said_yes: set[str] = field(default_factory=set)
    execution: str | None = None
    attempts: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Conduct:
    """What was judged. `writes` are outside writes that began, `matched` those with an approval that covers them;
    `faults` are (index, what), at most a hundred, `found` how many there are."""

    proposals: int = 0
    transitions: int = 0
    writes: int = 0
    matched: int = 0
    found: int = 0
    faults: list[tuple[int, str]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.found == 0

    def fault(self, index: int, what: str) -> None:
        self.found += 1
        if len(self.faults) < SHOWN:
            self.faults.append((index, what))


def judge(facts: Iterable[Fact], checkpoints: Sequence[int]) -> Conduct:
    """Judges the entries of one log, in order, from its first. `checkpoints` are the sizes that were signed, rising."""
    conduct = Conduct()
    lives: dict[str, _Life] = {}
    admitted = admissions.Admissions()
    for fact in facts:
        if fact.kind in admissions.KINDS:
            _counted(conduct, admitted, fact)
        if fact.kind not in _LIFE:
            continue
        id = fact.data.get("proposalId")
        if id is None:
            continue
        try:
            _judge(conduct, lives, str(id), fact, checkpoints)
        except (KeyError, ValueError, TypeError) as error:
            conduct.fault(fact.seq, f"{fact.kind} without what it has to say: {type(error).__name__} {error}"[:160])
    return conduct


def _counted(conduct: Conduct, admitted: admissions.Admissions, fact: Fact) -> None:
    try:
        for what in admitted.see(fact):
            conduct.fault(fact.seq, what)
    except (KeyError, ValueError, TypeError) as error:
        conduct.fault(fact.seq, f"{fact.kind} without what it has to say: {type(error).__name__} {error}"[:160])


def _judge(conduct: Conduct, lives: dict[str, _Life], id: str, fact: Fact, checkpoints: Sequence[int]) -> None:
    data, life = fact.data, lives.get(id)
    if fact.kind == receipts.DRAFTED:
        if life is not None:
            conduct.fault(fact.seq, f"the proposal {id} is drafted a second time")
            return
        conduct.proposals += 1
        lives[id] = _Life(
            PROPOSAL.initial, Risk(data["risk"]), fact.actor.id, data["proposalHash"], utc_ms(data["expiresAt"])
        )
        return
    if life is None:
        conduct.fault(fact.seq, f"{fact.kind} of a proposal that was never drafted")
        return
    if fact.kind == receipts.APPROVED:
        _approved(conduct, life, fact)
    elif fact.kind == receipts.STARTED:
        _started(conduct, life, fact)
    elif fact.kind in (receipts.RESULT, receipts.LATE):
        _answered(conduct, life, fact, checkpoints)
    elif fact.kind == receipts.COMPARED:
        if data["executionId"] != life.execution:
            conduct.fault(fact.seq, "what was read back belongs to no outside write of this proposal")
    elif fact.kind != receipts.DENIED or data["final"]:
        context = {"shown": data.get("proposalHash", life.hash), "stored": life.hash}
        _move(conduct, life, fact, _PLAIN[fact.kind], context)


def _approved(conduct: Conduct, life: _Life, fact: Fact) -> None:
    tier = TIERS[life.risk]
    if fact.actor.id == life.requester and not tier.self_approval:
        conduct.fault(fact.seq, f"approved by its requester, at risk {life.risk.value}")
    yes = life.said_yes | {fact.actor.id}
    event = "approve" if len(yes) >= tier.quorum else "endorse"
    context = {"shown": fact.data["proposalHash"], "stored": life.hash, "approvals": len(yes), "quorum": tier.quorum}
    if _move(conduct, life, fact, event, context):
        life.said_yes = yes


def _started(conduct: Conduct, life: _Life, fact: Fact) -> None:
    data, tier = fact.data, TIERS[life.risk]
    execution, attempt = data["executionId"], data["attempt"]
    again = attempt > 1 and life.state == UNKNOWN
    if not again:
        conduct.writes += 1
    covered = (
        data["proposalHash"] == life.hash
        and len(life.said_yes if tier.self_approval else life.said_yes - {life.requester}) >= tier.quorum
    )
    if not covered:
        conduct.fault(fact.seq, "an outside write without an approval that covers it")
    elif (life.execution is not None) if not again else (execution != life.execution):
        conduct.fault(fact.seq, "a second outside write under one approval")
    elif life.state != (UNKNOWN if again else APPROVED):
        conduct.fault(fact.seq, f"an outside write of a proposal that is {life.state}")
    elif not again:
        conduct.matched += 1
    life.execution = life.execution or execution
    life.attempts[attempt] = fact.seq
    _move(conduct, life, fact, "claim", {})


def _answered(conduct: Conduct, life: _Life, fact: Fact, checkpoints: Sequence[int]) -> None:
    data = fact.data
    began = life.attempts.get(data["attempt"])
    if began is None or data["executionId"] != life.execution:
        conduct.fault(fact.seq, "the result of an outside write that was never begun")
        return
    at = bisect_right(checkpoints, began)
    if at == len(checkpoints) or checkpoints[at] > fact.seq:
        conduct.fault(fact.seq, "no signed checkpoint covered the start of this outside write when it ended")
    if fact.kind == receipts.RESULT:
        _move(conduct, life, fact, _RESULTS[data["outcome"]], {})


def _move(conduct: Conduct, life: _Life, fact: Fact, event: str, context: dict[str, Any]) -> bool:
    """Takes the edge that `event` has; a fault where it has none, a guard blocks, or the entry names another state."""
    conduct.transitions += 1
    asked = {"now_ms": fact.at_ms - GRACE_MS, "expires_at_ms": life.expires_at_ms, **context}
    outcome = PROPOSAL.decide(life.state, event, asked)
    said = fact.data["approvalState"]
    if not isinstance(outcome, Accepted):
        conduct.fault(fact.seq, f"{event} of a proposal that is {life.state}: {outcome}"[:160])
    elif outcome.target != said:
        conduct.fault(fact.seq, f"{event} leads from {life.state} to {outcome.target}, not to {said}")
    if said in PROPOSAL.states:
        life.state = said  # rows followed the entry, so what comes next is judged from there
    return isinstance(outcome, Accepted)
