"""What the gateway lets be seen: proposals, what was decided about them, executions, switches, receipts.

Each function takes (sources, tenant, params) and gives JSON. Pages go by key, newest first; nothing is found by
counting through what comes before. Imports nothing heavy: the first page after a start is read with these.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from ..kernel.clock import utc_text
from ..store.reading import PLACE_BITS, Row, Sources, hash_text

PAGE: Final = 200

# Proposals of a tenant, newest first, from a key on. Empty filters let everything through.
PROPOSALS = """
SELECT id, capability, target, state, risk, requester, requester_type, rationale, content, proposal_hash,
       policy_version, rollback_of, created_at_ms, expires_at_ms, changed_at_ms, code, detail
  FROM proposal
 WHERE tenant = :tenant AND (:state = '' OR state = :state) AND (:risk = '' OR risk = :risk)
   AND (:open = 0 OR state IN ('draft', 'pending_approval', 'approved', 'executing', 'unknown'))
   AND (:open = 1 OR :decided = 0 OR state NOT IN ('draft', 'pending_approval', 'approved', 'executing', 'unknown'))
   AND (created_at_ms < :before_ms OR (created_at_ms = :before_ms AND id < :before_id))
 ORDER BY created_at_ms DESC, id DESC LIMIT :limit
"""
PROPOSAL_COUNTS = "SELECT state, risk, count(*) AS n FROM proposal WHERE tenant = :tenant GROUP BY state, risk"
PROPOSAL = "SELECT * FROM proposal WHERE tenant = :tenant AND id = :id"
APPROVALS = "SELECT * FROM approval WHERE tenant = :tenant AND proposal = :id ORDER BY place"
EXECUTION = "SELECT * FROM execution WHERE tenant = :tenant AND proposal = :id"
SWITCHES = "SELECT * FROM switch WHERE tenant IN (:tenant, '_system') ORDER BY engaged_at_ms"
LOG = """
SELECT log.log_id, log.epoch, log.origin, head.size FROM log JOIN head ON head.log_id = log.log_id
 WHERE tenant = :tenant AND (:log = 0 OR log.log_id = :log) ORDER BY epoch DESC LIMIT 1
"""
LOGS = """
SELECT log.log_id, log.epoch, log.origin, head.size FROM log JOIN head ON head.log_id = log.log_id
 WHERE tenant = :tenant ORDER BY epoch DESC
"""
# One page of a log, newest first; `place` orders entries within and between logs.
ENTRIES = """
SELECT entry.place, entry.kind, entry.seal, entry.body FROM entry
 WHERE entry.place >= :first AND entry.place < :before AND (:kind = '' OR entry.kind LIKE :kind)
 ORDER BY entry.place DESC LIMIT :limit
"""
STREAM_ENTRIES = """
SELECT entry.place, entry.kind, entry.seal, entry.body FROM log JOIN stream ON stream.log_id = log.log_id
  JOIN entry ON entry.stream_id = stream.stream_id
 WHERE log.tenant = :tenant AND stream.name = :stream AND entry.pos >= :after ORDER BY entry.place LIMIT :limit
"""
ENTRY = "SELECT place, kind, seal, body FROM entry WHERE place = :place"
CHECKPOINT = "SELECT size, note FROM checkpoint WHERE log_id = :log_id AND size > :index ORDER BY size LIMIT 1"
FAR_FUTURE: Final = 1 << 52


def proposals_page(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """`state` is `open`, `decided`, one state or empty; `risk` one risk or empty; `before` the last row's `cursor`."""
    state = str(params.get("state", ""))
    before = params.get("before") or [FAR_FUTURE, ""]
    rows = sources.brain(
        PROPOSALS,
        {
            "tenant": tenant,
            "state": "" if state in ("open", "decided") else state,
            "risk": str(params.get("risk", "")),
            "open": int(state == "open"),
            "decided": int(state == "decided"),
            "before_ms": int(before[0]),
            "before_id": str(before[1]),
            "limit": min(int(params.get("limit", PAGE)), PAGE),
        },
    )
    return {"rows": [_proposal_row(row) for row in rows], "counts": proposal_counts(sources, tenant)}


