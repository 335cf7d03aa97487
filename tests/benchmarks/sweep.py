"""Sweeping a large log, against what cannot be done without: reading every body and hashing it, and (for the deep pass)
parsing it and writing its canonical form.

The floors run over the same file with the standard driver, in turns with the sweep, in CPU time; the median of the
ratios counts. Two processes against one are measured on the wall, for that is what they are for.

`SWEEP_ENTRIES` sets how many entries the log holds (a million without it).
"""

import hashlib
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

from studio_brain.evidence.closing import close
from studio_brain.evidence.log import LogRow, find_log
from studio_brain.evidence.note import VerifierKey
from studio_brain.evidence.sweep import whole
from studio_brain.kernel.canonical import canonical
from studio_brain.store.database import Databases
from studio_brain.store.scanning import sweep_with
from tests.benchmarks.big_log import KEY, TENANT, build
from tests.benchmarks.figures import Figure, at_most

ENTRIES = int(os.environ.get("SWEEP_ENTRIES", "1000000"))
ROUNDS = 3


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        databases, _ = build(home, ENTRIES)
        try:
            yield from _figures(home, databases)
        finally:
            databases.close()


def _figures(home: Path, databases: Databases) -> Iterator[Figure]:
    log = databases.brain.reading(lambda conn: find_log(conn, TENANT))
    assert log is not None
    key = VerifierKey(log.origin, KEY.public_key)
    name = f"sweep of {ENTRIES:,} entries"
    for what, deep, bound, against in (
        ("bytes, tiles, root", False, 1.5, "read and SHA-256"),
        ("deep", True, 1.3, "read, SHA-256, parse and canonicalize"),
    ):
        taken = [
            (cpu(lambda d=deep: swept(databases, log, key, deep=d)), cpu(lambda d=deep: floor(home, deep=d)))  # type: ignore[misc]
            for _ in range(ROUNDS)
        ]
        value, other = min(taken, key=lambda pair: abs(pair[0] / pair[1] - statistics.median(a / b for a, b in taken)))
        yield at_most(f"{name}: {what}", value, "s CPU", against, other, bound)
    one = wall(lambda: sweep_with(databases.brain, home / "brain.db", log, key, processes=1))
    two = wall(lambda: sweep_with(databases.brain, home / "brain.db", log, key, processes=2))
    bound = 0.6 if (os.cpu_count() or 1) >= 2 else None
    yield at_most(f"{name}: deep, two processes", two, "s", "one process", one, bound)


def swept(databases: Databases, log: LogRow, key: VerifierKey, *, deep: bool) -> None:
    def work(conn):  # type: ignore[no-untyped-def]
        found = whole(conn, log, key, deep=deep)
        close(conn, found)
        return found

    found = databases.brain.reading(work)
    assert found.ok, found.findings
    assert found.total == ENTRIES


def floor(home: Path, *, deep: bool) -> None:
    conn = sqlite3.connect(f"file:{home / 'brain.db'}?mode=ro", uri=True)
    count = 0
    for (body,) in conn.execute("SELECT body FROM entry ORDER BY place"):
        hashlib.sha256(body).digest()
        count += 1
        if deep and canonical(orjson.loads(body)) != body:
            raise AssertionError(count)
    conn.close()
    assert count == ENTRIES


def cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def wall(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
