"""The sweep of one log: everything that can be said about it from its own bytes, entry by entry, to the end.

`verify` stops at the first fault. A sweep goes on: it says of every index whether it is ok, altered, missing, erased or
unswept, so that a person learns what is lost and what is not. It begins at the first entry, or after a checkpoint of
an earlier sweep while that still holds; it works in steps that can lie apart, in other processes or after a restart,
and its state between two steps is a small JSON value.

    begin → step, step, … until done → close

`step` tries the fast pass of `scan`; whatever is odd about a stretch is looked at tile by tile in `examine`.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection

from . import checkpoint as checkpoints
from .erasure import Statement
from .examine import Examined, examine
from .forms import Forms
from .log import LogRow
from .merkle import EMPTY_ROOT, Frontier
from .note import NoteError, VerifierKey
from .ranges import ALTERED, ERASED, MISSING, OK, Ranges, draw
from .scan import WIDTH, Chunk, Odd, Streams, inside, levels_of, rows, scan
from .tables import place, seq_of
from .tiles import TILE_WIDTH
from .upper import Upper, stored_upper

HEAD = "SELECT size, roots FROM head WHERE log_id = ?"
LAST = "SELECT max(place) FROM entry WHERE place >= ? AND place < ?"
NOTE = "SELECT note FROM checkpoint WHERE log_id = ? AND size = ?"
SEALS = "SELECT seal FROM entry WHERE place >= ? AND place < ? ORDER BY place"

SHOWN: Final = 200
"""Findings that are told one by one; beyond that only their ranges and their number."""


@dataclass(frozen=True, slots=True)
class Base:
    """Where an earlier sweep ended: its size and root, when (UTC ms), and the index of the entry that says so."""

    size: int
    root: bytes
    at_ms: int
    index: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not what was sealed, in [first, end); `first` is None when it lies outside the entries."""

    first: int | None
    end: int
    state: str
    what: str


@dataclass(slots=True)
class LogSweep:
    """One log while it is swept. `at` is the next index, `total` where the entries end, `covered` the size of the last
    signed checkpoint met, `root` that of the last one that agreed. `later` is what later logs were shown to have erased
    of this one, once it is closed."""

    log: LogRow
    deep: bool
    first: int
    total: int
    head: int | None
    at: int
    base: Base | None = None
    upper: Upper = field(default_factory=Upper)
    tail: tuple[bytes, ...] = ()
    covered: int = 0
    root: bytes = EMPTY_ROOT
    lost: bool = False
    checkpoints: int = 0
    payloads: int = 0
    gone: Ranges = field(default_factory=Ranges)
    erased: Ranges = field(default_factory=Ranges)
    findings: list[Finding] = field(default_factory=list)
    altered: Ranges = field(default_factory=Ranges)
    missing: Ranges = field(default_factory=Ranges)
    truths: dict[int, bytes] = field(default_factory=dict)
    found: int = 0
    outside: int = 0
    later: list[Statement] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return self.at >= self.total

    @property
    def end(self) -> int:
        """Where the range map ends: after the last index that was ever heard of."""
        return max([self.total, *self.missing.ends[-1:]])

    @property
    def ok(self) -> bool:
        return not (self.found or self.outside)

    def find(self, finding: Finding) -> None:
        if finding.first is None:
            self.outside += 1
        else:
            self.found += 1
            (self.missing if finding.state == MISSING else self.altered).add(finding.first, finding.end)
        if len(self.findings) < SHOWN:
            self.findings.append(finding)

    def first_bad(self) -> int | None:
        """The lowest index that is not what was sealed."""
        return min([*self.altered.starts[:1], *self.missing.starts[:1]], default=None)

    def map(self) -> list[tuple[int, int, str]]:
        """The range map; until the sweep is done, what is not covered by a signed checkpoint yet is unswept."""
        seen = self.total if self.done else min(self.at, self.covered)
        marks = [(OK, self.first, max(seen, self.first))]
        marks += [(ERASED, first, end) for first, end in self.gone if self.done]
        marks += [(ALTERED, first, end) for first, end in self.altered]
        marks += [(MISSING, first, end) for first, end in self.missing]
        return draw(self.end, marks)


