"""Searching a stretch at a time finds what a walk over all entries finds."""

import asyncio
from typing import Any

import pytest

from studio_brain.evidence.reader import Stored
from studio_brain.gateway import seeking
from studio_brain.store.database import selecting
from studio_brain.store.reading import Sources
from tests.gateway.harness import CLOSE, STRANGER, VIEWER, Bench


@pytest.fixture
def lived(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Forty-odd entries of several kinds, hours apart; stretches so short that every search needs many."""
    monkeypatch.setattr(seeking, "STRETCH", 7)
    monkeypatch.setattr(seeking, "TEXT_STRETCH", 3)
    for number in range(6):
        done = bench.draft(payload={"batchId": f"b{number}", "note": "Glaze “Größe” 100%_\\ tested"})
        bench.pass_time()
        if number % 2:
            bench.approve(done, why=f"Seen at the shelf by Frau Möller, number {number}")
            bench.execute(done)
        bench.pass_time()
        bench.draft(CLOSE, {"batchId": f"b{number}"})
    return bench


def ask(bench: Bench, name: str, **params: Any) -> Any:
    brain = bench.databases.brain
    sources = Sources(selecting(brain), selecting(brain), bench.clock.now_ms(), brain.dialect)
    return asyncio.run(bench.gateway.query(name, params, VIEWER, sources))


def found(bench: Bench, **filters: Any) -> list[int]:
    """All that a search finds, in the order it finds it, no call looking at more than its stretch."""
    indexes: list[int] = []
    before: int | None = None
    for _ in range(200):
        answer = ask(bench, "evidence.seek", before=before, **filters)
        assert len(answer["indexes"]) <= (seeking.TEXT_STRETCH if filters.get("text") else seeking.STRETCH)
        indexes += answer["indexes"]
        before = answer["next"]
        if before is None:
            return indexes
    raise AssertionError("the search does not end")


def walked(bench: Bench, **filters: Any) -> list[int]:
    """The same by looking at every entry."""

    def fits(stored: Stored) -> bool:
        entry = stored.entry
        return (
            entry.kind.startswith(filters.get("kind", ""))
            and filters.get("stream", entry.stream) == entry.stream
            and filters.get("text", "").lower() in entry.body.decode().lower()
            and filters.get("since", 0) <= entry.at_ms < filters.get("until", 1 << 60)
        )

    return [stored.seq for stored in reversed(bench.entries()) if fits(stored)]


def test_every_filter_finds_what_a_walk_finds(lived: Bench) -> None:
    entries = lived.entries()
    stream, middle = entries[9].entry.stream, entries[len(entries) // 2].entry.at_ms
    filters: list[dict[str, Any]] = [
        {},
        {"kind": "proposal."},
        {"kind": "proposal.approved"},
        {"kind": "nothing."},
        {"stream": stream},
        {"stream": stream, "kind": "proposal.s"},
        {"stream": "proposal:nonesuch"},
        {"since": middle},
        {"until": middle},
        {"since": middle, "until": middle + 1},
        {"text": "frau möller"},
        {"text": "FIRESTORE.BATCH"},
        {"text": "%"},
        {"text": "number 3", "kind": "proposal.approved"},
        {"text": "teo", "stream": stream},
    ]
    for each in filters:
        assert found(lived, **each) == walked(lived, **each), each
    assert found(lived, text="frau möller")
    assert found(lived, kind="nothing.") == []


def test_rows_come_by_index_newest_first_and_only_those_there_are(lived: Bench) -> None:
    size = len(lived.entries())
    rows = ask(lived, "evidence.rows", indexes=[3, 11, 5, 5, -1, size])["rows"]
    assert [row["index"] for row in rows] == [11, 5, 3]
    assert rows == [row for row in ask(lived, "evidence.page")["rows"] if row["index"] in (3, 5, 11)]
    assert ask(lived, "evidence.rows", indexes=[])["rows"] == []


def test_another_studio_finds_nothing(lived: Bench) -> None:
    brain = lived.databases.brain
    sources = Sources(selecting(brain), selecting(brain), 0, brain.dialect)
    for name, params in (("evidence.seek", {}), ("evidence.rows", {"indexes": [0, 1]})):
        answer = asyncio.run(lived.gateway.query(name, params, STRANGER, sources))
        assert not answer.get("indexes")
        assert not answer.get("rows")
