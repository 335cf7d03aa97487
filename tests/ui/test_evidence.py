"""Receipts as values, what is gold and why, and a Verify that claims no more than it found."""

import base64
import hashlib

import pytest

from tests.ui.recorded import DATA, data, sealed
from ui.models.sparse import PAGE
from ui.panes.evidence import kept
from ui.panes.evidence.compare import compare
from ui.panes.evidence.pages import Filter, Pages
from ui.panes.evidence.presenter import CAVEAT, cells, checked_file, linked, receipt, verified
from ui.panes.evidence.proof import proof
from ui.panes.evidence.sweep import NEVER, sweep
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
    number, when, what, who, about, _, seal = cells(row, {}, lambda id: "Imke", Zone("America/Phoenix"))
    assert (number, what, who) == (str(row["index"]), "Proposal approved", "Imke")
    assert when == Zone("America/Phoenix").moment(row["at"])
    assert row["target"] in about
    assert seal == row["seal"][len("sha256:") :][:8]


def test_a_denial_is_marked_and_says_its_reason():
    row = {**data("evidence.page")["rows"][0], "kind": "action.denied", "reasonCode": "SELF_APPROVAL"}
    _, _, what, _, about, *_ = cells(row, {}, str, Zone("UTC"))
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
    assert pages.question(3) == ("evidence.page", {"before": 1_000_000 - 3 * PAGE, "limit": PAGE})
    assert (pages.counted, pages.complete) == (1_000_000, True)
    assert pages.row_of(1_000_000) is None


def test_with_a_filter_indexes_are_gathered_to_the_end():
    pages = Pages(1_000, Filter("proposal.", since=5))
    assert pages.seek() == {"kind": "proposal.", "since": 5, "before": 1_000}
    pages.found({"indexes": [999 - 2 * i for i in range(PAGE)], "next": 600})
    assert (pages.counted, pages.complete, pages.seek()["before"]) == (PAGE, False, 600)
    assert pages.words() == "200 so far, 40 % searched"
    pages.found({"indexes": [5, 3], "next": None})
    assert (pages.counted, pages.complete) == (PAGE + 2, True)
    assert pages.index_of(PAGE + 1) == 3
    assert pages.row_of(5) == PAGE
    assert pages.row_of(4) is None
    assert pages.question(1) == ("evidence.rows", {"indexes": [5, 3]})
    assert pages.words() == "202 receipts"


def test_a_stretch_that_comes_again_is_not_counted_again():
    pages = Pages(10, Filter("x."))
    pages.found({"indexes": [8, 4], "next": 4})
    pages.found({"indexes": [8, 4], "next": 4})
    pages.found({"indexes": [], "next": None})
    assert pages.counted == 2
    assert pages.words() == "2 receipts"


@pytest.mark.parametrize("row", [-1, 0, 5])
def test_a_row_there_is_not_has_no_index(row):
    assert Pages(10, Filter("x.")).index_of(row) is None


# how far it is kept

ANCHORS = {
    "vaultsRequired": 1,
    "witnessesRequired": 1,
    "logs": [
        {
            "tenant": "practice",
            "origin": "o/practice/1",
            "epoch": 1,
            "size": 50,
            "checkpoint": {"size": 50, "at": "2026-11-21T10:00:00.000Z"},
            "vaultedSize": 40,
            "vaults": [
                {"name": "drawer", "size": 40, "state": "ok", "since": "2026-11-21T09:00:00.000Z", "reasonCode": None},
            ],
            "witnessedSize": 20,
            "witnesses": [
                {"name": "next door", "size": 20, "cosignedAt": "2026-11-18T10:00:00.000Z", "byFile": True,
                 "reasonCode": None},
            ],
            "unwitnessedDays": 3,
        }
    ],
}  # fmt: skip


def test_the_four_states_are_facts_of_their_own():
    found = kept.kept(ANCHORS, "o/practice/1")
    assert found.states(10) == (True, True, True, True)
    assert found.states(30) == (True, True, False, True)
    assert found.states(45) == (True, True, False, False)
    assert found.states(50) == (True, False, False, False)
    assert kept.spoken(found.states(30)) == "sealed, checkpointed, vaulted; not witnessed"
    assert kept.kept(ANCHORS, "another").states(0) == (True, False, False, False)


