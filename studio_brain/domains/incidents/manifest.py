"""What incidents bring: opening, acknowledging, containing, resolving and reviewing them, and the trust record."""

from functools import partial
from typing import Final

from ...gateway.registry import Authority, Capability, Manifest, Query
from ...kernel.policy import PEOPLE, ActorType, Mode, Risk, Role
from . import decide, facts, queries
from .lifecycles import INCIDENT
from .project import PROJECTION

_on_incident: Final = partial(
    Capability,
    target="incident",
    mode=Mode.LOCAL,
    role=Role.EDITOR,
    owner="incidents",
    rationale=True,
    target_of=lambda input: f"incident/{input.get('incidentId', '')}",
    failure_mode="the incident stays as it is; the denial is sealed",
    test="tests/domains/incidents/test_incidents.py",
)

MANIFEST: Final = Manifest(
    name="incidents",
    capabilities=(
        Capability(
            id="incident.open",
            title="Open an incident",
            description="The engine opens one for receipts that should not be, or links them to the one there is.",
            target="incident",
            mode=Mode.LOCAL,
            risk=Risk.LOW,
            role=Role.OWNER,
            owner="incidents",
            failure_mode="the receipts are taken again until it is sealed",
            test="tests/flows/test_runner.py",
            payload=facts.Opening,
            actor_types=frozenset({ActorType.SYSTEM}),
            target_of=lambda input: f"incident/{input.get('kind', '')}",
            handler=decide.open_incident,
        ),
        Capability(
            id="incident.report",
            title="Report an incident",
            description="Opens one by hand, with what was seen.",
            target="incident",
            mode=Mode.LOCAL,
            risk=Risk.LOW,
            role=Role.VIEWER,
            owner="incidents",
            failure_mode="no incident is opened; the denial is sealed",
            test="tests/domains/incidents/test_incidents.py",
            payload=facts.Report,
            actor_types=PEOPLE | {ActorType.AGENT},
            handler=decide.report,
        ),
        _on_incident(
            id="incident.acknowledge",
            title="Acknowledge an incident",
            description="Somebody looks after it from now on; also hands it over, and says how bad it is.",
            risk=Risk.LOW,
            rationale=False,
            payload=facts.Acknowledgement,
            handler=decide.acknowledge,
        ),
        _on_incident(
            id="incident.contain",
            title="Contain an incident",
            description="Engages the kill switch that keeps it from going on, and says so in the incident.",
            risk=Risk.LOW,
            payload=facts.Containment,
            failure_mode="no switch is engaged and the incident stays as it is",
            handler=decide.contain,
        ),
        _on_incident(
            id="incident.resolve",
            title="Resolve an incident",
            description="Says how it ended. Switches stay on until they are released.",
            risk=Risk.MEDIUM,
            payload=facts.Resolution,
            handler=decide.resolve,
        ),
        _on_incident(
            id="incident.review",
            title="Review an incident",
            description="Closes it for good with what was learned; what happens again is another incident.",
            risk=Risk.MEDIUM,
            role=Role.ADMIN,
            payload=facts.OnIncident,
            handler=decide.review,
        ),
        Capability(
            id="incident.read",
            title="See incidents",
            description="Incidents with their timelines, and the trust record of each capability.",
            target="incident",
            mode=Mode.READ,
            risk=Risk.LOW,
            role=Role.VIEWER,
            owner="incidents",
            failure_mode="nothing is shown and the reason is",
            test="tests/domains/incidents/test_incidents.py",
            actor_types=PEOPLE | {ActorType.AGENT, ActorType.SYSTEM},
        ),
    ),
    queries=(
        Query("incidents.page", "incident.read", queries.incidents_page),
        Query("incidents.one", "incident.read", queries.incident_one),
        Query("trust.list", "incident.read", queries.trust_list),
    ),
    lifecycles=(INCIDENT,),
    projections=(PROJECTION,),
    receipt_kinds=facts.KINDS,
    authority={"incident": Authority.LOCAL, "trust": Authority.LOCAL},
)
