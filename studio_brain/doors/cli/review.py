"""review list, show, grant, deny: the queue of texts that a person has to look at."""

from typing import Annotated

import typer

from ...kernel.errors import StudioBrainError
from ...kernel.reasons import ReasonCode
from .app import Run, command, table
from .retention import Rationale

Id = Annotated[str, typer.Argument(metavar="ID", help="The review, or the beginning of its id.")]
LIST = {"id": "id", "class": "class", "state": "state", "requester": "from", "askedAt": "asked", "text": "text"}


@command("review list", unlock=False)
async def list_reviews(
    run: Run,
    state: Annotated[str, typer.Option("--state", help="waiting, granted, denied, noted; '' for all.")] = "waiting",
    text_class: Annotated[str, typer.Option("--class", help="Only this class.")] = "",
) -> int:
    """List texts, who waits longest first; by default those that wait for a decision."""
    found = await run.query("reviews.page", **{"state": state, "class": text_class})
    rows = [{**row, "id": row["id"][:12]} for row in found["rows"]]
    return run.show(found, *(table(rows, LIST) if rows else ["nothing waits" if state == "waiting" else "none"]))


@command("review show", unlock=False)
async def show_review(run: Run, review: Id) -> int:
    """Show one text whole, and why it was flagged."""
    found = await run.query("reviews.one", id=review)
    if found is None:
        return run.show(None, f"no review {review}, or several that begin so")
    text = "(erased)" if found["text"] is None else found["text"]
    decided = [] if found["reviewer"] is None else [f"{found['reviewer']}: {found['reason']}: {found['rationale']}"]
    head = f"{found['id']}  {found['state']}  {found['class']}  ({', '.join(found['rules'])})"
    asked = f"{found['requester']} asked {found['capability']} on {found['target']} at {found['askedAt']}"
    return run.show(found, head, asked, text, *decided)


@command("review grant")
async def grant(
    run: Run,
    review: Id,
    reason: Annotated[
        str, typer.Option("--reason", help="rights_verified, licensed_use_verified or staff_discretion_low_risk.")
    ],
    rationale: Rationale = "",
) -> int:
    """Let exactly this text pass from now on, whoever sends it. It is final."""
    return await _decide(run, "review.grant", review, reason, rationale)


@command("review deny")
async def deny(
    run: Run,
    review: Id,
    reason: Annotated[
        str,
        typer.Option(
            "--reason",
            help="prohibited_content, copyright_risk_unresolved, illegal_request or insufficient_rights_attestation.",
        ),
    ],
    rationale: Rationale = "",
) -> int:
    """Turn exactly this text down from now on, whoever sends it. It is final."""
    return await _decide(run, "review.deny", review, reason, rationale)


async def _decide(run: Run, capability: str, review: str, reason: str, rationale: str) -> int:
    found = await run.query("reviews.one", id=review)
    if found is None:
        raise StudioBrainError(f"review {review}", code=ReasonCode.NOT_FOUND)
    done = await run.perform(capability, {"reviewId": found["id"], "reason": reason}, rationale)
    return run.show_performed(done, f"{done.outcome}: {found['id'][:12]}")
