"""A sealed log made from a seed: the same seed gives the same entries, seals, checkpoints and signatures.

What the sequencer takes as arguments (clock, ids, randomness, key) is seeded here. `Sealed` also keeps what the log
was when it was made, as the truth that campaigns compare with.
"""

import itertools
import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from studio_brain.evidence.entry import ActorRef, Event
from studio_brain.evidence.erasure import ERASED, STREAM, destroy_payload
from studio_brain.evidence.log import Appended, LogRow, find_log
from studio_brain.evidence.merkle import Frontier
from studio_brain.evidence.note import VerifierKey
from studio_brain.evidence.reader import LogReader
from studio_brain.evidence.tables import place
from studio_brain.kernel.hashing import to_text
from studio_brain.store.database import Database, sqlite_database
from studio_brain.store.migrate import migrate
from studio_brain.store.sequencer import Committed, Sequencer, Unit
from tests.evidence.keys import TestKey

TENANT = "studio"
PREFIX = "practice/x"
KEY = TestKey()
START_MS = 1_795_000_000_000


class SeededClock:
    """Moves by a few milliseconds at each look, and now and then backwards."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._ms = START_MS

    def now_ms(self) -> int:
        self._ms += self._rng.choice((0, 1, 1, 2, 40, -7))
        return self._ms

    def monotonic(self) -> float:
        return self._ms / 1000


class SeededIds:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def uuid7(self) -> uuid.UUID:
        return uuid.UUID(bytes=self._rng.randbytes(16), version=4)


def verifier(tenant: str = TENANT, epoch: int = 1) -> VerifierKey:
    return VerifierKey(f"{PREFIX}/{tenant}/{epoch}", KEY.public_key)


def new_sequencer(database: Database, seed: int) -> Sequencer:
    rng = random.Random(seed)
    return Sequencer(database, KEY, PREFIX, lambda *_: None, SeededClock(rng), SeededIds(rng), rng.randbytes)


def event(rng: random.Random, number: int) -> Event:
    """One of nine streams; one in five carries a payload; sizes from small to some kilobytes."""
    payload = rng.randbytes(rng.randrange(1, 300)) if rng.random() < 0.2 else None
    text = "glaze" * rng.choice((1, 1, 1, 8, 300))
    actor = ActorRef("staff", f"u{number % 3}", "simulation")
    return Event("test.happened", f"s:{rng.randrange(9)}", actor, "c", {"n": number, "text": text}, payload)


def erase(unit: Unit, of: Appended) -> Appended:
    """Erases a payload as the product does: what is left of it goes with the entry that says so."""
    destroy_payload(unit.conn, place(of.receipt.log_id, of.receipt.seq))
    commitment = of.entry.payload
    assert commitment is not None
    said = {
        "index": of.receipt.seq,
        "seal": to_text(of.receipt.seal),
        "erasedKind": of.entry.kind,
        "payloadSha256": to_text(commitment.sha256),
    }
    return unit.append(Event(ERASED, STREAM, ActorRef("staff", "u0", "simulation"), "c", said))


@dataclass(frozen=True)
class Sealed:
    """A log at rest. `bodies` and `seals` by index; `sizes` are those of its signed checkpoints."""

    path: Path
    log: LogRow
    bodies: tuple[bytes, ...]
    seals: tuple[bytes, ...]
    sizes: tuple[int, ...]

    def root(self, size: int) -> bytes:
        frontier = Frontier()
        for seal in self.seals[:size]:
            frontier.append(seal)
        return frontier.root()

    def group_of(self, index: int) -> tuple[int, int]:
        """The entries [first, end) that committed together with this one."""
        end = next(size for size in self.sizes if size > index)
        return max([size for size in self.sizes if size <= index], default=0), end


def seal_log(folder: Path, seed: int, size: int, groups: int, *, name: str = "brain.db") -> Sealed:
    """Writes a log of `size` entries in `groups` commits, beside another tenant's, and closes the file."""
    rng = random.Random(seed)
    path = folder / name
    database = sqlite_database("brain", path)
    migrate(database)
    sequencer = new_sequencer(database, rng.randrange(1 << 30))
    cuts = [0, *sorted(rng.sample(range(1, size), groups - 1)), size]
    erasable: list[Appended] = []
    for first, end in itertools.pairwise(cuts):
        work = partial(_append, rng=rng, numbers=range(first, end), erasable=erasable, erasing=first < size // 3)
        result = sequencer.run([(TENANT, work), ("other", lambda unit: unit.append(event(rng, 0)).receipt)])[0]
        assert isinstance(result, Committed), result
        erasable += result.value
    found = database.reading(lambda conn: _seen(conn, path))
    database.close()
    return found


def _append(unit: Unit, rng: random.Random, numbers: range, erasable: list[Appended], erasing: bool) -> list[Appended]:
    """Entries of one group, an erasure among them now and then. Returns those whose payload can be erased later."""
    fresh = []
    for number in numbers:
        if erasing and erasable and rng.random() < 0.05:
            erase(unit, erasable.pop(rng.randrange(len(erasable))))
            continue
        appended = unit.append(event(rng, number))
        if appended.payload is not None:
            fresh.append(appended)
    return fresh


def _seen(conn: Connection, path: Path) -> Sealed:
    log = find_log(conn, TENANT)
    assert log is not None
    entries = [stored.entry for stored in LogReader(conn, log).entries()]
    sizes = conn.exec_driver_sql(f"SELECT size FROM checkpoint WHERE log_id = {log.log_id} ORDER BY size")
    return Sealed(
        path, log, tuple(e.body for e in entries), tuple(e.seal for e in entries), tuple(row[0] for row in sizes)
    )


@contextmanager
def opened(path: Path) -> Iterator[Database]:
    database = sqlite_database("brain", path)
    try:
        yield database
    finally:
        database.close()
