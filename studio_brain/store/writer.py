"""The one writer thread of a process: it drains the queue of units and runs them in groups."""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from ..evidence.entry import Receipt
from ..kernel.errors import StorageError, StudioBrainError
from ..kernel.reasons import ReasonCode
from .sequencer import Committed, Failed, Mend, Sequencer, Work

T = TypeVar("T")

GROUP = 1_000
GATHER_S = 0.001
"""How long a group waits for those of the group before it, at most."""

OnCommit = Callable[[tuple[Receipt, ...]], None]


class UnitOfWork(Protocol):
    """How the gateway hands in work; the simulator brings its own."""

    def submit(self, tenant: str, work: Work[T]) -> "Future[Committed[T]]": ...


class Writer:
    """Runs units in the order they came. Futures resolve after the commit that made them durable.

    `on_commit` is called on the writer thread with the receipts of each group. A log that is *held* takes nothing but
    what mends it.
    """

    def __init__(self, sequencer: Sequencer, on_commit: OnCommit | None = None) -> None:
        self._sequencer = sequencer
        self._on_commit = on_commit
        self._queue: queue.SimpleQueue[tuple[str, Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._closed = False
        self._answered = 1  # how many the last group answered
        self._held: dict[str, StudioBrainError] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, tenant: str, work: Work[T]) -> "Future[Committed[T]]":
        future: Future[Committed[T]] = Future()
        with self._lock:
            if self._closed:
                raise StorageError("the writer is closed", code=ReasonCode.AUDIT_UNAVAILABLE)
            if tenant in self._held and not isinstance(work, Mend):
                raise self._held[tenant]
            self._queue.put((tenant, work, future))
        return future

    def hold(self, tenant: str, why: StudioBrainError) -> None:
        """From now on everything for this log is refused with `why`, but for a `Mend`."""
        with self._lock:
            self._held[tenant] = why

    def release(self, tenant: str) -> None:
        with self._lock:
            self._held.pop(tenant, None)

    def close(self) -> None:
        """Commits what is queued, then stops."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            group = self._take()
            stop = group[-1] is None
            items = [item for item in group if item is not None and item[2].set_running_or_notify_cancel()]
            if items:
                self._commit(items)
            if stop:
                return

    def _take(self) -> list[tuple[str, Work[Any], Future[Any]] | None]:
        """What is queued. Those who were answered together are about to ask again: until as many are here, or the wait
        is over, one commit is made of what would be two. A caller by itself never waits."""
        group = [self._queue.get()]
        until = time.monotonic() + GATHER_S
        while group[-1] is not None and len(group) < GROUP:
            try:
                group.append(self._queue.get_nowait())
            except queue.Empty:
                left = until - time.monotonic()
                if len(group) >= self._answered or left <= 0:
                    break
                with suppress(queue.Empty):
                    group.append(self._queue.get(timeout=left))
        self._answered = len(group)
        return group

    def _commit(self, items: list[tuple[str, Work[Any], Future[Any]]]) -> None:
        results = self._sequencer.run([(tenant, work) for tenant, work, _ in items])
        receipts: list[Receipt] = []
        for (_, _, future), result in zip(items, results, strict=True):
            if isinstance(result, Failed):
                future.set_exception(result.error)
            else:
                receipts.extend(result.receipts)
                future.set_result(result)
        if receipts and self._on_commit is not None:
            self._on_commit(tuple(receipts))
