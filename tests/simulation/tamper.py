"""The tamper campaign: seeded edits of a sealed log, each of which verification has to find.

Three judges look at every edit: `verify_log` with an anchor, whose fault has to hold the first victim in its range;
the sweep, whose first finding has to be the first victim itself wherever a trace of the truth survives; and, for edits
of the file, SQLite's own check beside them. An edit that nobody sees is *missed*, a fault in the untouched log a
*false alarm*; the campaign wants none of either.
"""

import json
import random
import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from studio_brain.evidence import closing as sweep_end
from studio_brain.evidence import sweep
from studio_brain.evidence.log import all_logs, find_log
from studio_brain.evidence.verify import Anchor, Tampered, verify_log
from studio_brain.kernel.errors import StorageError
from studio_brain.store.database import PAGE_SIZE, memory_database
from tests.simulation.attacks import NEEDS_ANCHOR, ROWS, Nothing, Target
from tests.simulation.sealed import TENANT, opened, seal_log, verifier

SIZE, GROUPS = 560, 30
FILE_SHARE = 0.15
"""How many of the edits are made to the file instead of its rows."""


@dataclass
class Report:
    """What a campaign found, by kind of edit: how often verification named the first victim by its index, and how often
    the sweep did."""

    seed: int
    edits: Counter[str] = field(default_factory=Counter)
    by_verify: Counter[str] = field(default_factory=Counter)
    by_sweep: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    misplaced: list[str] = field(default_factory=list)
    unseen_without_anchor: Counter[str] = field(default_factory=Counter)
    unseen_by_sweep: Counter[str] = field(default_factory=Counter)
    stopped: list[str] = field(default_factory=list)
    false_alarms: int = 0
    untouched: int = 0

    @property
    def ok(self) -> bool:
        return not (self.missed or self.misplaced or self.false_alarms or self.unseen_by_sweep or self.stopped)

    def lines(self) -> list[str]:
        total = sum(self.edits.values())
        head = f"tamper campaign, seed {self.seed}: {total} edits, {len(self.missed)} missed, "
        head += f"{len(self.misplaced)} misplaced, {self.false_alarms} false alarms in {self.untouched} looks"
        kinds = [
            f"  {kind:<36} {count:>6} found, first victim named by verify {self.by_verify[kind]:>6}"
            + ("" if kind in FILES or kind in NEEDS_ANCHOR else f", by the sweep {self.by_sweep[kind]:>6}")
            + (f" (it saw nothing in {self.unseen_by_sweep[kind]})" if self.unseen_by_sweep[kind] else "")
            + (f", unseen without the anchor {self.unseen_without_anchor[kind]}" if kind in NEEDS_ANCHOR else "")
            for kind, count in sorted(self.edits.items())
        ]
        return [
            head,
            *kinds,
            *(f"  MISSED {item}" for item in self.missed),
            *(f"  MISPLACED {i}" for i in self.misplaced),
        ]


