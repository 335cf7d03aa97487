"""A proposal's values: what is decided on, who may, why not, and how it went."""

import pytest

from tests.ui.recorded import NOW_MS, data, proposal
from ui.desk import Person
from ui.panes.proposals import draft
from ui.panes.proposals.presenter import counts, detail, row_view, value
from ui.times import Zone

OWNER = Person("pStaffImkeAdeyemiLarsen00001", "Imke", "owner")
EDITOR = Person("pStaffTeoWatanabeReyes000002", "Teo", "editor")
VIEWER = Person("v", "Vera", "viewer")
PEOPLE = (OWNER, EDITOR, VIEWER)


def who(id):
    return next((p.name for p in PEOPLE if p.id == id), str(id))


def shown(found, **more):
    given = {
        "who": who, "people": PEOPLE, "reason": lambda code: (f"Reason {code}.", "Do this."), "zone": Zone("UTC"),
        "now_ms": NOW_MS, "ruling": None, "blocked": "",
    }  # fmt: skip
    return detail(found, **given | more)


def button(view, act):
    return next((b for b in view.buttons if b.act == f"proposal.{act}"), None)


def test_what_is_approved_is_shown_with_its_hash():
    found = proposal(risk="high")
    view = shown(found)
    assert view.hash == found["proposalHash"]
    assert [(c.field, c.before, c.after) for c in view.changes] == [
        ("isClosed", "no", "yes"),
        ("state", "READY_FOR_PICKUP", "CLOSED_PICKED_UP"),
        ("closedAt", "nothing", "set by the cloud"),
    ]
    assert view.seen[0][0] == found["target"]
    assert view.subject == found["subject"]["title"]


def test_a_button_that_cannot_be_pressed_says_why():
    view = shown(proposal())
    assert button(view, "approve").why_not == ""
    assert button(view, "execute").why_not == "It is not approved yet."
    assert button(view, "withdraw").why_not == "Only the requester withdraws."


def test_nobody_approves_their_own_and_is_told_who_can():
    found = proposal(risk="high")
    found["may"]["proposal.approve"] = {
        "allowed": False, "reasonCode": "SELF_APPROVAL", "rule": "four_eyes", "detail": "risk high",
        "sentence": "Nobody approves their own high-risk proposal.", "remedy": "Ask another member of staff.",
    }  # fmt: skip
    view = shown(found)
    assert button(view, "approve").why_not == "Nobody approves their own high-risk proposal. Imke can."
    assert ("You", "may not approve it: nobody approves their own high-risk proposal (four_eyes)") in view.policy


def test_the_four_eyes_rule_leaves_out_requester_and_viewers():
    assert ("Can approve", "Imke") in shown(proposal(risk="high")).policy
    assert ("Can approve", "Imke and Teo") in shown(proposal(risk="medium")).policy


def test_the_policy_says_what_it_asks_for_and_by_which_rule():
    view = shown(proposal(), ruling={"quorum": 2, "seats": 2, "rule": "outside_asks"})
    assert ("Asks for", "2 approvals from 2 seats") in view.policy
    assert ("Because", "what leaves this machine needs approval (outside_asks)") in view.policy


def test_nothing_can_be_pressed_while_the_engine_is_away_and_all_say_so():
    view = shown(proposal(), blocked="The engine is down.")
    assert {b.why_not for b in view.buttons} == {"The engine is down."}


@pytest.mark.parametrize(
    ("state", "acts"),
    [
        ("pending_approval", ["approve", "reject", "execute", "withdraw"]),
        ("approved", ["execute", "reject", "withdraw"]),
        ("executing", []),
        ("unknown", []),
        ("executed", ["rollback"]),
        ("rejected", []),
        ("rolled_back", []),
    ],
)
def test_each_state_has_its_acts(state, acts):
    found = proposal()
    found["state"] = state
    assert [b.act.split(".")[1] for b in shown(found).buttons] == acts


def test_deciding_needs_a_reason_and_carrying_out_does_not():
    view = shown(proposal())
    assert button(view, "approve").rationale
    assert button(view, "reject").rationale
    assert not button(view, "execute").rationale


def test_an_executed_one_shows_its_stages_and_what_happened():
    view = shown(proposal("executed"))
    assert [s.title for s in view.steps] == ["Drafted", "Approved", "Start sealed", "Sent", "Result sealed"]
    assert {s.state for s in view.steps} == {"done"}
    assert view.news == "Carried out. The result is sealed."


