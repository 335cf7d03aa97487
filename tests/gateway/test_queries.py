"""Looking: pages by key, one tenant's rows only, and a refused look is sealed."""

import asyncio
from typing import Any

import pytest

from studio_brain.gateway.perform import Denied, Session
from studio_brain.kernel.reasons import ReasonCode
from studio_brain.store.database import selecting
from studio_brain.store.reading import Sources
from tests.gateway.harness import CLOSE, EDITOR, OWNER, STRANGER, VIEWER, Bench


def ask(bench: Bench, name: str, session: Session = VIEWER, **params: Any) -> Any:
    select = selecting(bench.databases.brain)
    sources = Sources(select, select, bench.clock.now_ms())
    return asyncio.run(bench.gateway.query(name, params, session, sources))


def test_pages_go_by_key_newest_first_and_miss_nothing(bench: Bench) -> None:
    made = []
    for _ in range(7):
        made.append(bench.draft().proposal)
        bench.pass_time(1)
    seen, before = [], None
    while True:
        page = ask(bench, "proposals.page", limit=3, before=before)
        if not page["rows"]:
            break
        seen += [row["id"] for row in page["rows"]]
        before = page["rows"][-1]["cursor"]
    assert seen == made[::-1]
    assert page["counts"] == {"pending_approval": 7}


def test_filters_by_state_and_risk(bench: Bench) -> None:
    note, close = bench.draft(), bench.draft(CLOSE, {"batchId": "b1"})
    bench.approve(note)
    bench.execute(note)

    def ids(**params: Any) -> list[str]:
        return [row["id"] for row in ask(bench, "proposals.page", **params)["rows"]]

    assert ids(state="open") == [close.proposal]
    assert ids(state="decided") == [note.proposal]
    assert ids(state="executed") == [note.proposal]
    assert ids(risk="high") == [close.proposal]
    assert set(ids()) == {note.proposal, close.proposal}


def test_one_proposal_whole(bench: Bench) -> None:
    drafted = bench.approved()
    bench.execute(drafted)
    one = ask(bench, "proposals.one", id=drafted.proposal)
    assert one["changes"][0]["after"] == "look at the glaze"
    assert one["approvals"][0]["actor"] == "imke"
    assert one["execution"]["state"] == "executed"
    assert one["receipts"][0]["kind"] == "proposal.drafted"
    assert ask(bench, "proposals.one", id="nonesuch") is None


def test_another_tenant_sees_nothing_of_it(bench: Bench) -> None:
    drafted = bench.draft()
    assert ask(bench, "proposals.page", STRANGER)["rows"] == []
    assert ask(bench, "proposals.one", STRANGER, id=drafted.proposal) is None
    nothing = {"rows": [], "size": 0, "origin": "", "log": 0, "logs": []}
    known = ask(bench, "evidence.page", OWNER)
    assert ask(bench, "evidence.page", STRANGER) == nothing
    assert ask(bench, "evidence.page", STRANGER, log=known["log"]) == nothing
    assert ask(bench, "evidence.one", STRANGER, index=0) is None
    assert ask(bench, "evidence.one", STRANGER, place=known["rows"][0]["place"]) is None
    assert ask(bench, "evidence.one", OWNER, place=known["rows"][0]["place"])["index"] == known["rows"][0]["index"]
    assert ask(bench, "evidence.stream", STRANGER, stream=f"proposal:{drafted.proposal}") == {"rows": []}


def test_a_query_that_names_another_tenant_is_denied_and_sealed(bench: Bench) -> None:
    with pytest.raises(Denied) as caught:
        ask(bench, "proposals.page", OWNER, tenant="b")
    assert caught.value.code is ReasonCode.TENANT_MISMATCH
    assert bench.entries(kind="action.denied")[0].entry.data["reasonCode"] == "TENANT_MISMATCH"


def test_a_query_that_nobody_registered_is_denied_and_sealed(bench: Bench) -> None:
    with pytest.raises(Denied) as caught:
        ask(bench, "everything.all", OWNER)
    assert caught.value.code is ReasonCode.UNKNOWN_QUERY
    assert len(bench.entries(kind="action.denied")) == 1


def test_looking_writes_nothing(bench: Bench) -> None:
    bench.draft()
    before = len(bench.entries())
    for name, params in (
        ("proposals.page", {}),
        ("evidence.page", {}),
        ("switches.list", {}),
        ("evidence.one", {"index": 0}),
    ):
        ask(bench, name, **params)
    assert len(bench.entries()) == before


def test_receipts_by_index_kind_and_stream(bench: Bench) -> None:
    drafted = bench.approved()
    page = ask(bench, "evidence.page")
    assert [row["index"] for row in page["rows"]] == [2, 1, 0]
    assert [row["kind"] for row in ask(bench, "evidence.page", kind="proposal.a")["rows"]] == ["proposal.approved"]
    assert [row["index"] for row in ask(bench, "evidence.page", before=2)["rows"]] == [1, 0]
    assert [row["index"] for row in ask(bench, "evidence.page", after=2)["rows"]] == [2]
    stream = ask(bench, "evidence.stream", stream=f"proposal:{drafted.proposal}")
    assert [row["index"] for row in stream["rows"]] == [0, 1, 2]
    one = ask(bench, "evidence.one", index=1)
    assert one["body"].startswith('{"actor"')
    assert one["checkpoint"]["size"] > 1


def test_switches_that_count_are_listed(bench: Bench) -> None:
    bench.perform("killswitch.engage", {"scope": "global"}, EDITOR)
    bench.perform("killswitch.engage", {"scope": "tenant"}, EDITOR)
    assert [row["scope"] for row in ask(bench, "switches.list")] == ["global", "tenant"]
    assert [row["scope"] for row in ask(bench, "switches.list", STRANGER)] == ["global"]
