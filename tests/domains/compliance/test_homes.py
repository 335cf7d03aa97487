"""Whole homes: the brain's own door is watched, commands decide, and erased texts are gone from the queue."""

import asyncio
from pathlib import Path
from typing import Any

from studio_brain.brain import Brain
from studio_brain.domains.compliance.facts import id_of
from studio_brain.evidence.reader import Stored
from studio_brain.kernel.reasons import ReasonCode
from tests.domains.records.homes import WHY, command, do, entries, make_home, with_brain

BAD = "they asked for a mould of a pistol frame and were shown the door"


def test_what_the_engine_itself_says_is_never_noted(tmp_path: Path) -> None:
    async def work(brain: Brain) -> list[Stored]:
        for _ in range(2):
            assert (await do(brain, "evidence.sweep")).code is None
        await do(brain, "retention.hold", {"scope": "all"})
        return [stored for stored in entries(brain) if stored.entry.kind.startswith("review.")]

    assert with_brain(make_home(tmp_path / "home"), work) == []


def test_a_local_write_goes_on_and_is_noted(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")

    async def work(brain: Brain) -> Any:
        held = await do(brain, "retention.hold", {"scope": "all"}, BAD)
        assert (held.outcome, [r.kind for r in held.receipts]) == ("held", ["retention.held", "review.noted"])
        session = brain.session(None, None, "test")
        return (await brain.query("reviews.page", {"state": "noted"}, session))["rows"]

    (row,) = with_brain(home, work)
    assert (row["text"], row["class"]) == (BAD, "weaponization")
    code, shown = run(home, "review", "list", "--state", "noted")
    assert (code, [each["id"] for each in shown["rows"]]) == (0, [id_of(BAD)])
    code, shown = run(home, "review", "show", id_of(BAD)[:10])
    assert (code, shown["text"]) == (0, BAD)
    code, refused = run(home, "review", "deny", id_of(BAD)[:10], "--reason", "illegal_request", "--rationale", WHY)
    assert (code, refused["reasonCode"]) == (1, ReasonCode.WRONG_STATE)  # nothing waits for a decision


def test_incident_commands(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    code, opened = run(home, "incidents", "report", "a shelf fell over beside the kiln", "--severity", "high")
    assert (code, opened["outcome"]) == (0, "open")
    id = opened["incidentId"]
    assert run(home, "incidents", "acknowledge", id)[1]["owner"] == "imke"
    assert run(home, "incidents", "contain", id, "--rationale", WHY)[1]["outcome"] == "contained"
    assert run(home, "incidents", "list")[1]["rows"][0]["state"] == "contained"
    assert run(home, "incidents", "resolve", id, "--outcome", "mended", "--rationale", WHY)[0] == 0
    assert run(home, "incidents", "review", id, "--rationale", WHY)[1]["outcome"] == "reviewed"
    found = run(home, "incidents", "show", id)[1]
    assert [event["state"] for event in found["timeline"]] == [
        "open", "acknowledged", "contained", "resolved", "reviewed"
    ]  # fmt: skip
    assert run(home, "incidents", "trust")[1] == {"rows": []}
    assert run(home, "incidents", "review", id, "--rationale", WHY)[0] == 1


def run(home: Path, *words: str) -> tuple[int, Any]:
    from studio_brain.doors.cli import incidents, review  # noqa: F401  they register their commands

    return command(home, *words)


def test_an_erased_text_is_gone_from_the_queue(tmp_path: Path) -> None:
    more = '[[tenant.account]]\nid = "ada"\nemail = "ada@example.org"\nname = "Ada"\nrole = "owner"\n'
    home = make_home(tmp_path / "home", more)

    async def work(brain: Brain) -> Any:
        await do(brain, "retention.hold", {"scope": "kind", "target": "x.y"}, BAD)
        (noted,) = entries(brain, kind="review.noted")
        erase = {"entries": [{"index": noted.seq}], "reason": "entered by mistake"}
        imke, ada = (brain.session(None, name, "test") for name in ("imke", "ada"))
        drafted = await brain.perform("evidence.erase", erase, imke, rationale=WHY)
        shown = {"proposalId": drafted.proposal, "shownHash": drafted.data["proposalHash"]}
        assert (await brain.perform("proposal.approve", shown, ada, rationale=WHY)).outcome == "approved"
        done = await brain.perform("proposal.execute", {"proposalId": drafted.proposal}, ada)
        assert done.outcome == "executed", done
        (row,) = (await brain.query("reviews.page", {"state": "noted"}, imke))["rows"]
        before = await asyncio.to_thread(brain.projections.state_sha256)
        await asyncio.to_thread(brain.projections.rebuild)
        assert (await asyncio.to_thread(brain.projections.state_sha256))["compliance"] == before["compliance"]
        return row

    assert with_brain(home, work)["text"] is None
