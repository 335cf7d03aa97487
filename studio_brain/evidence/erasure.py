"""Erasing a payload: its key, salt and ciphertext go; the entry, its seal and every proof stay.

The entry that says so has the kind `payload.erased`, stands in the stream `erasures` of the tenant's *latest* log, and
carries in `data` at least `index`, `seal`, `erasedKind` and `payloadSha256` of what was erased; and `origin`, when that
lies in an earlier log of the tenant than the statement itself. Whoever verifies counts a missing payload as erased when
such an entry follows, in its own log or in a later one that was verified too, and as a fault when none does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, select

from ..kernel.hashing import to_text
from . import tables
from .facts import Fact, fact_of_row
from .log import LogRow, all_logs
from .tables import place, seq_of

ERASED: Final = "payload.erased"
STREAM: Final = "erasures"
PRUNED: Final = "retention.ran"
"""Retention took what its time was over of; the entry names the derived rows that went, so that they go again at every
rebuild."""

# The entries about erasures from a place on, found through their stream: a log is never searched for them.
_ERASURES: Final = (
    "SELECT entry.place, entry.kind, entry.at_ms, entry.body FROM stream "
    "JOIN entry ON entry.stream_id = stream.stream_id "
    "WHERE stream.log_id = ? AND stream.name = ? AND entry.kind = ? AND entry.place >= ? ORDER BY entry.pos"
)
_COUNT: Final = (
    "SELECT count(*) FROM log JOIN stream ON stream.log_id = log.log_id "
    "JOIN entry ON entry.stream_id = stream.stream_id "
    "WHERE log.tenant = ? AND log.epoch >= ? AND stream.name = ?"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """What an entry about an erasure says: gone is the payload of the entry `index` of the log `origin`, with this seal
    and this commitment, as texts. The statement itself is the entry `by` of the log `where`, of that `epoch`."""

    origin: str
    index: int
    seal: str
    sha256: str
    where: str
    epoch: int
    by: int

    @property
    def is_later(self) -> bool:
        """Whether it is about another log than the one it stands in."""
        return self.origin != self.where

    def is_about(self, seal: bytes, commitment: bytes) -> bool:
        """Whether it means the entry of this seal and the payload of this commitment."""
        return (self.seal, self.sha256) == (to_text(seal), to_text(commitment))


def read_statement(data: Mapping[str, Any], where: str, epoch: int, by: int) -> Statement | None:
    """What the `data` of the entry `by` of a log says; None when it says nothing that can count."""
    origin, index = data.get("origin", where), data.get("index")
    seal, sha256 = data.get("seal"), data.get("payloadSha256")
    if type(index) is not int or not all(isinstance(text, str) for text in (origin, seal, sha256)):
        return None
    if index < 0 or (origin == where and index >= by):
        return None
    return Statement(str(origin), index, str(seal), str(sha256), where, epoch, by)


def destroy_payload(conn: Connection, place: int) -> None:
    """Removes what is left of a payload, in the transaction that appends the entry about it."""
    for table in (tables.payload_key, tables.payload):
        conn.execute(delete(table).where(table.c.place == place))


def erasures(conn: Connection, log: LogRow, first: int = 0) -> Iterator[Fact]:
    """The facts of all erasures that were sealed in a log at index `first` or later, whatever log they are about."""
    for row in _rows(conn, log, first):
        yield fact_of_row(log, row, None)


def _rows(conn: Connection, log: LogRow, first: int) -> Sequence[Any]:
    parameters = (log.log_id, STREAM, ERASED, place(log.log_id, first))
    return conn.exec_driver_sql(_for(conn, _ERASURES), parameters).all()


def statements_about(conn: Connection, log: LogRow) -> Iterator[Statement]:
    """Everything that this log, and then each later one of its tenant, says was erased of this log."""
    for where in sorted((each for each in all_logs(conn) if each.tenant == log.tenant), key=lambda each: each.epoch):
        if where.epoch >= log.epoch:
            yield from _statements(conn, where, log.origin)


def later_statements(conn: Connection, log: LogRow) -> Iterator[Statement]:
    """What the later logs of its tenant say was erased of this log."""
    return (said for said in statements_about(conn, log) if said.is_later)


def _statements(conn: Connection, where: LogRow, origin: str) -> Iterator[Statement]:
    """What is no entry any more says nothing."""
    for row in _rows(conn, where, 0):
        try:
            data = fact_of_row(where, row, None).data
        except (msgspec.MsgspecError, ValueError, TypeError):
            continue
        said = read_statement(data, where.origin, where.epoch, seq_of(row[0]))
        if said is not None and said.origin == origin:
            yield said


def erased_place(conn: Connection, tenant: str, said: Statement) -> int | None:
    """Where the payload lay that a statement is about; None when this tenant has no log of that origin."""
    query = select(tables.log.c.log_id).where(tables.log.c.origin == said.origin, tables.log.c.tenant == tenant)
    log_id = conn.execute(query).scalar()
    return None if log_id is None else place(log_id, said.index)


def count_erasures(conn: Connection, log: LogRow) -> int:
    """How many entries stand in the streams of erasures of this log and the later ones of its tenant: when it grows, a
    payload of this log may have gone."""
    parameters = (log.tenant, log.epoch, STREAM)
    return int(conn.exec_driver_sql(_for(conn, _COUNT), parameters).scalar_one())


def _for(conn: Connection, sql: str) -> str:
    return sql.replace("?", "%s") if conn.dialect.name == "postgresql" else sql
