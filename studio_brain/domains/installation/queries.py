"""Who is here, and how the connectors were last met."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...home.installation import Installation
from ...home.settings import Settings
from ...kernel.clock import utc_text
from ...store.reading import Row, Sources

CONTACTS = "SELECT * FROM contact WHERE tenant = :tenant ORDER BY connector"


@dataclass(frozen=True, slots=True)
class Installed:
    """What queries may tell of the installation."""

    settings: Settings
    installation: Installation
    keys: str

    def who(self, sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The studio, its people and their roles, and where the signing key lives."""
        found = self.settings.tenant_named(tenant)
        return {
            "tenant": tenant,
            "tenantName": "" if found is None else found.name,
            "timeZone": "UTC" if found is None else found.time_zone,
            "portal": None if found is None or found.cloud is None else found.cloud.portal,
            "accounts": []
            if found is None
            else [{"id": a.id, "name": a.name, "role": a.role.value} for a in found.account],
            "practice": self.installation.practice,
            "keys": self.keys,
            "origin": self.installation.origin_prefix,
        }


def connectors_list(sources: Sources, tenant: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """How each connector was last met."""
    return [_contact(row) for row in sources.views(CONTACTS, {"tenant": tenant})]


def _contact(row: Row) -> dict[str, Any]:
    return {
        "connector": row["connector"],
        "state": row["state"],
        "reasonCode": row["code"],
        "detail": row["detail"],
        "latencyMs": row["latency_ms"],
        "clockSkewMs": row["skew_ms"],
        "checkedAt": utc_text(row["checked_at_ms"]),
        "okAt": None if row["ok_at_ms"] is None else utc_text(row["ok_at_ms"]),
        "nextAt": None if row["next_at_ms"] is None else utc_text(row["next_at_ms"]),
    }
