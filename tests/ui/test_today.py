"""Today's values: what changed in words, what is not known, what needs somebody."""

import pytest

from tests.ui.recorded import NOW_MS, REASONS, data
from ui.panes.today import presenter
from ui.panes.today.needs import needs
from ui.panes.today.numbers import NUMBERS
from ui.panes.today.why import why
from ui.times import Zone

ZONE = Zone("America/Phoenix")


def reason(code: str | None) -> tuple[str, str]:
    found = REASONS.get(code or "", {"sentence": str(code), "remedy": ""})
    return found["sentence"], found["remedy"]


def shown(today=None, key=None, fetched=None):
    today = today or data("studio.today")
    base = presenter.base_of(today, key, fetched, ZONE)
    view = presenter.present(today, base, NOW_MS, reason, ZONE)
    assert view is not None
    return view


def card(view, key):
    return next(card for card in view.cards if card.key == key)


def test_every_number_of_the_snapshot_has_a_card_in_its_group():
    view = shown()
    assert [c.key for c in view.cards] == [n.key for n in NUMBERS]
    assert [c.group for c in view.cards] == ["counts"] * 5 + ["ops"] * 3 + ["finance"] * 2


def test_a_change_has_a_sign_a_number_and_a_day():
    assert card(shown(changed("counts.batchesActive", 2)), "counts.batchesActive").change == "▲ 2 since Fri 20 Nov"
    assert card(shown(changed("counts.batchesActive", -1)), "counts.batchesActive").change == "▼ 1 since Fri 20 Nov"
    assert card(shown(changed("counts.batchesActive", 0)), "counts.batchesActive").change.startswith("= no change")


def test_a_number_that_is_not_known_says_why_and_is_never_zero():
    blocked = card(shown(), "ops.blockedTickets")
    assert (blocked.value, blocked.known) == ("not known", False)
    assert "no longer keeps the source" in blocked.reason
    assert "0" not in blocked.value
    assert "not known" in blocked.spoken


def test_a_lower_bound_is_shown_as_one():
    today = data("studio.today")
    today["snapshot"]["snapshot"]["ops"]["agentRequestsPending"] = None
    today["snapshot"]["diagnostics"]["lowerBounds"]["ops.agentRequestsPending"] = 500
    assert card(shown(today), "ops.agentRequestsPending").value == "at least 500"


def changed(key: str, by: int):
    today = data("studio.today")
    group, name = key.split(".")
    today["snapshot"]["snapshot"][group][name] = today["history"][-2]["numbers"][key] + by
    return today


@pytest.mark.parametrize(
    ("key", "by", "tone"),
    [
        ("counts.reservationsOpen", 2, "good"),
        ("counts.reservationsOpen", -2, "bad"),
        ("ops.highSeverityReports", 1, "bad"),
        ("ops.highSeverityReports", -1, "good"),
        ("finance.unsettledPayments", 3, "bad"),
        ("counts.firingsScheduled", -3, "moved"),
        ("counts.firingsScheduled", 0, "even"),
    ],
)
def test_whether_up_is_good_is_data_of_the_number(key, by, tone):
    assert card(shown(changed(key, by)), key).tone == tone


def test_only_a_good_change_is_called_good_to_a_screen_reader():
    assert "which is good" in card(shown(changed("counts.reservationsOpen", 2)), "counts.reservationsOpen").spoken
    assert "not good" in card(shown(changed("ops.highSeverityReports", 1)), "ops.highSeverityReports").spoken


def test_the_headline_begins_with_what_matters_most():
    before = {"ops.highSeverityReports": 1, "counts.firingsScheduled": 5, "counts.batchesActive": 10}
    now = {"ops.highSeverityReports": 3, "counts.firingsScheduled": 2, "counts.batchesActive": 11}
    assert (
        presenter.headline(now, before)
        == "2 more high-severity reports, 3 fewer firings ahead and 1 more active batch."
    )


def test_the_headline_counts_what_it_leaves_out():
    before = dict.fromkeys((n.key for n in NUMBERS), 1)
    now = dict.fromkeys((n.key for n in NUMBERS), 2)
    assert presenter.headline(now, before).endswith("and 7 more changes.")


def test_the_headline_says_that_nothing_changed():
    assert presenter.headline({"a.b": 1}, {"a.b": 1}, "since Fri 20 Nov") == "Nothing changed since Fri 20 Nov."


def test_becoming_unknown_is_a_change_too():
    assert "no longer known" in presenter.headline({"finance.pendingOrders": None}, {"finance.pendingOrders": 3})


