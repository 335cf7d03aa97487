"""What members report and ask, and staff's answers."""

from .. import clock, records
from ..community import CATEGORIES, GROUNDS, dedupe_key, severity_of, target_of
from ..functions.documents import Documents
from ..plain import Plain
from .diary import Diary

_OUTCOMES = (("triaged", 35), ("actioned", 15), ("resolved", 35), ("dismissed", 15))


def plan(diary: Diary) -> None:
    for _ in range(diary.times(0.5, 1)):
        _report(diary)
    reports = [
        (key, row)
        for key, row in diary.documents.scan("communityReports")
        if row.get("status") in ("open", "triaged", "actioned") and diary.older(row["updatedAt"], 10)
    ]
    for key, row in diary.some(reports, diary.times(0.5, 2)):
        words = [name for name, _ in _OUTCOMES if row["status"] == "open" or name in ("resolved", "dismissed")]
        outcome, by = diary.rng.choice(words), diary.clerk()
        diary.will(lambda documents, key=key, to=outcome, by=by: _decide(diary, documents, key, to, by), 2)
    for _ in range(diary.times(0.3, 1)):
        _ask_for_help(diary)
    open_help = [
        (key, row)
        for key, row in diary.documents.scan("supportRequests")
        if row.get("status") == "new" and diary.older(row["createdAt"], 12)
    ]
    for key, _ in diary.some(open_help, diary.times(0.5, 1)):
        diary.will(lambda documents, key=key: _answer(documents, key), 1)


def _report(diary: Diary) -> None:
    reporter = diary.member()
    target = target_of(diary.rng.choice(diary.studio["reportTargets"]))
    category = diary.rng.choice(CATEGORIES)
    severity = severity_of(category, diary.rng.choice((None, "low", "medium")))
    key = diary.new_id()

    def report(documents: Documents) -> None:
        at = documents.now()
        target_id = str(target["ref"]["id"])  # type: ignore[index]
        dedupe = dedupe_key(reporter.uid, str(target["type"]), target_id)
        known = documents.get(f"communityReportDedupe/{dedupe}")
        if known is not None and at.ms - known["createdAtMs"] < clock.DAY // clock.MS:
            return
        note = diary.studio["reportNotes"][category]
        data = records.report(reporter.uid, category, severity, note, target, dedupe, at)
        mark = {
            "reporterUid": reporter.uid,
            "targetType": target["type"],
            "targetId": target_id,
            "reportId": key,
            "createdAtMs": at.ms,
            "expiresAtMs": at.ms + clock.DAY // clock.MS,
            "updatedAt": at,
        }
        documents.commit([(f"communityReports/{key}", data), (f"communityReportDedupe/{dedupe}", mark)])

    diary.will(report, 2, rank=4)


def _decide(diary: Diary, documents: Documents, key: str, status: str, by: str) -> None:
    row = documents.get(f"communityReports/{key}")
    if row is None or row["status"] in ("resolved", "dismissed"):
        return
    at = documents.now()
    rule, reason = GROUNDS[row["category"]]
    closed = status in ("resolved", "dismissed")
    patch: Plain = {
        "status": status,
        "assigneeUid": by,
        "resolutionCode": ("content_corrected" if status == "resolved" else "no_violation") if closed else None,
        "resolvedAt": at if closed else None,
        "lastPolicyVersion": diary.studio["policy"]["version"],
        "lastRuleId": rule,
        "lastReasonCode": reason,
        "updatedAt": at,
    }
    if status == "actioned":
        patch["lastActionType"] = "disable_from_feed" if row["targetType"] == "youtube_video" else "unpublish"
    documents.merge(f"communityReports/{key}", patch)
    documents.add(
        "communityReportAuditLogs",
        {
            "actorUid": by,
            "actorRole": "staff",
            "action": "update_report_status",
            "reportId": key,
            "targetType": row["targetType"],
            "targetId": row["targetRef"]["id"],
            "category": row["category"],
            "severity": row["severity"],
            "metadata": {"status": status, "ruleId": rule, "reasonCode": reason},
            "createdAt": at,
        },
    )


def _ask_for_help(diary: Diary) -> None:
    category, subject, body = diary.rng.choice(diary.studio["support"])
    member = diary.member()

    def ask(documents: Documents) -> None:
        data = {
            "uid": member.uid,
            "subject": subject,
            "body": body,
            "category": category,
            "status": "new",
            "urgency": "non-urgent",
            "channel": "portal",
            "createdAt": documents.now(),
            "displayName": member.name,
            "email": member.email,
        }
        documents.add("supportRequests", data)

    diary.will(ask, 1)


def _answer(documents: Documents, key: str) -> None:
    documents.merge(f"supportRequests/{key}", {"status": "answered", "updatedAt": documents.now()})
