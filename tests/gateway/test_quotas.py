"""Quotas and cooldowns are exact: in the window, from threads, from processes, across restarts and clock steps."""

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio_brain.domains.studio import manifest as studio
from studio_brain.evidence.facts import Fact, facts
from studio_brain.evidence.log import find_log
from studio_brain.gateway import manifest as gateway_manifest
from studio_brain.gateway import rows
from studio_brain.gateway.admissions import Admissions
from studio_brain.gateway.conduct import judge
from studio_brain.gateway.decide import Refusal
from studio_brain.gateway.limits import Limit, Per
from studio_brain.gateway.perform import Performed
from studio_brain.gateway.quotas import Quotas, owner_ref
from studio_brain.gateway.registry import Registry
from studio_brain.kernel.clock import HOUR, MINUTE, SECOND, utc_text
from studio_brain.kernel.ids import Uuid7Source
from studio_brain.kernel.policy import ActorType
from studio_brain.kernel.ports import Change, Outcome, OutcomeKind, Preview, Seen
from studio_brain.kernel.reasons import ReasonCode
from studio_brain.store.database import Databases, memory_database
from studio_brain.store.migrate import migrate
from studio_brain.store.reading import Sources
from studio_brain.store.sequencer import Sequencer, Unit
from studio_brain.store.writer import Writer
from tests.gateway.harness import AGENT, APPEND, CLOSE, EDITOR, KEY, NOTE, NOW, OWNER, VIEWER, WHY, Bench, Hands
from tests.gateway.limited import OPERATIONS, WINDOW_S, allow


def listed(bench: Bench, **params: Any) -> dict[str, Any]:
    def select(sql: str, parameters: Any) -> list[dict[str, Any]]:
        from sqlalchemy import text

        return bench.databases.brain.reading(
            lambda conn: [dict(row) for row in conn.execute(text(sql), parameters).mappings()]
        )

    sources = Sources(select, select, bench.clock.now_ms(), bench.databases.brain.dialect)
    return asyncio.run(bench.gateway.query("quotas.list", params, EDITOR, sources))  # type: ignore[no-any-return]


def use(bench: Bench, batch: str = "b1", session: Any = EDITOR) -> Performed:
    drafted = bench.draft(APPEND, {**NOTE, "batchId": batch}, session)
    assert bench.approve(drafted).outcome == "approved"
    return bench.execute(drafted)


def owned_by(bench: Bench, owner: str) -> None:
    """The next two looks at the cloud name this owner."""
    seen = (Seen("batches/b1", bench.outside.version, b"\x01" * 32),)
    found = Preview((Change("batches/b1", "operations note", None, "x"),), seen, {"ownerUid": owner, "batch": {}})
    bench.outside.previews = [found, found]


def test_one_use_too_many_waits_and_says_until_when(bench: Bench) -> None:
    allow(bench, actor=2)
    assert [use(bench).outcome for _ in range(2)] == ["executed"] * 2
    bench.pass_time(MINUTE)
    drafted = bench.approved()
    done = bench.execute(drafted)
    free = utc_text(NOW + WINDOW_S * SECOND)
    assert (done.outcome, done.code, bench.state(drafted)) == ("denied", ReasonCode.RATE_LIMITED, "approved")
    assert done.to_json()["retryAfter"] == free
    assert done.to_json()["retryAfterS"] == WINDOW_S - 60
    assert done.to_json()["bucket"] == {"capability": APPEND, "per": "actor", "subject": "teo"}
    sealed = bench.entries(kind="action.denied")[-1].entry.data
    assert (sealed["reasonCode"], sealed["retryAfter"], sealed["bucket"]["per"]) == ("RATE_LIMITED", free, "actor")
    assert len(bench.outside.calls) == 2
    told = asyncio.run(bench.gateway.explain(str(drafted.proposal), OWNER))["proposal.execute"]
    assert (told["allowed"], told["reasonCode"], told["detail"]) == (False, "RATE_LIMITED", done.detail)
    bench.pass_time(WINDOW_S * SECOND - MINUTE - 1)
    assert bench.execute(drafted).code is ReasonCode.RATE_LIMITED
    bench.pass_time(1)
    assert asyncio.run(bench.gateway.explain(str(drafted.proposal), OWNER))["proposal.execute"]["allowed"]
    assert bench.execute(drafted).outcome == "executed"