def test_the_diff_has_only_what_differs():
    view = shown(changed("counts.firingsScheduled", -3))
    line = next(line for line in view.lines if line.key == "counts.firingsScheduled")
    assert (line.change, line.tone) == ("▼ 3", "moved")
    assert "did not change" in view.unchanged
    assert len(view.lines) + int(view.unchanged.split()[0]) == len(view.cards)


def test_the_day_before_is_the_base_even_when_the_day_has_two_readings():
    today = data("studio.today")
    today["baseline"] = {**today["snapshot"], "observedAt": "2026-11-21T09:00:00.000Z"}
    base = presenter.base_of(today, None, None, ZONE)
    assert (base.key, base.since) == ("2026-11-20", "since Fri 20 Nov")
    earlier = presenter.base_of(today, presenter.EARLIER, None, ZONE)
    assert earlier.since == "since 02:00"


def test_any_two_days_can_be_compared():
    today = data("studio.today")
    offered = [key for _, key in presenter.bases(today, ZONE)]
    assert offered == today["days"][1:]
    assert presenter.base_of(today, offered[-1], None, ZONE).key == offered[-1]
    later = {"day": "2026-11-22", "snapshot": today["snapshot"]["snapshot"]}
    assert presenter.base_of(today, "2026-11-22", later, ZONE).key == "2026-11-22"


def test_values_the_cloud_knows_and_we_do_not_are_shown_apart_as_text():
    today = data("studio.today")
    today["snapshot"]["diagnostics"]["unknownStatuses"] = {"batches.state": {"<b>GLAZED\u202e</b>": 3}}
    assert shown(today).unknown == ("batches.state: <b>GLAZED\\u202e</b> × 3",)


def test_without_a_snapshot_there_is_nothing_to_show():
    empty = {"snapshot": None, "baseline": None, "diff": None, "history": [], "days": [], "job": None}
    assert presenter.present(empty, None, NOW_MS, reason, ZONE) is None


def test_the_first_snapshot_is_compared_with_nothing():
    today = data("studio.today")
    today |= {"baseline": None, "history": today["history"][-1:], "days": today["days"][:1]}
    view = shown(today)
    assert "first snapshot" in view.headline
    assert card(view, "counts.batchesActive").change == "first snapshot"


def test_ages_are_not_made_up_before_the_engine_has_told_its_time():
    today = data("studio.today")
    view = presenter.present(today, presenter.base_of(today, None, None, ZONE), None, reason, ZONE)
    assert card(view, "counts.batchesActive").source == "derived from cloud"


def test_a_failed_reading_an_old_one_and_an_unreachable_cloud_make_it_stale():
    today = data("studio.today")
    assert presenter.stale(today, NOW_MS, "", reason) == ""
    assert "out of reach" in presenter.stale(today, NOW_MS, "The cloud is out of reach.", reason)
    today["job"] |= {"reasonCode": "UNAVAILABLE"}
    assert "cannot be reached" in presenter.stale(today, NOW_MS, "", reason)
    today["job"] |= {"reasonCode": None}
    assert "Refresh" in presenter.stale(today, NOW_MS + presenter.STALE_MS, "", reason)


def test_what_needs_somebody_comes_by_risk_then_by_time_left():
    view = needs(data("proposals.open"), {}, lambda id: id, NOW_MS)
    assert view.sentence == "4 proposals wait for a decision: 2 high risk and 2 medium risk."
    assert [item.risk for item in view.items] == ["high", "high", "medium", "medium"]
    assert view.button == "Review 4 proposals"


def test_nothing_needs_anybody():
    view = needs({"rows": []}, {}, str, NOW_MS)
    assert (view.sentence, view.button, view.items) == ("Nothing waits for you.", "", ())


def test_why_names_the_reads_behind_a_number():
    view = why("finance.unsettledPayments", data("studio.today")["snapshot"], reason, ZONE)
    assert [name for name, *_ in view.reads] == ["materialsOrders", "eventCharges", "eventSignups"]
    assert all(rows.endswith(("row", "rows")) for _, rows, *_ in view.reads)


def test_why_of_an_unknown_number_says_what_to_do():
    view = why("ops.blockedTickets", data("studio.today")["snapshot"], reason, ZONE)
    assert ("Not known", "The cloud no longer keeps the source of this number. Configure one.") in view.facts
    assert view.reads == ()


def test_a_number_the_engine_adds_later_is_shown_by_its_own_name():
    today = data("studio.today")
    today["snapshot"]["snapshot"]["ops"]["leakyKilns"] = 2
    assert card(shown(today), "ops.leakyKilns").title == "Leaky kilns"
