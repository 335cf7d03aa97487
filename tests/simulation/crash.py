"""The crash campaign: the power goes, or the process is killed, and what was acknowledged has to be there and provable.

*Power cut.* A writer commits group after group; after each one both files of the database are kept. Everything that
SQLite writes in between (frames of the log, a restart of the log, pages of the file at a checkpoint) lies between two
such pictures. A cut is seeded: a picture, and how much of what follows it had reached the disk. Within a commit's
frames that is any prefix of them, torn inside a frame or not, or any set of sectors, because nothing orders writes
before the commit has synced them. Within a checkpoint it is any set of pages, because the log was synced before. The
database that comes up has to be the one before the commit or the one after it, whole, and never older than what had
been acknowledged.

*Kill.* A process appends from several threads and prints every receipt that it was given; it is killed at a seeded
moment. Every printed receipt has to be in the log, at its index, with its proof.
"""

import json
import os
import random
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from studio_brain.evidence.entry import ActorRef, Event
from studio_brain.evidence.log import find_log
from studio_brain.evidence.merkle import verify_inclusion
from studio_brain.evidence.reader import LogReader
from studio_brain.evidence.verify import verify_log
from studio_brain.store.database import PAGE_SIZE, sqlite_database
from studio_brain.store.events import SqlEventStore
from studio_brain.store.migrate import migrate
from studio_brain.store.sequencer import Committed, Failed, Unit
from studio_brain.store.writer import Writer
from tests.simulation.sealed import TENANT, event, new_sequencer, opened, verifier

FRAME = PAGE_SIZE + 24
WAL_HEADER = 32
SECTOR = 512
WRITERS = 4


@dataclass
class Report:
    """What a campaign found. `kept`: after the crash the last group was there, though nobody had been told."""

    seed: int
    crashes: Counter[str] = field(default_factory=Counter)
    kept: int = 0
    acknowledged: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.faults

    def lines(self) -> list[str]:
        total = sum(self.crashes.values())
        head = (
            f"crash campaign, seed {self.seed}: {total} crashes, {self.acknowledged} acknowledged appends looked up, "
        )
        head += f"{len(self.faults)} faults; the unacknowledged last group had made it {self.kept} times"
        return [
            head,
            *(f"  {k:<44} {n:>6}" for k, n in sorted(self.crashes.items())),
            *(f"  FAULT {f}" for f in self.faults),
        ]


@dataclass(frozen=True)
class Picture:
    """Both files after a commit, and the seals of all entries acknowledged by then."""

    file: bytes
    wal: bytes
    seals: tuple[bytes, ...]


def film(folder: Path, seed: int, groups: int) -> list[Picture]:
    """Commits groups of one to forty entries and keeps a picture after each. SQLite folds its log into the file every
    few groups, so that restarts and checkpoints are on it too."""
    rng = random.Random(seed)
    path = folder / "brain.db"
    database = sqlite_database("brain", path)
    migrate(database)
    sequencer = new_sequencer(database, seed)
    seals: list[bytes] = []
    pictures = []

    def pages(unit: Unit) -> None:
        unit.conn.exec_driver_sql("PRAGMA wal_autocheckpoint=60")

    assert isinstance(sequencer.run([(TENANT, pages)])[0], Committed)
    for _ in range(groups):
        events = [event(rng, number) for number in range(rng.choice((1, 1, 1, 3, 40)))]
        result = sequencer.run([(TENANT, lambda unit, e=item: unit.append(e).receipt.seal) for item in events])
        assert not any(isinstance(r, Failed) for r in result), result
        seals += [r.value for r in result if isinstance(r, Committed)]
        pictures.append(Picture(path.read_bytes(), _bytes(Path(f"{path}-wal")), tuple(seals)))
    database.close()
    return pictures


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


# the cuts; each answers with its name, the file and its log as the disk has them


