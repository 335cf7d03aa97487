"""What compliance brings: granting and denying what waits in the review queue, and seeing it."""

from functools import partial
from typing import Final

from ...gateway.limits import Scope
from ...gateway.registry import Authority, Capability, Manifest, Query
from ...kernel.policy import PEOPLE, ActorType, Mode, Risk, Role
from . import decide, facts, queries
from .lifecycles import REVIEW
from .project import PROJECTION

_deciding: Final = partial(
    Capability,
    target="review",
    mode=Mode.LOCAL,
    owner="compliance",
    rationale=True,
    target_of=lambda input: f"review/{input.get('reviewId', '')}",
    failure_mode="the text goes on waiting; the denial is sealed",
    test="tests/domains/compliance/test_review.py",
    scope=Scope.RECORD,
)

MANIFEST: Final = Manifest(
    name="compliance",
    capabilities=(
        _deciding(
            id="review.grant",
            title="Let a text pass",
            description="For good and for exactly this text, whoever sends it. Nobody grants their own.",
            risk=Risk.HIGH,
            role=Role.ADMIN,
            payload=facts.Grant,
            handler=decide.grant,
        ),
        _deciding(
            id="review.deny",
            title="Turn a text down",
            description="For good and for exactly this text, whoever sends it.",
            risk=Risk.LOW,
            role=Role.EDITOR,
            payload=facts.Deny,
            handler=decide.deny,
        ),
        Capability(
            id="review.read",
            title="See the review queue",
            description="The texts that wait, what was decided about others, and what was noted in passing.",
            target="review",
            mode=Mode.READ,
            risk=Risk.LOW,
            role=Role.EDITOR,
            owner="compliance",
            failure_mode="nothing is shown and the reason is",
            test="tests/domains/compliance/test_review.py",
            actor_types=PEOPLE | {ActorType.SYSTEM},
        ),
    ),
    queries=(
        Query("reviews.page", "review.read", queries.reviews_page),
        Query("reviews.one", "review.read", queries.review_one),
    ),
    lifecycles=(REVIEW,),
    projections=(PROJECTION,),
    receipt_kinds=facts.KINDS,
    authority={"review": Authority.LOCAL},
)
