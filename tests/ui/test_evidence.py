"""Receipts as values, what is gold and why, and a Verify that claims no more than it found."""

import hashlib

import pytest

from tests.ui.recorded import DATA, data, sealed
from ui.models.sparse import PAGE
from ui.panes.evidence.pages import Pages
from ui.panes.evidence.presenter import CAVEAT, cells, receipt, verified
from ui.seals import Check, Seals, seal_of
from ui.times import Zone

ORIGIN = DATA["evidence.page"]["origin"]


def reason(code):
    return ("", "Keep a copy.") if code == "NOT_VERIFIED" else (f"Reason {code}." if code else "", "")


def test_a_seal_is_the_leaf_hash_of_the_bytes():
    assert seal_of("abc") == "sha256:" + hashlib.sha256(b"\x00abc").hexdigest()


def test_a_real_receipt_gives_its_seal():
    found = data("evidence.one")
    seals = Seals()
    assert seals.of(ORIGIN, found["index"]) is Check.UNCHECKED
    assert seals.check(found["origin"], found) is Check.CHECKED
    assert seals.of(found["origin"], found["index"]) is Check.CHECKED


def test_one_changed_byte_is_seen():
    found = data("evidence.one")
    found["body"] = found["body"].replace("draft", "drafT", 1)
    seals = Seals()
    assert seals.check(found["origin"], found) is Check.WRONG
    assert seals.of(found["origin"], found["index"]) is Check.WRONG


def test_a_verify_covers_what_it_names_and_nothing_else():
    report = data("verify")
    origin, size = report["logs"][0]["origin"], report["logs"][0]["size"]
    seals = Seals()
    seals.verified(report)
    assert seals.of(origin, size - 1) is Check.CHECKED
    assert seals.of(origin, size) is Check.UNCHECKED
    assert seals.of("other", 0) is Check.UNCHECKED


def test_a_verify_that_failed_covers_nothing_and_marks_the_entry():
    seals = Seals()
    seals.verified({"logs": [], "fault": {"origin": ORIGIN, "index": 7, "what": "its bytes do not match its seal"}})
    assert seals.of(ORIGIN, 7) is Check.WRONG
    assert seals.of(ORIGIN, 3) is Check.UNCHECKED


def test_a_wrong_receipt_stays_wrong_whatever_a_verify_says():
    found = data("evidence.one")
    seals = Seals()
    seals.check(found["origin"], {**found, "body": "{}"})
    seals.verified({"logs": [{"origin": found["origin"], "size": 99}], "fault": None})
    assert seals.of(found["origin"], found["index"]) is Check.WRONG


def test_a_row_of_the_table():
    row = next(r for r in data("evidence.page")["rows"] if r["kind"] == "proposal.approved")
    number, when, what, who, about, seal = cells(row, {}, lambda id: "Imke", Zone("America/Phoenix"))
    assert (number, what, who) == (str(row["index"]), "Proposal approved", "Imke")
    assert when == Zone("America/Phoenix").moment(row["at"])
    assert row["target"] in about
    assert seal == row["seal"][len("sha256:") :][:8]


def test_a_denial_is_marked_and_says_its_reason():
    row = {**data("evidence.page")["rows"][0], "kind": "action.denied", "reasonCode": "SELF_APPROVAL"}
    _, _, what, _, about, _ = cells(row, {}, str, Zone("UTC"))
    assert what == "✗ Denied"
    assert about.startswith("Self approval.")


def test_a_receipt_whole_shows_its_bytes_pretty_and_as_they_are():
    found = data("evidence.one")
    view = receipt(found, {}, lambda id: "Teo", Zone("UTC"), reason)
    assert view.raw == found["body"]
    assert '\n  "kind": "proposal.drafted"' in view.pretty
    assert dict(view.facts)["Who"] == "Teo (staff, through practice)"
    assert dict(view.hashes)["Input"] == "sha256:" + found["body"].split('"inputHash":"sha256:')[1][:64]
    assert "signed checkpoint of 5 entries" in view.covered
    assert view.checkpoint.startswith("practice/")


def test_sealed_bytes_that_are_no_json_are_shown_all_the_same():
    found = {**sealed(data("evidence.page")["rows"][0]), "body": "not json \x00"}
    view = receipt(found, {}, str, Zone("UTC"), reason)
    assert view.pretty == "not json \\u0000"


def test_a_passed_verify_says_what_was_checked_with_which_key_and_what_was_not():
    view = verified(data("verify"), reason)
    assert view.tone == "good"
    assert view.head == "Verified just now: 46 entries are what was sealed."
    assert any("37 signed checkpoints" in line for line in view.lines)
    assert any(line.startswith("Signed by practice/") for line in view.lines)
    assert view.lines[-1] == CAVEAT


def test_a_failed_verify_names_the_entry_and_what_to_do():
    report = {
        "ok": False,
        "logs": [],
        "checked": [],
        "rows": "",
        "fault": {"origin": "practice/x/1", "index": 12, "what": "its bytes do not match its seal"},
    }
    view = verified(report, reason)
    assert view.head == "Does not verify: practice/x/1, entry 12: its bytes do not match its seal."
    assert (view.tone, view.index, view.lines) == ("bad", 12, ("Keep a copy.",))


def test_without_a_filter_a_row_is_arithmetic():
    pages = Pages(1_000_000)
    assert pages.index_of(0) == 999_999
    assert pages.row_of(0) == 999_999
    assert pages.params(3)["before"] == 1_000_000 - 3 * PAGE
    assert (pages.counted, pages.complete) == (1_000_000, True)
    assert pages.row_of(1_000_000) is None


def test_with_a_filter_pages_are_counted_to_the_end():
    pages = Pages(1_000, "proposal.")
    first = [{"index": 999 - 2 * i} for i in range(PAGE)]
    pages.found(0, first)
    assert (pages.counted, pages.complete, pages.next_uncounted()) == (PAGE, False, 1)
    assert pages.words() == "counting… 200 so far"
    assert pages.params(1)["before"] == first[-1]["index"]
    pages.found(1, [{"index": 5}, {"index": 3}])
    assert (pages.counted, pages.complete, pages.next_uncounted()) == (PAGE + 2, True, None)
    assert pages.index_of(PAGE + 1) == 3
    assert pages.row_of(5) == PAGE
    assert pages.words() == "202 receipts"


def test_a_page_that_comes_again_is_not_counted_again():
    pages = Pages(10, "x.")
    rows = [{"index": 4}]
    pages.found(0, rows)
    pages.found(0, rows)
    assert pages.counted == 1
    assert pages.words() == "1 receipt"


@pytest.mark.parametrize("row", [0, 5])
def test_a_row_of_a_page_that_is_not_here_has_no_index_yet(row):
    assert Pages(10, "x.").index_of(row) is None
