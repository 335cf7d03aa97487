"""incidents list, show, report, acknowledge, contain, resolve, review; and trust: how each capability has behaved."""

from typing import Annotated, Any

import typer

from .app import Run, command, table
from .retention import Rationale

Id = Annotated[str, typer.Argument(metavar="ID", help="The incident, as the list shows it.")]
LIST = {
    "id": "id", "severity": "severity", "state": "state", "title": "what", "subject": "with", "owner": "owner",
    "receipts": "receipts", "openedAt": "opened",
}  # fmt: skip
TIMELINE = {"at": "at", "kind": "kind", "who": "who", "state": "state", "rationale": "why"}
TRUST = {
    "capability": "capability", "executions": "executed", "compared": "compared", "deviations": "deviated",
    "unknown": "unknown", "failed": "failed", "lastDeviationAt": "last deviation",
}  # fmt: skip


@command("incidents list", unlock=False)
async def list_incidents(
    run: Run,
    state: Annotated[
        str, typer.Option("--state", help="unsettled, open, acknowledged, contained, resolved, reviewed; '' for all.")
    ] = "unsettled",
    kind: Annotated[str, typer.Option("--kind", help="Only this kind.")] = "",
    severity: Annotated[str, typer.Option("--severity", help="low, medium, high or critical.")] = "",
) -> int:
    """List incidents, newest first; by default those that somebody still has to look after."""
    found = await run.query("incidents.page", state=state, kind=kind, severity=severity)
    rows = found["rows"]
    return run.show(found, *(table(rows, LIST) if rows else ["no incidents"]))


@command("incidents show", unlock=False)
async def show_incident(run: Run, incident: Id) -> int:
    """Show one incident: its timeline, the receipts linked to it, its playbook."""
    found = await run.query("incidents.one", id=incident)
    if found is None:
        return run.show(None, f"no incident {incident}")
    events = [{**event, "who": event["actor"]["id"]} for event in found["timeline"]]
    lines = [
        f"{found['id']}  {found['severity']}  {found['state']}  {found['title']}: {found['subject']}",
        *([found["summary"]] if found["summary"] else []),
        *table(events, TIMELINE),
        *(f"receipt {link['index']} of {link['origin']}" for link in found["linked"]),
        *(
            f"kill switch {switch['scope']} {switch['target']}: {'on' if switch['engaged'] else 'released'}"
            for switch in found["switches"]
        ),
        f"what to do: {found['playbook']}",
    ]
    return run.show(found, *lines)


@command("incidents report")
async def report_incident(
    run: Run,
    summary: Annotated[str, typer.Argument(help="What was seen.")],
    severity: Annotated[str, typer.Option("--severity", help="low, medium, high or critical.")] = "medium",
) -> int:
    """Open an incident by hand."""
    return await _perform(run, "incident.report", {"summary": summary, "severity": severity}, "")


@command("incidents acknowledge")
async def acknowledge_incident(
    run: Run,
    incident: Id,
    owner: Annotated[str | None, typer.Option("--owner", help="Who looks after it; by default yourself.")] = None,
    severity: Annotated[str | None, typer.Option("--severity", help="How bad it is, if other than shown.")] = None,
) -> int:
    """Look after an incident from now on, or hand it over."""
    given = {"incidentId": incident, "owner": owner, "severity": severity}
    return await _perform(run, "incident.acknowledge", {k: v for k, v in given.items() if v is not None}, "")


@command("incidents contain")
async def contain_incident(
    run: Run,
    incident: Id,
    scope: Annotated[
        str | None, typer.Option("--scope", help="capability, connector or tenant; by default what fits its kind.")
    ] = None,
    target: Annotated[str, typer.Option("--target", help="Which capability or connector.")] = "",
    rationale: Rationale = "",
) -> int:
    """Engage the kill switch that keeps it from going on."""
    given = {"incidentId": incident} | ({} if scope is None else {"scope": scope, "target": target})
    return await _perform(run, "incident.contain", given, rationale)


@command("incidents resolve")
async def resolve_incident(
    run: Run,
    incident: Id,
    outcome: Annotated[str, typer.Option("--outcome", help="mended, no_harm, false_alarm or accepted.")],
    rationale: Rationale = "",
) -> int:
    """Say how it ended. Kill switches stay on until they are released."""
    return await _perform(run, "incident.resolve", {"incidentId": incident, "outcome": outcome}, rationale)


@command("incidents review")
async def review_incident(run: Run, incident: Id, rationale: Rationale = "") -> int:
    """Close it for good, with what was learned as the rationale."""
    return await _perform(run, "incident.review", {"incidentId": incident}, rationale)


@command("incidents trust", unlock=False)
async def trust(run: Run) -> int:
    """How each capability has behaved: executions, comparisons, deviations."""
    found = await run.query("trust.list")
    return run.show(found, *(table(found["rows"], TRUST) if found["rows"] else ["nothing was carried out yet"]))


async def _perform(run: Run, capability: str, payload: dict[str, Any], rationale: str) -> int:
    done = await run.perform(capability, payload, rationale)
    return run.show_performed(done, f"{done.outcome}: {done.data.get('incidentId', '')}")