def test_an_unknown_outcome_says_what_is_being_done():
    found = proposal("executed")
    found["state"] = "unknown"
    view = shown(found)
    assert "never sent again blindly" in view.news
    assert "asking again under the same key" in view.news
    assert [s.state for s in view.steps][-1] == "unknown"


def test_what_happened_otherwise_than_predicted_stands_out():
    found = proposal("executed")
    found["execution"] |= {"deviates": True, "actual": [{**found["changes"][0], "after": "something else"}]}
    view = shown(found)
    assert view.changes[0].deviates
    assert view.changes[0].happened == "something else"
    assert "differs from what was predicted" in view.news
    assert view.steps[-1].state == "wrong"


def test_a_refused_one_says_why_and_what_to_do():
    found = proposal("executed")
    found |= {"state": "refused", "execution": None, "reasonCode": "STALE", "detail": "changed since"}
    view = shown(found)
    assert view.news == "Reason STALE. Changed since. Do this."
    assert view.nothing_left == "This proposal was refused. Nothing is left to decide."


def test_time_left_counts_down_and_ends():
    found = proposal(risk="high")
    assert shown(found).left.endswith("min left")
    assert shown(found, now_ms=NOW_MS + 9 * 3_600_000).left == "expired"
    assert shown(proposal("executed")).left == ""


def test_text_of_others_is_text():
    found = proposal()
    found["rationale"] = "<b>bold</b>\u202eevil\x07\nsecond line"
    found["changes"][0]["after"] = "<img src=x>\u2066"
    view = shown(found)
    assert view.rationale == "<b>bold</b>\\u202eevil\\u0007\nsecond line"
    assert view.changes[0].after == "<img src=x>\\u2066"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (None, "nothing"),
        (True, "yes"),
        (False, "no"),
        ("", "empty"),
        (3, "3"),
        ("(set by the cloud)", "set by the cloud"),
    ],
)
def test_values_are_said_in_words(raw, text):
    assert value(raw) == text


def test_a_row_says_who_what_why_and_how_long():
    row = data("proposals.open")["rows"][0]
    view = row_view(row, {"firestore.batch.close": "Close a picked-up batch"}, who, NOW_MS)
    assert (view.title, view.who, view.state_words) == ("Close a picked-up batch", "Teo", "waits for approval")
    assert view.left.endswith("left")
    assert "high risk" in view.spoken
    assert row["rationale"] in view.spoken


def test_before_titles_are_known_a_row_is_named_by_its_capability():
    assert row_view(data("proposals.open")["rows"][0], {}, who, NOW_MS).title == "Batch close"


def test_a_row_that_left_its_list_says_so_until_its_new_state_is_known():
    row = data("proposals.open")["rows"][0]
    assert row_view(row, {}, who, NOW_MS, gone=True).state_words == "no longer in this list"
    row["state"] = "executed"
    assert row_view(row, {}, who, NOW_MS, gone=True).state_words == "carried out"


def test_states_are_counted_as_open_decided_and_all():
    found = {"pending_approval": 4, "executed": 3, "rejected": 1, "unknown": 1}
    assert counts(found) == {"open": 5, "decided": 4, "": 9}


def schema(id):
    return next(c["schema"] for c in data("capabilities") if c["id"] == id)


def test_a_form_follows_the_schema():
    fields = draft.fields(schema("firestore.ops_note.append"))
    assert [(f.name, f.kind, f.required) for f in fields] == [("batchId", "batch", True), ("note", "text", True)]
    optional = draft.fields(schema("firestore.batch.close"))[1]
    assert (optional.name, optional.kind, optional.required) == ("notes", "text", False)


def test_a_form_says_what_is_missing():
    note = draft.fields(schema("firestore.ops_note.append"))[1]
    assert draft.missing(note, "") == "Note is needed."
    assert draft.missing(note, "abc") == "Note: at least 5 characters."
    assert draft.missing(note, "x" * 501) == "Note: 501 characters; 500 fit."
    assert draft.missing(note, "long enough") == ""


def test_what_was_left_empty_is_left_out():
    fields = draft.fields(schema("firestore.batch.close"))
    assert draft.payload(fields, {"batchId": " b1 ", "notes": "  "}) == {"batchId": "b1"}
