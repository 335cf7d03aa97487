"""propose, proposals, approve, reject, execute, rollback, kill: deciding and doing."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ...kernel.canonical import CanonicalError, intake
from ...kernel.errors import ConfigError
from ...kernel.reasons import ReasonCode
from .app import REFUSED, Run, command, print_json, print_line, table

Rationale = Annotated[str, typer.Option("--rationale", help="Why; at least ten characters.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The proposal.")]


@command("propose")
async def propose(
    run: Run,
    capability: Annotated[str, typer.Argument(metavar="CAPABILITY")],
    input: Annotated[Path, typer.Option("--input", help="A JSON file; - for standard input.")],
    rationale: Rationale,
) -> int:
    """Draft a proposal and submit it for approval."""
    done = await run.perform(capability, _read(input), rationale)
    return run.show_performed(done, f"proposal {done.proposal} waits for approval until {done.data.get('expiresAt')}")


@command("proposals", unlock=False)
async def proposals(
    run: Run,
    state: Annotated[str, typer.Option("--state", help="open, decided, or one state.")] = "open",
    risk: Annotated[str, typer.Option("--risk", help="low, medium, high or critical.")] = "",
    id: Annotated[str | None, typer.Option("--id", help="One proposal, whole.")] = None,
) -> int:
    """List proposals, newest first."""
    if id is not None:
        one = await run.query("proposals.one", id=id)
        return _missing(run, id) if one is None else run.show(one, *_whole(one))
    page = await run.query("proposals.page", state=state, risk=risk)
    columns = {
        "id": "id", "state": "state", "risk": "risk", "capability": "capability", "target": "target",
        "requester": "by", "expiresAt": "until",
    }  # fmt: skip
    lines = table(page["rows"], columns) if page["rows"] else ["no proposals"]
    return run.show(page, *lines)


@command("approve")
async def approve(run: Run, id: Id, rationale: Rationale) -> int:
    """Approve exactly what is stored now."""
    return await _decide(run, "proposal.approve", id, rationale)


@command("reject")
async def reject(run: Run, id: Id, rationale: Rationale) -> int:
    """Reject a proposal for good."""
    return await _decide(run, "proposal.reject", id, rationale)


@command("execute")
async def execute(run: Run, id: Id) -> int:
    """Carry out an approved proposal."""
    done = await run.perform("proposal.execute", {"proposalId": id})
    return run.show_performed(done, f"{done.outcome}: proposal {id}")


@command("rollback")
async def rollback(run: Run, id: Id, rationale: Rationale) -> int:
    """Propose to undo an executed proposal; it has to be approved and executed like any other."""
    done = await run.perform("proposal.rollback", {"proposalId": id}, rationale)
    return run.show_performed(done, f"proposal {done.proposal} would undo {id}; it waits for approval")


@command("kill")
async def kill(
    run: Run,
    turn: Annotated[str, typer.Argument(metavar="on|off")],
    rationale: Rationale,
    scope: Annotated[str, typer.Option("--scope", help="global, tenant, connector or capability.")] = "global",
    target: Annotated[str, typer.Option("--target", help="The connector or capability.")] = "",
    minutes: Annotated[int | None, typer.Option("--minutes", help="It ends by itself after so long.")] = None,
) -> int:
    """Engage or release a kill switch."""
    if turn not in ("on", "off"):
        raise typer.BadParameter("say on or off")
    capability = "killswitch.engage" if turn == "on" else "killswitch.release"
    payload: dict[str, Any] = {"scope": scope, "target": target}
    if minutes is not None:
        payload["forMinutes"] = minutes
    done = await run.perform(capability, payload, rationale)
    until = f" until {done.data['until']}" if done.data.get("until") else ""
    return run.show_performed(done, f"kill switch {scope} {target} {turn}{until}")


async def _decide(run: Run, capability: str, id: str, rationale: str) -> int:
    shown = await run.query("proposals.one", id=id)
    hash = "sha256:" + "0" * 64 if shown is None else shown["proposalHash"]
    done = await run.perform(capability, {"proposalId": id, "shownHash": hash}, rationale)
    return run.show_performed(done, f"{done.outcome}: proposal {id}")


def _read(path: Path) -> dict[str, Any]:
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        document = intake(data, max_bytes=256 * 1024)
    except OSError as error:
        raise ConfigError(f"--input {path}: cannot be read ({error.strerror})") from error
    except CanonicalError as error:
        raise ConfigError(f"--input {path}: {error.detail}", remedy="Correct the file and send it again.") from error
    if not isinstance(document, dict):
        raise ConfigError(f"--input {path}: one JSON object is expected")
    return document


def _missing(run: Run, id: str) -> int:
    if run.common.as_json:
        print_json({"outcome": "error", "reasonCode": ReasonCode.NOT_FOUND.value, "detail": f"proposal {id}"})
    else:
        print_line(f"no proposal {id}", err=True)
    return REFUSED


def _whole(one: dict[str, Any]) -> list[str]:
    lines = [
        f"{one['capability']} on {one['target']}: {one['state']}, risk {one['risk']}",
        f"by {one['requester']}: {one['rationale']}",
        f"hash {one['proposalHash']}, until {one['expiresAt']}",
    ]
    lines += [f"  {c['resource']} {c['field']}: {c['before']} → {c['after']}" for c in one["changes"] or ()]
    lines += [f"{a['verdict']} by {a['actor']} at {a['at']}: {a['rationale']}" for a in one["approvals"]]
    if one["execution"] is not None:
        lines.append(f"execution {one['execution']['id']}: {one['execution']['state']}")
    return lines
