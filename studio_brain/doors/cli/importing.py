"""evidence import-v0: take over the history of an earlier installation."""

from pathlib import Path
from typing import Annotated

import typer

from .app import REFUSED, Run, command


@command("evidence import-v0")
async def import_v0(
    run: Run,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines, CSV or SQLite file of ledger_entries.")],
    rationale: Annotated[str, typer.Option("--rationale", help="Why; at least ten characters.")],
) -> int:
    """Import an earlier ledger with the verdict about each old seal. Exit 1 when some are broken or in conflict."""
    done = await run.perform("evidence.import_v0", {"path": str(path.absolute())}, rationale)
    if done.code is not None:
        return run.show_performed(done)
    data = done.data
    run.show(
        done.to_json(),
        f"{data['rows']} rows: {data['imported']} imported, {data['repeated']} known already",
        f"old seals: {data['valid']} valid, {data['broken']} broken",
        *(f"broken: {id}" for id in data["brokenIds"]),
        *(f"left out, another row has its id: {id}" for id in data["conflictingIds"]),
    )
    return REFUSED if data["broken"] or data["conflicts"] else 0
