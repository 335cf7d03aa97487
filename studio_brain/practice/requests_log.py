"""The log of requests: what was asked, by whom, what came of it and what it wrote. No token or password stands in it.

`documents` are those that a request wrote. What the cloud itself writes down about being asked (rate limits, audit
rows) stands apart as `trace`: a request that only read leaves no documents.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from . import clock

KEPT = 50_000
TRACES = frozenset(
    {"rateLimits", "auditEvents", "securityAudit", "integrationTokenAudit", "agentAuditLogs", "agentClientAuditLogs"}
    | {"communityReportAuditLogs", "delegatedTokenNonces"}
)


def is_trace(path: str) -> bool:
    return path.split("/", 1)[0] in TRACES


@dataclass(slots=True)
class Entry:
    """`status` is None while no answer has been given, and stays so when none was (`outcome` says what happened).
    `received`: its body is here whole, whatever becomes of the caller now."""

    n: int
    at: str
    port: str
    method: str
    path: str
    operation: str
    uid: str | None = None
    status: int | None = None
    outcome: str = "pending"
    received: bool = False
    requestId: str | None = None
    correlationId: str | None = None
    idempotencyKey: str | None = None
    documents: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def wrote(self, paths: Iterable[str]) -> None:
        for path in paths:
            (self.trace if is_trace(path) else self.documents).append(path)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class RequestsLog:
    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._waiting: set[asyncio.Event] = set()
        self.last = 0

    def open(self, at_us: int, port: str, method: str, path: str, operation: str) -> Entry:
        self.last += 1
        entry = Entry(self.last, clock.text(at_us), port, method, path, operation)
        self._entries.append(entry)
        self._tell()
        return entry

    def receive(self, entry: Entry) -> None:
        entry.received = True
        self._tell()

    def close(self, entry: Entry, status: int | None, outcome: str) -> None:
        entry.status, entry.outcome = status, outcome
        self._tell()

    def clear(self) -> None:
        self._entries.clear()

    def since(self, n: int, operation: str = "", *, writes: bool = False, traces: bool = False) -> list[Entry]:
        """Entries after number `n`, of operations that start with a text; `writes`: only those that wrote something."""
        return [
            entry
            for entry in self._entries
            if entry.n > n
            and entry.operation.startswith(operation)
            and (not writes or entry.documents or (traces and entry.trace))
        ]

    async def wait(self, n: int, operation: str, seconds: float, *, answered: bool) -> list[Entry]:
        """As `since`, once there is one (`answered`: one that is over), or after so many seconds."""
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            async with asyncio.timeout(seconds):
                while not any(not answered or one.outcome != "pending" for one in self.since(n, operation)):
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(changed)
        return self.since(n, operation)

    def _tell(self) -> None:
        for changed in self._waiting:
            changed.set()