class Campaign:
    """One sealed log, attacked again and again. Rows are edited inside a transaction that is rolled back; files in a
    copy of the folder."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        self.report = Report(seed)
        self.folder = folder
        home = folder / "sealed"
        home.mkdir()
        self.sealed = seal_log(home, seed, SIZE, GROUPS)
        middle = self.sealed.sizes[GROUPS // 2]
        self.anchors: list[Anchor] = [(SIZE, self.sealed.root(SIZE)), (middle, self.sealed.root(middle))]
        self.database = memory_database("brain")
        self.conn = self.database.write.connect()
        driver: Any = self.conn.connection.dbapi_connection
        self.db: sqlite3.Connection = driver
        with closing(sqlite3.connect(self.sealed.path)) as source:
            source.backup(self.db)
        for name in ("entry", "tile", "checkpoint"):
            for verb in ("update", "delete"):
                self.db.execute(f"DROP TRIGGER {name}_refuses_{verb}")
        self.others: list[Path] = []
        with self.conn.begin():
            neighbour = find_log(self.conn, "other")
            assert neighbour is not None
            whole = verify_log(self.conn, neighbour, verifier("other"))
        self.neighbour: list[Anchor] = [(whole.size, whole.root)]
        self.truth = self.sealed.path.read_bytes()
        self.sound = _contents(self.sealed.path, self.sealed.log.log_id)

    def close(self) -> None:
        self.conn.close()
        self.database.close()
        self.db.close()

    def run(self, count: int, said: Callable[[str], None] = lambda line: None) -> Report:
        kinds = list(ROWS)
        while (done := sum(self.report.edits.values())) < count:
            if done % 250 == 0 and self.report.untouched <= done // 250:
                self.look_at_the_untouched()
                said(f"{done} of {count}")
            if self.rng.random() < FILE_SHARE:
                self.attack_file()
            else:
                self.attack_rows(kinds[done % len(kinds)])
        self.look_at_the_untouched()
        return self.report

    def look_at_the_untouched(self) -> None:
        self.report.untouched += 1
        with self.conn.begin():
            swept = sweep.whole(self.conn, self.sealed.log, verifier())
            sweep_end.close(self.conn, swept)
            if self.fault(self.conn, self.anchors) or not swept.ok:
                self.report.false_alarms += 1
        if (
            _contents(self.sealed.path, self.sealed.log.log_id) != self.sound
            or self.file_fault(self.sealed.path) is not None
        ):
            self.report.false_alarms += 1

    def fault(self, conn: Connection, anchors: list[Anchor]) -> Tampered | None:
        """What `verify_log` says. A log that cannot be found any more is a fault of its own."""
        log = find_log(conn, TENANT)
        if log is None:
            return Tampered(self.sealed.log.origin, None, "there is no such log")
        try:
            verify_log(conn, log, verifier(), anchors=anchors)
        except Tampered as fault:
            return fault
        return None

    # rows

    def attack_rows(self, kind: str) -> None:
        draw = self.rng.randrange(1 << 40)
        transaction = self.conn.begin()
        try:
            first = ROWS[kind](Target(self.sealed, self.db, random.Random(draw)))
            self.judge(kind, f"{kind} (draw {draw})", first)
        except Nothing:
            return
        finally:
            transaction.rollback()

    def judge(self, kind: str, name: str, first: int | None) -> None:
        self.report.edits[kind] += 1
        fault = self.fault(self.conn, self.anchors)
        if fault is None:
            self.report.missed.append(name)
            return
        if not _holds(fault, first):
            self.report.misplaced.append(f"{name}: {first}, and verify says {fault.since}…{fault.index} ({fault.what})")
        if kind in NEEDS_ANCHOR:
            self.report.unseen_without_anchor[kind] += self.fault(self.conn, []) is None
        self.report.by_verify[kind] += fault.index == first
        if kind not in NEEDS_ANCHOR:
            self.report.by_sweep[kind] += self.swept(name) == first

    def swept(self, name: str) -> int | None:
        """The sweep's first finding; −1 when it found nothing or gave up, which the report counts."""
        try:
            log = next(found for found in all_logs(self.conn) if found.log_id == self.sealed.log.log_id)
            swept = sweep.whole(self.conn, log, verifier())
            sweep_end.close(self.conn, swept)
            if swept.ok:
                self.report.unseen_by_sweep[name.partition(" (draw")[0]] += 1
            return -1 if swept.ok else swept.first_bad()
        except Exception as error:
            self.report.stopped.append(f"{name}: {error!r:.90}")
            return -1

    # files

    def attack_file(self) -> None:
        kind, draw = self.rng.choice(list(FILES)), self.rng.randrange(1 << 40)
        target = self.folder / "copy"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        path = target / "brain.db"
        path.write_bytes(FILES[kind](self, self.truth, random.Random(draw)))
        changed = _contents(path, self.sealed.log.log_id)
        if changed == self.sound:
            return  # a byte that belongs to nothing
        self.report.edits[kind] += 1
        fault = self.file_fault(path)
        name = f"{kind} (draw {draw})"
        if fault is None:
            self.report.missed.append(name)
            return
        first = _first_difference(self.sound, changed)
        if fault.index is None or first is None or changed.get("check") != b"ok":
            return  # outside of the entries, or a tree of pages so torn that each way of reading it finds others
        if not _holds(fault, first):
            self.report.misplaced.append(f"{name}: {first}, and verify says {fault.since}…{fault.index} ({fault.what})")
        self.report.by_verify[kind] += fault.index == first

    def file_fault(self, path: Path) -> Tampered | None:
        origin = self.sealed.log.origin
        try:
            with opened(path) as database:
                fault = database.reading(lambda conn: self.fault(conn, self.anchors) or self.neighbour_fault(conn))
                if fault is not None:
                    return fault
                said = database.reading(lambda conn: conn.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
                return None if said == "ok" else Tampered(origin, None, str(said))
        except (StorageError, DBAPIError) as error:
            return Tampered(origin, None, str(error))

    def neighbour_fault(self, conn: Connection) -> Tampered | None:
        """The other tenant's log in the same file."""
        log = find_log(conn, "other")
        origin = verifier("other").name
        if log is None:
            return Tampered(origin, None, "there is no such log")
        try:
            verify_log(conn, log, verifier("other"), anchors=self.neighbour)
        except Tampered as fault:
            return Tampered(origin, None, str(fault))
        return None

    def other_log(self, rng: random.Random) -> bytes:
        """Another log of the same installation, key and origin: signed and whole, and not this one."""
        if not self.others:
            for number in range(3):
                home = self.folder / f"other{number}"
                home.mkdir()
                self.others.append(seal_log(home, self.report.seed + 1 + number, SIZE, GROUPS).path)
        return rng.choice(self.others).read_bytes()


def _holds(fault: Tampered, first: int | None) -> bool:
    """Whether a fault's range holds the first victim; a fault outside of the entries is named as such."""
    if fault.index is None or fault.since is None or first is None:
        return fault.index is None and first is None
    return fault.since <= first <= fault.index


ENTRY = (
    "SELECT e.*, s.name, s.log_id, p.salt, p.sealed, k.key FROM entry e NOT INDEXED "
    "LEFT JOIN stream s USING (stream_id) LEFT JOIN payload p USING (place) "
    "LEFT JOIN payload_key k USING (place) WHERE e.place = ?"
)
TABLES = ("log", "head", "stream", "entry", "tile", "checkpoint", "payload", "payload_key")


def _contents(path: Path, log_id: int) -> dict[str, Any]:
    """What the tables of the log say, read past the product, and what SQLite says of the file. Entries one by one, with
    what lies beside them, so that the first one that cannot be read is known."""
    found: dict[str, Any] = {}
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as conn:
            conn.text_factory = bytes
            found["check"] = conn.execute("PRAGMA integrity_check(1)").fetchone()[0]
            for table in TABLES:
                found[table] = _read(conn, f"SELECT * FROM {table} NOT INDEXED ORDER BY 1, 2")
            found["rows"] = [_read(conn, ENTRY, log_id << 40 | index) for index in range(SIZE + 50)]
    except (sqlite3.Error, UnicodeError) as error:
        found["error"] = str(error)
    return found


def _read(conn: sqlite3.Connection, sql: str, *parameters: int) -> Any:
    try:
        return conn.execute(sql, parameters).fetchall()
    except (sqlite3.Error, UnicodeError):  # a column's name may be torn too
        return None


def _first_difference(sound: dict[str, Any], changed: dict[str, Any]) -> int | None:
    """The first index where something is not what it was; None when that cannot be told from the entries alone."""
    pairs = zip(sound["rows"], changed.get("rows", ()), strict=False)
    return next((index for index, (was, now) in enumerate(pairs) if was != now), None)


# the file itself; each gives the new bytes


def _flip(campaign: Campaign, data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def _truncated(campaign: Campaign, data: bytes, rng: random.Random) -> bytes:
    cut = rng.randrange(512, len(data))
    return data[: cut if rng.random() < 0.5 else cut // PAGE_SIZE * PAGE_SIZE]


def _torn_page(campaign: Campaign, data: bytes, rng: random.Random) -> bytes:
    """A page of which only some sectors were written: the rest is zero, noise, or another page's."""
    page = rng.randrange(1, len(data) // PAGE_SIZE) * PAGE_SIZE
    other = rng.randrange(1, len(data) // PAGE_SIZE) * PAGE_SIZE
    filler = rng.choice((b"\x00" * PAGE_SIZE, rng.randbytes(PAGE_SIZE), data[other : other + PAGE_SIZE]))
    sectors = range(0, PAGE_SIZE, 512)
    torn = b"".join((filler if rng.random() < 0.5 else data[page : page + PAGE_SIZE])[at : at + 512] for at in sectors)
    return data[:page] + torn + data[page + PAGE_SIZE :]


def _swapped_pages(campaign: Campaign, data: bytes, rng: random.Random) -> bytes:
    one, other = (page * PAGE_SIZE for page in sorted(rng.sample(range(1, len(data) // PAGE_SIZE), 2)))
    return b"".join(
        (data[:one], data[other : other + PAGE_SIZE], data[one + PAGE_SIZE : other], data[one : one + PAGE_SIZE],
         data[other + PAGE_SIZE :])
    )  # fmt: skip


def _another_file(campaign: Campaign, data: bytes, rng: random.Random) -> bytes:
    return campaign.other_log(rng)


def _old_file(campaign: Campaign, data: bytes, rng: random.Random) -> bytes:
    """The file as it was some commits ago: signed, whole, and behind the anchor."""
    home = campaign.folder / "old"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    target = home / "brain.db"
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        campaign.db.backup(copy)
        from tests.simulation.attacks import cut_tail

        cut_tail(Target(campaign.sealed, copy, rng))
        with closing(sqlite3.connect(target)) as file:
            copy.backup(file)
    return target.read_bytes()


FILES: dict[str, Callable[[Campaign, bytes, random.Random], bytes]] = {
    "file: bit flipped": _flip,
    "file: truncated": _truncated,
    "file: torn page": _torn_page,
    "file: pages swapped": _swapped_pages,
    "file: another log's": _another_file,
    "file: rolled back": _old_file,
}


def campaign(folder: Path, seed: int, count: int) -> Report:
    """Runs one; the folder is the campaign's own."""
    made = Campaign(folder, seed)
    try:
        return made.run(
            count, lambda line: print(json.dumps({"tamper": line, "seed": seed}), file=sys.stderr, flush=True)
        )
    finally:
        made.close()