def begin(conn: Connection, log: LogRow, key: VerifierKey, base: Base | None = None, *, deep: bool = True) -> LogSweep:
    """A sweep of the log as it is now: from its start, or after `base` while that still holds."""
    head = rows(conn, HEAD, (log.log_id,))
    last = rows(conn, LAST, (place(log.log_id, 0), place(log.log_id + 1, 0)))[0][0]
    total = 0 if last is None else seq_of(last) + 1
    sweep = LogSweep(log, deep, 0, total, head[0][0] if head else None, 0)
    upper = None if base is None or base.size > total else _held(conn, log, key, base)
    if base is not None and upper is not None:
        sweep.first = sweep.at = upper.frontier.size * TILE_WIDTH
        sweep.base, sweep.upper = base, upper
        sweep.covered = sweep.first
    return sweep


def _held(conn: Connection, log: LogRow, key: VerifierKey, base: Base) -> Upper | None:
    """The stored tree below the whole tiles of `base`, if tiles, seals and the signed checkpoint still lead to its
    root."""
    tiles = base.size // TILE_WIDTH
    try:
        upper = stored_upper(conn, log, tiles)
        note = rows(conn, NOTE, (log.log_id, base.size))
        signed = checkpoints.open_signed(note[0][0], key)
    except (LookupError, NoteError):
        return None
    edge = Frontier(tiles * TILE_WIDTH, upper.frontier.roots)
    for (seal,) in rows(conn, SEALS, (place(log.log_id, tiles * TILE_WIDTH), place(log.log_id, base.size))):
        edge.append(bytes(seal))
    agreed = (edge.size, edge.root()) == (base.size, base.root) == (signed.size, signed.root)
    return upper if agreed and signed.origin == log.origin else None


def step(
    conn: Connection, sweep: LogSweep, key: VerifierKey, streams: Streams, forms: Forms, chunk: Chunk | None = None
) -> None:
    """Looks at the next stretch. `chunk` is what another process found there; without it it is scanned here."""
    first, end = sweep.at, min(sweep.at + WIDTH, sweep.total)
    if not _try(conn, sweep, key, first, end, streams, forms, chunk):
        for start in range(first, end, TILE_WIDTH):
            stop = min(start + TILE_WIDTH, end)
            if sweep.lost or not _try(conn, sweep, key, start, stop, streams, forms):
                _examine(conn, sweep, key, start, stop)
    sweep.at = end


def _try(
    conn: Connection,
    sweep: LogSweep,
    key: VerifierKey,
    first: int,
    end: int,
    streams: Streams,
    forms: Forms,
    chunk: Chunk | None = None,
) -> bool:
    """The fast pass over [first, end). False when something is odd; then nothing was taken."""
    if sweep.lost:
        return False
    try:
        found = chunk or scan(conn, sweep.log, key, first, end, streams if sweep.deep else None, forms)
        upper, root, faults = _fold(conn, sweep, found)
    except (Odd, conn.dialect.loaded_dbapi.Error):
        streams.forget()
        return False
    sweep.upper, sweep.root = upper, root
    for fault in faults:
        sweep.find(Finding(fault.index, fault.index + 1, ALTERED, fault.what))
    sweep.tail = inside(levels_of(found.tail), len(found.tail))
    sweep.covered = max([sweep.covered, *(cover.size for cover in found.covers)])
    sweep.checkpoints += len(found.covers)
    sweep.payloads += found.payloads
    sweep.gone.add_each(found.gone)
    sweep.erased.add_each(found.erased)
    return True


