"""How fast the practice studio has to be, so that it is never what a trainer or a test waits for."""

import time

from tests.practice.bench import Bench
from tests.practice_process import PracticeProcess

START_S = 0.6
PAGE_S = 0.015
MASK = ["ownerUid", "title", "state", "isClosed", "updatedAt", "closedAt", "intakeMode"]


def test_start() -> None:
    taken = []
    for _ in range(3):
        begun = time.perf_counter()
        with PracticeProcess():
            taken.append(time.perf_counter() - begun)
    assert min(taken) <= START_S, taken


def test_a_page_of_a_thousand_masked_documents() -> None:
    bench = Bench(batches=4000)
    fields = [{"fieldPath": name} for name in MASK]
    cursor = None
    taken, seen = [], 0
    for _ in range(12):
        query = {"from": [{"collectionId": "batches"}], "select": {"fields": fields}, "limit": 1000}
        query |= {"orderBy": [{"field": {"fieldPath": "__name__"}}]}
        query |= {"startAt": {"values": [{"referenceValue": cursor}], "before": False}} if cursor else {}
        bench.token("imke")
        begun = time.perf_counter()
        answer = bench.rules("imke", "POST", ":runQuery", {"structuredQuery": query})
        taken.append(time.perf_counter() - begun)
        rows = [row["document"]["name"] for row in answer.json if "document" in row]
        seen += len(rows)
        cursor = rows[-1] if len(rows) == 1000 else None
    bench.close()
    assert seen >= 9000
    assert min(taken) <= PAGE_S, taken
