"""capabilities: what can be seen and done here."""

from typing import Annotated, Any

import typer

from .app import REFUSED, Run, command, print_json, table

COLUMNS = {"id": "capability", "mode": "mode", "risk": "risk", "role": "needs", "target": "target", "limited": "limits"}


@command("capabilities", unlock=False)
async def capabilities(
    run: Run,
    id: Annotated[str | None, typer.Argument(metavar="[ID]", help="One capability, whole.")] = None,
    mode: Annotated[str, typer.Option("--mode", help="read, local or outside.")] = "",
    risk: Annotated[str, typer.Option("--risk", help="low, medium, high or critical.")] = "",
) -> int:
    """List what can be seen and done in this studio, or show one capability with the schema of its input."""
    if id is None:
        found = await run.query("capabilities.list", mode=mode, risk=risk)
        return run.show(found, *table([row | {"limited": _limits(row)} for row in found["rows"]], COLUMNS))
    one = await run.query("capabilities.one", id=id)
    if one is None:
        run.show({"outcome": "error", "reasonCode": "NOT_FOUND", "detail": id}, f"no capability {id} in this studio")
        return REFUSED
    print_json(one)
    return 0


def _limits(row: dict[str, Any]) -> str:
    """`actor 60/3600s, …, rest 60s`."""
    parts = [f"{limit['per']} {limit['uses']}/{limit['windowS']}s" for limit in row["limits"]]
    return ", ".join([*parts, *([f"rest {row['cooldownS']}s"] if row["cooldownS"] else [])])
