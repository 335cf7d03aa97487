"""Community reports: filing, listing, deciding by the policy in force."""

from typing import Any

import pytest

from tests.practice.bench import Bench, wire

REPORT = {
    "targetType": "blog_post",
    "targetRef": {"id": "post-77", "url": "https://portal.example/posts/77"},
    "category": "broken_link",
    "targetSnapshot": {"title": "Glaze day"},
    "note": "The second link is dead.",
}


def grounds(bench: Bench) -> dict[str, str]:
    version = bench.fields("config/moderationPolicy")["activeVersion"]["stringValue"]
    rules = bench.fields(f"moderationPolicyVersions/{version}")["rules"]["arrayValue"]["values"]
    rule = rules[0]["mapValue"]["fields"]["id"]["stringValue"]
    return {"policyVersion": version, "ruleId": rule.upper(), "reasonCode": "confirmed"}


def filed(bench: Bench, who: str = "roshan", **change: Any) -> str:
    got = bench.call("createReport", REPORT | change, who=who)
    assert got.status == 200, got.body
    assert got.json == {"ok": True, "reportId": got.json["reportId"], "status": "open"}
    key: str = got.json["reportId"]
    return key


def trail(bench: Bench) -> list[str]:
    return [bench.fields(path)["action"]["stringValue"] for path in bench.paths("communityReportAuditLogs")]


def test_file_and_list(bench: Bench) -> None:
    key = filed(bench)
    rows = bench.call("listReports", {}).json["reports"]
    assert rows[0]["id"] == key
    assert rows[0]["status"] == "open"
    assert rows[0]["severity"] == "low"
    created = [(row["createdAt"]["_seconds"], row["createdAt"]["_nanoseconds"]) for row in rows]
    assert created == sorted(created, reverse=True)
    assert bench.call("createReport", REPORT, who="roshan").json == {
        "ok": False,
        "message": "You already reported this item in the last 24 hours.",
    }
    assert filed(bench, "oddny") != key
    assert "create_report_denied" in trail(bench)
    bench.later(24 * 3600 + 1)
    assert filed(bench) != key


def test_five_a_day(bench: Bench) -> None:
    for number in range(5):
        filed(bench, targetRef={"id": f"post-{number}"})
    got = bench.call("createReport", REPORT | {"targetRef": {"id": "post-x"}}, who="roshan")
    assert (got.status, got.json) == (429, {"ok": False, "message": "Rate limit exceeded. Try again later."})
    assert "retry-after" not in got.headers


def test_filters_come_after_the_limit(bench: Bench) -> None:
    for report in bench.paths("communityReports"):
        bench.studio.store.commit([(report, None)])
    old = filed(bench, targetRef={"id": "old"}, category="safety")
    bench.later(60)
    filed(bench, targetRef={"id": "young"})
    found = bench.call("listReports", {"category": "safety"}).json["reports"]
    assert [row["id"] for row in found] == [old]
    assert bench.call("listReports", {"category": "safety", "limit": 1}).json["reports"] == []


def test_decide(bench: Bench) -> None:
    key = filed(bench)
    body = {"reportId": key, "status": "resolved", "resolutionCode": "fixed", **grounds(bench)}
    assert bench.call("updateReportStatus", body).json == {"ok": True}
    after = bench.fields(f"communityReports/{key}")
    assert after["status"] == wire("resolved")
    assert after["assigneeUid"] == wire(bench.uid("imke"))
    assert after["lastRuleId"] == wire(grounds(bench)["ruleId"].lower())
    assert "timestampValue" in after["resolvedAt"]
    assert bench.call("updateReportStatus", body | {"status": "open"}).status == 200
    assert bench.fields(f"communityReports/{key}")["resolvedAt"] == wire(None)


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"reportId": "none"}, 404, "Report not found"),
        ({"policyVersion": "1999-01"}, 400, "Policy mismatch. Active policy is {active}. Refresh and retry."),
        ({"ruleId": "no-such-rule"}, 400, "Rule ID is not valid for active policy."),
        ({"status": "closed"}, 400, None),
    ],
)
def test_decisions_that_are_refused(bench: Bench, change: dict[str, str], status: int, message: str | None) -> None:
    known = grounds(bench)
    body = {"reportId": filed(bench), "status": "triaged", **known, **change}
    got = bench.call("updateReportStatus", body)
    assert got.status == status
    if message is not None:
        assert got.json["message"] == message.format(active=known["policyVersion"])


def test_no_policy_no_decision(bench: Bench) -> None:
    known = grounds(bench)
    bench.studio.store.commit([("config/moderationPolicy", None)])
    got = bench.call("updateReportStatus", {"reportId": "x", "status": "triaged", **known})
    assert (got.status, got.json["message"]) == (412, "No active moderation policy is published.")


def test_internal_notes(bench: Bench) -> None:
    key = filed(bench)
    noted = bench.call("addInternalNote", {"reportId": key, "note": " Asked the author. "}).json
    assert bench.fields(f"communityReports/{key}/internalNotes/{noted['noteId']}")["note"] == wire("Asked the author.")
    assert bench.call("addInternalNote", {"reportId": "none", "note": "x"}).status == 404
    assert "add_internal_note" in trail(bench)


def test_content_actions(bench: Bench) -> None:
    post = filed(bench)
    video = filed(bench, targetType="youtube_video", targetRef={"id": "v1", "videoId": "yt-1"})
    known = grounds(bench)

    def act(key: str, action: str) -> tuple[int, Any]:
        got = bench.call("takeContentAction", {"reportId": key, "actionType": action, **known})
        return got.status, got.json

    assert act(post, "disable_from_feed") == (
        400,
        {"ok": False, "message": "Action not supported for internal content"},
    )
    assert act(video, "unpublish")[0] == 400
    assert act(post, "unpublish")[0] == 200
    assert act(video, "disable_from_feed")[0] == 200
    assert bench.fields("communityFeedOverrides/youtube_video:yt-1")["disabled"] == wire(True)
    assert bench.fields(f"communityReports/{post}")["status"] == wire("actioned")
    assert len(bench.paths(f"communityReports/{post}/actions")) == 1


def test_many_reporters_raise_a_signal(bench: Bench) -> None:
    people = [f"reader{number}@example.org" for number in range(6)]
    for number, email in enumerate(people):
        made = bench.auth("signUp", {"email": email, "password": "practice-reader"}).json
        assert "report_coordination_signal" not in trail(bench)
        body = REPORT | {"targetRef": {"id": "hot"}}
        assert bench.call("createReport", body, who=None, authorization=f"Bearer {made['idToken']}").status == 200
        signals = [bench.fields(path) for path in bench.paths("communityReportTargetSignals")]
        (hot,) = [row for row in signals if row["targetId"] == wire("hot")]
        assert hot["reportCount"] == hot["uniqueReporterCount"] == wire(number + 1)
    assert "integerValue" in hot["lastSignalAtMs"]
    assert "report_coordination_signal" in trail(bench)