def proposal_counts(sources: Sources, tenant: str) -> dict[str, Any]:
    """How many proposals are in each state."""
    counts: dict[str, int] = {}
    for row in sources.brain(PROPOSAL_COUNTS, {"tenant": tenant}):
        counts[row["state"]] = counts.get(row["state"], 0) + row["n"]
    return counts


def proposal_one(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """A proposal with everything an approver sees, what was decided, its execution and its receipts."""
    key = {"tenant": tenant, "id": str(params.get("id", ""))}
    found = sources.brain(PROPOSAL, key)
    if not found:
        return None
    row = found[0]
    execution = sources.brain(EXECUTION, key)
    stream = stream_entries(sources, tenant, {"stream": f"proposal:{row['id']}"})
    return {
        **_proposal_row(row),
        "input": _part(row["content"], "input"),
        "changes": _part(row["content"], "changes"),
        "seen": _part(row["content"], "seen"),
        "erasedBy": _index(row["erased_place"]),
        "erasedPlace": row["erased_place"],
        "inputHash": hash_text(row["input_hash"]),
        "planHash": hash_text(row["plan_hash"]),
        "corr": row["corr"],
        "approvals": [
            {
                "actor": a["actor"],
                "role": a["role"],
                "verdict": a["verdict"],
                "rationale": a["rationale"],
                "at": utc_text(a["at_ms"]),
            }
            for a in sources.brain(APPROVALS, key)
        ],
        "execution": _execution(execution[0]) if execution else None,
        "receipts": stream["rows"],
    }


def switches_list(sources: Sources, tenant: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The kill switches that are on for this studio."""
    return [
        {
            "scope": row["scope"],
            "target": row["target"],
            "actor": row["actor"],
            "rationale": row["rationale"],
            "engagedAt": utc_text(row["engaged_at_ms"]),
            "until": None if row["until_ms"] is None else utc_text(row["until_ms"]),
        }
        for row in sources.brain(SWITCHES, {"tenant": tenant})
    ]


def evidence_page(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Receipts of a log, newest first. `before` is an index; `after` gives those from an index on; `kind` a prefix.

    `log` is one of `logs`, the latest without it. → {"rows", "size", "origin", "log", "logs"}.
    """
    log = log_of(sources, tenant, params)
    if log is None:
        return {"rows": [], "size": 0, "origin": "", "log": 0, "logs": []}
    base = log["log_id"] << PLACE_BITS
    kind = str(params.get("kind", ""))
    before = params.get("before")
    rows = sources.brain(
        ENTRIES,
        {
            "first": base + int(params.get("after", 0)),
            "before": base + (log["size"] if before is None else int(before)),
            "kind": f"{kind}%" if kind else "",
            "limit": min(int(params.get("limit", PAGE)), PAGE),
        },
    )
    logs = [
        {"log": known["log_id"], "epoch": known["epoch"], "origin": known["origin"], "size": known["size"]}
        for known in sources.brain(LOGS, {"tenant": tenant})
    ]
    return {
        "rows": [entry_row(row) for row in rows],
        "size": log["size"],
        "origin": log["origin"],
        "log": log["log_id"],
        "logs": logs,
    }


def stream_entries(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The receipts of one stream, oldest first, through all epochs."""
    rows = sources.brain(
        STREAM_ENTRIES,
        {
            "tenant": tenant,
            "stream": str(params.get("stream", "")),
            "after": int(params.get("after", 0)),
            "limit": min(int(params.get("limit", PAGE)), PAGE),
        },
    )
    return {"rows": [entry_row(row) for row in rows]}


def evidence_one(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """One receipt whole: its bytes as they are sealed, and the signed checkpoint that covers it.

    It is named by its `index` in a `log` (the latest without one), or by its `place`.
    """
    if params.get("place") is not None:
        named = int(params["place"])
        params = {"log": named >> PLACE_BITS, "index": _index(named)}
    log = log_of(sources, tenant, params)
    index = int(params.get("index", -1))
    if log is None or not 0 <= index < log["size"]:
        return None
    found = sources.brain(ENTRY, {"place": (log["log_id"] << PLACE_BITS) + index})
    if not found:
        return None
    cover = sources.brain(CHECKPOINT, {"log_id": log["log_id"], "index": index})
    return {
        **entry_row(found[0]),
        "body": bytes(found[0]["body"]).decode(),
        "origin": log["origin"],
        "checkpoint": {"size": cover[0]["size"], "note": cover[0]["note"]} if cover else None,
    }


def entry_row(row: Row) -> dict[str, Any]:
    """An entry as tables show it."""
    entry = json.loads(bytes(row["body"]))
    data = entry["data"]
    return {
        "index": _index(row["place"]),
        "place": row["place"],
        "id": entry["id"],
        "kind": row["kind"],
        "stream": entry["stream"],
        "at": entry["at"],
        "actor": entry["actor"],
        "corr": entry["corr"],
        "seal": hash_text(row["seal"]),
        "prev": entry["prev"],
        "capability": data.get("capabilityId"),
        "target": data.get("target"),
        "proposalId": data.get("proposalId"),
        "state": data.get("approvalState"),
        "reasonCode": data.get("reasonCode"),
        "rationale": data.get("rationale"),
    }


def log_of(sources: Sources, tenant: str, params: Mapping[str, Any]) -> Row | None:
    """The studio's log that `log` names; the latest without it."""
    found = sources.brain(LOG, {"tenant": tenant, "log": int(params.get("log") or 0)})
    return found[0] if found else None


def _proposal_row(row: Row) -> dict[str, Any]:
    changes = _part(row["content"], "changes") or []
    return {
        "id": row["id"],
        "capability": row["capability"],
        "target": row["target"],
        "subject": _subject(row["content"]),
        "state": row["state"],
        "risk": row["risk"],
        "requester": row["requester"],
        "requesterType": row["requester_type"],
        "rationale": row["rationale"],
        "summary": [change["field"] for change in changes],
        "proposalHash": hash_text(row["proposal_hash"]),
        "policyVersion": row["policy_version"],
        "rollbackOf": row["rollback_of"],
        "createdAt": utc_text(row["created_at_ms"]),
        "expiresAt": utc_text(row["expires_at_ms"]),
        "changedAt": utc_text(row["changed_at_ms"]),
        "reasonCode": row["code"],
        "detail": row["detail"],
        "cursor": [row["created_at_ms"], row["id"]],
    }


def _execution(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "state": row["state"],
        "attempt": row["attempt"],
        "actor": row["actor"],
        "startedAt": utc_text(row["started_at_ms"]),
        "finishedAt": None if row["finished_at_ms"] is None else utc_text(row["finished_at_ms"]),
        "replayed": bool(row["replayed"]),
        "deviates": bool(row["deviates"]),
        "reasonCode": row["code"],
        "detail": row["detail"],
        "output": _part(row["output"], "output"),
        "actual": _part(row["actual"], "actual"),
        "erasedBy": _index(row["erased_place"]),
        "erasedPlace": row["erased_place"],
        "outputHash": hash_text(row["output_hash"]),
    }


def _subject(content: str | None) -> dict[str, Any] | None:
    """What the proposal is about, as the cloud described it when it was drafted: the document that has a title."""
    arguments = _part(content, "arguments") or {}
    return next((found for found in arguments.values() if isinstance(found, dict) and "title" in found), None)


def _part(content: str | None, name: str) -> Any:
    """One part of a payload; None when there is none or it was erased."""
    return None if content is None else json.loads(content).get(name)


def _index(place: int | None) -> int | None:
    return None if place is None else place & (1 << PLACE_BITS) - 1
