"""Community reports: members file them, staff decide by the moderation policy in force.

Fault kept: `listReports` takes the newest rows first and filters them afterwards, so that a filtered answer may leave
out what is older.
"""

from typing import Any

from .. import records
from ..community import CATEGORIES, DEDUPE_WINDOW_MS, SIGNAL_WINDOW_MS, STATUSES, dedupe_key, severity_of, signal_key
from ..ids import auto_id
from ..plain import Plain
from ..wire import Reply
from .call import Call, Function, fail, ok
from .limits import DAY_MS, Limit, admit
from .schema import Number, Object, OneOf, Text

_REPORTS, _TRAIL = "communityReports", "communityReportAuditLogs"
_SEVERITIES = ("low", "medium", "high")
_TARGETS = ("youtube_video", "blog_post", "studio_update", "event")
_ACTIONS = ("unpublish", "replace_link", "flag_for_review", "disable_from_feed")
_PER_DAY = Limit("community_reports_create_per_uid", 5, DAY_MS)


def trail(call: Call, role: str, action: str, metadata: Plain | None, report: Plain | None = None, **more: Any) -> None:
    """A row of the reports' own audit trail; `report` gives target, category and severity."""
    known = report or {}
    row = {
        "actorUid": call.uid,
        "actorRole": role,
        "action": action,
        "reportId": None,
        "targetType": known.get("targetType"),
        "targetId": (known.get("targetRef") or {}).get("id"),
        "category": known.get("category"),
        "severity": known.get("severity"),
        "metadata": metadata,
        "createdAt": call.documents.now(),
    }
    call.documents.add(_TRAIL, row | more)


def _create(call: Call, data: Plain) -> Reply:
    uid = str(call.uid)
    kind, target_id = data["targetType"], data["targetRef"]["id"].strip()
    category = data["category"]
    severity = severity_of(category, data.get("severity"))
    shown = {"targetType": kind, "targetRef": {"id": target_id}, "category": category, "severity": severity}
    retry_ms = admit(call.documents, _PER_DAY, uid, call.ip_hash())
    if retry_ms is not None:
        trail(call, "user", "create_report_denied", {"reason": "rate_limited", "retryAfterMs": retry_ms}, shown)
        return fail(429, "Rate limit exceeded. Try again later.")
    at = call.documents.now()
    dedupe_path = f"communityReportDedupe/{dedupe_key(uid, kind, target_id)}"
    earlier = call.documents.get(dedupe_path)
    if earlier is not None and 0 <= at.ms - earlier.get("createdAtMs", 0) < DEDUPE_WINDOW_MS:
        trail(call, "user", "create_report_denied", {"reason": "duplicate_report"}, shown)
        return fail(409, "You already reported this item in the last 24 hours.")
    signal_path = f"communityReportTargetSignals/{signal_key(kind, target_id)}"
    signal = call.documents.get(signal_path) or {}
    running = signal.get("windowStartMs", 0) > 0 and at.ms - signal["windowStartMs"] < SIGNAL_WINDOW_MS
    start = signal["windowStartMs"] if running else at.ms
    count = (signal.get("reportCount", 0) if running else 0) + 1
    reporters = list(dict.fromkeys([*(signal.get("reporterUids", []) if running else []), uid]))[-40:]
    raised = len(reporters) >= 4 and count >= 6
    report_id = auto_id()
    target = {"type": kind, "ref": data["targetRef"], "snapshot": data["targetSnapshot"]}
    note = (data.get("note") or "").strip() or None
    report = records.report(uid, category, severity, note, target, dedupe_path.partition("/")[2], at)
    counters = {
        "coordinationSignal": raised,
        "coordinationReportCount": count,
        "coordinationUniqueReporterCount": len(reporters),
    }
    call.documents.commit(
        [
            (
                signal_path,
                {
                    "targetType": kind,
                    "targetId": target_id,
                    "windowStartMs": start,
                    "reportCount": count,
                    "uniqueReporterCount": len(reporters),
                    "reporterUids": reporters,
                    "lastReportedAtMs": at.ms,
                    "lastSignalAtMs": at.ms if raised else None,
                    "updatedAt": at,
                },
            ),
            (f"{_REPORTS}/{report_id}", report | counters | {"coordinationWindowStartMs": start}),
            (
                dedupe_path,
                {
                    "reporterUid": uid,
                    "targetType": kind,
                    "targetId": target_id,
                    "reportId": report_id,
                    "createdAtMs": at.ms,
                    "expiresAtMs": at.ms + DEDUPE_WINDOW_MS,
                    "updatedAt": at,
                },
            ),
        ]
    )
    trail(call, "user", "create_report", counters, report, reportId=report_id)
    if raised:
        trail(call, "user", "report_coordination_signal", counters, report, reportId=report_id)
    return ok(reportId=report_id, status="open")


