"""evidence epoch, evidence rotate-key: beginning the next log."""

from typing import Annotated

import typer

from .app import Run, command

Rationale = Annotated[str, typer.Option("--rationale", help="Why; it is sealed.")]
OwnLog = Annotated[bool, typer.Option("--installation", help="The installation's own log, not the studio's.")]


@command("evidence epoch")
async def epoch(run: Run, rationale: Rationale, installation: OwnLog = False) -> int:
    """Give up the missing tail of a log that was set back, and begin the next one."""
    done = await run.perform("evidence.start_epoch", {"installation": installation}, rationale)
    return run.show_performed(done, f"started {done.data.get('origin')}; it names what was lost")


@command("evidence rotate-key")
async def rotate_key(run: Run, rationale: Rationale) -> int:
    """Make a new signing key; every log ends and the next begins under it."""
    done = await run.perform("evidence.rotate_key", {}, rationale)
    return run.show_performed(done, *[f"began {origin}" for origin in done.data.get("logs", ())])
