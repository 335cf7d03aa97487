"""The end of a sweep: what can only be said when every entry was seen, and what others have seen of this log.

What somebody or something outside these tables remembers (a pin, a vault, a witness) shows a tail that was cut off, or
a history that was written anew with the right key. Without any such anchor, nothing here can.

A payload of an earlier log may have been erased by an entry of a later one. That entry counts when its bytes lead to
the tree of its log as it was swept in the same run, below a signed checkpoint.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from . import cosignature, note
from .anchor import Anchor
from .erasure import ERASED, Statement, later_statements
from .forms import FormError, read_wire
from .merkle import Frontier, ProofError, inclusion_proof, leaf_hash, verify_inclusion
from .merkle import root as tree_root
from .note import Note, NoteError, VerifierKey
from .ranges import ALTERED, MISSING
from .scan import BODY, is_true, rows
from .statements import Statements
from .sweep import HEAD, Finding, LogSweep
from .tables import place, seq_of
from .tiles import TILE_WIDTH, TileReader

BEYOND = "SELECT max(size) FROM checkpoint WHERE log_id = ? AND size > ?"
# A second entry with the id of an earlier one, or at the same position of the same stream. The sign keeps SQLite from
# the order of places: along the index nothing has to be sorted.
SAME_ID = "SELECT max(place) FROM entry WHERE log_id = ? GROUP BY id HAVING count(*) > 1 LIMIT 1"
SAME_POSITION = (
    "SELECT max(place) FROM entry WHERE +place >= ? AND +place < ? GROUP BY stream_id, pos HAVING count(*) > 1 LIMIT 1"
)
SAME_NAME = "SELECT count(*) FROM (SELECT name FROM stream WHERE log_id = ? GROUP BY name HAVING count(*) > 1) AS twice"
# What stands under this log's places and names another log.
OTHER_LOG = "SELECT min(place) FROM entry WHERE +place >= ? AND +place < ? AND log_id <> ?"
OTHER_STREAM = (
    "SELECT min(e.place) FROM stream s JOIN entry e ON e.stream_id = s.stream_id "
    "WHERE s.log_id <> ? AND e.pos = 0 AND e.place >= ? AND e.place < ?"
)
GROWN = "SELECT 1 FROM head WHERE log_id = ? AND size > ?"
NO_SIZE = "SELECT count(*) FROM checkpoint WHERE log_id = ? AND size < 1"
TILES = "SELECT count(*) FROM tile WHERE log_id = ?"
COSIGNED = (
    "SELECT c.size, c.key_id, c.line, n.note FROM cosignature c LEFT JOIN checkpoint n "
    "ON n.log_id = c.log_id AND n.size = c.size WHERE c.log_id = ? AND c.size > ? ORDER BY c.size"
)

WHOLE_LOG: Final = None


@dataclass(frozen=True, slots=True)
class Seen:
    """An anchor, and whether the log still leads to it."""

    anchor: Anchor
    holds: bool


def close(
    conn: Connection,
    sweep: LogSweep,
    anchors: Sequence[Anchor] = (),
    witnesses: Sequence[VerifierKey] = (),
    others: Sequence[LogSweep] = (),
) -> list[Seen]:
    """Ends a sweep whose steps are done: adds what is wrong with the log as a whole. Returns the anchors, those of
    cosignatures included. `others` are the sweeps of the same run, their steps done too."""
    _head(conn, sweep)
    _covered(conn, sweep)
    _erased_later(conn, sweep, others)
    _payloads(sweep)
    try:
        _beside(conn, sweep)
        if sweep.deep:
            _twice(conn, sweep)
    except conn.dialect.loaded_dbapi.Error as error:
        sweep.find(Finding(WHOLE_LOG, 0, ALTERED, f"the database file is damaged: {str(error)[:120]}"))
    cosigned = _cosignatures(conn, sweep, witnesses)
    return _anchors(conn, sweep, [a for a in (*anchors, *cosigned) if a.origin == sweep.log.origin])


def frontier_of(sweep: LogSweep) -> Frontier:
    """The right edge of the swept tree."""
    return Frontier(sweep.total, (*sweep.upper.frontier.roots, *sweep.tail))


def _head(conn: Connection, sweep: LogSweep) -> None:
    if sweep.head is None:
        sweep.find(Finding(WHOLE_LOG, 0, MISSING, "its head row is missing"))
        return
    if sweep.head > sweep.total:
        sweep.find(Finding(sweep.total, sweep.head, MISSING, f"its head names {sweep.head} entries"))
    elif sweep.head < sweep.total:
        what = f"its head names {sweep.head} entries, there are {sweep.total}"
        sweep.find(Finding(WHOLE_LOG, 0, ALTERED, what))
    else:
        stored = rows(conn, HEAD, (sweep.log.log_id,))
        moved_on = not stored or stored[0][0] != sweep.total  # entries that came while it was swept
        if not moved_on and not sweep.lost and bytes(stored[0][1]) != frontier_of(sweep).to_bytes():
            sweep.find(Finding(WHOLE_LOG, 0, ALTERED, "its head names another tree"))


def _covered(conn: Connection, sweep: LogSweep) -> None:
    if sweep.covered < sweep.total:
        sweep.find(Finding(sweep.covered, sweep.total, ALTERED, "no signed checkpoint covers it"))
    heard_of = max(sweep.total, sweep.head or 0)
    beyond = rows(conn, BEYOND, (sweep.log.log_id, heard_of))[0][0]
    if beyond is not None and rows(conn, HEAD, (sweep.log.log_id,))[0][0] < beyond:
        sweep.find(Finding(heard_of, beyond, MISSING, f"a checkpoint of {beyond} entries was signed"))


def _erased_later(conn: Connection, sweep: LogSweep, others: Sequence[LogSweep]) -> None:
    """Takes what later logs say of payloads that are gone here, where both sides are what was sealed."""
    logs = {other.log.origin: other for other in others}
    try:
        for said in later_statements(conn, sweep.log):
            if said.index not in sweep.gone or said.index in sweep.erased or said.where not in logs:
                continue
            if is_true(conn, sweep.log, said) and _is_swept(conn, logs[said.where], said):
                sweep.erased.add(said.index, said.index + 1)
                sweep.later.append(said)
    except (conn.dialect.loaded_dbapi.Error, DBAPIError, ValueError, KeyError, TypeError):
        return  # what cannot be read excuses nothing, and is told of the log it lies in


def _is_swept(conn: Connection, where: LogSweep, said: Statement) -> bool:
    """Whether the entry that says so is one of the tree that was swept."""
    if said.by >= where.covered or said.by in where.altered:
        return False
    found, size = rows(conn, BODY, (place(where.log.log_id, said.by),)), where.total
    try:
        proof = inclusion_proof(said.by, size, TileReader(Statements(conn, where.log.log_id), size))
        if not found or read_wire(bytes(found[0][0])).kind != ERASED:
            return False
        verify_inclusion(leaf_hash(bytes(found[0][0])), said.by, size, proof, frontier_of(where).root())
    except (FormError, ProofError, LookupError):
        return False
    return True


def _payloads(sweep: LogSweep) -> None:
    for first, end in sweep.gone.minus(sweep.erased):
        sweep.find(Finding(first, end, MISSING, "its payload is gone and no entry says that it was erased"))


def _beside(conn: Connection, sweep: LogSweep) -> None:
    """Rows that belong to no entry, tile or size of this log, and entries or streams that say they are another's."""
    log, first, last = sweep.log, place(sweep.log.log_id, 0), place(sweep.log.log_id, sweep.total)
    for found in (
        rows(conn, OTHER_LOG, (first, last, log.log_id)) if sweep.deep else [],
        rows(conn, OTHER_STREAM, (log.log_id, first, last)),
    ):
        if found and found[0][0] is not None:
            index = seq_of(found[0][0])
            sweep.find(Finding(index, index + 1, ALTERED, "it is filed under another log"))
    width, full = TILE_WIDTH, 0
    while width <= sweep.total:
        full += sweep.total // width
        width *= TILE_WIDTH
    stored = rows(conn, TILES, (log.log_id,))[0][0]
    if stored > full and not rows(conn, GROWN, (log.log_id, sweep.total)):
        what = f"it has {stored} stored tiles; {sweep.total} entries fill {full}"
        sweep.find(Finding(WHOLE_LOG, 0, ALTERED, what))
    if rows(conn, NO_SIZE, (log.log_id,))[0][0]:
        sweep.find(Finding(WHOLE_LOG, 0, ALTERED, "it holds a checkpoint of no size"))
    if log.origin.split("/")[-2:] != [log.tenant, str(log.epoch)]:
        sweep.find(Finding(WHOLE_LOG, 0, ALTERED, "its row names another studio or epoch than its origin"))


