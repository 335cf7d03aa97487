"""Proofs from a log of 1,000,000 entries, cold: what it costs to open, prove and check, and how much disk it takes.

A cold proof starts from nothing: the head, then the tiles that it needs, each read once; nothing is kept from one
proof to the next but what the operating system keeps. Every proof is made in several rounds and counts with its best,
since whatever else runs on the machine only ever adds. `STUDIO_BRAIN_BENCH_ENTRIES` makes another size.
"""

import base64
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from studio_brain.evidence import receipt as receipts
from studio_brain.evidence.log import LogRow, find_log
from studio_brain.evidence.merkle import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from studio_brain.evidence.note import VerifierKey
from studio_brain.evidence.reader import LogReader
from studio_brain.evidence.receipt import ReceiptFile
from studio_brain.store.database import Database, open_databases
from tests.benchmarks.big_log import GROUP, KEY, TENANT, build
from tests.benchmarks.figures import Figure, at_most, limit

T = TypeVar("T")

ENTRIES = int(os.environ.get("STUDIO_BRAIN_BENCH_ENTRIES", "1000000"))
ROUNDS = 5
PROOFS = 400
MOST_TILES = 4


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        databases, body_bytes = build(home, ENTRIES)
        databases.close()  # folds the write-ahead log into the file
        name = f"log of {ENTRIES:,} entries"
        disk = sum(path.stat().st_size for path in home.glob("brain.db*"))
        yield at_most(f"{name}: disk, in groups of {GROUP:,}", disk, "bytes", "canonical bytes", body_bytes, 1.2)
        yield from _shares(home, name, body_bytes)
        yield limit(f"{name}: open, to head and root", min(_open(home) for _ in range(ROUNDS)), "ms", 50.0)
        databases = open_databases(home)
        try:
            yield from databases.brain.reading(lambda conn: list(_proofs(conn, name)))
            yield from _receipts(databases.brain, name)
        finally:
            databases.close()


def _shares(home: Path, name: str, body_bytes: int) -> Iterator[Figure]:
    """Where the disk goes, by table and index, where SQLite was built so that it can tell."""
    conn = sqlite3.connect(home / "brain.db")
    try:
        rows = conn.execute(
            "SELECT name, sum(pgsize) AS n FROM dbstat GROUP BY name ORDER BY n DESC LIMIT 4"
        ).fetchall()
        unused = conn.execute("SELECT sum(unused) FROM dbstat").fetchone()[0]
    except sqlite3.OperationalError:
        return
    finally:
        conn.close()
    for part, size in (*rows, ("unused within pages", unused)):
        yield at_most(f"{name}: disk, of it {part}", size, "bytes", "canonical bytes", body_bytes, None)


def _open(home: Path) -> float:
    """Milliseconds until size and root are known, from a database that is not open."""
    began = time.perf_counter()
    databases = open_databases(home)

    def work(conn: Connection) -> bytes:
        return LogReader(conn, _log(conn)).frontier().root()

    databases.brain.reading(work)
    took = (time.perf_counter() - began) * 1000
    databases.close()
    return took


def _proofs(conn: Connection, name: str) -> Iterator[Figure]:
    log = _log(conn)
    size = LogReader(conn, log).size()
    rng = random.Random(17)
    indexes = [rng.randrange(size) for _ in range(PROOFS)]
    sizes = [rng.randrange(1, size // GROUP + 1) * GROUP for _ in range(PROOFS)]
    earlier = [(rng.randrange(at), at) for at in sizes]
    yield from _latency(f"{name}: inclusion in the whole", indexes, lambda n: _include(conn, log, n, size))
    yield from _latency(f"{name}: consistency with the whole", indexes, lambda n: _extend(conn, log, n, size))
    tiles = [_include(conn, log, n, size) for n in indexes] + [_extend(conn, log, n, size) for n in indexes]
    yield limit(f"{name}: tiles read by a proof of the whole, at most", max(tiles), "tiles", MOST_TILES)
    yield from _latency(
        f"{name}: inclusion in an earlier checkpoint", earlier, lambda pair: _include(conn, log, *pair), bound=None
    )
    tiles = [_include(conn, log, *pair) for pair in earlier]
    yield Figure(
        f"{name}: tiles read by a proof of an earlier checkpoint, at most",
        max(tiles),
        "tiles",
        "tiles",
        1.0,
        None,
        True,
    )
    reader = LogReader(conn, log)
    top = reader.root(size)
    for index in indexes[:50]:
        seal = conn.exec_driver_sql(
            "SELECT seal FROM entry WHERE place = ?", ((log.log_id << 40) + index,)
        ).scalar_one()
        verify_inclusion(seal, index, size, reader.inclusion(index, size), top)
        verify_consistency(index + 1, size, reader.consistency(index + 1, size), reader.root(index + 1), top)


def _include(conn: Connection, log: LogRow, index: int, size: int) -> int:
    """A cold inclusion proof; how many tiles it read."""
    tiles = LogReader(conn, log).tiles(size)
    inclusion_proof(index, size, tiles)
    return tiles.tiles_read


def _extend(conn: Connection, log: LogRow, old: int, size: int) -> int:
    tiles = LogReader(conn, log).tiles(size)
    consistency_proof(old, size, tiles)
    return tiles.tiles_read


def _latency(
    name: str, cases: list[T], run: Callable[[T], int], bound: tuple[float, float] | None = (0.5, 1.0)
) -> Iterator[Figure]:
    """The median and the 99th percentile over the cases, each with the best of its rounds, in milliseconds."""
    rounds = [[_timed(run, case) for case in cases] for _ in range(ROUNDS)]
    took = sorted(min(times) for times in zip(*rounds, strict=True))
    best = statistics.median(took), took[len(took) * 99 // 100]
    for what, value, most in zip(("p50", "p99"), best, bound or (None, None), strict=True):
        if most is None:
            yield Figure(f"{name}, {what}", value, "ms", "–", 1.0, None, True)
        else:
            yield limit(f"{name}, {what}", value, "ms", most)


def _timed(run: Callable[[T], int], case: T) -> float:
    began = time.perf_counter()
    run(case)
    return (time.perf_counter() - began) * 1000


def _receipts(database: Database, name: str) -> Iterator[Figure]:
    """Checking a receipt file from its text: parse, canonical form, path, one Ed25519 signature."""

    def make(conn: Connection) -> list[str]:
        log = _log(conn)
        reader = LogReader(conn, log)
        size, signed, rng = reader.size(), reader.checkpoint_note(), random.Random(5)
        assert signed is not None
        texts = []
        for index in (rng.randrange(size) for _ in range(PROOFS // 4)):
            entry = reader.entry(index)
            assert entry is not None
            texts.append(receipts.build(entry.body, index, reader.inclusion(index, size), signed).serialize())
        return texts

    texts = database.reading(make)
    key = VerifierKey(ReceiptFile.parse(texts[0]).checkpoint.origin, KEY.public_key)

    def check(text: str) -> int:
        assert receipts.verify(ReceiptFile.parse(text), [key]).anchored
        return 0

    yield from _latency(f"{name}: receipt file checked", texts, check, (0.5, 0.5))
    size = statistics.mean(len(text) for text in texts)
    body = statistics.mean(len(base64.b64decode(text.split("\n")[1][6:])) for text in texts)
    yield at_most(f"{name}: length of a receipt file", size, "bytes", "its entry", body, None)


def _log(conn: Connection) -> LogRow:
    log = find_log(conn, TENANT)
    assert log is not None
    return log