def test_each_bucket_counts_what_it_says(bench: Bench) -> None:
    allow(bench, actor=1)
    assert use(bench).outcome == "executed"
    assert use(bench).code is ReasonCode.RATE_LIMITED
    assert use(bench, session=AGENT).outcome == "executed"  # another who asks
    assert use(bench, session=AGENT).code is ReasonCode.RATE_LIMITED
    allow(bench, capability=2)
    assert use(bench, session=OWNER).to_json()["bucket"]["per"] == "capability"
    allow(bench, CLOSE, tenant=2)
    closing = bench.approved(CLOSE, {"batchId": "b7"})
    assert bench.execute(closing).to_json()["bucket"] == {"capability": "", "per": "tenant", "subject": ""}
    allow(bench, CLOSE, tenant=3)
    assert bench.execute(closing).outcome == "executed"


def test_an_owner_is_counted_by_a_reference_and_never_named(bench: Bench) -> None:
    allow(bench, owner=1)
    owned_by(bench, "marta")
    assert use(bench).outcome == "executed"
    owned_by(bench, "marta")
    refused = use(bench)
    assert refused.to_json()["bucket"] == {"capability": APPEND, "per": "owner", "subject": owner_ref("a", "marta")}
    owned_by(bench, "jonas")
    assert use(bench).outcome == "executed"
    bench.outside.previews = []
    assert all(b"marta" not in stored.entry.body for stored in bench.entries())


def test_a_target_rests_between_two_uses(bench: Bench) -> None:
    allow(bench, cooldown_s=60)
    assert use(bench, "b1").outcome == "executed"
    assert use(bench, "b2").outcome == "executed"
    resting = use(bench, "b1")
    assert resting.to_json()["bucket"] == {"capability": APPEND, "per": "cooldown", "subject": "batches/b1"}
    assert resting.to_json()["retryAfterS"] == 60
    bench.pass_time(MINUTE)
    assert use(bench, "b1").outcome == "executed"


def test_asking_again_for_a_lost_answer_is_the_same_use(bench: Bench) -> None:
    allow(bench, actor=2)
    drafted = bench.approved()
    bench.outside.answers = [Outcome(OutcomeKind.UNKNOWN, "r", ReasonCode.UNKNOWN_OUTCOME)]
    bench.execute(drafted)
    bench.pass_time()
    assert asyncio.run(bench.recovery.settle_all()) == 0
    assert bench.kinds(drafted).count("execution.started") == 2
    assert use(bench).outcome == "executed"
    assert use(bench).code is ReasonCode.RATE_LIMITED


def test_ten_parallel_first_uses_from_threads_admit_exactly_the_limit(bench: Bench) -> None:
    allow(bench, actor=3)
    drafted = [bench.approved(APPEND, {**NOTE, "batchId": f"b{n}"}) for n in range(10)]
    with ThreadPoolExecutor(10) as pool:
        outcomes = sorted(done.outcome for done in pool.map(bench.execute, drafted))
    assert outcomes == ["denied"] * 7 + ["executed"] * 3
    assert len(bench.outside.calls) == 3
    assert listed(bench)["rows"][0]["uses"] == 3


