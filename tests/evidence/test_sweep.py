"""A sweep says of every index what it is; whatever is edited shows in its range map, and nothing else does."""

import itertools
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio_brain.evidence import tables
from studio_brain.evidence.anchor import Anchor
from studio_brain.evidence.closing import close, root_at
from studio_brain.evidence.entry import ActorRef, Event
from studio_brain.evidence.erasure import ERASED, destroy_payload
from studio_brain.evidence.forms import Forms
from studio_brain.evidence.log import find_log
from studio_brain.evidence.merkle import leaf_hash
from studio_brain.evidence.note import VerifierKey
from studio_brain.evidence.ranges import Ranges, draw
from studio_brain.evidence.scan import Streams
from studio_brain.evidence.sweep import Base, LogSweep, begin, from_json, root_of, step, to_json, whole
from studio_brain.kernel.clock import SystemClock
from studio_brain.kernel.hashing import to_text
from studio_brain.kernel.ids import Uuid7Source
from studio_brain.store.database import Databases, open_databases
from studio_brain.store.migrate import migrate
from studio_brain.store.sequencer import Sequencer, Unit
from tests.evidence.keys import TestKey

SIZE = 700
ERASED_AT = 690
"""The entry that says that the payload of entry 10 was erased."""
KEY = TestKey()
ORIGIN = "practice/x/studio/1"
VERIFIER = VerifierKey(ORIGIN, KEY.public_key)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose log holds 700 entries in 60 group commits over 9 streams, every fifth with a payload, one erased."""
    home = tmp_path_factory.mktemp("sealed")
    databases = open_databases(home)
    migrate(databases.brain)
    clock = SystemClock()
    sequencer = Sequencer(databases.brain, KEY, "practice/x", lambda *_: None, clock, Uuid7Source(clock))
    rng = random.Random(5)
    actor = ActorRef("staff", "u1", "test")

    def work(first: int, end: int) -> Callable[[Unit], None]:
        def append(unit: Unit) -> None:
            for n in range(first, end):
                if n == ERASED_AT:
                    body = unit.conn.exec_driver_sql(f"SELECT body FROM entry WHERE place = {place(10)}").scalar_one()
                    sha256 = body[body.index(b'"sha256":"') + 10 :][:71].decode()
                    destroy_payload(unit.conn, place(10))
                    said = {"index": 10, "seal": to_text(leaf_hash(body)), "payloadSha256": sha256}
                    unit.append(Event(ERASED, "erasures", actor, "c", said))
                    continue
                payload = b"personal %d" % n if n % 5 == 0 else None
                unit.append(Event("test.happened", f"s:{n % 9}", actor, "c", {"n": n, "text": "é" * (n % 3)}, payload))

        return append

    cuts = sorted({0, ERASED_AT, ERASED_AT + 1, SIZE - 1, *rng.sample(range(1, SIZE), 56), SIZE})
    for first, end in itertools.pairwise(cuts):
        sequencer.run([("studio", work(first, end))])
    databases.close()
    conn = sqlite3.connect(home / "brain.db")
    for name in ("entry", "tile", "checkpoint"):
        for verb in ("update", "delete"):
            conn.execute(f"DROP TRIGGER {name}_refuses_{verb}")
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.commit()
    conn.close()
    return home


@pytest.fixture
def edited(sealed: Path, tmp_path: Path) -> Callable[[Callable[[sqlite3.Connection], object]], Path]:
    numbers = itertools.count()

    def make(edit: Callable[[sqlite3.Connection], object]) -> Path:
        home = tmp_path / str(next(numbers))
        shutil.copytree(sealed, home)
        conn = sqlite3.connect(home / "brain.db")
        edit(conn)
        conn.commit()
        conn.close()
        return home

    return make


def place(seq: int) -> int:
    return tables.place(1, seq)


def sweep(home: Path, base: Base | None = None, anchors: tuple[Anchor, ...] = (), *, deep: bool = True) -> LogSweep:
    databases = open_databases(home)
    try:

        def work(conn):  # type: ignore[no-untyped-def]
            found = whole(conn, find_log(conn, "studio"), VERIFIER, base, deep=deep)
            close(conn, found, anchors)
            return found

        return databases.brain.reading(work)
    finally:
        databases.close()


def cuts_of(home: Path) -> list[int]:
    conn = sqlite3.connect(home / "brain.db")
    found = [row[0] for row in conn.execute("SELECT size FROM checkpoint ORDER BY size")]
    conn.close()
    return found


def bad(found: LogSweep) -> set[int]:
    return {i for first, end, state in found.map() if state in ("altered", "missing") for i in range(first, end)}


def test_an_untouched_log_is_ok_from_end_to_end(sealed: Path) -> None:
    found = sweep(sealed)
    assert found.ok, found.findings
    assert found.map() == [(0, 10, "ok"), (10, 11, "erased"), (11, SIZE, "ok")]
    assert (found.checkpoints, found.payloads, root_of(found)) == (len(cuts_of(sealed)), 138, found.root)
    assert sweep(sealed, deep=False).ok


def test_an_empty_log_is_ok(tmp_path: Path) -> None:
    databases = open_databases(tmp_path)
    migrate(databases.brain)
    clock = SystemClock()
    sequencer = Sequencer(databases.brain, KEY, "practice/x", lambda *_: None, clock, Uuid7Source(clock))
    event = Event("test.happened", "s", ActorRef("staff", "u", "t"), "c", {})
    sequencer.run([("studio", lambda unit: unit.append(event))])
    databases.close()
    assert sweep(tmp_path).map() == [(0, 1, "ok")]


def body_of(conn: sqlite3.Connection, seq: int) -> bytes:
    return bytes(conn.execute("SELECT body FROM entry WHERE place=?", (place(seq),)).fetchone()[0])


def flip(seq: int, bit: int) -> Callable[[sqlite3.Connection], object]:
    def edit(conn: sqlite3.Connection) -> None:
        body = bytearray(body_of(conn, seq))
        body[bit // 8 % len(body)] ^= 1 << bit % 8
        conn.execute("UPDATE entry SET body=? WHERE place=?", (bytes(body), place(seq)))

    return edit


def reseal(seq: int) -> Callable[[sqlite3.Connection], object]:
    """An edit with a seal that fits: only the tree can tell."""

    def edit(conn: sqlite3.Connection) -> None:
        forged = body_of(conn, seq).replace(b'"corr":"c"', b'"corr":"d"')
        conn.execute("UPDATE entry SET body=?, seal=? WHERE place=?", (forged, leaf_hash(forged), place(seq)))

    return edit


def sql(*statements: str) -> Callable[[sqlite3.Connection], object]:
    return lambda conn: [conn.execute(statement) for statement in statements]


def delete(first: int, end: int) -> Callable[[sqlite3.Connection], object]:
    return sql(f"DELETE FROM entry WHERE place >= {place(first)} AND place < {place(end)}")


@pytest.mark.parametrize("seq", [0, 255, 512, SIZE - 1])
@pytest.mark.parametrize("kind", ["flip", "seal", "reseal", "delete", "kind", "at_ms", "id"])
def test_one_edited_entry_is_named_and_no_other(edited, seq: int, kind: str) -> None:  # type: ignore[no-untyped-def]
    edits = {
        "flip": flip(seq, 77 * (seq + 1)),
        "seal": sql(f"UPDATE entry SET seal = zeroblob(32) WHERE place = {place(seq)}"),
        "reseal": reseal(seq),
        "delete": delete(seq, seq + 1),
        "kind": sql(f"UPDATE entry SET kind = 'other.kind' WHERE place = {place(seq)}"),
        "at_ms": sql(f"UPDATE entry SET at_ms = at_ms + 1 WHERE place = {place(seq)}"),
        "id": sql(f"UPDATE entry SET id = randomblob(16) WHERE place = {place(seq)}"),
    }
    found = sweep(edited(edits[kind]))
    assert bad(found) == {seq}, found.findings
    assert found.first_bad() == seq
    assert next(state for first, _, state in found.map() if first == seq) == (
        "missing" if kind == "delete" else "altered"
    )


@pytest.mark.parametrize(
    ("edit", "indexes"),
    [
        (sql("UPDATE tile SET hashes = zeroblob(8192) WHERE idx = 1"), range(256, 512)),
        (sql("UPDATE tile SET root = zeroblob(32) WHERE idx = 1"), [511]),
        (sql("DELETE FROM tile WHERE idx = 0"), [255]),
        (sql("UPDATE tile SET hashes = zeroblob(8192), root = zeroblob(32) WHERE idx = 0"), range(256)),
        (sql(f"DELETE FROM payload WHERE place = {place(15)}"), [15]),
        (sql(f"DELETE FROM payload_key WHERE place = {place(400)}"), [400]),
        (sql(f"UPDATE payload SET sealed = zeroblob(60) WHERE place = {place(25)}"), [25]),
        (sql(f"UPDATE payload SET salt = zeroblob(32) WHERE place = {place(30)}"), [30]),
        (sql(f"INSERT INTO payload VALUES ({place(31)}, zeroblob(32), zeroblob(60))"), [31]),
        (sql(f"UPDATE entry SET stream_id = 99 WHERE place = {place(50)}"), [50]),
        (sql(f"UPDATE checkpoint SET note = replace(note, 'practice', 'practise') WHERE size = {SIZE}"), [SIZE - 1]),
        (sql(f"DELETE FROM checkpoint WHERE size = {SIZE}"), [SIZE - 1]),
        (delete(300, 320), range(300, 320)),
        (delete(690, 700), [10, *range(690, 700)]),
        (sql("UPDATE head SET size = size + 5"), range(700, 705)),
        (sql("UPDATE entry SET seal = zeroblob(32)"), range(SIZE)),
        (lambda conn: [edit(conn) for edit in (flip(3, 900), delete(300, 301), reseal(550), flip(693, 5))],
         [3, 300, 550, 693]),
    ],
)  # fmt: skip
def test_each_kind_of_damage_has_its_range(edited, edit, indexes) -> None:  # type: ignore[no-untyped-def]
    found = sweep(edited(edit))
    assert bad(found) == set(indexes), found.findings
    assert found.first_bad() == min(indexes)


@pytest.mark.parametrize("edit", ["UPDATE head SET size = size - 1", "UPDATE head SET roots = zeroblob(length(roots))"])
def test_a_head_that_names_something_else_is_found_outside_the_entries(edited, edit: str) -> None:  # type: ignore[no-untyped-def]
    found = sweep(edited(sql(edit)))
    assert not found.ok
    assert (found.first_bad(), bad(found)) == (None, set())


def test_what_no_copy_of_a_hash_can_settle_is_said_to_be_altered_since_the_last_checkpoint(edited) -> None:  # type: ignore[no-untyped-def]
    """In the unfinished tile, without a later entry of its stream, nothing else remembers what an entry was."""
    for edit in (reseal(695), delete(695, 696)):
        home = edited(edit)
        found = sweep(home)
        low = max(cut for cut in cuts_of(home) if cut <= 695)
        assert bad(found) == set(range(low, SIZE))


def test_swapped_entries_are_both_named(edited) -> None:  # type: ignore[no-untyped-def]
    def swap(conn: sqlite3.Connection) -> None:
        two = {s: conn.execute("SELECT seal, body FROM entry WHERE place=?", (place(s),)).fetchone() for s in (20, 21)}
        for seq, other in ((20, 21), (21, 20)):
            conn.execute("UPDATE entry SET seal=?, body=? WHERE place=?", (*two[other], place(seq)))

    assert bad(sweep(edited(swap))) == {20, 21}


def test_a_torn_page_is_named_and_what_can_be_read_is_still_looked_at(sealed: Path, edited) -> None:  # type: ignore[no-untyped-def]
    home = edited(lambda conn: None)
    conn = sqlite3.connect(home / "brain.db")
    body = body_of(conn, 200)
    conn.close()
    data = (home / "brain.db").read_bytes()
    start = data.index(body) // 8192 * 8192
    (home / "brain.db").write_bytes(data[:start] + b"\xff" * 8192 + data[start + 8192 :])
    found = sweep(home)
    assert 200 in bad(found)
    assert 180 <= (found.first_bad() or 0) <= 200
    assert len(bad(found)) < 60
    assert any("cannot read" in finding.what for finding in found.findings)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["flip", "seal", "delete", "tile"]), st.integers(0, SIZE - 1), st.integers(0, 4000)),
        min_size=1,
        max_size=4,
        unique_by=lambda edit: edit[1],
    )
)
def test_a_naive_comparison_with_the_untouched_log_agrees(sealed: Path, tmp_path_factory, edits) -> None:  # type: ignore[no-untyped-def]
    home = tmp_path_factory.mktemp("oracle") / "home"
    shutil.copytree(sealed, home)
    conn = sqlite3.connect(home / "brain.db")
    for kind, seq, bit in edits:
        if kind == "flip":
            flip(seq, bit)(conn)
        elif kind == "seal":
            conn.execute("UPDATE entry SET seal = randomblob(32) WHERE place = ?", (place(seq),))
        elif kind == "delete":
            delete(seq, seq + 1)(conn)
        elif seq < 512:
            hashes = bytearray(conn.execute("SELECT hashes FROM tile WHERE idx = ?", (seq // 256,)).fetchone()[0])
            hashes[seq % 256 * 32] ^= 1
            conn.execute("UPDATE tile SET hashes = ? WHERE idx = ?", (bytes(hashes), seq // 256))
    conn.commit()
    differ = differences(sealed, conn)
    conn.close()
    found = sweep(home)
    shutil.rmtree(home)
    assert (found.first_bad() is None) == (not differ)
    if differ:
        assert found.first_bad() is not None
        assert found.first_bad() <= min(differ)
        assert differ <= bad(found)
        if max(differ) < 512:  # every tile is full: exactly those
            assert bad(found) == differ, found.findings


def differences(sealed: Path, conn: sqlite3.Connection) -> set[int]:
    """The oracle: every row and every hash of a tile, compared with the untouched file."""
    original = sqlite3.connect(sealed / "brain.db")
    query = "SELECT place, seal, body, id, kind, stream_id, pos, at_ms FROM entry"
    before, after = ({row[0]: row for row in c.execute(query)} for c in (original, conn))
    found = {tables.seq_of(at) for at in before if before[at] != after.get(at)}
    for idx, hashes in original.execute("SELECT idx, hashes FROM tile WHERE level = 0"):
        other = conn.execute("SELECT hashes FROM tile WHERE level = 0 AND idx = ?", (idx,)).fetchone()[0]
        found |= {idx * 256 + i for i in range(256) if hashes[32 * i : 32 * i + 32] != other[32 * i : 32 * i + 32]}
    original.close()
    return found


def test_a_tail_cut_off_with_its_checkpoints_shows_only_against_an_anchor(sealed: Path, edited) -> None:  # type: ignore[no-untyped-def]
    full = sweep(sealed)
    anchor = Anchor(ORIGIN, SIZE, root_of(full), "second folder", 0)
    cut = cuts_of(sealed)[-8]

    def edit(conn: sqlite3.Connection) -> None:
        databases = open_databases(sealed)
        roots = databases.brain.reading(lambda c: roots_at(c, cut))
        databases.close()
        conn.execute("DELETE FROM entry WHERE place >= ?", (place(cut),))
        conn.execute("DELETE FROM checkpoint WHERE size > ?", (cut,))
        conn.execute("UPDATE head SET size = ?, roots = ?", (cut, roots))
        conn.execute("INSERT OR IGNORE INTO payload SELECT place, zeroblob(32), zeroblob(60) FROM payload WHERE 0")
        conn.execute("DELETE FROM payload WHERE place >= ?", (place(cut),))

    home = edited(edit)
    alone = sweep(home)
    assert bad(alone) <= {10}  # but for the erasure that was in the tail
    told = sweep(home, anchors=(anchor,))
    assert set(range(cut, SIZE)) <= bad(told)
    assert (cut, SIZE, "missing") in told.map()


def roots_at(conn, size: int) -> bytes:  # type: ignore[no-untyped-def]
    from studio_brain.evidence.merkle import Frontier

    frontier = Frontier()
    for (seal,) in conn.exec_driver_sql(f"SELECT seal FROM entry WHERE place < {place(size)} ORDER BY place"):
        frontier.append(bytes(seal))
    return frontier.to_bytes()


def test_another_history_shows_against_an_anchor_and_the_right_one_does_not(sealed: Path) -> None:
    databases = open_databases(sealed)
    log = databases.brain.reading(lambda conn: find_log(conn, "studio"))
    found = databases.brain.reading(lambda conn: whole(conn, log, VERIFIER))
    good = databases.brain.reading(
        lambda conn: [Anchor(ORIGIN, n, root_at(conn, found, n) or b"", "pin", 0) for n in (1, 255, 256, 300, SIZE)]
    )
    seen = databases.brain.reading(lambda conn: close(conn, found, good))
    databases.close()
    assert found.ok
    assert all(item.holds for item in seen)
    told = sweep(sealed, anchors=(*good[:3], Anchor(ORIGIN, 300, b"\x01" * 32, "vault", 0)))
    assert told.map()[-2:] == [(256, 300, "altered"), (300, SIZE, "ok")]


@pytest.mark.parametrize("edit", [None, flip(650, 99), delete(600, 610), reseal(699)])
@pytest.mark.parametrize("at", [255, 520])
def test_from_a_checkpoint_on_the_verdict_is_that_of_a_full_sweep(sealed: Path, edited, edit, at: int) -> None:  # type: ignore[no-untyped-def]
    size = next(cut for cut in cuts_of(sealed) if cut >= at)
    databases = open_databases(sealed)
    whole_one = sweep(sealed)
    root = databases.brain.reading(lambda conn: root_at(conn, whole_one, size)) or b""
    databases.close()
    home = edited(edit or (lambda conn: None))
    base = Base(size, root, 0, size)
    full, incremental = sweep(home), sweep(home, base)
    assert incremental.base == base
    assert incremental.first == size // 256 * 256
    assert incremental.ok == full.ok
    assert incremental.first_bad() == full.first_bad()
    assert bad(incremental) == bad(full)
    assert root_of(incremental) == root_of(full)
    if incremental.first:
        assert incremental.map()[0] == (0, incremental.first, "unswept")


def test_a_checkpoint_that_does_not_hold_any_more_is_no_place_to_begin(sealed: Path, edited) -> None:  # type: ignore[no-untyped-def]
    size = next(cut for cut in cuts_of(sealed) if cut >= 300)
    assert sweep(sealed, Base(size, b"\x01" * 32, 0, size)).first == 0
    databases = open_databases(sealed)
    whole_one = sweep(sealed)
    root = databases.brain.reading(lambda conn: root_at(conn, whole_one, size)) or b""
    databases.close()
    base = Base(size, root, 0, size)
    assert sweep(edited(sql(f"DELETE FROM checkpoint WHERE size = {size}")), base).first == 0
    for edit in (
        "DELETE FROM tile WHERE idx = 0",
        "UPDATE tile SET root = zeroblob(32) WHERE idx = 0",
        f"UPDATE entry SET seal = zeroblob(32) WHERE place = {place(size - 1)}",
    ):
        found = sweep(edited(sql(edit)), base)
        assert (found.first, found.base) == (0, None)
        assert not found.ok


@pytest.mark.parametrize("edit", [None, flip(10, 70), delete(300, 301)])
def test_its_state_survives_between_any_two_steps(edited, edit, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    import json

    from studio_brain.evidence import sweep as module

    monkeypatch.setattr(module, "WIDTH", 256)
    home = edited(edit or (lambda conn: None))
    straight = sweep(home)
    databases = open_databases(home)
    log = databases.brain.reading(lambda conn: find_log(conn, "studio"))
    found = databases.brain.reading(lambda conn: begin(conn, log, VERIFIER))
    turns = 0
    while not found.done:
        found = from_json(log, json.loads(json.dumps(to_json(found))))
        streams, forms = Streams(log, from_the_start=found.at == 0), Forms("studio")
        databases.brain.reading(lambda conn, f=found, s=streams, t=forms: step(conn, f, VERIFIER, s, t))
        turns += 1
    databases.brain.reading(lambda conn: close(conn, found))
    databases.close()
    assert turns == 3
    assert (found.map(), found.findings, root_of(found)) == (straight.map(), straight.findings, root_of(straight))


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60))),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60))),
)
def test_ranges_behave_as_a_set(some, others) -> None:  # type: ignore[no-untyped-def]
    def both(pairs):  # type: ignore[no-untyped-def]
        ranges, plain = Ranges(), set()
        for first, end in pairs:
            ranges.add(first, end)
            plain |= set(range(first, end))
        return ranges, plain

    (a, plain_a), (b, plain_b) = both(some), both(others)
    assert {i for first, end in a for i in range(first, end)} == plain_a
    assert len(a) == len(plain_a)
    assert all((i in a) == (i in plain_a) for i in range(62))
    assert {i for first, end in a.minus(b) for i in range(first, end)} == plain_a - plain_b
    assert all(x < y for (_, x), (y, _) in itertools.pairwise(a))
    assert Ranges.from_json(a.to_json()) == a
    drawn = draw(70, [("ok", 0, 40), *(("erased", x, y) for x, y in a), *(("missing", x, y) for x, y in b)])
    by_index = {i: state for first, end, state in drawn for i in range(first, end)}
    for i in range(70):
        expected = "missing" if i in plain_b else "erased" if i in plain_a else "ok" if i < 40 else "unswept"
        assert by_index[i] == expected


def test_an_erasure_counts_only_for_the_payload_that_it_names(edited) -> None:  # type: ignore[no-untyped-def]
    found = sweep(edited(sql(f"DELETE FROM payload WHERE place = {place(20)}")))
    assert found.map()[1:4] == [(10, 11, "erased"), (11, 20, "ok"), (20, 21, "missing")]
    assert to_text(root_of(found)).startswith("sha256:")


def test_both_databases_are_swept_alike(databases: Databases) -> None:
    clock = SystemClock()
    sequencer = Sequencer(databases.brain, KEY, "practice/x", lambda *_: None, clock, Uuid7Source(clock))
    actor = ActorRef("staff", "u1", "test")

    def fill(first: int, end: int) -> None:
        events = [
            Event("test.happened", f"s:{n % 9}", actor, "c", {"n": n}, b"personal" if n % 5 == 0 else None)
            for n in range(first, end)
        ]
        sequencer.run([("studio", lambda unit: [unit.append(event) for event in events])])

    def swept(base: Base | None = None) -> LogSweep:
        def work(conn):  # type: ignore[no-untyped-def]
            found = whole(conn, find_log(conn, "studio"), VERIFIER, base)
            close(conn, found)
            return found

        return databases.brain.reading(work)

    fill(0, 300)
    first = swept()
    assert (first.ok, first.map()) == (True, [(0, 300, "ok")])
    fill(300, 310)
    second = swept(Base(300, root_of(first), 0, 300))
    assert (second.ok, second.map()) == (True, [(0, 256, "unswept"), (256, 310, "ok")]), second.findings
    with databases.brain.write.begin() as conn:
        conn.exec_driver_sql(f"UPDATE head SET size = 311 WHERE log_id = {first.log.log_id}")
    assert swept().map()[-1] == (310, 311, "missing")
