"""A sweep whose fast passes are done by several processes.

The file is cut into runs of chunks; each process scans every n-th run on a connection of its own and hands back what
`evidence.scan` found, and this process puts the chunks together in order, and looks closely where one was odd. Only for
SQLite: a connection to a server would be shared work anyway.
"""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from ..evidence.forms import Forms
from ..evidence.log import LogRow
from ..evidence.note import VerifierKey
from ..evidence.scan import WIDTH, Chunk, Streams, scan
from ..evidence.sweep import LogSweep, begin, step
from .database import Database, sqlite_database

RUNS: Final = 4
"""Runs for each process: few, because a run begins with looking up where its streams stand; some, because they do not
all take the same time."""


def sweep_with(database: Database, path: Path, log: LogRow, key: VerifierKey, *, processes: int) -> LogSweep:
    """A whole sweep, from the first entry. `path` is the file that `database` is open on."""
    sweep = database.reading(lambda conn: begin(conn, log, key))
    forms, streams = Forms(log.tenant), Streams(log, from_the_start=processes == 1)
    chunks: Iterator[Chunk | None] = iter(()) if processes == 1 else _chunks(path, sweep, key, processes)
    while not sweep.done:
        chunk = next(chunks, None)
        database.reading(lambda conn, found=chunk: step(conn, sweep, key, streams, forms, found))  # type: ignore[misc]
    return sweep


def _chunks(path: Path, sweep: LogSweep, key: VerifierKey, processes: int) -> Iterator[Chunk | None]:
    """The chunks in order; None for one that is odd."""
    chunks = -(-(sweep.total - sweep.at) // WIDTH)
    run = max(-(-chunks // (processes * RUNS)), 1) * WIDTH
    starts = range(sweep.at, sweep.total, run)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        waiting = [
            pool.submit(_scan, path, sweep.log, key, first, min(first + run, sweep.total), sweep.deep)
            for first in starts
        ]
        for future in waiting:
            yield from future.result()


def _scan(path: Path, log: LogRow, key: VerifierKey, first: int, end: int, deep: bool) -> list[Chunk | None]:
    database = _opened(path)
    streams, forms = Streams(log, from_the_start=False), Forms(log.tenant)
    found: list[Chunk | None] = []
    for start in range(first, end, WIDTH):
        stop = min(start + WIDTH, end)
        try:
            found.append(database.reading(partial(_chunk, log, key, start, stop, streams if deep else None, forms)))
        except Exception:
            streams.forget()
            found.append(None)  # whatever it is, the process that keeps the order looks at it closely
    return found


def _chunk(
    log: LogRow, key: VerifierKey, first: int, end: int, streams: Streams | None, forms: Forms, conn: Connection
) -> Chunk:
    return scan(conn, log, key, first, end, streams, forms)


_databases: dict[Path, Database] = {}


def _opened(path: Path) -> Database:
    """One connection for each process, kept until it ends."""
    if path not in _databases:
        _databases[path] = sqlite_database("brain", path)
    return _databases[path]
