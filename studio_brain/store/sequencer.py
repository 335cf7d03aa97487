"""Units of work and the group commit that carries them.

A *unit of work* is a function that compares and sets gateway rows and appends receipts, inside a savepoint of the
group's transaction. Units of many callers commit together; one that fails is undone alone. Whatever a unit appends is
handed at once to `apply`, which derives the gateway's rows from it: a decision cannot exist without its receipt, nor
a receipt without its decision. When the commit itself fails, every unit of the group fails.

`Sequencer.run` is one group, without threads: the writer thread calls it, and so does a simulation.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection

from ..evidence.checkpoint import Checkpoint
from ..evidence.entry import Entry, Event, Receipt
from ..evidence.log import Appended, Appender, open_log
from ..evidence.note import Signer
from ..kernel.clock import Clock
from ..kernel.ids import IdSource
from .database import Database
from .faults import storage_fault, storage_faults

T = TypeVar("T")


class Apply(Protocol):
    """Derives gateway rows from one entry just appended. `payload` is None when there is none or it was erased."""

    def __call__(self, conn: Connection, receipt: Receipt, entry: Entry, payload: bytes | None) -> None: ...


class Unit:
    """What a unit of work holds: the connection inside its savepoint, and the pen for its tenant's log."""

    def __init__(self, conn: Connection, appender: Appender, apply: Apply, clock: Clock) -> None:
        self.conn = conn
        self.tenant = appender.log.tenant
        self.now_ms = clock.now_ms()
        self.receipts: list[Receipt] = []
        self._appender = appender
        self._apply = apply

    def append(self, event: Event) -> Appended:
        appended = self._appender.append(event)
        if not appended.repeated:
            self._apply(self.conn, appended.receipt, appended.entry, appended.payload)
        self.receipts.append(appended.receipt)
        return appended


Work = Callable[[Unit], T]


@dataclass(frozen=True, slots=True)
class Committed(Generic[T]):
    """A unit's result after the commit. `checkpoint` is the size of the signed checkpoint that covers its receipts."""

    value: T
    receipts: tuple[Receipt, ...]
    checkpoint: int


@dataclass(frozen=True, slots=True)
class Failed:
    error: Exception


Result = Committed[Any] | Failed


class Sequencer:
    """Runs groups of units against the brain database. One group at a time in a process; processes meet at the lock."""

    def __init__(
        self,
        database: Database,
        signer: Signer,
        origin_prefix: str,
        apply: Apply,
        clock: Clock,
        ids: IdSource,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._database = database
        self._signer = signer
        self._origin_prefix = origin_prefix
        self._apply = apply
        self._clock = clock
        self._ids = ids
        self._random_bytes = random_bytes

    def run(self, units: Sequence[tuple[str, Work[Any]]]) -> list[Result]:
        """Runs (tenant, work) pairs as one group; the results stand in the same order."""
        try:
            with storage_faults(), self._database.write.begin() as conn:
                results, checkpoints = self._run(conn, units)
        except Exception as error:
            return [Failed(error)] * len(units)
        return [
            _with_checkpoint(result, tenant, checkpoints) for (tenant, _), result in zip(units, results, strict=True)
        ]

    def _run(self, conn: Connection, units: Sequence[tuple[str, Work[Any]]]) -> tuple[list[Result], dict[str, int]]:
        appenders = {tenant: self._appender(conn, tenant) for tenant in sorted({tenant for tenant, _ in units})}
        results = [self._run_one(conn, appenders[tenant], work) for tenant, work in units]
        closed: dict[str, Checkpoint | None] = {tenant: a.close(self._signer) for tenant, a in appenders.items()}
        return results, {tenant: checkpoint.size for tenant, checkpoint in closed.items() if checkpoint is not None}

    def _run_one(self, conn: Connection, appender: Appender, work: Work[Any]) -> Result:
        mark = appender.mark()
        savepoint = conn.begin_nested()
        try:
            unit = Unit(conn, appender, self._apply, self._clock)
            value = work(unit)
            appender.flush()
            savepoint.commit()
            return Committed(value, tuple(unit.receipts), 0)
        except Exception as error:
            if storage_fault(error) is not None:
                raise  # the storage itself is at fault: no unit of this group can commit
            savepoint.rollback()
            appender.rollback(mark)
            return Failed(error)

    def _appender(self, conn: Connection, tenant: str) -> Appender:
        log = open_log(conn, tenant, self._origin_prefix)
        return Appender(conn, log, self._clock, self._ids, self._random_bytes)


def _with_checkpoint(result: Result, tenant: str, checkpoints: dict[str, int]) -> Result:
    if isinstance(result, Failed):
        return result
    return Committed(result.value, result.receipts, checkpoints.get(tenant, 0))
