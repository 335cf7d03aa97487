"""Facts: entries on their way into rows. Read fast and in order, with what is left of their payloads."""

from collections.abc import Collection, Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection

from .entry import ActorRef, Entry, Receipt
from .log import LogRow
from .payload import opened
from .tables import place, seq_of

BATCH = 2_000


class Fact(msgspec.Struct, gc=False):
    """What a projection sees of an entry. `place` is where it stands; `commitment` is that of its payload; `content`
    the payload itself, None when there is none or it was erased."""

    tenant: str
    place: int
    kind: str
    at_ms: int
    stream: str
    actor: ActorRef
    corr: str
    data: dict[str, Any]
    commitment: bytes | None
    content: bytes | None

    @property
    def seq(self) -> int:
        return seq_of(self.place)


def fact_of(receipt: Receipt, entry: Entry, content: bytes | None) -> Fact:
    """The fact that an entry just appended is."""
    return Fact(
        receipt.tenant,
        place(receipt.log_id, receipt.seq),
        entry.kind,
        entry.at_ms,
        entry.stream,
        entry.actor,
        entry.corr,
        entry.data,
        None if entry.payload is None else entry.payload.sha256,
        content,
    )


def facts(conn: Connection, log: LogRow, first: int, end: int, kinds: Collection[str] | None = None) -> Iterator[Fact]:
    """Entries [first, end) of these kinds, in order. Raises PayloadError for a payload that was altered."""
    chosen = ""
    parameters: tuple[str, ...] = ()
    if kinds is not None:
        parameters = tuple(sorted(kinds))
        chosen = f"AND kind IN ({', '.join('?' * len(parameters))}) " if parameters else "AND 1 = 0 "
    entries = f"{ENTRIES}{chosen}ORDER BY place LIMIT {BATCH}"
    at, last = place(log.log_id, first), place(log.log_id, end)
    while True:
        rows = _run(conn, entries, (at, last, *parameters))
        if not rows:
            return
        stop = rows[-1][0] + 1
        payloads = {row[0]: row[1:] for row in _run(conn, PAYLOADS, (at, stop))}
        for row in rows:
            yield fact_of_row(log, row, payloads.get(row[0]))
        if len(rows) < BATCH:
            return
        at = stop


ENTRIES = "SELECT place, kind, at_ms, body FROM entry WHERE place >= ? AND place < ? "
PAYLOADS = (
    "SELECT payload.place, salt, sealed, key FROM payload JOIN payload_key ON payload_key.place = payload.place "
    "WHERE payload.place >= ? AND payload.place < ?"
)


class _Payload(msgspec.Struct, gc=False):
    sha256: str
    size: int


class _Wire(msgspec.Struct, gc=False):
    """The part of an entry that rows follow from; kind and time stand in columns beside it."""

    stream: str
    actor: ActorRef
    corr: str
    data: dict[str, Any]
    payload: _Payload | None = None


_decode = msgspec.json.Decoder(_Wire).decode


def fact_of_row(log: LogRow, row: Any, stored: Any) -> Fact:
    """From (place, kind, at_ms, body) of an entry and (salt, sealed, key) of its payload, None where there is none."""
    at, kind, at_ms, body = row
    wire = _decode(body)
    payload = wire.payload
    commitment = content = None
    if payload is not None:
        commitment = bytes.fromhex(payload.sha256[7:])
        if stored is not None:
            salt, sealed, key = stored
            content = opened(commitment, payload.size, bytes(salt), bytes(sealed), bytes(key))
    return Fact(log.tenant, at, kind, at_ms, wire.stream, wire.actor, wire.corr, wire.data, commitment, content)


def _run(conn: Connection, sql: str, parameters: tuple[Any, ...]) -> list[Any]:
    """By the driver itself: a row of SQLAlchemy's costs more than reading it."""
    cursor = conn.connection.cursor()
    try:
        cursor.execute(sql.replace("?", "%s") if conn.dialect.name == "postgresql" else sql, parameters)
        return list(cursor.fetchall())
    finally:
        cursor.close()
