"""quota list, quota reset: how full the limits are."""

from typing import Annotated, Any

import typer

from .app import Run, command, table

COLUMNS = {"capability": "capability", "per": "per", "subject": "of", "used": "used", "freeAt": "free again"}


@command("quota list", unlock=False)
async def list_quotas(
    run: Run, capability: Annotated[str, typer.Option("--capability", help="Only the limits of this one.")] = ""
) -> int:
    """List what was used of each limit within its window; those that are full come first."""
    found = await run.query("quotas.list", capability=capability)
    lines = table([_line(row) for row in found["rows"]], COLUMNS) if found["rows"] else ["nothing was used"]
    return run.show(found, *lines)


@command("quota reset")
async def reset_quota(
    run: Run,
    per: Annotated[str, typer.Argument(metavar="PER", help="actor, owner, capability, tenant or cooldown.")],
    rationale: Annotated[str, typer.Option("--rationale", help="Why; at least ten characters.")],
    capability: Annotated[str, typer.Option("--capability", help="Of which capability; not for tenant.")] = "",
    subject: Annotated[str, typer.Option("--subject", help="The actor, owner or target, as listed.")] = "",
) -> int:
    """Forget the uses of one limit so far."""
    done = await run.perform("quota.reset", {"per": per, "capability": capability, "subject": subject}, rationale)
    return run.show_performed(done, f"reset: {per} {subject} of {capability or 'the studio'}")


def _line(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"used": f"{row['uses']} of {row['of']} within {row['windowS']} s"}