def test_what_does_not_hold_says_why():
    found = kept.kept(ANCHORS, "o/practice/1")
    lines = {state: (holds, said) for state, holds, said in kept.lines(found, 45, 46)}
    assert lines["checkpointed"] == (True, "A signed checkpoint of 46 entries covers it.")
    assert lines["witnessed"] == (
        False,
        "Not cosigned by as many witnesses as are required. The log is unwitnessed for 3 days.",
    )
    assert lines["vaulted"] == (False, "Not yet in as many vaults as are required.")
    nothing = {state: said for state, _, said in kept.lines(kept.UNKNOWN, 3, None)}
    assert nothing["witnessed"] == nothing["vaulted"] == "Not known while the engine is away."
    assert "No witness is set up" in kept.lines(kept.Kept(known=True), 3, None)[2][2]


def test_copies_have_ages_and_say_how_far_they_reach():
    now_ms = 1_795_255_200_000 + 60_000  # 2026-11-21T10:01
    zone = Zone("UTC")
    (checkpoint,) = kept.checkpoint_rows(ANCHORS, now_ms, zone)
    assert (checkpoint.reaches, checkpoint.state) == ("50 entries", "covers every entry")
    (vault,) = kept.vault_rows(ANCHORS, now_ms, zone, reason)
    assert (vault.name, vault.reaches, vault.state) == ("drawer", "40 of 50", "holds a copy")
    assert vault.when.startswith("21 Nov, 09:00 · ")
    (witness,) = kept.witness_rows(ANCHORS, now_ms, zone, reason)
    assert (witness.reaches, witness.state) == ("20 of 50", "cosigned, by file")
    said = "10 entries of 50 not yet vaulted and 30 entries of 50 not yet witnessed (unwitnessed for 3 days)."
    assert kept.summary(ANCHORS) == said
    alone = {"logs": [{**ANCHORS["logs"][0], "vaults": [], "witnesses": []}]}
    assert "on this machine only" in kept.summary(alone)


# the path


def tree(leaves):
    """RFC 6962 §2.1, as it stands there: (root, path of each leaf)."""
    if len(leaves) == 1:
        return leaves[0], [[]]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, left_paths = tree(leaves[:split])
    right, right_paths = tree(leaves[split:])
    paths = [[*path, right] for path in left_paths] + [[*path, left] for path in right_paths]
    return hashlib.sha256(b"\x01" + left + right).digest(), paths


def text(value):
    return "sha256:" + value.hex()


