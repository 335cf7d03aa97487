"""Reading a whole studio: the exact state of 5,000 and 50,000 batches, against the bare HTTP calls of the same pages.

The floor sends the very requests that the reader sent, one after the other in the same number of lanes, and throws the
answers away. Reader and floor take turns; the median of each counts.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from studio_brain.brain import Brain
from studio_brain.domains.studio.diff import numbers
from studio_brain.domains.studio.reads import COLLECTIONS, FUNCTIONS
from studio_brain.domains.studio.state import Tally, compute
from tests.benchmarks.figures import Figure, at_most
from tests.domains.studio import oracle
from tests.practice_process import PracticeProcess
from tests.studio_home import connected_home, with_brain

ROUNDS = 5
LANES = 4


def figures() -> Iterator[Figure]:
    for batches in (5_000, 50_000):
        yield from _of_size(batches)


def _of_size(batches: int) -> Iterator[Figure]:
    with PracticeProcess("--batches", str(batches)) as practice, tempfile.TemporaryDirectory() as folder:
        home = connected_home(Path(folder) / "home", practice)
        taken, reader_s, floor_s = with_brain(home, lambda brain: _measure(brain, practice))
        from datetime import datetime

        moment = datetime.fromisoformat(taken["cloudSync"]["firestoreReadAt"])
        expected = oracle.state(practice, moment)
        found = {key: value for key, value in numbers(taken).items() if key in expected and value is not None}
        wrong = {key: (value, expected[key]) for key, value in found.items() if value != expected[key]}
    name = f"state of {batches:,} batches"
    yield Figure(
        f"{name}: numbers that differ from a plain count", len(wrong), "numbers", "plain count", 0.0, 0.0, not wrong
    )
    yield at_most(f"{name}: read and counted", reader_s, "s", "bare HTTP calls of the same pages", floor_s, None)


async def _measure(brain: Brain, practice: PracticeProcess) -> tuple[dict[str, Any], float, float]:
    reader = brain._readers["practice"]
    sent: list[httpx.Request] = []

    async def remember(request: httpx.Request) -> None:
        sent.append(request)

    taken: dict[str, Any] = {}
    reader_times, floor_times = [], []
    for round in range(ROUNDS + 1):
        hooks = brain.transport._client.event_hooks
        brain.transport._client.event_hooks = hooks | {"request": [remember]}
        sent.clear()
        began = time.perf_counter()
        tally = Tally()
        report = await reader.read_status(COLLECTIONS, FUNCTIONS, tally, 120)
        taken = compute(tally, report, "2026-01-01", 0).snapshot
        reader_s = time.perf_counter() - began
        brain.transport._client.event_hooks = hooks
        requests = [(r.method, str(r.url), dict(r.headers), r.content) for r in sent]
        began = time.perf_counter()
        await _bare(brain, requests)
        floor_s = time.perf_counter() - began
        if round:
            reader_times.append(reader_s)
            floor_times.append(floor_s)
    return taken, statistics.median(reader_times), statistics.median(floor_times)


async def _bare(brain: Brain, requests: list[tuple[str, str, dict[str, str], bytes]]) -> None:
    queue = list(reversed(requests))

    async def lane() -> None:
        while queue:
            method, url, headers, content = queue.pop()
            answer = await brain.transport._client.request(method, url, headers=headers, content=content, timeout=60)
            assert answer.status_code == 200, answer.text[:200]

    await asyncio.gather(*(lane() for _ in range(LANES)))
