"""Verification starts from the stored bytes: whatever is edited is found, and the first bad entry is named."""

import itertools
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from studio_brain.evidence import tables
from studio_brain.evidence.entry import ActorRef, Event
from studio_brain.evidence.log import find_log
from studio_brain.evidence.note import VerifierKey
from studio_brain.evidence.verify import Tampered, Verified, verify_log
from studio_brain.kernel.clock import SystemClock
from studio_brain.kernel.ids import Uuid7Source
from studio_brain.store.database import open_databases
from studio_brain.store.migrate import migrate
from studio_brain.store.sequencer import Sequencer, Unit
from tests.evidence.keys import TestKey

SIZE = 300
KEY = TestKey()


@pytest.fixture(scope="module")
def sealed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose log holds 300 entries in 40 group commits, some with payloads."""
    home = tmp_path_factory.mktemp("sealed")
    databases = open_databases(home)
    migrate(databases.brain)
    clock = SystemClock()
    sequencer = Sequencer(databases.brain, KEY, "practice/x", lambda *_: None, clock, Uuid7Source(clock))
    rng = random.Random(5)

    def work(first: int, end: int) -> Callable[[Unit], None]:
        def append(unit: Unit) -> None:
            for n in range(first, end):
                payload = b"personal %d" % n if n % 5 == 0 else None
                actor = ActorRef("staff", "u1", "test")
                unit.append(Event("test.happened", f"s:{n % 9}", actor, "c", {"n": n}, payload))

        return append

    cuts = [0, *sorted(rng.sample(range(1, SIZE), 39)), SIZE]
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


def verify(home: Path) -> Verified:
    databases = open_databases(home)
    try:
        log = databases.brain.reading(lambda conn: find_log(conn, "studio"))
        key = VerifierKey("practice/x/studio/1", KEY.public_key)
        return databases.brain.reading(lambda conn: verify_log(conn, log, key))
    finally:
        databases.close()


def edited(home: Path, target: Path, edit: Callable[[sqlite3.Connection], object]) -> Path:
    shutil.copytree(home, target)
    conn = sqlite3.connect(target / "brain.db")
    edit(conn)
    conn.commit()
    conn.close()
    return target


def place(seq: int) -> int:
    return tables.place(1, seq)


def test_an_untouched_log_verifies_and_says_what_was_checked(sealed_home: Path) -> None:
    found = verify(sealed_home)
    assert (found.size, found.checkpoints, found.payloads, found.erased) == (SIZE, 40, 60, 0)


def flip(conn: sqlite3.Connection, seq: int, rng: random.Random) -> None:
    body = bytearray(conn.execute("SELECT body FROM entry WHERE place=?", (place(seq),)).fetchone()[0])
    body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
    conn.execute("UPDATE entry SET body=? WHERE place=?", (bytes(body), place(seq)))


def test_every_flipped_bit_of_a_body_names_its_entry(sealed_home: Path, tmp_path: Path) -> None:
    rng = random.Random(11)
    for turn in range(25):
        seq = rng.randrange(SIZE)
        home = edited(sealed_home, tmp_path / str(turn), lambda conn, seq=seq: flip(conn, seq, rng))
        with pytest.raises(Tampered) as caught:
            verify(home)
        assert caught.value.index == seq
        shutil.rmtree(home)


def swap(conn: sqlite3.Connection) -> None:
    rows = {s: conn.execute("SELECT seal, body FROM entry WHERE place=?", (place(s),)).fetchone() for s in (20, 21)}
    for seq, other in ((20, 21), (21, 20)):
        conn.execute("UPDATE entry SET seal=?, body=? WHERE place=?", (*rows[other], place(seq)))


def reseal(conn: sqlite3.Connection) -> None:
    """An edit with a seal that fits: only the tree can tell."""
    body = conn.execute("SELECT body FROM entry WHERE place=?", (place(40),)).fetchone()[0]
    forged = body.replace(b'"n":40', b'"n":41')
    from studio_brain.evidence.merkle import leaf_hash

    conn.execute("UPDATE entry SET body=?, seal=? WHERE place=?", (forged, leaf_hash(forged), place(40)))


@pytest.mark.parametrize(
    ("edit", "at_most"),
    [
        (f"DELETE FROM entry WHERE place={place(100)}", 100),
        (f"DELETE FROM entry WHERE place>={place(SIZE - 1)}", SIZE - 1),
        (swap, 20),
        (reseal, 255),
        (f"UPDATE entry SET kind='other.kind' WHERE place={place(7)}", 7),
        (f"UPDATE entry SET at_ms=at_ms+1 WHERE place={place(8)}", 8),
        (f"UPDATE entry SET seal=zeroblob(32) WHERE place={place(9)}", 9),
        (f"UPDATE entry SET stream_id=99 WHERE place={place(10)}", 10),
        ("UPDATE tile SET hashes=zeroblob(8192)", 0),
        ("UPDATE tile SET root=zeroblob(32)", 255),
        ("DELETE FROM tile", 255),
        (f"UPDATE checkpoint SET note=replace(note,'practice','practise') WHERE size={SIZE}", SIZE - 1),
        (f"DELETE FROM checkpoint WHERE size={SIZE}", SIZE - 1),
        ("UPDATE head SET size=size-1", None),
        ("UPDATE head SET roots=zeroblob(length(roots))", None),
        (f"DELETE FROM payload WHERE place={place(15)}", 15),
        (f"UPDATE payload SET sealed=zeroblob(60) WHERE place={place(25)}", 25),
        (f"UPDATE payload SET salt=zeroblob(32) WHERE place={place(30)}", 30),
        (f"DELETE FROM payload_key WHERE place={place(35)}", 35),
    ],
)
def test_each_kind_of_edit_is_found(
    sealed_home: Path, tmp_path: Path, edit: str | Callable[[sqlite3.Connection], None], at_most: int | None
) -> None:
    run = edit if callable(edit) else lambda conn: conn.execute(edit)
    home = edited(sealed_home, tmp_path / "edited", run)
    with pytest.raises(Tampered) as caught:
        verify(home)
    if at_most is None:
        assert caught.value.index is None
    else:
        assert caught.value.index is not None
        assert caught.value.index <= at_most


def test_any_byte_of_the_file_that_holds_entries_is_noticed(sealed_home: Path, tmp_path: Path) -> None:
    """Flips bytes of the file itself, wherever an entry's body lies: the entry is named."""
    data = (sealed_home / "brain.db").read_bytes()
    conn = sqlite3.connect(sealed_home / "brain.db")
    bodies = {
        seq: conn.execute("SELECT body FROM entry WHERE place=?", (place(seq),)).fetchone()[0] for seq in (3, 150, 299)
    }
    conn.close()
    for seq, body in bodies.items():
        target = tmp_path / f"byte{seq}"
        shutil.copytree(sealed_home, target)
        at = data.index(bytes(body)) + len(body) // 2
        (target / "brain.db").write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
        with pytest.raises(Tampered) as caught:
            verify(target)
        assert caught.value.index == seq


def test_a_page_that_cannot_be_read_names_its_first_entry(sealed_home: Path, tmp_path: Path) -> None:
    data = (sealed_home / "brain.db").read_bytes()
    conn = sqlite3.connect(sealed_home / "brain.db")
    body = bytes(conn.execute("SELECT body FROM entry WHERE place=?", (place(200),)).fetchone()[0])
    conn.close()
    target = tmp_path / "torn"
    shutil.copytree(sealed_home, target)
    page = 8192
    start = data.index(body) // page * page
    (target / "brain.db").write_bytes(data[:start] + b"\xff" * page + data[start + page :])
    with pytest.raises(Tampered) as caught:
        verify(target)
    assert caught.value.index is not None
    assert 180 <= caught.value.index <= 200