def _list(call: Call, data: Plain) -> Reply:
    filters = {name: data.get(name) or "all" for name in ("status", "category", "severity", "targetType")}
    limit = data.get("limit") or 80
    rows = [{"id": key, **row} for key, row in call.documents.newest(_REPORTS, "createdAt", limit)]
    for name, wanted in filters.items():
        if wanted != "all":
            rows = [row for row in rows if row.get(name) == wanted]
    low, high = data.get("createdAfterMs") or 0, data.get("createdBeforeMs") or 0
    if low or high:
        rows = [row for row in rows if row["createdAt"].ms >= low and (not high or row["createdAt"].ms <= high)]
    trail(call, "staff", "list_reports", {**filters, "limit": limit})
    return ok(reports=rows)


def _policy_fault(call: Call, data: Plain) -> Reply | None:
    """Every decision names the policy in force and one of its rules."""
    active = ((call.documents.get("config/moderationPolicy") or {}).get("activeVersion") or "").strip()
    policy = call.documents.get(f"moderationPolicyVersions/{active}") if active else None
    if policy is None:
        return fail(412, "No active moderation policy is published.")
    if active != data["policyVersion"]:
        return fail(400, f"Policy mismatch. Active policy is {active}. Refresh and retry.")
    rules = {str(rule.get("id", "")).strip().lower() for rule in policy.get("rules") or []}
    if data["ruleId"].strip().lower() not in rules:
        return fail(400, "Rule ID is not valid for active policy.")
    return None


def _update(call: Call, data: Plain) -> Reply:
    refused = _policy_fault(call, data)
    if refused is not None:
        return refused
    path = f"{_REPORTS}/{data['reportId']}"
    report = call.documents.get(path)
    if report is None:
        return fail(404, "Report not found")
    at = call.documents.now()
    status = data["status"]
    decision = {
        "status": status,
        "resolutionCode": (data.get("resolutionCode") or "").strip() or None,
        "policyVersion": data["policyVersion"],
        "ruleId": data["ruleId"].strip().lower(),
        "reasonCode": data["reasonCode"].strip(),
    }
    call.documents.merge(
        path,
        {
            "status": status,
            "resolutionCode": decision["resolutionCode"],
            "lastPolicyVersion": decision["policyVersion"],
            "lastRuleId": decision["ruleId"],
            "lastReasonCode": decision["reasonCode"],
            "assigneeUid": call.uid,
            "resolvedAt": at if status in ("resolved", "dismissed") else None,
            "updatedAt": at,
        },
    )
    trail(call, "staff", "update_report_status", decision, report, reportId=data["reportId"])
    return ok()


def _add_note(call: Call, data: Plain) -> Reply:
    path = f"{_REPORTS}/{data['reportId']}"
    if not call.documents.exists(path):
        return fail(404, "Report not found")
    at = call.documents.now()
    note = {"authorUid": call.uid, "note": data["note"].strip(), "createdAt": at}
    note_id = call.documents.add(f"{path}/internalNotes", note)
    call.documents.merge(path, {"updatedAt": at})
    trail(call, "staff", "add_internal_note", {"noteId": note_id}, reportId=data["reportId"])
    return ok(noteId=note_id)


