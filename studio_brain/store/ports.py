"""The three stores the domains know: what happened, what was observed, and what may be forgotten at any time.

`EventStore` only ever grows. `StateStore` is derived: observations of the studio, diffs, job state, contacts; it can be
rebuilt from the events. `CacheStore` is optional and in memory. One suite of tests holds every implementation to this.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from ..evidence.entry import Event, Receipt
from ..evidence.reader import Stored


class EventStore(Protocol):
    def append(self, tenant: str, event: Event) -> "Future[Receipt]":
        """Durable and covered by a signed checkpoint once the future resolves."""
        ...

    def read(self, tenant: str, first: int = 0, limit: int = 100) -> Sequence[Stored]:
        """Up to `limit` entries from index `first` on, in order. Empty for an unknown tenant."""
        ...

    def size(self, tenant: str) -> int: ...


@dataclass(frozen=True, slots=True)
class Observation:
    """One complete read of a studio. `place` is that of its entry; `snapshot` and `diagnostics` are JSON objects."""

    tenant: str
    place: int
    day: str
    observed_at_ms: int
    state_hash: bytes
    snapshot: dict[str, Any]
    diagnostics: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Diff:
    """Key-level changes between the snapshots of two days: {"counts.batchesActive": {"from": 118, "to": 121}}."""

    tenant: str
    from_day: str
    to_day: str
    changes: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class JobRun:
    """How a job last ended. `ok_at_ms` is its last success; `code` is set when the last run failed."""

    tenant: str
    job: str
    ran_at_ms: int
    ok_at_ms: int | None
    code: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class Contact:
    """How a connector was last met. `ok_at_ms` is the last good contact; `next_at_ms` when it is tried again."""

    tenant: str
    connector: str
    state: str
    code: str | None
    detail: str
    latency_ms: int | None
    skew_ms: int | None
    checked_at_ms: int
    ok_at_ms: int | None
    next_at_ms: int | None


class StateStore(Protocol):
    def put_observation(self, observation: Observation) -> None:
        """Keeps it; putting the same one again changes nothing."""
        ...

    def observations(self, tenant: str, *, day: str | None = None, limit: int = 100) -> Sequence[Observation]:
        """Newest first."""
        ...

    def observation(self, tenant: str, place: int) -> Observation | None: ...

    def snapshot(self, tenant: str, of: str) -> Observation | None:
        """The day's snapshot: its last observation."""
        ...

    def snapshots(self, tenant: str, *, limit: int = 400) -> Sequence[Observation]:
        """One a day, newest day first."""
        ...

    def put_diff(self, diff: Diff) -> None:
        """Replaces the diff of the same pair of days."""
        ...

    def diff(self, tenant: str, from_day: str, to_day: str) -> Diff | None: ...

    def put_job(self, run: JobRun) -> None: ...

    def job(self, tenant: str, job: str) -> JobRun | None: ...

    def put_contact(self, contact: Contact) -> None: ...

    def contacts(self, tenant: str) -> Sequence[Contact]:
        """By connector id."""
        ...


class CacheStore(Protocol):
    def get(self, key: str) -> Any | None:
        """What was put under `key`, or None when it is not there or too old."""
        ...

    def put(self, key: str, value: Any, ttl_s: float) -> None: ...

    def forget(self, key: str) -> None: ...