def cut(before: Picture, after: Picture, rng: random.Random) -> tuple[str, bytes, bytes]:
    if before.file != after.file and rng.random() < 0.5:
        return "while the log is folded into the file", _some_pages(before.file, after.file, rng), after.wal
    first, last = _changed(before.wal, after.wal)
    restarted = before.wal[:WAL_HEADER] != after.wal[:WAL_HEADER]
    where = "at a restart of the log" if restarted else "in the frames of a commit"
    kind = rng.randrange(3)
    if kind == 0:
        ends = [end for end in range(WAL_HEADER, len(after.wal) + 1, FRAME) if first <= end <= last]
        name, wal = f"{where}: after a frame", _prefix(before.wal, after.wal, rng.choice(ends or [first]))
    elif kind == 1:
        name, wal = f"{where}: inside a frame", _prefix(before.wal, after.wal, rng.randint(first, last))
    else:
        name, wal = f"{where}: sectors in any order", _some_sectors(before.wal, after.wal, rng)
    return name, before.file, wal


def _changed(before: bytes, after: bytes) -> tuple[int, int]:
    """Where the new log first and last differs from the old one."""
    shorter = min(len(before), len(after))
    first = next((i for i in range(0, shorter, 64) if before[i : i + 64] != after[i : i + 64]), shorter)
    if len(before) != len(after):
        return first, len(after)
    blocks = range(0, len(after), 64)
    return first, max((i + 64 for i in blocks if before[i : i + 64] != after[i : i + 64]), default=first)


def _prefix(before: bytes, after: bytes, end: int) -> bytes:
    """The first `end` bytes are written, what lies behind is as it was."""
    return after[:end] + before[end:]


def _some_sectors(before: bytes, after: bytes, rng: random.Random) -> bytes:
    share = rng.choice((0.1, 0.5, 0.9, 0.98))
    longer = max(len(before), len(after))
    before = before.ljust(longer, b"\x00")
    parts = [(after if rng.random() < share else before)[at : at + SECTOR] for at in range(0, longer, SECTOR)]
    return b"".join(parts)


def _some_pages(before: bytes, after: bytes, rng: random.Random) -> bytes:
    share = rng.random()
    longer = max(len(before), len(after))
    before = before.ljust(longer, b"\x00")
    return b"".join((after if rng.random() < share else before)[at : at + SECTOR] for at in range(0, longer, SECTOR))


def power_cuts(
    folder: Path, seed: int, count: int, report: Report, said: Callable[[str], None], groups: int = 120
) -> None:
    rng = random.Random(seed)
    home = folder / "film"
    home.mkdir()
    pictures = film(home, seed, groups)
    folding = [at for at in range(groups - 1) if pictures[at].file != pictures[at + 1].file]
    for number in range(count):
        if number % 250 == 0:
            said(f"{number} of {count} power cuts")
        at = rng.choice(folding) if rng.random() < 0.3 else rng.randrange(groups - 1)
        before, after = pictures[at], pictures[at + 1]
        name, file, wal = cut(before, after, rng)
        target = folder / "cut"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        (target / "brain.db").write_bytes(file)
        (target / "brain.db-wal").write_bytes(wal)
        report.crashes[f"power cut {name}"] += 1
        # While the log is folded its commit is long done: whoever waited for it was told.
        told = after if "folded" in name else before
        try:
            size = come_up(target / "brain.db", [before.seals, after.seals], len(told.seals), rng)
        except Exception as error:
            report.faults.append(f"power cut {number} {name}, between pictures {at} and {at + 1}: {error!r:.300}")
            continue
        report.kept += size == len(after.seals) and told is before
        report.acknowledged += len(told.seals)


def come_up(path: Path, either: list[tuple[bytes, ...]], acknowledged: int, rng: random.Random) -> int:
    """Opens what the crash left, holds it against the two states it may be in, and writes on. Returns its size."""
    with opened(path) as database:
        found = database.reading(_seals)
        assert found in either, f"{len(found)} entries, neither {len(either[0])} nor {len(either[1])}, or others"
        assert len(found) >= acknowledged, f"{len(found)} of {acknowledged} acknowledged entries"
        database.reading(_verify)
        result = new_sequencer(database, rng.randrange(1 << 30)).run(
            [(TENANT, lambda unit: unit.append(event(rng, 0)).receipt.seq)]
        )[0]
        assert isinstance(result, Committed), result
        assert result.value == len(found)
        if rng.random() < 0.1:
            database.reading(_verify)
        assert database.reading(lambda conn: conn.exec_driver_sql("PRAGMA integrity_check").scalar()) == "ok"
    return len(found)


