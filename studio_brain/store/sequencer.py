"""Units of work and the group commit that carries them.

A *unit of work* is a function that compares and sets gateway rows and appends receipts, inside a savepoint of the
group's transaction. Units of many callers commit together; one that fails is undone alone. Whatever a unit appends is
handed at once to `apply`, which derives the gateway's rows from it: a decision cannot exist without its receipt, nor
a receipt without its decision. When the commit itself fails, every unit of the group fails.

`Sequencer.run` is one group, without threads: the writer thread calls it, and so does a simulation.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection

from ..evidence import epochs
from ..evidence.checkpoint import Checkpoint
from ..evidence.entry import Entry, Event, Receipt
from ..evidence.log import Appended, Appender, LogRow, Memory, open_log
from ..evidence.note import Signer
from ..evidence.statements import together
from ..kernel.clock import Clock
from ..kernel.ids import IdSource
from .database import Database, is_usable
from .faults import storage_fault, storage_faults

T = TypeVar("T")


class Apply(Protocol):
    """Derives gateway rows from one entry just appended. `payload` is None when there is none or it was erased.

    `conn` opens the unit's savepoint: it is called only for an entry that rows follow from.
    """

    def __call__(
        self, conn: Callable[[], Connection], receipt: Receipt, entry: Entry, payload: bytes | None
    ) -> None: ...


class Unit:
    """What a unit of work holds: the connection inside its savepoint, and the pen for its tenant's log.

    The savepoint is opened when the unit first asks for the connection. One that only appends needs none: what it
    appended is forgotten before it was written.
    """

    def __init__(self, conn: Connection, appender: Appender, apply: Apply, clock: Clock, alone: bool) -> None:
        self.tenant = appender.log.tenant
        self.now_ms = clock.now_ms()
        self.receipts: list[Receipt] = []
        self._conn = conn
        self._appender = appender
        self._apply = apply
        self._alone = alone  # the only one of its group: the transaction is its savepoint
        self._mark = appender.mark()
        self._savepoint = False

    @property
    def conn(self) -> Connection:
        return self._open()

    def append(self, event: Event) -> Appended:
        appended = self._appender.append(event)
        if not appended.repeated:
            self._apply(self._open, appended.receipt, appended.entry, appended.payload)
        self.receipts.append(appended.receipt)
        return appended

    @property
    def log(self) -> LogRow:
        return self._appender.log

    @property
    def size(self) -> int:
        """Entries of the log, those of this group included."""
        return self._appender.size

    def adopt(self, body: bytes, payload: bytes | None) -> None:
        """Takes back an entry that was sealed before; rows follow from it as they did then. The caller stores what is
        left of its payload. It is not among the unit's receipts: nothing happened anew."""
        appended = self._appender.adopt(body)
        self._apply(self._open, appended.receipt, appended.entry, payload)

    def adopt_checkpoint(self, size: int, note: str) -> None:
        self._open()
        self._appender.adopt_checkpoint(size, note)

    def _open(self) -> Connection:
        if not (self._savepoint or self._alone):
            self._appender.flush(self._mark)  # of the units before
            _run(self._conn, "SAVEPOINT unit")
            self._savepoint = True
        return self._conn

    def close(self) -> None:
        if self._savepoint:
            self._appender.flush()
            _run(self._conn, "RELEASE SAVEPOINT unit")

    def undo(self) -> None:
        if self._savepoint:
            _run(self._conn, "ROLLBACK TO SAVEPOINT unit")
            _run(self._conn, "RELEASE SAVEPOINT unit")
        self._appender.rollback(self._mark)


def _run(conn: Connection, sql: str) -> None:
    driver: Any = conn.connection.dbapi_connection
    driver.execute(sql)


Work = Callable[[Unit], T]


