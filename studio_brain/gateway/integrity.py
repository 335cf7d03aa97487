"""Is what is stored what was sealed? The logs from their bytes, then the gateway's rows against what the logs say.

The report never claims more than was checked: it names each log, its size, and the key that its checkpoints were
verified with. A copy of a checkpoint outside this machine is the next stronger anchor; there is none here yet.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection

from ..evidence.log import LogRow, all_logs
from ..evidence.note import VerifierKey
from ..evidence.tables import seq_of
from ..evidence.verify import Tampered, Verified, verify_log
from ..kernel.errors import StorageError
from ..kernel.hashing import to_text
from ..store.database import Database
from ..store.rows import state_sha256, stored_rows
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
) -> Report:
    """Verifies the logs of these tenants, then the gateway's rows. What is wrong is in the report, never raised."""
    verified: list[Verified] = []
    try:
        for log in database.reading(all_logs):
            if log.tenant in tenants:
                verified.append(_verify(database, log, key_of(log.origin), progress))
        database.reading(_check_structure)
        stamp = database.reading(_compare_rows)
    except Tampered as fault:
        found = {"origin": fault.origin, "index": fault.index, "what": fault.what}
        return Report(tuple(verified), fault=found, checked=_checked(verified))
    except StorageError as damage:
        found = {"origin": database.name, "index": None, "what": f"{damage.code.value}: {damage.detail}"}
        return Report(tuple(verified), fault=found, checked=_checked(verified))
    return Report(tuple(verified), stamp, checked=(*_checked(verified), *BESIDE))


def _verify(database: Database, log: LogRow, key: VerifierKey, progress: Progress | None) -> Verified:
    def step(done: int, total: int) -> None:
        if progress is not None:
            progress(log.origin, done, total)

    return database.reading(lambda conn: verify_log(conn, log, key, step))


def _check_structure(conn: Connection) -> None:
    """SQLite's own check of pages and indexes: what the logs' pass does not look at. It names rows by their place."""
    if conn.dialect.name != "sqlite":
        return
    message = str(conn.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
    if message == "ok":
        return
    row = re.search(r"\brow (\d+)\b", message)
    index = seq_of(int(row[1])) if row and "entry" in message else None
    raise Tampered("brain.db", index, f"the database file is damaged: {message[:200]}")


def _compare_rows(conn: Connection) -> str:
    """Derives the gateway's rows beside the stored ones; their hash when they are equal, payloads included."""
    derived = rows.derived(conn)
    for table in ROWS:
        if any(a != b for a, b in zip_longest(stored_rows(conn, table), derived.all(table))):
            raise Tampered("gateway", None, f"the table {table.name!r} differs from what the logs say; run rebuild")
    return state_sha256(derived, ROWS)


def _checked(logs: list[Verified]) -> tuple[str, ...]:
    return tuple(
        f"{log.origin}: {log.size} entries from their bytes, {log.checkpoints} signed checkpoints, "
        f"{log.payloads} payloads ({log.erased} erased)"
        for log in logs
    )
