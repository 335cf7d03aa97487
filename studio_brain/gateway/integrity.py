"""Is what is stored what was sealed? The logs from their bytes, then the gateway's rows against what the logs say.

The report never claims more than was checked: it names each log, its size, the key that its checkpoints were verified
with, and what outside of the database it agrees with. What came after the newest pin is signed, not pinned.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection

from ..evidence.anchor import Anchor, disagreements
from ..evidence.erasure import Statement
from ..evidence.log import LogRow, all_logs
from ..evidence.note import VerifierKey
from ..evidence.tables import seq_of
from ..evidence.verify import Tampered, Verified, verify_log
from ..kernel.clock import utc_text
from ..kernel.errors import StorageError
from ..kernel.hashing import to_text
from ..store.database import Database
from ..store.projections import no_collections
from ..store.rows import state_sha256, tuples
from . import rows
from .tables import ROWS

Progress = Callable[[str, int, int], None]
"""(origin of the log, entries checked, entries in all) → None. May raise to cancel."""


@dataclass(frozen=True, slots=True)
class Report:
    """`fault` is the first thing that is wrong; None when nothing is."""

    logs: tuple[Verified, ...] = ()
    rows_sha256: str = ""
    fault: dict[str, Any] | None = None
    checked: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        return self.fault is None

    def to_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "fault": self.fault,
            "logs": [
                {
                    "origin": log.origin,
                    "size": log.size,
                    "root": to_text(log.root),
                    "checkpoints": log.checkpoints,
                    "payloads": log.payloads,
                    "erased": log.erased,
                    "key": log.key,
                }
                for log in self.logs
            ],
            "rows": self.rows_sha256,
            "checked": list(self.checked),
        }


BESIDE = ("pages and indexes of the database", "gateway rows equal to what the logs say")
"""What is checked beside the logs themselves."""


def check(
    database: Database,
    tenants: frozenset[str],
    key_of: Callable[[str], VerifierKey],
    progress: Progress | None = None,
    anchors: Sequence[Anchor] = (),
) -> Report:
    """Verifies the logs of these tenants, then the gateway's rows. What is wrong is in the report, never raised.

    `anchors` is what is known of the logs from outside: a log that no longer holds one of them is not verified.
    """
    verified: list[Verified] = []
    try:
        logs = [log for log in database.reading(all_logs) if log.tenant in tenants]
        said: dict[str, tuple[Statement, ...]] = {}
        # The latest first: what it says was erased of earlier logs counts once it is verified itself.
        for log in sorted(logs, key=lambda log: (log.tenant, -log.epoch)):
            found = _verify(database, log, key_of(log.origin), progress, said.get(log.tenant, ()))
            said[log.tenant] = (*said.get(log.tenant, ()), *found.said)
            verified.append(found)
        order = [log.origin for log in logs]
        verified.sort(key=lambda found: order.index(found.origin))
        database.reading(lambda conn: _check_anchors(conn, anchors))
        database.reading(check_structure)
        stamp = database.reading(compare_rows)
    except Tampered as fault:
        told = {"origin": fault.origin, "index": fault.index, "what": fault.what}
        return Report(tuple(verified), fault=told, checked=_checked(verified, ()))
    except StorageError as damage:
        told = {"origin": database.name, "index": None, "what": f"{damage.code.value}: {damage.detail}"}
        return Report(tuple(verified), fault=told, checked=_checked(verified, ()))
    return Report(tuple(verified), stamp, checked=(*_checked(verified, anchors), *BESIDE))


def _verify(
    database: Database, log: LogRow, key: VerifierKey, progress: Progress | None, later: Sequence[Statement]
) -> Verified:
    def step(done: int, total: int) -> None:
        if progress is not None:
            progress(log.origin, done, total)

    return database.reading(lambda conn: verify_log(conn, log, key, step, later=later))


def _check_anchors(conn: Connection, anchors: Sequence[Anchor]) -> None:
    """After the logs' own pass: their tiles are known to be right by now."""
    for missing in disagreements(conn, anchors):
        first = missing.size if missing.size is not None and missing.size < missing.anchor.size else None
        raise Tampered(missing.anchor.origin, first, missing.what)


def check_structure(conn: Connection) -> None:
    """SQLite's own check of pages and indexes: what the logs' pass does not look at. It names rows by their place."""
    if conn.dialect.name != "sqlite":
        return
    message = str(conn.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
    if message == "ok":
        return
    row = re.search(r"\brow (\d+)\b", message)
    index = seq_of(int(row[1])) if row and "entry" in message else None
    raise Tampered("brain.db", index, f"the database file is damaged: {message[:200]}")


def compare_rows(conn: Connection) -> str:
    """Derives the gateway's rows beside the stored ones; their hash when they are equal, payloads included."""
    with no_collections():
        derived = rows.derived(conn)
        for table in ROWS:
            if any(a != b for a, b in zip_longest(tuples(conn, table), tuples(derived, table))):
                raise Tampered("gateway", None, f"the table {table.name!r} differs from what the logs say; run rebuild")
        return state_sha256(derived, ROWS)


def _checked(logs: list[Verified], anchors: Sequence[Anchor]) -> tuple[str, ...]:
    """What was checked, a line each. `anchors` are those that the logs hold."""
    lines = []
    for log in logs:
        lines.append(
            f"{log.origin}: {log.size} entries from their bytes, {log.checkpoints} signed checkpoints, "
            f"{log.payloads} payloads ({log.erased} erased)"
        )
        held = sorted((anchor for anchor in anchors if anchor.origin == log.origin), key=lambda anchor: anchor.size)
        lines += [f"{log.origin}: as pinned at {a.size} entries, {utc_text(a.at_ms)}, {a.where}" for a in held]
        newer = log.size - max((anchor.size for anchor in held), default=0)
        if newer:
            lines.append(f"{log.origin}: the last {newer} entries are signed, not pinned")
    return tuple(lines)