def _act(call: Call, data: Plain) -> Reply:
    refused = _policy_fault(call, data)
    if refused is not None:
        return refused
    path = f"{_REPORTS}/{data['reportId']}"
    report = call.documents.get(path)
    if report is None:
        return fail(404, "Report not found")
    kind, action = report.get("targetType"), data["actionType"]
    if kind == "youtube_video" and action == "unpublish":
        return fail(400, "Action not supported for youtube_video")
    if kind != "youtube_video" and action == "disable_from_feed":
        return fail(400, "Action not supported for internal content")
    at = call.documents.now()
    reason = (data.get("reason") or "").strip() or None
    replacement = (data.get("replacementUrl") or "").strip() or None
    target = report.get("targetRef") or {}
    url = target.get("url") or (report.get("targetSnapshot") or {}).get("url")
    before_feed = after_feed = None
    if kind == "youtube_video":
        feed_id = target.get("videoId") or target.get("id")
        override_path = f"communityFeedOverrides/youtube_video:{feed_id}"
        known = call.documents.get(override_path) or {}
        before_feed = {
            "disabled": bool(known.get("disabled")),
            "flaggedForReview": bool(known.get("flaggedForReview")),
            "replacementUrl": known.get("replacementUrl") or None,
            "reason": known.get("reason") or None,
        }
        after_feed = {
            "disabled": action == "disable_from_feed",
            "flaggedForReview": action == "flag_for_review",
            "replacementUrl": replacement,
            "reason": reason,
        }
        override = {"targetType": kind, "targetId": feed_id, **after_feed, "updatedBy": call.uid, "updatedAt": at}
        call.documents.merge(override_path, override)
    change = {
        "before": {
            "reportStatus": report.get("status") or "open",
            "lastActionType": report.get("lastActionType"),
            "targetUrl": url,
            "feedOverride": before_feed,
        },
        "after": {
            "reportStatus": "actioned",
            "lastActionType": action,
            "targetUrl": replacement or url,
            "feedOverride": after_feed,
        },
    }
    told = {"actionType": action, "reason": reason, "replacementUrl": replacement}
    action_id = call.documents.add(f"{path}/actions", {"actorUid": call.uid, **told, **change, "createdAt": at})
    decision = {
        "lastPolicyVersion": data["policyVersion"],
        "lastRuleId": data["ruleId"].strip().lower(),
        "lastReasonCode": data["reasonCode"].strip(),
    }
    patch = {"status": "actioned", "lastActionType": action, **decision, "assigneeUid": call.uid, "updatedAt": at}
    call.documents.merge(path, patch)
    named = {
        "policyVersion": decision["lastPolicyVersion"],
        "ruleId": decision["lastRuleId"],
        "reasonCode": decision["lastReasonCode"],
    }
    trail(call, "staff", "take_content_action", told | named | change, report, reportId=data["reportId"])
    return ok(actionId=action_id)


_GROUNDS = {"policyVersion": Text(1, 80), "ruleId": Text(1, 80), "reasonCode": Text(1, 120)}
_MS = Number(whole=True, least=0)


def _function(handler: Any, shape: Object, *, staff: bool = True) -> Function:
    return Function(handler, shape, denied="Unauthorized" if staff else None, wrong_method="Method not allowed")


FUNCTIONS = {
    "createReport": _function(
        _create,
        Object(
            {
                "targetType": OneOf(_TARGETS),
                "targetRef": Object(
                    {
                        "id": Text(1, 180),
                        "url": Text(url=True).nullish(),
                        "videoId": Text(most=120).nullish(),
                        "slug": Text(most=180).nullish(),
                    }
                ),
                "category": OneOf(CATEGORIES),
                "severity": OneOf(_SEVERITIES).optional(),
                "note": Text(most=1200).nullish(),
                "targetSnapshot": Object(
                    {
                        "title": Text(1, 200),
                        "url": Text(url=True).nullish(),
                        "source": Text(most=80).nullish(),
                        "author": Text(most=120).nullish(),
                        "publishedAtMs": _MS.nullish(),
                    }
                ),
            }
        ),
        staff=False,
    ),
    "listReports": _function(
        _list,
        Object(
            {
                "status": OneOf(("all", *STATUSES)).optional(),
                "category": OneOf((*CATEGORIES, "all")).optional(),
                "severity": OneOf((*_SEVERITIES, "all")).optional(),
                "targetType": OneOf((*_TARGETS, "all")).optional(),
                "createdAfterMs": _MS.optional(),
                "createdBeforeMs": _MS.optional(),
                "limit": Number(whole=True, least=1, most=200).optional(),
            }
        ),
    ),
    "updateReportStatus": _function(
        _update,
        Object(
            {
                "reportId": Text(1),
                "status": OneOf(STATUSES),
                **_GROUNDS,
                "resolutionCode": Text(most=120).nullish(),
            }
        ),
    ),
    "addInternalNote": _function(_add_note, Object({"reportId": Text(1), "note": Text(1, 2400)})),
    "takeContentAction": _function(
        _act,
        Object(
            {
                "reportId": Text(1),
                **_GROUNDS,
                "actionType": OneOf(_ACTIONS),
                "reason": Text(most=400).nullish(),
                "replacementUrl": Text(url=True).nullish(),
            }
        ),
    ),
}
