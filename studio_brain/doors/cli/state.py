"""snapshot, state, diff: the studio's state."""

from typing import Annotated, Any

import typer

from ...domains.studio.diff import numbers
from ...kernel.reasons import REASONS, ReasonCode
from .app import REFUSED, Run, command, exit_code, print_json, print_line, table


@command("snapshot")
async def snapshot(
    run: Run,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 when a number is not known.")] = False,
) -> int:
    """Read the studio's cloud now and seal the state it is in."""
    done = await run.perform("studio.snapshot", {})
    if done.outcome == "failed":
        code = ReasonCode(done.data["reasonCode"])
        if run.common.as_json:
            print_json(done.to_json())
        else:
            print_line(f"failed: {code.value}: {REASONS[code].sentence}")
            for fault in done.data["faults"]:
                print_line(f"  {fault['source']}: {fault['code']} {fault['detail']}".rstrip())
            print_line(REASONS[code].remedy)
        return max(exit_code(code), REFUSED)
    if done.code is not None:
        return run.show_performed(done)
    taken = done.data["snapshot"]
    missing = sorted(key for key, value in numbers(taken).items() if value is None)
    result = run.show(done.to_json() | {"unknown": missing}, *_lines(taken, done.data["diagnostics"]))
    if strict and missing:
        if not run.common.as_json:
            print_line(f"not known: {', '.join(missing)}")
        return REFUSED
    return result


@command("state", unlock=False)
async def state(
    run: Run,
    date: Annotated[str | None, typer.Argument(metavar="[DATE]", help="YYYY-MM-DD; the latest without it.")] = None,
) -> int:
    """Show the state of a day as it was last observed."""
    found = await run.query("studio.snapshot", day=date)
    if found is None:
        return _absent(
            run, f"no snapshot of {date}" if date else "no snapshot yet; take one with: studio-brain snapshot"
        )
    return run.show(
        found, f"derived from cloud, observed {found['observedAt']}", *_lines(found["snapshot"], found["diagnostics"])
    )


@command("diff", unlock=False)
async def diff(
    run: Run,
    older: Annotated[str | None, typer.Argument(metavar="[FROM]", help="YYYY-MM-DD")] = None,
    newer: Annotated[str | None, typer.Argument(metavar="[TO]", help="YYYY-MM-DD")] = None,
) -> int:
    """Show what changed between two days; without days, since the last observation."""
    if (older is None) != (newer is None):
        raise typer.BadParameter("give both days, or none")
    found = await run.query("studio.diff", **{"from": older, "to": newer})
    if found is None:
        return _absent(run, "there are no two snapshots to compare")
    rows = [{"key": key, **change} for key, change in found["changes"].items()]
    heading = f"{found['fromSnapshotDate']} → {found['toSnapshotDate']}"
    lines = table(rows, {"key": "number", "from": "from", "to": "to"}) if rows else ["nothing changed"]
    return run.show(found, heading, *lines)


def _absent(run: Run, message: str) -> int:
    if run.common.as_json:
        print_json({"outcome": "error", "reasonCode": ReasonCode.NOT_FOUND.value, "detail": message})
    else:
        print_line(message, err=True)
    return REFUSED


def _lines(snapshot: dict[str, Any], diagnostics: dict[str, Any]) -> list[str]:
    reasons = diagnostics.get("reasons", {})
    rows = [
        {"key": key, "value": "not known" if value is None else value, "why": reasons.get(key, "")}
        for key, value in numbers(snapshot).items()
    ]
    unknown = [
        f"unknown status  {field}: {value} × {count}"
        for field, values in diagnostics.get("unknownStatuses", {}).items()
        for value, count in values.items()
    ]
    heading = f"{snapshot['snapshotDate']}  read {snapshot['cloudSync']['firestoreReadAt']}"
    return [heading, *table(rows, {"key": "number", "value": "value", "why": ""}), *unknown]
