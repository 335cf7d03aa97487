"""Connectors as values, and the banners of the window."""

import pytest

from tests.ui.recorded import NOW_MS, data
from ui.panes.connectors.presenter import STATES, present, skew, summary
from ui.shell.banner_rules import banners
from ui.times import Zone


def reason(code):
    return ("The other side cannot be reached.", "Check the network.") if code else ("", "")


def contact(**more):
    return {**data("connectors.list")[0], **more}


def shown(**more):
    return present(contact(**more), reason, NOW_MS, Zone("America/Phoenix"))


def test_one_that_is_well_says_so_with_a_sign_and_words():
    view = shown()
    assert view.state == "✓ in reach"
    assert (view.error, view.remedy) == ("", "")
    facts = dict(view.facts)
    assert facts["Latency"] == f"{data('connectors.list')[0]['latencyMs']} ms"
    assert facts["Clock"] == "agrees within a second"


def test_one_that_is_not_says_what_happened_and_what_to_do():
    view = shown(state="down", reasonCode="UNAVAILABLE", detail="connection refused", okAt=None, nextAt=None)
    assert view.state == "✗ out of reach"
    assert view.error == "The other side cannot be reached. Connection refused."
    assert view.remedy == "Check the network."
    assert dict(view.facts)["Last good contact"] == "never"
    assert dict(view.facts)["Next look"] == "by itself, within seconds"


def test_not_configured_is_never_shown_as_well():
    view = shown(state="not_configured", reasonCode="NOT_CONFIGURED")
    assert view.tone == "quiet"
    assert "✓" not in view.state
    assert {tone for state, (_, _, tone) in STATES.items() if state != "ok"} <= {"danger", "quiet"}


def test_an_unknown_state_is_not_taken_for_a_good_one():
    view = shown(state="perplexed")
    assert (view.state, view.tone) == ("? perplexed", "danger")


@pytest.mark.parametrize(
    ("ms", "text"),
    [(None, "not measured"), (600, "agrees within a second"), (90_000, "this machine is 1 min ahead"),
     (-7_200_000, "this machine is 2 h behind")],
)  # fmt: skip
def test_clock_skew_in_words(ms, text):
    assert skew(ms) == text


def test_the_summary_names_what_is_wrong():
    down = shown(state="down")
    assert summary([shown(), shown()]) == "The studio's cloud is in reach."
    assert summary([down]) == "Cloud documents is out of reach."
    assert summary([down, down]) == "Cloud documents and cloud documents are out of reach."
    assert summary([shown(state="not_configured")]) == "Nothing is configured yet."


def around(**more):
    given = {
        "state": "ready", "fault": None, "practice": "", "offline": None, "reason": ("", ""), "switches": [],
        "who": {"i": "Imke"}, "now_ms": NOW_MS,
    }  # fmt: skip
    return banners(**given | more)


def test_no_banner_when_all_is_well():
    assert around() == ()


def test_an_engine_that_is_down_offers_to_start_it():
    (banner,) = around(state="down")
    assert (banner.act, banner.tone) == ("retry", "danger")
    assert "read-only" in banner.body


def test_a_second_cockpit_says_that_it_only_shows():
    (banner,) = around(state="read-only")
    assert "Another cockpit" in banner.head


@pytest.mark.parametrize(
    ("code", "remedy", "act"),
    [
        ("KEYRING_ABSENT", "use a passphrase", "choose"),
        ("KEYRING_LOCKED", "Enter its passphrase, or hand it over", "unlock"),
        ("PASSPHRASE_WRONG", "Try again.", "unlock"),
        ("KEYRING_LOCKED", "Unlock it and try again.", "retry"),
        ("STORAGE_DAMAGED", "Stop, keep a copy.", "retry"),
    ],
)
def test_what_helps_depends_on_what_is_wrong(code, remedy, act):
    fault = {"code": code, "sentence": "It does not open.", "detail": "here", "remedy": remedy}
    (banner,) = around(state="failed", fault=fault)
    assert banner.act == act


def test_a_kill_switch_says_who_when_and_why_as_text():
    switch = {
        "scope": "connector", "target": "functions", "actor": "i", "rationale": "smoke <b>\u202e",
        "engagedAt": "2026-11-21T10:00:00.000Z",
    }  # fmt: skip
    (banner,) = around(switches=[switch])
    assert banner.head == "Kill switch on: nothing leaves for the connector Cloud functions."
    assert banner.body.endswith("Imke, 1 h ago: smoke <b>\\u202e")


def test_offline_names_the_last_contact_and_stays_calm():
    offline = contact(state="down", okAt="2026-11-21T10:00:00.000Z")
    (banner,) = around(offline=offline, reason=("The other side cannot be reached.", "x"))
    assert banner.head.startswith("Offline")
    assert "Last good contact 1 h ago." in banner.body
    assert banner.tone == "plain"


def test_the_most_urgent_banner_is_on_top():
    offline = contact(state="down")
    switch = {"scope": "tenant", "target": "t", "actor": "i", "rationale": "r", "engagedAt": "2026-11-21T10:00:00.000Z"}
    ids = [b.id for b in around(offline=offline, switches=[switch], practice="down")]
    assert ids == ["practice", "switch", "offline"]
    assert [b.id for b in around(state="restarting", switches=[switch], offline=offline)] == ["restarting", "switch"]
