"""Text that stays text, moments as people say them, and words for what the engine names."""

import pytest

from ui import safe_text, times, words
from ui.times import Zone

NOW = times.parse_ms("2026-11-21T12:00:00.000Z")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain words", "plain words"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u2066b\u2069", "a\\u2066b\\u2069"),
        ("bell\x07 nul\x00", "bell\\u0007 nul\\u0000"),
        ("two\nlines\tand", "two lines and"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("שלום", "\u2068שלום\u2069"),
        ("naïve café 🫖", "naïve café 🫖"),
        (3, "3"),
    ],
)
def test_one_line_of_anything(raw, shown):
    assert safe_text.plain(raw) == shown


def test_several_lines_stay_lines_and_each_is_isolated():
    assert safe_text.block("one\nשלום\nthree\u202e") == "one\n\u2068שלום\u2069\nthree\\u202e"


def test_lone_surrogates_are_shown_and_break_nothing():
    assert safe_text.plain("x\ud800y") == "x\\ud800y"


def test_long_text_ends_in_an_ellipsis():
    assert safe_text.plain("a" * 50, 10) == "a" * 9 + "…"


def test_a_tooltip_cannot_be_markup():
    assert safe_text.tip("<b>&</b>\nx") == "<span>&lt;b&gt;&amp;&lt;/b&gt;<br>x</span>"
    assert safe_text.tip("") == ""


def test_an_ampersand_on_a_button_is_an_ampersand():
    assert safe_text.button_text("Kiln & Co") == "Kiln && Co"


def test_hashes_are_shortened_in_the_middle():
    assert safe_text.short_hash("sha256:" + "ab" * 32) == "abababab…ababab"
    assert safe_text.short_hash("short") == "short"


def test_only_long_words_may_be_broken():
    assert safe_text.breakable("an ordinary sentence") == "an ordinary sentence"
    assert safe_text.breakable("x" * 30).replace("\u200b", "") == "x" * 30
    assert "\u200b" in safe_text.breakable("x" * 30)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-11-21T11:59:30.000Z", "just now"),
        ("2026-11-21T11:56:00.000Z", "4 min ago"),
        ("2026-11-21T09:00:00.000Z", "3 h ago"),
        ("2026-11-18T12:00:00.000Z", "3 days ago"),
        ("2026-11-21T12:05:00.000Z", "just now"),
        (None, ""),
        ("not a time", ""),
    ],
)
def test_ages(at, said):
    assert times.age(at, NOW) == said


def test_an_age_is_not_made_up_without_a_clock():
    assert times.age("2026-11-21T11:59:30.000Z", None) == ""


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-11-21T19:52:00.000Z", "7 h 52 min left"),
        ("2026-11-21T12:20:00.000Z", "20 min left"),
        ("2026-11-21T12:00:30.000Z", "30 s left"),
        ("2026-11-25T12:00:00.000Z", "4 days left"),
        ("2026-11-21T11:59:59.000Z", "expired"),
    ],
)
def test_time_left(at, said):
    assert times.left(at, NOW) == said


def test_moments_are_in_the_studios_time_zone():
    zone = Zone("America/Phoenix")
    assert zone.time("2026-11-21T10:52:08.851Z") == "03:52"
    assert zone.moment("2026-11-21T02:52:08.692657Z", seconds=True) == "20 Nov, 19:52:08"


def test_where_no_zone_is_known_it_says_utc():
    assert Zone().time("2026-11-21T10:52:08.851Z") == "10:52 UTC"
    assert Zone("No/Such").time("2026-11-21T10:52:08.851Z") == "10:52 UTC"


def test_days_are_said_with_their_weekday():
    assert times.day("2026-11-21") == "Sat 21 Nov"
    assert times.day("someday") == "someday"


def test_every_state_kind_and_rule_of_the_engine_has_words():
    from studio_brain.domains.records.manifest import MANIFEST as RECORDS
    from studio_brain.domains.studio.facts import KINDS as STUDIO
    from studio_brain.gateway.lifecycle import OPEN, PROPOSAL
    from studio_brain.gateway.receipts import KINDS
    from studio_brain.kernel.policy import DENIES, PERMITS, TIERS, Role

    assert set(PROPOSAL.states) <= set(words.STATES)
    assert OPEN == words.OPEN
    assert set(words.KINDS) >= KINDS | STUDIO | RECORDS.receipt_kinds
    assert {rule.__name__ for rule in (*DENIES, *PERMITS)} <= set(words.RULES)
    assert {risk.value for risk in TIERS} == set(words.RISKS)
    assert {role.value for role in Role} == set(words.RIGHTS)


def test_an_unknown_name_is_made_readable_and_never_hidden():
    assert words.state("half_baked") == "half baked"
    assert words.kind("kiln.exploded") == "kiln · exploded"
    assert words.readable("MAY_BE_TRUNCATED") == "may be truncated"


def test_counting_and_listing():
    assert words.count(1, "entry", "entries") == "1 entry"
    assert words.count(1_200, "entry", "entries") == "1,200 entries"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.listed(["a", "b"], "or") == "a or b"


def test_a_fault_says_what_happened_where_and_what_to_do():
    what, remedy = words.fault({"code": "X", "sentence": "The disk is full", "detail": "/home", "remedy": "Free some"})
    assert (what, remedy) == ("The disk is full: /home.", "Free some.")


def test_every_kind_of_receipt_has_its_words():
    from studio_brain.domains.compliance.manifest import MANIFEST as compliance
    from studio_brain.domains.incidents.manifest import MANIFEST as incidents
    from studio_brain.domains.records.manifest import MANIFEST as records
    from studio_brain.domains.studio.manifest import MANIFEST as studio
    from studio_brain.gateway.manifest import MANIFEST as gateway

    manifests = (gateway, studio, records, incidents, compliance)
    kinds = {kind for manifest in manifests for kind in manifest.receipt_kinds}
    assert sorted(kinds - set(words.KINDS)) == []
