"""Epochs: where one log of a tenant ends and the next begins.

Nothing of a log is ever changed, so that what cannot be continued is followed by a new log: after the signing key was
changed, or after the database was set back behind a checkpoint that is known outside. The first entry of the new log
names the old one: origin, size, root, the last signed checkpoint and the key that signed it. Who trusts the key of the
latest log therefore trusts the older ones as far as they are named, whoever holds the old keys by then.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert

from ..kernel.hashing import from_text, to_text
from . import note, tables
from .anchor import Anchor
from .log import LogRow, all_logs
from .note import VerifierKey
from .reader import LogReader

STARTED: Final = "epoch.started"
STREAM: Final = "log:epoch"


@dataclass(frozen=True, slots=True)
class Previous:
    """What the first entry of an epoch says of the log before it."""

    origin: str
    size: int
    root: bytes
    key: bytes
    at_ms: int

    def anchor(self) -> Anchor:
        return Anchor(self.origin, self.size, self.root, "the next epoch's first entry", self.at_ms)


def begin(conn: Connection, before: LogRow, origin_prefix: str) -> LogRow:
    """Creates the empty log of the next epoch; the caller appends its first entry in the same transaction."""
    epoch = before.epoch + 1
    origin = f"{origin_prefix}/{before.tenant}/{epoch}"
    values = {"tenant": before.tenant, "epoch": epoch, "origin": origin}
    log_id = conn.execute(insert(tables.log).values(values).returning(tables.log.c.log_id)).scalar_one()
    conn.execute(insert(tables.head).values(log_id=log_id, size=0, roots=b""))
    return LogRow(log_id, before.tenant, epoch, origin)


def describe(
    conn: Connection, log: LogRow, key: bytes, reason: str, lost: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The data of `epoch.started` for the epoch after `log`, which `key` signs. `lost` is a checkpoint that is known
    outside and that the log no longer holds: {origin, size, root, where, at}."""
    reader = LogReader(conn, log)
    frontier = reader.frontier()
    return {
        "epoch": log.epoch + 1,
        "reason": reason,
        "previous": {
            "origin": log.origin,
            "size": frontier.size,
            "root": to_text(frontier.root()),
            "checkpoint": reader.checkpoint_note(),
            "key": VerifierKey(log.origin, key).serialize(),
        },
        "lost": lost,
    }


def is_signed_by(conn: Connection, log: LogRow, key: bytes) -> bool:
    """Whether the latest checkpoint says that it was signed by this key; so does a log without any."""
    text = LogReader(conn, log).checkpoint_note()
    if text is None:
        return True
    wanted = VerifierKey(log.origin, key).key_id
    return any(signature.key_id == wanted for signature in note.parse(text).signatures)


def previous(conn: Connection, log: LogRow) -> Previous | None:
    """What this log's first entry says of the log before; None where it is the first epoch. Raises ValueError when the
    entry says something else than it should."""
    first = LogReader(conn, log).entry(0)
    if first is None or first.kind != STARTED:
        return None
    said = first.data["previous"]
    key = VerifierKey.parse(said["key"])
    if key.name != said["origin"]:
        raise ValueError(f"{log.origin}: its first entry names a key of another log")
    return Previous(said["origin"], int(said["size"]), from_text(said["root"]), key.public_key, first.at_ms)


def lost(conn: Connection, log: LogRow) -> tuple[str, int, str] | None:
    """(origin, size, root) of the checkpoint that this epoch was started over; None when none was lost."""
    first = LogReader(conn, log).entry(0)
    said = None if first is None or first.kind != STARTED else first.data.get("lost")
    return None if not said else (said["origin"], int(said["size"]), said["root"])


def chain(conn: Connection, tenant: str, current: bytes) -> tuple[dict[str, bytes], list[Anchor]]:
    """The key of each of a tenant's logs, by origin, walked back from the current one, and what the later logs say of
    the earlier ones. A log that nothing leads to has the current key."""
    keys: dict[str, bytes] = {}
    anchors: list[Anchor] = []
    key = current
    for log in sorted((log for log in all_logs(conn) if log.tenant == tenant), key=lambda log: -log.epoch):
        keys[log.origin] = keys.get(log.origin, key)
        before = previous(conn, log)
        if before is not None:
            anchors.append(before.anchor())
            keys[before.origin] = before.key
            key = before.key
    return keys, anchors
