"""What members tell the studio: reports, appeals, requests for help and for a kiln; and the policy in force."""

import random

from .. import clock, records
from ..community import CATEGORIES, GROUNDS, dedupe_key, severity_of, signal_key, target_of
from ..ids import seeded_id
from ..plain import Plain, Timestamp, stamp
from .builder import Builder

_STATUSES = (("open", 26), ("triaged", 16), ("actioned", 12), ("resolved", 30), ("dismissed", 16))


def build(builder: Builder) -> None:
    _policy(builder)
    rng = builder.dice("reports")
    names = [name for name, _ in _STATUSES]
    count = builder.scale(26, 400)
    statuses = names + rng.choices(names, [weight for _, weight in _STATUSES], k=max(0, count - len(names)))
    for number, status in enumerate(statuses[:count]):
        _report(builder, rng, status, number)
    _support(builder)
    _kiln_requests(builder)
    _announcements(builder)


def _policy(builder: Builder) -> None:
    rng = builder.dice("policy")
    policy = builder.studio["policy"]
    rules = [{"id": one, "title": title, "severityHint": "low"} for one, title in policy["rules"]]
    published = builder.ago(rng, 100, 140)
    for version, status, at in (
        (policy["previous"], "archived", builder.ago(rng, 300, 330)),
        (policy["version"], "published", published),
        (policy["draft"], "draft", builder.ago(rng, 3, 20)),
    ):
        data = {
            "version": version,
            "title": f"Moderation policy {version}",
            "status": status,
            "rules": rules[: 4 if status == "archived" else len(rules)],
            "createdAt": at,
            "updatedAt": at,
            "publishedAt": None if status == "draft" else at,
            "updatedByUid": builder.staff[0],
        }
        builder.put(f"moderationPolicyVersions/{version}", data, at)
    active = {"activeVersion": policy["version"], "updatedAt": published, "updatedByUid": builder.staff[0]}
    builder.put("config/moderationPolicy", active, published)


def _report(builder: Builder, rng: random.Random, status: str, number: int) -> None:
    target = target_of(rng.choice(builder.studio["reportTargets"]))
    category = CATEGORIES[number % len(CATEGORIES)]
    reporter = builder.member(rng)
    at = builder.ago(rng, 0, 12) if status in ("open", "triaged") else builder.ago(rng, 4, 200)
    report_id = seeded_id(rng)
    target_id = str(target["ref"]["id"])
    data = records.report(
        reporter.uid,
        category,
        severity_of(category, rng.choice((None, "low", "medium", "medium", "high"))),
        builder.studio["reportNotes"][category],
        target,
        dedupe_key(reporter.uid, str(target["type"]), target_id),
        at,
    )
    if status != "open":
        at = builder.after(rng, at, 1, 40)
        _decide(builder, rng, report_id, data, status, at)
    builder.put(f"communityReports/{report_id}", data, data["createdAt"], data["updatedAt"])
    created = data["createdAt"]
    if created.us > builder.now_us - 2 * clock.DAY:
        dedupe = {
            "reporterUid": reporter.uid,
            "targetType": target["type"],
            "targetId": target_id,
            "reportId": report_id,
            "createdAtMs": created.ms,
            "expiresAtMs": created.ms + 86_400_000,
            "updatedAt": created,
        }
        builder.put(f"communityReportDedupe/{data['dedupeKey']}", dedupe, created)
        signal = {
            "targetType": target["type"],
            "targetId": target_id,
            "windowStartMs": created.ms,
            "reportCount": 1,
            "uniqueReporterCount": 1,
            "reporterUids": [reporter.uid],
            "lastReportedAtMs": created.ms,
            "lastSignalAtMs": None,
            "updatedAt": created,
        }
        builder.put(f"communityReportTargetSignals/{signal_key(str(target['type']), target_id)}", signal, created)