def answer(index, leaves, root, path):
    note = f"o/1\n{len(leaves)}\n{base64.b64encode(root).decode()}\n\n— o/1 AAAA\n"
    steps = [{"hash": text(item), "begin": 0, "end": 1} for item in path]
    return {"index": index, "size": len(leaves), "origin": "o/1", "checkpoint": note, "path": steps}


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 31, 33])
def test_every_path_of_every_tree_leads_to_its_root(size):
    leaves = [hashlib.sha256(bytes([number])).digest() for number in range(size)]
    root, paths = tree(leaves)
    for index, path in enumerate(paths):
        view = proof(answer(index, leaves, root, path), text(leaves[index]))
        assert (view.check, view.root, len(view.levels)) == (Check.CHECKED, text(root), len(path))
        for other in {0, size - 1, size // 2} - {index}:
            assert proof(answer(other, leaves, root, path), text(leaves[index])).check is Check.WRONG


def test_a_path_that_is_not_one_is_never_gold():
    leaves = [hashlib.sha256(bytes([number])).digest() for number in range(6)]
    root, paths = tree(leaves)
    good, seal = answer(4, leaves, root, paths[4]), text(leaves[4])
    bad = [
        {**good, "path": good["path"][:-1]},
        {**good, "path": [*good["path"], good["path"][0]]},
        {**good, "path": [{**good["path"][0], "hash": "sha256:00"}, *good["path"][1:]]},
        {**good, "checkpoint": good["checkpoint"].replace("o/1", "o/2")},
        {**good, "checkpoint": good["checkpoint"].replace("\n6\n", "\n7\n")},
        {**good, "index": 6},
    ]
    assert proof(good, seal).check is Check.CHECKED
    for each in bad:
        assert proof(each, seal).check is Check.WRONG, each
    assert proof(good, text(leaves[3])).check is Check.WRONG
    assert proof({**good, "checkpoint": None}, seal).check is Check.UNCHECKED
    assert proof(None, seal) is None


# comparing


def test_two_receipts_are_compared_field_by_field_the_earlier_first():
    one = {"index": 7, "body": '{"a":{"x":1,"y":"same"},"id":"1","only":true}'}
    other = {"index": 3, "body": '{"a":{"x":2,"y":"same"},"id":"2"}'}
    found = compare(one, other)
    assert found.head == "#3 and #7"
    assert [(d.field, d.one, d.other) for d in found.differences] == [
        ("a.x", "2", "1"),
        ("only", "", "true"),
        ("id", "2", "1"),
    ]
    assert found.same == "Equal in both: a.y."
    assert compare(one, one).same == "This is the same receipt."
    assert compare(one, {"index": 9, "body": "no json"}).differences[-1].field == "id"


def test_links_of_a_stream_are_checked_between_neighbours_only():
    rows = {0: ("c", "b"), 1: ("b", "a"), 2: ("a", None), 9: ("z", "y")}
    assert linked(rows) == "✓ 2 links checked here"
    assert linked({**rows, 1: ("b", "x")}) == "✗ 1 link broken"
    assert linked({4: ("a", None)}) == ""


# sweeps

SWEPT = {
    "phase": "entries",
    "running": True,
    "done": 30,
    "total": 50,
    "logs": [
        {
            "origin": "o/practice/1",
            "ranges": [{"from": 0, "to": 30, "state": "ok"}, {"from": 12, "to": 13, "state": "altered"},
                       {"from": 30, "to": 50, "state": "unswept"}],
            "counts": {"ok": 29, "altered": 1, "unswept": 20},
            "firstBad": 12,
            "findings": [{"from": 12, "to": 13, "state": "altered", "what": "its bytes do not match its seal"}],
        }
    ],
    "report": None,
}  # fmt: skip


def test_a_sweep_under_way_says_how_far_it_is_and_what_it_found():
    view = sweep(SWEPT, "o/practice/1", None, Zone("UTC"))
    assert (view.running, view.done, view.total, view.tone) == (True, 30, 50, "bad")
    assert view.head.endswith("1 finding so far.")
    assert view.maps[0].counts == "29 ok, 1 altered, 20 unswept"
    assert view.findings == (("entry 12", "its bytes do not match its seal"),)
    assert view.index == 12


def test_a_report_says_what_it_does_not_cover():
    document = {
        "finishedAt": "2026-11-21T10:00:00.000Z",
        "full": False,
        "ok": True,
        "firstBad": None,
        "conduct": {"faults": []},
        "checked": ["o/practice/1: entries 0 to 50"],
        "notChecked": ["o/practice/1: the last entries are signed, and anchored nowhere else"],
    }
    log = {**SWEPT["logs"][0], "findings": [], "firstBad": None}
    shown = {**SWEPT, "phase": "done", "running": False, "logs": [log]}
    shown["report"] = {"document": document, "sha256": "sha256:00"}
    view = sweep(shown, "o/practice/1", None, Zone("UTC"))
    assert view.tone == "good"
    assert view.head == "Swept 21 Nov, 10:00: what is new since the sweep before is what was sealed."
    assert view.checked == ("This studio's log: entries 0 to 50",)
    assert view.not_checked == ("This studio's log: the last entries are signed, and anchored nowhere else",)
    failed = {**document, "ok": False, "firstBad": {"origin": "o", "index": 7, "what": "it is missing"}}
    shown["report"] = {"document": failed, "sha256": "sha256:00"}
    view = sweep(shown, "o/practice/1", None, Zone("UTC"))
    assert (view.tone, "entry 7: it is missing" in view.head) == ("bad", True)
    assert sweep({"phase": "never", "running": False, "logs": [], "report": None}, "o", None, Zone("UTC")) is NEVER


# files


def test_a_file_says_on_whose_word_it_proves_something():
    found = {"index": 7, "size": 50, "origin": "o", "kind": "proposal.approved", "seal": "s", "checked": ["a"],
             "unchecked": ["b"], "anchored": True, "here": True}  # fmt: skip
    view = checked_file("x.tlog-proof", found)
    assert (view.tone, view.head, view.index) == ("good", "x.tlog-proof proves Proposal approved #7 of 50 entries.", 7)
    assert view.lines == ("a", "In this studio's log, the same receipt stands at this index.", "Not shown: b")
    stranger = checked_file("x", {**found, "anchored": False, "here": None})
    assert (stranger.tone, stranger.index) == ("plain", None)
    assert "nobody known here vouches for it" in stranger.head
    other = checked_file("x", {**found, "here": False})
    assert (other.tone, "ANOTHER receipt" in other.lines[1]) == ("bad", True)
