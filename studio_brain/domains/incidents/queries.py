"""What is seen of incidents: the list, one with its timeline, and how far each capability can be trusted.

Each function takes (sources, tenant, params) and gives JSON. Imports nothing heavy.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from ...kernel.clock import utc_text
from ...store.reading import PLACE_BITS, Row, Sources, hash_text
from .decide import suggested
from .facts import TITLES, playbook, stream_of_id

PAGE: Final = 200
FAR_FUTURE: Final = 1 << 52

# Newest first, from a key on. Empty filters let everything through.
INCIDENTS = """
SELECT * FROM incident
 WHERE tenant = :tenant AND (:kind = '' OR kind = :kind) AND (:severity = '' OR severity = :severity)
   AND (:state = '' OR state = :state) AND (:unsettled = 0 OR state IN ('open', 'acknowledged', 'contained'))
   AND (opened_at_ms < :before_ms OR (opened_at_ms = :before_ms AND id < :before_id))
 ORDER BY opened_at_ms DESC, id DESC LIMIT :limit
"""
COUNTS = "SELECT state, severity, count(*) AS n FROM incident WHERE tenant = :tenant GROUP BY state, severity"
INCIDENT = "SELECT * FROM incident WHERE tenant = :tenant AND id = :id"
TEXTS = "SELECT * FROM incident_text WHERE tenant = :tenant AND incident = :id"
RECEIPTS = """
SELECT origin, seq FROM incident_receipt WHERE tenant = :tenant AND incident = :id ORDER BY origin, seq LIMIT :limit
"""
SWITCHES = "SELECT scope, target, at_ms FROM incident_switch WHERE tenant = :tenant AND incident = :id ORDER BY at_ms"
ENGAGED = "SELECT scope, target FROM switch WHERE tenant = :tenant"
TRUST = (
    "SELECT * FROM trust WHERE tenant = :tenant AND (:capability = '' OR capability = :capability) ORDER BY capability"
)
# Everything sealed about the incidents of one stream, oldest first.
TIMELINE = """
SELECT log.origin, entry.place, entry.kind, entry.seal, entry.body
  FROM log JOIN stream ON stream.log_id = log.log_id JOIN entry ON entry.stream_id = stream.stream_id
 WHERE log.tenant = :tenant AND stream.name = :stream ORDER BY log.epoch, entry.pos
"""


def incidents_page(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """`state` is `unsettled`, one state or empty; `kind`, `severity` one of theirs or empty; `before` the last row's
    `cursor`. `counts` are over all of the studio's incidents."""
    state = str(params.get("state", ""))
    before = params.get("before") or [FAR_FUTURE, ""]
    rows = sources.views(
        INCIDENTS,
        {
            "tenant": tenant,
            "kind": str(params.get("kind", "")),
            "severity": str(params.get("severity", "")),
            "state": "" if state == "unsettled" else state,
            "unsettled": int(state == "unsettled"),
            "before_ms": int(before[0]),
            "before_id": str(before[1]),
            "limit": min(int(params.get("limit", PAGE)), PAGE),
        },
    )
    counts = sources.views(COUNTS, {"tenant": tenant})
    return {"rows": [_incident(row) for row in rows], "counts": [dict(row) for row in counts]}


def incident_one(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """One incident with its timeline, the receipts linked to it, its playbook, and what would contain it."""
    asked = {"tenant": tenant, "id": str(params.get("id", ""))}
    found = sources.views(INCIDENT, asked)
    if not found:
        return None
    row = found[0]
    texts = sources.views(TEXTS, asked)
    on = {(each["scope"], each["target"]) for each in sources.brain(ENGAGED, {"tenant": tenant})}
    scope, target = suggested(row["kind"], row["subject"])
    events = sources.brain(TIMELINE, {"tenant": tenant, "stream": stream_of_id(row["id"])})
    return {
        **_incident(row),
        "summary": texts[0]["summary"] if texts else None,
        "summaryErasedBy": _index(texts[0]["erased_place"]) if texts else None,
        "linked": [
            {"origin": each["origin"], "index": each["seq"]}
            for each in sources.views(RECEIPTS, {**asked, "limit": PAGE})
        ],
        "containment": {"scope": scope, "target": target},
        "switches": [
            {
                "scope": each["scope"],
                "target": each["target"],
                "at": utc_text(each["at_ms"]),
                "engaged": (each["scope"], each["target"]) in on,
            }
            for each in sources.views(SWITCHES, asked)
        ],
        "timeline": [event for each in events if (event := _event(each))["incidentId"] == row["id"]],
    }


def trust_list(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """For each capability that was carried out: how often, how often it was compared, and how often it deviated.
    `capability` asks for one of them."""
    rows = sources.views(TRUST, {"tenant": tenant, "capability": str(params.get("capability", ""))})
    return {"rows": [_trust(row) for row in rows]}


def _incident(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "kind": row["kind"],
        "title": TITLES[row["kind"]],
        "subject": row["subject"],
        "state": row["state"],
        "severity": row["severity"],
        "owner": row["owner"],
        "receipts": row["receipts"],
        "outcome": row["outcome"],
        "openedAt": utc_text(row["opened_at_ms"]),
        "changedAt": utc_text(row["changed_at_ms"]),
        "playbook": playbook(row["kind"]),
        "openedBy": _index(row["opened_place"]),
        "cursor": [row["opened_at_ms"], row["id"]],
    }


def _event(row: Row) -> dict[str, Any]:
    entry = json.loads(bytes(row["body"]))
    data = entry["data"]
    wanted = ("incidentId", "severity", "owner", "rationale", "outcome", "scope", "scopeTarget", "count", "indexes")
    return {
        "origin": row["origin"],
        "index": _index(row["place"]),
        "kind": row["kind"],
        "at": entry["at"],
        "actor": entry["actor"],
        "state": data["approvalState"],
        "seal": hash_text(row["seal"]),
        **{name: data[name] for name in wanted if name in data},
    }


def _trust(row: Row) -> dict[str, Any]:
    executed, deviated = row["executed_at_ms"], row["deviated_at_ms"]
    return {
        "capability": row["capability"],
        "executions": row["executions"],
        "compared": row["compared"],
        "deviations": row["deviations"],
        "refused": row["refused"],
        "failed": row["failed"],
        "unknown": row["unknown"],
        "lastExecutionAt": None if executed is None else utc_text(executed),
        "lastDeviationAt": None if deviated is None else utc_text(deviated),
        "lastDeviationIndex": _index(row["deviated_place"]),
    }


def _index(place: int | None) -> int | None:
    return None if place is None else place & (1 << PLACE_BITS) - 1