def _seals(conn: Connection) -> tuple[bytes, ...]:
    log = find_log(conn, TENANT)
    return () if log is None else tuple(stored.entry.seal for stored in LogReader(conn, log).entries())


def _verify(conn: Connection) -> None:
    log = find_log(conn, TENANT)
    if log is not None:
        verify_log(conn, log, verifier())


# killed processes


def kills(folder: Path, seed: int, count: int, report: Report, said: Callable[[str], None]) -> None:
    """Forks a writer again and again and kills it. Needs a process without other threads."""
    rng = random.Random(seed)
    home = folder / "killed"
    home.mkdir()
    path = home / "brain.db"
    with opened(path) as database:
        migrate(database)
    known: dict[int, bytes] = {}
    for number in range(count):
        if number % 50 == 0:
            said(f"{number} of {count} kills")
            if len(known) > 3_000:
                path.unlink()
                known.clear()
                with opened(path) as database:
                    migrate(database)
        told = _one_kill(path, rng)
        known |= told
        report.crashes["kill -9 of a process that appends"] += 1
        report.acknowledged += len(told)
        try:
            with opened(path) as database:
                database.reading(lambda conn, told=told: _provable(conn, told))
                database.reading(_verify)
                seals = database.reading(_seals)
                assert all(seals[seq] == seal for seq, seal in known.items())
        except Exception as error:
            report.faults.append(f"kill {number}: {error!r:.300}")


def _one_kill(path: Path, rng: random.Random) -> dict[int, bytes]:
    """Index → seal of every receipt that the writer was given and could still print."""
    out, into = os.pipe()
    wait, life = rng.random() * 0.02, rng.randrange(1 << 30)
    child = os.fork()
    if child == 0:
        os.close(out)
        try:
            append_until_killed(path, life, into)
        finally:
            os._exit(1)
    os.close(into)
    with os.fdopen(out) as lines:
        first = lines.readline()
        time.sleep(wait)
        os.kill(child, signal.SIGKILL)
        rest = lines.read()
    os.waitpid(child, 0)
    whole = [line for line in (first + rest).splitlines(keepends=True) if line.endswith("\n")]
    return {int(seq): bytes.fromhex(seal) for seq, seal in (line.split() for line in whole)}


def append_until_killed(path: Path, seed: int, into: int) -> None:
    """Appends from several threads and writes a line for each receipt, the moment it is given."""
    rng = random.Random(seed)
    database = sqlite_database("brain", path)
    writer = Writer(new_sequencer(database, seed))
    store = SqlEventStore(database, writer)

    def run(name: int) -> None:
        number = 0
        while True:
            number += 1
            text = "x" * (number % 7 * 300)
            happened = Event("test.happened", f"w:{name}", ActorRef("a", "b", "c"), "c", {"n": number, "text": text})
            receipt = store.append(TENANT, happened).result()
            os.write(into, f"{receipt.seq} {receipt.seal.hex()}\n".encode())

    threads = [threading.Thread(target=run, args=(rng.randrange(9),), daemon=True) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _provable(conn: Connection, told: dict[int, bytes]) -> None:
    log = find_log(conn, TENANT)
    if log is None:
        assert not told
        return
    reader = LogReader(conn, log)
    size = reader.size()
    root = reader.frontier().root()
    for seq, seal in told.items():
        entry = reader.entry(seq)
        assert entry is not None, f"entry {seq} was acknowledged and is not there"
        assert entry.seal == seal, f"entry {seq} is another one than the acknowledged"
        verify_inclusion(seal, seq, size, reader.inclusion(seq, size), root)


def campaign(folder: Path, seed: int, count: int) -> Report:
    """`count` power cuts, and a fifth as many kills."""
    report = Report(seed)

    def said(line: str) -> None:
        print(json.dumps({"crash": line, "seed": seed}), file=sys.stderr, flush=True)

    power_cuts(folder, seed, count, report, said)
    kills(folder, seed, max(count // 5, 1), report, said)
    return report
