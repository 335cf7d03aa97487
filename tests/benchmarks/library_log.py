"""The same life of proposals in the `eventsourcing` library: six events an aggregate in its SQLite store, and a read
model derived from them through its own notification log, as its documentation has it."""

import time
from typing import Any

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from tests.benchmarks import busy_log


class Proposal(Aggregate):
    """An aggregate with the stages of a proposal; each event carries what our entry does."""

    @event("Drafted")
    def __init__(self, data: dict[str, Any], payload: str) -> None:
        self.state = "draft"
        self.data = data
        self.payload = payload

    @event("Moved")
    def move(self, kind: str, data: dict[str, Any], payload: str) -> None:
        self.state = data["approvalState"]


class Proposals(Application[Any]):
    snapshotting_intervals = None


def measure(proposals: int, rounds: int) -> float:
    """Events for each CPU second: selecting every notification, mapping it, and setting the rows of a read model."""
    app: Any = Proposals(env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": ":memory:"})
    for first in range(0, proposals, 100):
        batch = []
        for number in range(first, min(first + 100, proposals)):
            events = busy_log.life(number)
            item = Proposal(events[0].data, (events[0].payload or b"").decode())
            for later in events[1:]:
                item.move(later.kind, later.data, (later.payload or b"").decode())
            batch.append(item)
        app.save(*batch)
    best = 0.0
    for _ in range(rounds):
        began, count = time.process_time(), 0
        rows: dict[Any, dict[str, Any]] = {}
        position = 1
        while notifications := app.recorder.select_notifications(start=position, limit=1_000):
            for notification in notifications:
                change = app.mapper.to_domain_event(notification)
                data = change.data
                row = rows.setdefault(data["proposalId"], {"content": change.payload})
                row["state"], row["changed_at"] = data["approvalState"], change.timestamp
                count += 1
            position = notifications[-1].id + 1
        assert len(rows) == proposals
        best = max(best, count / (time.process_time() - began))
    app.close()
    return best