def test_ten_parallel_first_uses_from_processes_admit_exactly_the_limit(
    databases: Databases, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    bench = Bench(databases)
    drafted = [bench.approved(APPEND, {**NOTE, "batchId": f"b{n}"}) for n in range(10)]
    bench.close()
    url = ""
    if databases.brain.dialect == "postgresql":
        url = databases.brain.write.url.set(drivername="postgresql").render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.gateway.quota_process", str(tmp_path), url, "3"]
    turns = [[str(d.proposal) for d in drafted[n::4]] for n in range(4)]
    running = [
        subprocess.Popen([*command, *turn], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for turn in turns
    ]
    assert [p.stdout.readline() for p in running if p.stdout] == ["ready\n"] * 4
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outcomes = [outcome for p in running for outcome in json.loads(p.communicate(timeout=60)[0])]
    assert sorted(outcomes) == [["denied", "RATE_LIMITED"]] * 7 + [["executed", None]] * 3
    again = Bench(databases)
    assert again.check().ok
    allow(again, actor=3)
    assert again.execute(next(d for d in drafted if again.state(d) == "approved")).code is ReasonCode.RATE_LIMITED
    again.close()


@dataclass
class Machine:
    """A machine whose wall clock can be set wrong; its uptime cannot."""

    clock: Hands
    boot: str = "first"
    up_ms: int = 5_000_000

    def __call__(self) -> tuple[str, int]:
        return self.boot, self.up_ms

    def live(self, ms: int) -> None:
        self.up_ms += ms
        self.clock.ms += ms

    def restart(self) -> None:
        self.boot, self.up_ms = self.boot + "'", 1_000


def on_a_machine(bench: Bench) -> Machine:
    machine = Machine(bench.clock)
    bench.gateway.uptime = machine
    bench.gateway.quotas = Quotas(bench.clock, machine)
    return machine


def test_a_clock_that_jumps_gives_nobody_more_uses_and_takes_none(bench: Bench) -> None:
    allow(bench, actor=1)
    machine = on_a_machine(bench)
    assert use(bench).outcome == "executed"
    bench.clock.ms += HOUR
    assert use(bench).code is ReasonCode.RATE_LIMITED
    bench.clock.ms -= 2 * HOUR
    assert use(bench).to_json()["retryAfterS"] == WINDOW_S
    machine.live(WINDOW_S * SECOND)
    assert use(bench).outcome == "executed"


def test_uses_outlast_a_restart_of_the_machine(bench: Bench) -> None:
    allow(bench, actor=1)
    machine = on_a_machine(bench)
    assert use(bench).outcome == "executed"
    machine.restart()
    machine.live(WINDOW_S * SECOND - 1)
    assert use(bench).code is ReasonCode.RATE_LIMITED
    machine.live(1)
    assert use(bench).outcome == "executed"


def test_a_reset_needs_an_admin_and_a_reason_and_is_sealed(bench: Bench) -> None:
    allow(bench, actor=1)
    assert use(bench).outcome == "executed"
    wanted = {"per": "actor", "capability": APPEND, "subject": "teo"}
    assert bench.perform("quota.reset", wanted, EDITOR).code is ReasonCode.ROLE_REQUIRED
    assert bench.perform("quota.reset", wanted, OWNER, "short").code is ReasonCode.RATIONALE_REQUIRED
    assert use(bench).code is ReasonCode.RATE_LIMITED
    assert bench.perform("quota.reset", wanted, OWNER).outcome == "reset"
    sealed = bench.entries(kind="quota.reset")[0].entry
    assert (sealed.data["bucket"], sealed.data["rationale"], sealed.actor.id) == (wanted, WHY, "imke")
    assert use(bench).outcome == "executed"
    assert use(bench).code is ReasonCode.RATE_LIMITED
    assert listed(bench)["resets"][0]["subject"] == "teo"


@pytest.mark.parametrize(
    "payload",
    [
        {"per": "tenant", "capability": APPEND},
        {"per": "capability"},
        {"per": "actor", "capability": APPEND},
        {"per": "capability", "capability": APPEND, "subject": "teo"},
        {"per": "moon"},
        {"per": "owner", "capability": APPEND, "subject": "x" * 201},
    ],
)
def test_a_reset_that_names_no_bucket_is_refused(bench: Bench, payload: dict[str, str]) -> None:
    allow(bench)
    assert bench.perform("quota.reset", payload, OWNER).code is ReasonCode.INVALID_PAYLOAD


def test_the_list_says_what_is_used_and_when_it_is_free_again(bench: Bench) -> None:
    allow(bench, actor=1, cooldown_s=60)
    assert listed(bench)["rows"] == []
    use(bench)
    rows_shown = listed(bench, capability=APPEND)["rows"]
    first = {row["per"]: row for row in rows_shown}
    assert set(first) == {"actor", "owner", "capability", "tenant", "cooldown"}
    assert (first["actor"]["uses"], first["actor"]["of"]) == (1, 1)
    assert first["actor"]["freeAt"] == utc_text(NOW + WINDOW_S * SECOND)
    assert first["cooldown"]["freeAt"] == utc_text(NOW + 60 * SECOND)
    assert first["capability"]["freeAt"] is None
    assert [row["freeAt"] is None for row in rows_shown] == [False, False, True, True, True]
    bench.pass_time(WINDOW_S * SECOND)
    assert listed(bench, capability=APPEND)["rows"] == []
    assert bench.perform("quota.reset", {"per": "tenant"}, VIEWER).code is ReasonCode.ROLE_REQUIRED


def test_a_local_capability_is_counted_only_when_it_was_done(bench: Bench) -> None:
    allow(bench, "killswitch.engage", actor=1)
    wrong = bench.perform("killswitch.engage", {"scope": "connector"}, EDITOR)
    assert wrong.code is ReasonCode.INVALID_PAYLOAD
    assert bench.perform("killswitch.engage", {"scope": "tenant"}, EDITOR, key="once").outcome == "on"
    assert bench.perform("killswitch.engage", {"scope": "tenant"}, EDITOR, key="once").repeated
    other = {"scope": "connector", "target": "functions"}
    assert bench.perform("killswitch.engage", other, EDITOR).code is ReasonCode.RATE_LIMITED
    assert bench.perform("killswitch.engage", other, OWNER).outcome == "on"
    assert [s.entry.data["quota"]["actor"] for s in bench.entries(kind="quota.used")] == ["teo", "imke"]


def story(bench: Bench) -> list[Fact]:
    def read(conn: Any) -> list[Fact]:
        log = find_log(conn, "a")
        assert log is not None
        return list(facts(conn, log, 0, 1 << 30))

    return bench.databases.brain.reading(read)


def test_a_use_that_was_let_through_is_found_when_the_log_is_judged(bench: Bench) -> None:
    allow(bench, actor=1)
    use(bench)
    bench.pass_time(WINDOW_S * SECOND)
    use(bench)
    entries = story(bench)
    in_order = Admissions()
    assert [what for fact in entries for what in in_order.see(fact)] == []
    second = [n for n, fact in enumerate(entries) if fact.kind == "execution.started"][1]
    early = replace_fact(entries[second], entries[second].at_ms - 1)
    admitted = Admissions()
    found = [(n, what) for n, fact in enumerate([*entries[:second], early]) for what in admitted.see(fact)]
    assert found == [(second, f"more than 1 uses per actor within {WINDOW_S} s")]
    conduct = judge([*entries[:second], early], [])
    assert (second, f"more than 1 uses per actor within {WINDOW_S} s") in conduct.faults


def replace_fact(fact: Fact, at_ms: int) -> Fact:
    from msgspec.structs import replace as with_fields

    return with_fields(fact, at_ms=at_ms)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("use"), st.sampled_from(["ada", "bo"]), st.sampled_from(["x", "y"])),
        st.tuples(st.just("live"), st.integers(1, 400), st.just("")),
        st.tuples(st.just("jump"), st.integers(-4_000, 4_000), st.just("")),
        st.tuples(st.just("reset"), st.sampled_from(["ada", "bo"]), st.just("")),
    ),
    max_size=40,
)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_no_window_ever_holds_more_than_the_limit_and_replaying_the_log_agrees(
    steps: list[tuple[str, Any, str]],
) -> None:
    """Against true time, which only this test knows; the wall clock jumps as it likes."""
    database = memory_database("brain")
    migrate(database)
    clock = Hands()
    machine = Machine(clock)
    quotas = Quotas(clock, machine)
    writer = Writer(Sequencer(database, KEY, "practice/x", rows.apply, clock, Uuid7Source(clock)))
    base = Registry((gateway_manifest.MANIFEST, studio.MANIFEST), OPERATIONS).capabilities[APPEND]
    limited = replace(base, limits=(Limit(Per.ACTOR, 2, 300), Limit(Per.TENANT, 3, 500)), cooldown_s=100)
    true_s, past = 0, []  # (true seconds, actor, target) since the actor's last reset, and all
    resets = {"ada": -1, "bo": -1}

    def work(unit: Unit, actor: str, target: str) -> None:
        quota = quotas.admit(unit, limited, actor, actor, target)
        unit.append(event("quota.used", actor, target, quota))

    for step, first, second in steps:
        if step == "live":
            machine.live(first * SECOND)
            true_s += first
        elif step == "jump":
            clock.ms += first * SECOND
        elif step == "reset":
            bucket = {"capability": APPEND, "per": "actor", "subject": first}
            writer.submit(
                "a", lambda unit, b=bucket: unit.append(event("quota.reset", "imke", "", {"bucket": b}))
            ).result()
            resets[first] = len(past)
        else:
            mine = [t for n, (t, actor, _) in enumerate(past) if actor == first and n >= resets[first]]
            expected = (
                sum(true_s - t < 300 for t in mine) < 2
                and sum(true_s - t < 500 for t, _, _ in past) < 3
                and not any(true_s - t < 100 for t, _, target in past if target == second)
            )
            done = writer.submit("a", lambda unit, a=first, t=second: work(unit, a, t))
            refusal = done.exception()
            assert refusal is None or (isinstance(refusal, Refusal) and refusal.code is ReasonCode.RATE_LIMITED)
            assert (refusal is None) == expected
            if refusal is None:
                past.append((true_s, first, second))
    writer.close()

    def replayed(conn: Any) -> list[str]:
        log, judged = find_log(conn, "a"), Admissions()
        return [] if log is None else [what for fact in facts(conn, log, 0, 1 << 30) for what in judged.see(fact)]

    assert database.reading(replayed) == []


def event(kind: str, actor: str, target: str, more: dict[str, Any]) -> Any:
    from studio_brain.evidence.entry import ActorRef, Event

    data = {
        "capabilityId": APPEND, "target": target, "proposalId": None, "rationale": WHY, "approvalState": "used",
        "inputHash": "sha256:" + "0" * 64, "outputHash": None, "requestId": f"r{id(more)}", "reasonCode": None, **more,
    }  # fmt: skip
    return Event(kind, "quota:x", ActorRef(ActorType.STAFF.value, actor, "test"), "corr", data, None)
