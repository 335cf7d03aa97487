"""receipts, verify: the evidence log."""

import sys
from typing import Annotated, Any

import typer

from ...kernel.reasons import ReasonCode
from .app import DONE, REFUSED, Run, command, print_line, table

COLUMNS = {"index": "index", "at": "at", "kind": "kind", "target": "target", "state": "state", "reasonCode": "reason"}


@command("receipts", unlock=False)
async def receipts(
    run: Run,
    stream: Annotated[str | None, typer.Option("--stream", help="One stream, oldest first.")] = None,
    after: Annotated[int | None, typer.Option("--after", help="From this index on.")] = None,
    index: Annotated[int | None, typer.Option("--index", help="One receipt, whole.")] = None,
) -> int:
    """List receipts, newest first."""
    if index is not None:
        one = await run.query("evidence.one", index=index)
        if one is None:
            print_line(f"no receipt {index}", err=True)
            return REFUSED
        return run.show(one, one["body"], f"seal {one['seal']}", one["checkpoint"]["note"] if one["checkpoint"] else "")
    if stream is not None:
        page = await run.query("evidence.stream", stream=stream, after=after or 0)
    else:
        page = await run.query("evidence.page", **({} if after is None else {"after": after}))
    return run.show(page, *table(page["rows"], COLUMNS))


@command("verify", unlock=False)
async def verify(run: Run) -> int:
    """Check the evidence log from its stored bytes. Exit 1 when something is not what was sealed."""
    talks = not run.common.as_json and sys.stderr.isatty()

    def progress(origin: str, done: int, total: int) -> None:
        if talks:
            sys.stderr.write(f"\r{origin}: {done} of {total} ")

    report = await run.brain.verify(run.session, progress)
    if talks:
        sys.stderr.write("\n")
    document = report.to_json() | ({} if report.ok else {"reasonCode": ReasonCode.NOT_VERIFIED.value})
    run.show(document, *_lines(document))
    return DONE if report.ok else REFUSED


def _lines(report: dict[str, Any]) -> list[str]:
    lines = [f"checked: {line}" for line in report["checked"]]
    lines += [f"key: {log['key']}" for log in report["logs"]]
    fault = report["fault"]
    if fault is None:
        return [*lines, "verified"]
    where = "the log" if fault["index"] is None else f"entry {fault['index']}"
    return [*lines, f"NOT VERIFIED: {fault['origin']}: {where}: {fault['what']}"]
