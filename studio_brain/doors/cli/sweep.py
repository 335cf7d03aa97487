"""evidence sweep: look at everything sealed again, with a map of what is not what it was."""

import sys
from typing import Annotated, Any

import typer

from .app import DONE, REFUSED, Run, command, exit_code


@command("evidence sweep")
async def sweep(
    run: Run,
    full: Annotated[bool, typer.Option("--full", help="From the first entry, not from the last good sweep.")] = False,
) -> int:
    """Sweep the evidence and seal the report. Exit 1 when something is not what was sealed."""
    talks = not run.common.as_json and sys.stderr.isatty()

    def progress(topic: str, data: dict[str, Any]) -> None:
        if talks and topic == "sweep" and data.get("total"):
            sys.stderr.write(f"\r{data['phase']}: {data['done']} of {data['total']} ")
            sys.stderr.flush()

    run.brain.on_news(progress)
    done = await run.perform("evidence.sweep", {"full": full})
    if talks:
        sys.stderr.write("\n")
    if "report" not in done.data:
        return run.show_performed(done)
    run.show(done.to_json(), *_lines(done.data), *([] if done.code is None else [f"not sealed: {done.detail}"]))
    if done.code is not None:
        return exit_code(done.code)
    return DONE if done.data["ok"] else REFUSED


def _lines(data: dict[str, Any]) -> list[str]:
    lines = [f"checked: {line}" for line in data["checked"]]
    lines += [f"not checked: {line}" for line in data["notChecked"]]
    lines += [f"{r['origin']}: entries {r['from']} to {r['to']}: {r['state']}" for r in data["badRanges"]]
    lines += [
        f"{f['origin']}: {'the log' if f['from'] is None else 'entry ' + str(f['from'])}: {f['what']}"
        for f in data["findings"]
    ]
    lines += [f"{f['origin']}: entry {f['index']}: {f['what']}" for f in data["conductFaults"]]
    bad = data["firstBad"]
    if bad is None:
        return [*lines, f"report {data['report']}", "swept: everything looked at is what was sealed"]
    where = "the log" if bad["index"] is None else f"entry {bad['index']}"
    return [*lines, f"report {data['report']}", f"NOT WHAT WAS SEALED: {bad['origin']}: {where}: {bad['what']}"]
