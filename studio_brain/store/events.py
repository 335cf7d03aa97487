"""The EventStore on the brain database: appends through the writer, reads beside it."""

from collections.abc import Sequence
from concurrent.futures import Future

from sqlalchemy import Connection

from ..evidence.entry import Event, Receipt
from ..evidence.log import find_log
from ..evidence.reader import LogReader, Stored
from .database import Database
from .sequencer import Committed
from .writer import UnitOfWork


class SqlEventStore:
    def __init__(self, database: Database, writer: UnitOfWork) -> None:
        self._database = database
        self._writer = writer

    def append(self, tenant: str, event: Event) -> "Future[Receipt]":
        result: Future[Receipt] = Future()

        def resolve(done: "Future[Committed[Receipt]]") -> None:
            error = done.exception()
            if error is not None:
                result.set_exception(error)
            else:
                result.set_result(done.result().value)

        self._writer.submit(tenant, lambda unit: unit.append(event).receipt).add_done_callback(resolve)
        return result

    def read(self, tenant: str, first: int = 0, limit: int = 100) -> Sequence[Stored]:
        def work(conn: Connection) -> list[Stored]:
            log = find_log(conn, tenant)
            return [] if log is None else list(LogReader(conn, log).entries(first, first + limit))

        return self._database.reading(work)

    def size(self, tenant: str) -> int:
        def work(conn: Connection) -> int:
            log = find_log(conn, tenant)
            return 0 if log is None else LogReader(conn, log).size()

        return self._database.reading(work)
