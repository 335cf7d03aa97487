"""Deriving everything again: events for each CPU second, beside the same life in the `eventsourcing` library, then how
quickly a moment of the past is there, and how long a restore takes.

The log is one of proposals that went the whole way, six entries each, three of them with a payload that is decrypted
and checked. CPU seconds of this process count; the best of the rounds is taken. The library is measured where it can
be imported; it is no dependency.
"""

import base64
import importlib.util
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from studio_brain.domains.records.backup import make_backup
from studio_brain.domains.records.recovery import BOUND_MS
from studio_brain.domains.records.restore import restore
from studio_brain.domains.studio.project import STUDIO
from studio_brain.evidence.cut import cut_now
from studio_brain.gateway.queries import proposals_page
from studio_brain.gateway.rows import GATEWAY
from studio_brain.gateway.tables import ROWS
from studio_brain.home.installation import Installation
from studio_brain.home.settings import Settings
from studio_brain.store.database import Databases
from studio_brain.store.projections import Projections, derive
from studio_brain.store.replay import Replay
from studio_brain.store.rows import MemoryRows, state_sha256
from tests.benchmarks import busy_log
from tests.benchmarks.figures import Figure, limit

PROPOSALS = 20_000
MANY = 100_000
WANTED = 300_000
TIMES = 10
ROUNDS = 3
PROJECTIONS = (GATEWAY, STUDIO)


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        databases = busy_log.build(home, PROPOSALS)
        try:
            yield from _of_deriving(databases)
            yield from _of_looking_back(databases, home)
        finally:
            databases.close()
    with tempfile.TemporaryDirectory() as folder:
        yield from _of_restoring(Path(folder))


def at_least(name: str, value: float, against: str, wanted: float) -> Figure:
    """A rate; the ratio is what is wanted ÷ what was reached, so that above one it is missed by that much."""
    return Figure(name, value, "events per CPU second", against, wanted / value, 1.0, value >= wanted)


def _of_deriving(databases: Databases) -> Iterator[Figure]:
    cut = databases.brain.reading(lambda conn: cut_now(conn, 0))
    rows = MemoryRows()

    def rebuild() -> None:
        nonlocal rows
        rows = MemoryRows()
        databases.brain.reading(lambda conn: derive(conn, PROJECTIONS, rows, cut.sizes))

    rate = cut.entries / _best(rebuild)
    floor = cut.entries / _best(lambda: databases.brain.reading(_read_and_parse))
    yield at_least(f"every projection of {cut.entries:,} entries derived again", rate, f"{WANTED:,}", WANTED)
    yield Figure("the same entries read and parsed, nothing else", floor, "events per CPU second", "deriving",
                 floor / rate, None, True)  # fmt: skip
    stored = databases.brain.reading(lambda conn: state_sha256(conn, ROWS))
    same = state_sha256(rows, ROWS) == stored
    yield Figure("derived rows that are not the stored ones", int(not same), "states", "state hash", 0.0, 0.0, same)
    if importlib.util.find_spec("eventsourcing") is None:
        print("the eventsourcing library is not installed here: deriving was not measured against it", flush=True)
        return
    from tests.benchmarks.library_log import measure

    library = measure(PROPOSALS // 10, ROUNDS)
    yield at_least(f"the same, against {TIMES} × the eventsourcing library ({library:,.0f})", rate,
                   f"{TIMES * library:,.0f}", TIMES * library)  # fmt: skip


def _of_looking_back(databases: Databases, home: Path) -> Iterator[Figure]:
    Projections(databases, [STUDIO]).prepare()
    replay = Replay(databases, PROJECTIONS, home / "replay")
    size = PROPOSALS * busy_log.ENTRIES
    asked: list[float] = []
    for index in (size // 2, size // 2 + 500, size // 2 + 500):
        began = time.perf_counter()
        sources = replay.sources(replay.cut(busy_log.TENANT, index=index))
        shown = proposals_page(sources, busy_log.TENANT, {})
        asked.append(time.perf_counter() - began)
        assert shown["rows"]
    replay.close()
    for what, took in zip(("from nothing", "from a snapshot nearby", "already open"), asked, strict=True):
        yield Figure(f"a page as of the middle of {size:,} entries, {what}", took, "s", "from nothing",
                     took / asked[0], None, True)  # fmt: skip


def _of_restoring(folder: Path) -> Iterator[Figure]:
    (folder / "home").mkdir()
    with closing(busy_log.build(folder / "home", MANY)) as databases:
        installation = Installation("018f0000-0000-4000-8000-000000000000", busy_log.KEY.public_key, True)
        _write_installation(folder / "home", installation)
        began = time.monotonic()
        settings, home = Settings(practice=True), folder / "home"
        make_backup(databases.brain, home, installation, settings, busy_log.KEY, folder / "out", 0)
        restored = restore(folder / "out", folder / "new")
        took = time.monotonic() - began
    assert sum(log["size"] for log in restored.logs) == MANY * busy_log.ENTRIES
    steps = ", ".join(f"{name} {ms / 1000:.1f} s" for name, ms in restored.took_ms.items())
    yield limit(f"backup, restore and verification of {MANY:,} proposals ({steps})", took, "s", BOUND_MS / 1000)


def _write_installation(home: Path, installation: Installation) -> None:
    key = base64.b64encode(installation.public_key).decode()
    document = {"id": installation.id, "publicKey": key, "practice": installation.practice}
    (home / "installation.json").write_text(json.dumps(document))


def _read_and_parse(conn: Any) -> int:
    cursor = conn.connection.cursor()
    cursor.execute("SELECT place, kind, at_ms, body FROM entry ORDER BY place")
    count, parse = 0, msgspec.json.Decoder(dict[str, Any]).decode
    while batch := cursor.fetchmany(2_000):
        count += len([parse(row[3]) for row in batch])
    return count


def _best(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)
