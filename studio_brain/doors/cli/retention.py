"""retention run, hold, release, list: what is kept, for how long, and what must be kept. And erase."""

from typing import Annotated, Any

import typer

from .app import Run, command, table

Rationale = Annotated[str, typer.Option("--rationale", help="Why; at least ten characters.")]
Scope = Annotated[str, typer.Argument(metavar="SCOPE", help="all, kind, proposal or entry.")]
Target = Annotated[str, typer.Argument(metavar="[TARGET]", help="Which one; nothing for all.")]
DUE = {"epoch": "epoch", "index": "index", "kind": "kind", "takes": "takes", "at": "from"}
HOLDS = {"at": "at", "kind": "kind", "target": "what", "rationale": "why"}


@command("retention run")
async def run_retention(
    run: Run,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would go.")] = False,
    rationale: Rationale = "",
) -> int:
    """Propose to let go of what its time is over of; somebody else approves the list, then execute it."""
    if not dry_run:
        done = await run.perform("retention.run", {}, rationale)
        return run.show_performed(done, f"proposed: {done.proposal}; approve it, then: studio-brain execute")
    due = await run.query("retention.due")
    kept = [f"{r['kind']}: {r['takes']} from before {r['keptUntil']}" for r in due["rules"] if r["keptUntil"]]
    spared = f"{len(due['items'])} would go, {due['left']} later; {due['held']} held, {due['needed']} still needed"
    return run.show(due, *kept, *table(due["items"], DUE), spared)


@command("retention hold")
async def hold(run: Run, scope: Scope, target: Target = "", rationale: Rationale = "") -> int:
    """Place a legal hold: neither retention nor erasure reaches what it covers."""
    return await _holding(run, "retention.hold", scope, target, rationale)


@command("retention release")
async def release(run: Run, scope: Scope, target: Target = "", rationale: Rationale = "") -> int:
    """Release a legal hold."""
    return await _holding(run, "retention.release", scope, target, rationale)


@command("retention list", unlock=False)
async def list_holds(run: Run) -> int:
    """List the legal holds that were placed and released, oldest first."""
    found = await run.query("retention.holds")
    return run.show(found, *table(found["rows"], HOLDS))


@command("evidence erase")
async def erase(
    run: Run,
    index: Annotated[list[int] | None, typer.Option("--index", help="One entry; may be given again.")] = None,
    epoch: Annotated[int, typer.Option("--epoch", help="Of which log the indexes are; the latest without it.")] = 0,
    proposal: Annotated[list[str] | None, typer.Option("--proposal", help="All of a proposal.")] = None,
    reason: Annotated[
        str, typer.Option("--reason", help="asked by the person, entered by mistake, no longer needed, required by law")
    ] = "asked by the person",
    rationale: Rationale = "",
) -> int:
    """Propose to erase payloads for good; somebody else approves the list, then execute it."""
    named: list[dict[str, Any]] = [{"index": item} | ({"epoch": epoch} if epoch else {}) for item in index or []]
    named += [{"proposalId": item} for item in proposal or []]
    done = await run.perform("evidence.erase", {"entries": named, "reason": reason}, rationale)
    return run.show_performed(done, f"proposed: {done.proposal}; approve it, then: studio-brain execute")


async def _holding(run: Run, capability: str, scope: str, target: str, rationale: str) -> int:
    done = await run.perform(capability, {"scope": scope, "target": target}, rationale)
    return run.show_performed(done, f"{done.outcome}: {scope} {target}".rstrip())