@dataclass(frozen=True, slots=True)
class Mend(Generic[T]):
    """Work on a log that nobody else may write to: it takes a lost tail back, or, with `next_epoch`, begins the log
    that follows and is the first to write there."""

    work: Work[T]
    next_epoch: bool = False

    def __call__(self, unit: Unit) -> T:
        return self.work(unit)


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
        self._conn: Connection | None = None
        self._memories: dict[str, Memory] = {}  # by tenant, as the last commit left them

    def run(self, units: Sequence[tuple[str, Work[Any]]]) -> list[Result]:
        """Runs (tenant, work) pairs as one group; the results stand in the same order. What mends a log is alone in
        its group."""
        results: list[Result] = []
        for group in _groups(units):
            results += self._run_group(group)
        return results

    def _run_group(self, units: Sequence[tuple[str, Work[Any]]]) -> list[Result]:
        memories, self._memories = self._memories, {}
        try:
            with storage_faults(), self._connection().begin() as transaction:
                results, appenders = self._run(self._connection(), units, memories)
                if not any(isinstance(result, Committed) for result in results):
                    raise _NothingDone
                with together(self._connection()):
                    closed = {tenant: appender.close(self._signer) for tenant, appender in appenders.items()}
                    transaction.commit()
        except _NothingDone:
            return results
        except Exception as error:
            self._let_go()
            return [Failed(error)] * len(units)
        self._memories = memories | {tenant: appender.memory for tenant, appender in appenders.items()}
        return [_covered(result, closed[tenant]) for (tenant, _), result in zip(units, results, strict=True)]

    def _connection(self) -> Connection:
        if self._conn is None or self._conn.closed:
            self._conn = self._database.hold()
        return self._conn

    def _let_go(self) -> None:
        """After a fault that the connection did not survive the next group starts on another one."""
        if self._conn is not None and not is_usable(self._conn):
            self._database.drop(self._conn)
            self._conn = None

    def _run(
        self, conn: Connection, units: Sequence[tuple[str, Work[Any]]], memories: Mapping[str, Memory]
    ) -> tuple[list[Result], dict[str, Appender]]:
        # In the order of their names, so that two processes never wait for each other.
        tenants = sorted({tenant for tenant, _ in units})
        first = units[0][1]
        if isinstance(first, Mend) and first.next_epoch:
            epochs.begin(conn, open_log(conn, tenants[0], self._origin_prefix), self._origin_prefix)
        appenders = {tenant: self._appender(conn, tenant, memories.get(tenant)) for tenant in tenants}
        alone = len(units) == 1
        return [self._run_one(conn, appenders[tenant], work, alone) for tenant, work in units], appenders

    def _run_one(self, conn: Connection, appender: Appender, work: Work[Any], alone: bool) -> Result:
        unit = Unit(conn, appender, self._apply, self._clock, alone)
        try:
            value = work(unit)
            unit.close()
            return Committed(value, tuple(unit.receipts), 0)
        except Exception as error:
            if storage_fault(error) is not None:
                raise  # the storage itself is at fault: no unit of this group can commit
            unit.undo()
            return Failed(error)

    def _appender(self, conn: Connection, tenant: str, memory: Memory | None) -> Appender:
        return Appender(conn, tenant, self._origin_prefix, self._clock, self._ids, self._random_bytes, memory)


def _groups(units: Sequence[tuple[str, Work[Any]]]) -> Iterator[Sequence[tuple[str, Work[Any]]]]:
    begin = 0
    for place, (_, work) in enumerate(units):
        if isinstance(work, Mend):
            if begin < place:
                yield units[begin:place]
            yield units[place : place + 1]
            begin = place + 1
    if begin < len(units):
        yield units[begin:]


class _NothingDone(Exception):
    """Every unit of the group failed: the transaction is rolled back."""


def _covered(result: Result, checkpoint: Checkpoint | None) -> Result:
    if isinstance(result, Failed) or checkpoint is None:
        return result
    return Committed(result.value, result.receipts, checkpoint.size)
