"""The catalogue: every registered capability whole, as data that the window and the command line show.

Each document says everything a manifest says, the approval that its risk asks for, and the JSON Schema of its payload
(draft 2020-12).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..kernel.clock import SECOND
from ..kernel.policy import PEOPLE, TIERS, ActorType, Mode, Risk, Role
from ..store.reading import Sources
from .registry import Authority, Capability, Manifest, Query

READ: Final = "capability.read"


def approval_rule(capability: Capability) -> dict[str, Any] | None:
    """What has to be approved before it happens; None where policy answers yes or no at once."""
    if capability.mode is not Mode.OUTSIDE:
        return None
    tier = TIERS[capability.risk]
    return {
        "people": tier.quorum,
        "seats": tier.seats,
        "requesterCounts": tier.self_approval,
        "expiresAfterS": tier.lifetime_ms // SECOND,
    }


def escalation(capability: Capability) -> tuple[Role, ...]:
    """Who is asked next, in this order: as the manifest says, else whoever stands above on the ladder."""
    above = sorted((role for role in Role if role.rank > capability.role.rank), key=lambda role: role.rank)
    return capability.escalation or tuple(above) or (capability.role,)


def document(capability: Capability) -> dict[str, Any]:
    """A capability as JSON. Times are seconds; `null` means none, or for `tenants` all."""
    outside = capability.outside
    return {
        "id": capability.id,
        "title": capability.title,
        "description": capability.description,
        "target": capability.target,
        "scope": capability.scope.value,
        "mode": capability.mode.value,
        "writes": capability.mode is not Mode.READ,
        "risk": capability.risk.value,
        "effects": sorted(effect.value for effect in capability.effects),
        "role": capability.role.value,
        "actorTypes": sorted(kind.value for kind in capability.actor_types),
        "rationale": capability.rationale,
        "limits": [
            {"per": limit.per.value, "uses": limit.uses, "windowS": limit.window_s} for limit in capability.limits
        ],
        "cooldownS": capability.cooldown_s,
        "approval": approval_rule(capability),
        "exemption": capability.exemption,
        "owner": capability.owner,
        "escalation": [role.value for role in escalation(capability)],
        "failureMode": capability.failure_mode,
        "connector": None if outside is None else outside.connector,
        "staleness": None if outside is None else outside.staleness.value,
        "idempotency": None if outside is None else outside.idempotency.value,
        "rollback": None if outside is None else outside.rollback,
        "rollbackNote": "" if outside is None else outside.rollback_note,
        "internal": capability.internal,
        "test": capability.test,
        "tenants": None if capability.tenants is None else sorted(capability.tenants),
        "payload": capability.payload.model_json_schema(),
    }


class Catalogue:
    """The queries over all manifests."""

    def __init__(self, capabilities: Mapping[str, Capability]) -> None:
        self._capabilities = capabilities

    def all(self, sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Those that are offered in this studio, by id. `mode` and `risk` choose among them."""
        mode, risk = str(params.get("mode", "")), str(params.get("risk", ""))
        chosen = [
            found
            for _, found in sorted(self._capabilities.items())
            if found.offered_in(tenant) and mode in ("", found.mode.value) and risk in ("", found.risk.value)
        ]
        return {"rows": [document(found) for found in chosen]}

    def one(self, sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
        """One of them, by `id`; null when there is none or it is not offered here."""
        found = self._capabilities.get(str(params.get("id", "")))
        return None if found is None or not found.offered_in(tenant) else document(found)


def manifest(others: Sequence[Manifest]) -> Manifest:
    """The catalogue of `others` and of itself."""
    capabilities = {capability.id: capability for other in others for capability in other.capabilities}
    reading = Capability(
        id=READ,
        title="See the capabilities",
        description="What can be seen and done here, by whom, how often, and what is asked before it happens.",
        target="capability",
        mode=Mode.READ,
        risk=Risk.LOW,
        role=Role.VIEWER,
        owner="gateway",
        failure_mode="nothing is shown and the reason is",
        test="tests/gateway/test_catalogue.py",
        actor_types=PEOPLE | {ActorType.AGENT, ActorType.SYSTEM},
    )
    catalogue = Catalogue(capabilities | {READ: reading})
    return Manifest(
        name="catalogue",
        capabilities=(reading,),
        queries=(Query("capabilities.list", READ, catalogue.all), Query("capabilities.one", READ, catalogue.one)),
        authority={"capability": Authority.LOCAL},
    )