def _twice(conn: Connection, sweep: LogSweep) -> None:
    log_id = sweep.log.log_id
    span = (place(log_id, 0), place(log_id + 1, 0))
    for sql, parameters, what in (
        (SAME_ID, (log_id,), "its id stands in the log twice"),
        (SAME_POSITION, span, "another entry stands at its position of its stream"),
    ):
        for (at,) in rows(conn, sql, parameters):
            if seq_of(at) not in sweep.altered:
                sweep.find(Finding(seq_of(at), seq_of(at) + 1, ALTERED, what))
    if rows(conn, SAME_NAME, (log_id,))[0][0]:
        sweep.find(Finding(WHOLE_LOG, 0, ALTERED, "two of its streams have one name"))


def _cosignatures(conn: Connection, sweep: LogSweep, witnesses: Sequence[VerifierKey]) -> list[Anchor]:
    """Verifies the cosignatures of known witnesses since the beginning of this sweep; they are anchors."""
    keys = {key.key_id: key for key in witnesses}
    found: dict[bytes, Anchor] = {}
    for size, key_id, line, text in rows(conn, COSIGNED, (sweep.log.log_id, sweep.first)):
        key = keys.get(bytes(key_id))
        if key is None or size > sweep.total:
            continue
        try:
            if text is None:
                raise NoteError("its checkpoint is missing")
            signed = note.parse(text)
            lines = note.parse_lines(line if line.endswith("\n") else line + "\n")
            cosigned = cosignature.verify(Note(signed.text, lines), key)
        except NoteError as error:
            sweep.find(Finding(WHOLE_LOG, 0, ALTERED, f"the cosignature of {size} entries by {key.name}: {error}"))
            continue
        root = root_at(conn, sweep, size)
        if root is not None:
            found[key.key_id] = Anchor(sweep.log.origin, size, root, f"witness {key.name}", cosigned.time * 1000)
    return list(found.values())