def _decide(builder: Builder, rng: random.Random, report_id: str, data: Plain, status: str, at: Timestamp) -> None:
    """Staff's decision, by the policy in force, with the traces it leaves."""
    rule, reason = GROUNDS[data["category"]]
    by = builder.clerk(rng)
    closed = status in ("resolved", "dismissed")
    data |= {
        "status": status,
        "assigneeUid": by,
        "resolutionCode": ("content_corrected" if status == "resolved" else "no_violation") if closed else None,
        "resolvedAt": at if closed else None,
        "lastPolicyVersion": builder.studio["policy"]["version"],
        "lastRuleId": rule,
        "lastReasonCode": reason,
        "updatedAt": at,
    }
    if status == "actioned":
        kind = "disable_from_feed" if data["targetType"] == "youtube_video" else "unpublish"
        data["lastActionType"] = kind
        action = {
            "actorUid": by,
            "actionType": kind,
            "reason": reason,
            "replacementUrl": None,
            "createdAt": at,
        }
        builder.put(f"communityReports/{report_id}/actions/{seeded_id(rng)}", action, at)
    if rng.random() < 0.4:
        note = {"authorUid": by, "note": "Looked at it together.", "createdAt": at}
        builder.put(f"communityReports/{report_id}/internalNotes/{seeded_id(rng)}", note, at)
    trace = {
        "actorUid": by,
        "actorRole": "staff",
        "action": "update_report_status",
        "reportId": report_id,
        "targetType": data["targetType"],
        "targetId": data["targetRef"]["id"],
        "category": data["category"],
        "severity": data["severity"],
        "metadata": {"status": status, "ruleId": rule, "reasonCode": reason},
        "createdAt": at,
    }
    builder.put(f"communityReportAuditLogs/{seeded_id(rng)}", trace, at)
    if status == "dismissed" and rng.random() < 0.5:
        appealed = builder.after(rng, at, 2, 60)
        appeal = {
            "reportId": report_id,
            "reporterUid": data["reporterUid"],
            "status": rng.choice(("open", "in_review", "upheld")),
            "note": "Please look again.",
            "reportStatusAtAppeal": status,
            "createdAt": appealed,
            "updatedAt": appealed,
            "reviewedByUid": None,
            "reviewedAt": None,
            "decisionReasonCode": None,
            "decisionNote": None,
        }
        if appeal["status"] == "upheld":
            other = next(uid for uid in builder.staff if uid != by)
            appeal |= {"reviewedByUid": other, "reviewedAt": appealed, "decisionReasonCode": "original_decision_stands"}
        builder.put(f"communityReportAppeals/{seeded_id(rng)}", appeal, appealed)


def _support(builder: Builder) -> None:
    rng = builder.dice("support")
    for _ in range(builder.scale(14, 200)):
        category, subject, body = rng.choice(builder.studio["support"])
        member = builder.member(rng)
        at = builder.ago(rng, 0, 60)
        old = at.us < builder.now_us - 5 * clock.DAY
        updated = builder.after(rng, at, 2, 50) if old else at
        data = {
            "uid": member.uid,
            "subject": subject,
            "body": body,
            "category": category,
            "status": rng.choice(("answered", "closed")) if old else "new",
            "urgency": rng.choice(("non-urgent", "non-urgent", "time-sensitive")),
            "channel": rng.choice(("portal", "email")),
            "createdAt": at,
            "displayName": member.name,
            "email": member.email,
        }
        if old:
            data["updatedAt"] = updated
        builder.put(f"supportRequests/{seeded_id(rng)}", data, at, updated)


def _kiln_requests(builder: Builder) -> None:
    rng = builder.dice("kiln requests")
    for _ in range(builder.scale(8, 80)):
        member = builder.member(rng)
        at = builder.ago(rng, 0, 10)
        data = {
            "uid": member.uid,
            "userDisplayName": member.name,
            "halfShelves": rng.randrange(1, 5),
            "clayBody": rng.choice(builder.studio["clays"]),
            "notes": rng.choice((None, *builder.studio["batchNotes"])),
            "urgency": rng.choice(("asap", "next")),
            "status": rng.choice(("queued", "queued", "loaded")),
            "kilnId": rng.choice(builder.studio["kilns"])["id"],
            "createdAt": at,
            "updatedAt": at,
        }
        builder.put(f"kilnLaunchRequests/{seeded_id(rng)}", data, at)


def _announcements(builder: Builder) -> None:
    rng = builder.dice("announcements")
    for title in builder.studio["announcements"]:
        at = builder.ago(rng, 1, 80)
        data = {
            "title": title,
            "body": f"{title}.",
            "type": "update",
            "createdAt": at,
            "updatedAt": stamp(at.us),
            "authorUid": builder.staff[0],
            "readBy": [member.uid for member in rng.sample(builder.members, 3)],
        }
        builder.put(f"announcements/{seeded_id(rng)}", data, at)
