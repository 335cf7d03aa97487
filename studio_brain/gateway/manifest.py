"""The gateway's own manifest: deciding on proposals, carrying them out, kill switches, and looking at all of it."""

from functools import partial
from typing import Final

from ..kernel.policy import APPROVE, EXECUTE, PEOPLE, ActorType, Mode, Risk, Role
from . import decide, queries, receipts, seeking, switches
from .decide import OnProposal, OnShown, subject_of_proposal
from .lifecycle import PROPOSAL
from .limits import Scope
from .registry import Authority, Capability, Manifest, Query

_OWNER: Final = "gateway"
_on_proposal = partial(
    Capability,
    target="proposal",
    mode=Mode.LOCAL,
    role=Role.EDITOR,
    owner=_OWNER,
    subject=subject_of_proposal,
    payload=OnShown,
    scope=Scope.RECORD,
    target_of=lambda input: f"proposal/{input.get('proposalId', '')}",
)
_reading = partial(
    Capability,
    mode=Mode.READ,
    risk=Risk.LOW,
    role=Role.VIEWER,
    owner=_OWNER,
    failure_mode="nothing is shown and the reason is",
    actor_types=PEOPLE | {ActorType.AGENT, ActorType.SYSTEM},
)
_switching = partial(
    Capability,
    target="switch",
    mode=Mode.LOCAL,
    owner=_OWNER,
    payload=switches.SwitchPayload,
    rationale=True,
    target_of=lambda input: f"switch/{input.get('scope', '')}/{input.get('target', '')}".rstrip("/"),
    log_of=switches.log_of,
)

MANIFEST: Final = Manifest(
    name="gateway",
    capabilities=(
        _on_proposal(
            id=APPROVE,
            title="Approve a proposal",
            description="Says yes to exactly what was shown. It does not carry it out.",
            risk=Risk.MEDIUM,
            rationale=True,
            failure_mode="the proposal stays as it is; the denial is sealed",
            test="tests/gateway/test_decisions.py",
            handler=decide.approve,
        ),
        _on_proposal(
            id="proposal.reject",
            title="Reject a proposal",
            description="Says no, for good. Nothing is sent.",
            risk=Risk.LOW,
            rationale=True,
            failure_mode="the proposal stays as it is; the denial is sealed",
            test="tests/gateway/test_decisions.py",
            handler=decide.reject,
        ),
        _on_proposal(
            id="proposal.withdraw",
            title="Withdraw a proposal",
            description="Its requester takes it back before it is carried out.",
            risk=Risk.LOW,
            payload=OnProposal,
            actor_types=PEOPLE | {ActorType.AGENT, ActorType.SYSTEM},
            failure_mode="the proposal stays as it is; the denial is sealed",
            test="tests/gateway/test_decisions.py",
            handler=decide.withdraw,
        ),
        _on_proposal(
            id=EXECUTE,
            title="Carry out an approved proposal",
            description="Claims it once, calls the connector, seals the result and compares it with the prediction.",
            risk=Risk.HIGH,
            payload=OnProposal,
            actor_types=PEOPLE,
            failure_mode="refused before the claim, or unknown after it and then settled",
            test="tests/gateway/test_execution.py",
            procedure=True,
        ),
        _on_proposal(
            id="proposal.rollback",
            title="Propose a rollback",
            description="Drafts the undoing of an executed proposal, as a proposal of its own.",
            risk=Risk.MEDIUM,
            payload=OnProposal,
            rationale=True,
            failure_mode="nothing is drafted; the denial is sealed",
            test="tests/gateway/test_rollback.py",
            procedure=True,
        ),
        _switching(
            id="killswitch.engage",
            title="Engage a kill switch",
            description="Stops every outside write of its scope before it leaves.",
            payload=switches.EngagePayload,
            risk=Risk.LOW,
            role=Role.EDITOR,
            failure_mode="the switch stays off and says so",
            test="tests/gateway/test_kill_switch.py",
            handler=switches.engage,
        ),
        _switching(
            id="killswitch.release",
            title="Release a kill switch",
            description="Lets outside writes of its scope leave again.",
            risk=Risk.HIGH,
            role=Role.ADMIN,
            failure_mode="the switch stays on",
            test="tests/gateway/test_kill_switch.py",
            handler=switches.release,
        ),
        _reading(
            id="proposal.read",
            title="See proposals",
            description="The queue, each proposal whole, and the kill switches.",
            target="proposal",
            test="tests/gateway/test_queries.py",
        ),
        _reading(
            id="evidence.read",
            title="See receipts",
            description="The evidence log of the studio, entry by entry.",
            target="evidence",
            test="tests/gateway/test_queries.py",
        ),
    ),
    queries=(
        Query("proposals.page", "proposal.read", queries.proposals_page),
        Query("proposals.one", "proposal.read", queries.proposal_one),
        Query("switches.list", "proposal.read", queries.switches_list),
        Query("evidence.page", "evidence.read", queries.evidence_page),
        Query("evidence.stream", "evidence.read", queries.stream_entries),
        Query("evidence.one", "evidence.read", queries.evidence_one),
        Query("evidence.seek", "evidence.read", seeking.evidence_seek),
        Query("evidence.rows", "evidence.read", seeking.evidence_rows),
    ),
    lifecycles=(PROPOSAL,),
    receipt_kinds=receipts.KINDS,
    authority={
        "proposal": Authority.LOCAL,
        "approval": Authority.LOCAL,
        "execution": Authority.LOCAL,
        "switch": Authority.LOCAL,
        "receipt": Authority.LOCAL,
    },
)
