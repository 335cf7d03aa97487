"""rebuild: derive everything again, now or as of any moment."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from ...evidence.cut import describe
from ...kernel.clock import utc_ms
from .app import REFUSED, Run, command


@command("rebuild")
async def rebuild(
    run: Run,
    at: Annotated[
        str | None, typer.Option("--at", metavar="INDEX|TIME", help="As of an entry or a moment; changes nothing.")
    ] = None,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="FILE", help="Into a new SQLite file; changes nothing here.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only compare with what is stored, and seal what came of it.")
    ] = False,
) -> int:
    """Derive everything that can be derived again from the evidence log. Reads no cloud."""
    if at is not None or into is not None:
        if check:
            raise typer.BadParameter("--check compares what is stored now; give it alone")
        return await _aside(run, at, into)
    if check:
        done = await run.perform("system.rebuild_check", {})
        line = f"differs: {', '.join(done.data.get('differing', []))}; run rebuild"
        shown = run.show_performed(done, "equal" if done.outcome == "equal" else line)
        return REFUSED if done.outcome == "differs" else shown
    done = await run.perform("system.rebuild", {})
    differed = bool(done.data.get("rowsDiffered"))
    return run.show_performed(done, "rebuilt; the gateway's rows had differed" if differed else "rebuilt")


async def _aside(run: Run, at: str | None, into: Path | None) -> int:
    """Beside what is stored, from nothing, into memory or a file."""
    brain, tenant = run.brain, run.session.tenant
    await brain.gateway.authorize("evidence.read", run.session)

    def work() -> dict[str, Any]:
        cut = brain.replay.cut(tenant, **_moment(at, brain.clock.now_ms()))
        moment = brain.replay.at(cut, logs=False, fresh=True)
        try:
            if into is not None:
                moment.save(into)
            return describe(cut) | {"entries": cut.entries, "projections": moment.state_sha256()}
        finally:
            moment.close()

    document = await asyncio.to_thread(work)
    lines = [f"{name}  {stamp}" for name, stamp in document["projections"].items()]
    return run.show(document, f"as of {document['at']}, {document['entries']} entries", *lines)


def _moment(at: str | None, now_ms: int) -> dict[str, int]:
    if at is None:
        return {"at_ms": now_ms}
    if at.isdigit():
        return {"index": int(at)}
    try:
        return {"at_ms": utc_ms(at if "." in at else at.removesuffix("Z") + ".000Z")}
    except ValueError as error:
        raise typer.BadParameter("--at: an index, or a time such as 2026-11-21T09:30:00Z") from error
