"""Stories are told every entry at least once, survive crashes and lost cursors, and open each incident once."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import delete, insert

from studio_brain.domains.incidents.manifest import MANIFEST
from studio_brain.evidence.facts import Fact
from studio_brain.evidence.log import LogRow
from studio_brain.flows import STORIES
from studio_brain.flows.runner import Runner
from studio_brain.flows.story import Story, Wish
from studio_brain.gateway.perform import Performed
from studio_brain.gateway.registry import Registry, RegistryError
from studio_brain.kernel.ports import Change, ReadBack, Settled
from studio_brain.kernel.reasons import ReasonCode
from studio_brain.store.database import Databases
from studio_brain.store.following import followed
from studio_brain.store.projections import Projections
from tests.gateway.harness import APPEND, EDITOR, NOTE, OWNER, STRANGER, Bench

OPERATIONS = {"functions": frozenset({"ops_note.append", "ops_note.rollback", "batch.close"})}
OTHERWISE = ReadBack(Settled.DONE, (Change("batches/b1", "operations note", None, "something else"),))
AS_PREDICTED = ReadBack(Settled.DONE, (Change("batches/b1", "operations note", None, NOTE["note"]),))


class Teller:
    """The gateway's bench with incidents and the stories about them."""

    def __init__(self, databases: Databases, stories: Sequence[Story] = STORIES) -> None:
        self.bench = Bench(databases)
        gateway = self.bench.gateway
        gateway.registry = Registry((*gateway.registry.manifests, MANIFEST), OPERATIONS)
        Projections(databases, MANIFEST.projections).prepare()
        self.warned: list[tuple[str, str, str]] = []
        self.refuse: Performed | None = None
        self.asked: list[str] = []
        self.stories = stories

    def runner(self) -> Runner:
        gateway = self.bench.gateway

        async def perform(capability: str, payload: dict[str, Any], session: Any, *, rationale: str, key: str) -> Any:
            self.asked.append(key)
            if self.refuse is not None:
                return self.refuse
            return await gateway.perform(capability, payload, session, rationale=rationale, key=key)

        return Runner(
            self.stories, self.bench.databases, gateway.registry, perform, ["a", "b"], lambda *w: self.warned.append(w)
        )

    def turn(self) -> int:
        return asyncio.run(self.runner().turn())

    def opened(self, tenant: str = "a") -> list[tuple[str, str, int]]:
        return [
            (s.entry.data["incidentKind"], s.entry.data["subject"], s.entry.data["count"])
            for s in self.bench.entries(tenant)
            if s.entry.kind in ("incident.opened", "incident.linked")
        ]

    def deviate(self) -> None:
        self.bench.outside.found = OTHERWISE
        assert self.bench.execute(self.bench.approved()).outcome == "executed"

    def forget(self) -> None:
        """The views are lost, and with them how far each story came."""
        self.bench.databases.views.writing(lambda conn: conn.execute(delete(followed)))


@pytest.fixture
def teller(databases: Databases) -> Any:
    made = Teller(databases)
    yield made
    report = made.bench.check()
    made.bench.close()
    assert report.ok, report.fault


def test_a_deviation_opens_an_incident_and_what_went_as_predicted_does_not(teller: Teller) -> None:
    teller.bench.outside.found = AS_PREDICTED
    teller.bench.execute(teller.bench.approved())
    assert teller.turn() == 0
    teller.deviate()
    assert teller.turn() == 1
    assert teller.opened() == [("deviation", APPEND, 1)]
    assert teller.turn() == 0  # it has been told
    (opened,) = teller.bench.entries(kind="incident.opened")
    (compared,) = [s for s in teller.bench.entries(kind="execution.compared") if s.entry.data["deviates"]]
    assert opened.entry.data["indexes"] == [compared.seq]
    assert (opened.entry.actor.type, opened.entry.actor.id) == ("system", "engine")


def test_a_foreign_studio_is_an_incident_of_who_named_it_counted_in_one_entry(teller: Teller) -> None:
    drafted = teller.bench.draft()
    for _ in range(30):
        teller.bench.perform("proposal.execute", {"proposalId": drafted.proposal}, STRANGER)
    denied = teller.bench.perform(APPEND, {**NOTE, "tenant": "b"}, EDITOR)
    assert denied.code is ReasonCode.TENANT_MISMATCH
    teller.turn()
    assert teller.opened("a") == [("foreign_tenant", "staff:teo", 1)]
    assert teller.opened("b") == [("foreign_tenant", "staff:sam", 30)]
    (opened,) = teller.bench.entries("b", "incident.opened")
    assert len(opened.entry.data["indexes"]) == 20