def _anchors(conn: Connection, sweep: LogSweep, anchors: Sequence[Anchor]) -> list[Seen]:
    seen: list[Seen] = []
    low = 0
    for anchor in sorted(anchors, key=lambda a: (a.size, a.where)):
        root = root_at(conn, sweep, anchor.size)
        holds = root == anchor.root
        seen.append(Seen(anchor, holds))
        if holds:
            low = max(low, anchor.size)
        elif root is None and anchor.size > sweep.total:
            what = f"{anchor.where} has seen {anchor.size} entries"
            sweep.find(Finding(sweep.total, anchor.size, MISSING, what))
        else:
            what = f"{anchor.where} has seen another history of the first {anchor.size} entries"
            sweep.find(Finding(min(low, anchor.size - 1), anchor.size, ALTERED, what))
    return seen


def root_at(conn: Connection, sweep: LogSweep, size: int) -> bytes | None:
    """The root over the first `size` entries: of the swept tree, or of the stored tiles that it was compared with. None
    beyond the end, and where the stored tree has a hole."""
    if size == sweep.total:
        return frontier_of(sweep).root()
    if size > sweep.total:
        return None
    try:
        return tree_root(size, TileReader(Statements(conn, sweep.log.log_id), size))
    except (ProofError, IndexError):
        return None


def counts(sweep: LogSweep) -> dict[str, int]:
    """How many indexes are in each state."""
    found: dict[str, int] = {}
    for first, end, state in sweep.map():
        found[state] = found.get(state, 0) + end - first
    return found