def _fold(conn: Connection, sweep: LogSweep, chunk: Chunk) -> tuple[Upper, bytes, list[Any]]:
    """The tree after this chunk, the root of its last checkpoint, and faults of upper tiles. Raises Odd."""
    upper, root, faults = sweep.upper.copy(), sweep.root, []
    covers = iter(chunk.covers)
    cover = next(covers, None)
    for tile, tile_root in enumerate([*chunk.roots, None], chunk.first // TILE_WIDTH):
        while cover is not None and cover.size < (tile + 1) * TILE_WIDTH:
            if upper.root(cover.inside) != cover.root:
                raise Odd
            root, cover = cover.root, next(covers, None)
        if tile_root is not None:
            faults += upper.push(conn, sweep.log, tile_root)
    return upper, root, faults


def _examine(conn: Connection, sweep: LogSweep, key: VerifierKey, first: int, stop: int) -> None:
    if sweep.lost:
        _find_again(conn, sweep, first)
    found: Examined = examine(conn, sweep.log, key, sweep.upper, first, stop, sweep.truths, deep=sweep.deep)
    for start, end, state, what in found.findings:
        sweep.find(Finding(start, end, state, what))
    sweep.truths |= found.truths
    sweep.lost = found.lost
    sweep.covered = max(sweep.covered, found.covered)
    sweep.checkpoints += found.checkpoints
    sweep.payloads += found.payloads
    sweep.gone.add_each(found.gone)
    sweep.erased.add_each(found.erased)
    sweep.root = found.root or sweep.root
    if stop - first == TILE_WIDTH:
        for fault in sweep.upper.push(conn, sweep.log, found.tile_root):
            sweep.find(Finding(fault.index, fault.index + 1, ALTERED, fault.what))
        sweep.tail = ()
    else:
        sweep.tail = found.tail


def _find_again(conn: Connection, sweep: LogSweep, first: int) -> None:
    """Once lost, the stored tree is taken on trial: the next signed checkpoint says whether it is the right one."""
    try:
        sweep.upper = stored_upper(conn, sweep.log, first // TILE_WIDTH)
    except LookupError:
        return


def root_of(sweep: LogSweep) -> bytes:
    """The root of all entries, as they were sealed."""
    return sweep.upper.root(sweep.tail)


def to_json(sweep: LogSweep) -> dict[str, Any]:
    """The state between two steps. Large only where much is wrong."""
    base = sweep.base
    return {
        "origin": sweep.log.origin,
        "deep": sweep.deep,
        "first": sweep.first,
        "total": sweep.total,
        "head": sweep.head,
        "at": sweep.at,
        "base": None if base is None else [base.size, base.root.hex(), base.at_ms, base.index],
        "upper": sweep.upper.to_json(),
        "tail": b"".join(sweep.tail).hex(),
        "covered": sweep.covered,
        "root": sweep.root.hex(),
        "lost": sweep.lost,
        "counts": [sweep.checkpoints, sweep.payloads, sweep.found, sweep.outside],
        "gone": sweep.gone.to_json(),
        "erased": sweep.erased.to_json(),
        "altered": sweep.altered.to_json(),
        "missing": sweep.missing.to_json(),
        "findings": [[f.first, f.end, f.state, f.what] for f in sweep.findings],
        "truths": [[index, seal.hex()] for index, seal in sweep.truths.items()],
    }


def from_json(log: LogRow, value: Any) -> LogSweep:
    """Raises ValueError, KeyError or TypeError for a value that was not made by `to_json`."""
    base = value["base"]
    tail = bytes.fromhex(value["tail"])
    checkpoints_seen, payloads, found, outside = value["counts"]
    return LogSweep(
        log=log,
        deep=value["deep"],
        first=value["first"],
        total=value["total"],
        head=value["head"],
        at=value["at"],
        base=None if base is None else Base(base[0], bytes.fromhex(base[1]), base[2], base[3]),
        upper=Upper.from_json(value["upper"]),
        tail=tuple(tail[i : i + 32] for i in range(0, len(tail), 32)),
        covered=value["covered"],
        root=bytes.fromhex(value["root"]),
        lost=value["lost"],
        checkpoints=checkpoints_seen,
        payloads=payloads,
        gone=Ranges.from_json(value["gone"]),
        erased=Ranges.from_json(value["erased"]),
        findings=[Finding(*item) for item in value["findings"]],
        altered=Ranges.from_json(value["altered"]),
        missing=Ranges.from_json(value["missing"]),
        truths={index: bytes.fromhex(seal) for index, seal in value["truths"]},
        found=found,
        outside=outside,
    )


def whole(conn: Connection, log: LogRow, key: VerifierKey, base: Base | None = None, *, deep: bool = True) -> LogSweep:
    """Begins and takes every step, in one go. For what is small, and for tests."""
    sweep = begin(conn, log, key, base, deep=deep)
    streams, forms = Streams(log, from_the_start=sweep.first == 0), Forms(log.tenant)
    while not sweep.done:
        step(conn, sweep, key, streams, forms)
    return sweep