def test_a_crash_between_the_wish_and_the_cursor_opens_nothing_twice(teller: Teller) -> None:
    teller.deviate()
    runner = teller.runner()
    keep = runner._keep

    def crash(story: Story, log: LogRow, upto: int) -> None:
        if story.name == "deviation" and teller.asked:
            raise RuntimeError("killed")
        keep(story, log, upto)

    runner._keep = crash  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="killed"):
        asyncio.run(runner.turn())
    assert len(teller.opened()) == 1
    assert teller.turn() == 1  # told again
    assert len(teller.opened()) == 1
    first, again = (key.split("-")[0] for key in teller.asked)
    assert first == again  # the same stretch, under the same key but for its end: the log has grown


def test_lost_cursors_tell_the_whole_log_again_and_nothing_is_opened_anew(teller: Teller) -> None:
    for _ in range(2):
        teller.deviate()
        teller.turn()
    (first, _) = teller.bench.entries(kind="incident.opened") + teller.bench.entries(kind="incident.linked")
    id = {"incidentId": first.entry.data["incidentId"]}
    for verb, more in (("acknowledge", {}), ("resolve", {"outcome": "mended"}), ("review", {})):
        assert teller.bench.perform(f"incident.{verb}", {**id, **more}, OWNER).code is None
    before = len(teller.bench.entries())
    teller.forget()
    assert teller.turn() >= 1
    assert len(teller.bench.entries()) == before


def test_what_cannot_be_sealed_waits_and_is_told_at_the_next_turn(teller: Teller) -> None:
    teller.deviate()
    teller.refuse = Performed("denied", "k", "c", code=ReasonCode.AUDIT_UNAVAILABLE)
    assert teller.turn() == 0
    assert teller.opened() == []
    teller.refuse = None
    assert teller.turn() == 1
    assert len(teller.opened()) == 1
    assert teller.warned == []


def test_a_wish_that_is_refused_is_named_and_passed(databases: Databases) -> None:
    def tell(log: LogRow, facts: Sequence[Fact]) -> list[Wish]:
        return [Wish("incident.open", {"kind": "nonesuch"}, "because this test asks for it")]

    story = Story("wrong", frozenset({"proposal.drafted"}), frozenset({"incident.open"}), tell)
    teller = Teller(databases, (story,))
    teller.bench.draft()
    assert teller.turn() == 1
    assert [(name, code) for name, code, _ in teller.warned] == [("wrong", "INVALID_PAYLOAD")]
    assert teller.turn() == 0
    teller.bench.close()


def test_a_story_that_fails_does_not_keep_the_others(databases: Databases) -> None:
    def fail(log: LogRow, facts: Sequence[Fact]) -> list[Wish]:
        raise ValueError("broken story")

    broken = Story("broken", frozenset({"proposal.drafted"}), frozenset({"incident.open"}), fail)
    teller = Teller(databases, (broken, *STORIES))
    teller.deviate()
    with pytest.raises(ValueError, match="broken story"):
        teller.turn()
    assert len(teller.opened()) == 1
    teller.bench.close()


def test_a_cursor_beyond_a_shorter_log_begins_anew(teller: Teller) -> None:
    teller.deviate()
    teller.turn()
    far = {"log_id": 1, "story": "deviation", "upto": 10_000}

    def work(conn: Any) -> None:
        conn.execute(delete(followed).where(followed.c.story == "deviation"))
        conn.execute(insert(followed).values(far))

    teller.bench.databases.views.writing(work)
    teller.deviate()
    assert teller.turn() == 1
    assert [count for _, _, count in teller.opened()] == [1, 1]


def test_stories_wish_only_for_what_the_system_may_do(databases: Databases) -> None:
    unknown = Story("unknown", frozenset(), frozenset({"nonesuch.do"}), lambda log, facts: [])
    peoples = Story("peoples", frozenset(), frozenset({"incident.review"}), lambda log, facts: [])
    for story in (unknown, peoples):
        teller = Teller(databases, (story,))
        with pytest.raises(RegistryError, match=story.name):
            teller.runner()
        teller.bench.close()
