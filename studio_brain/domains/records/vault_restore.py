"""The way back from a vault: taking over the tail that a log has lost.

`read_tail` proves, from the vault's files alone, that they are a signed extension of the log as it is. `restore_tail`
then appends them, bytes as they are, inside a unit of work of that log: the gateway's rows follow from them in the same
unit, views catch up as always, and the receipt about it comes right after. Nothing is appended when anything is wrong.

The keys of payloads are in no vault. A payload of the tail can be read again only where its key is still in this
database; of each other one an entry says that it is lost, as it would of an erased one, and its row shows it so.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field
from sqlalchemy import Connection

from ...evidence import note as notes
from ...evidence import witness
from ...evidence.entry import Entry, decode
from ...evidence.erasure import ERASED, STREAM, Statement, destroy_payload, erased_place, read_statement
from ...evidence.log import LogRow, find_log
from ...evidence.note import NoteError, VerifierKey
from ...evidence.payload import PayloadError, open_payload
from ...evidence.reader import LogReader
from ...evidence.tables import place
from ...evidence.vault import Tail, VaultRefused, open_from_vault, read_tail
from ...gateway.decide import Refusal
from ...gateway.perform import Answer, Performed
from ...gateway.receipts import decided_by, request_event
from ...gateway.registry import Done, Payload, Request
from ...gateway.switches import SYSTEM
from ...kernel.errors import StudioBrainError
from ...kernel.hashing import to_text
from ...kernel.policy import Decision
from ...kernel.reasons import ReasonCode
from ...store.sequencer import Unit
from .office import Office
from .payloads import record_of
from .vault_folder import LogFolder

RESTORED: Final = "vault.restored"

_STORED: Final = "SELECT salt, sealed FROM payload WHERE place = ?"
_KEY: Final = "SELECT key FROM payload_key WHERE place = ?"
_ADD: Final = "INSERT INTO payload (place, salt, sealed) VALUES (?, ?, ?)"


class RestorePayload(Payload):
    """`path`: the vault's folder. `system`: the installation's own log instead of the studio's. `partly`: even when the
    log once was longer than what the vault holds; the next epoch has to be started then."""

    path: Annotated[str, Field(min_length=1, max_length=1_000)]
    system: bool = False
    partly: bool = False


@dataclass(frozen=True, slots=True)
class Restored:
    """What was taken over: `entries` from index `start` on, `payloads` that can be read; `lost` indexes have one whose
    key is gone."""

    origin: str
    start: int
    entries: int
    payloads: int
    checkpoints: int
    lost: tuple[int, ...]


def log_of(request: Request) -> str:
    return SYSTEM if request.payload.system else request.tenant


def tail_of(conn: Connection, tenant: str, vault: Path, key: VerifierKey) -> Tail:
    """What the vault in this folder holds beyond the tenant's log. Raises VaultRefused: VAULT_HAS_NO_MORE,
    VAULT_FORKS, VAULT_DAMAGED or VAULT_AWAY. Changes nothing."""
    log = find_log(conn, tenant)
    if log is None or key.name != log.origin:
        raise StudioBrainError(f"there is no log of {tenant} here", code=ReasonCode.NOT_FOUND)
    folder = LogFolder(vault, log.origin)
    return read_tail(folder.read, LogReader(conn, log).frontier(), key, folder.checkpoint_sizes())


def restore_tail(unit: Unit, tail: Tail, witnesses: tuple[VerifierKey, ...] = ()) -> Restored:
    """Appends a proved tail to the log of this unit. Raises Refusal(CONFLICT) when the log has moved since the tail was
    read, and whatever appending raises; then nothing of it stays.

    The caller appends, in the same unit, an entry about it and for each of `lost` one of the kind `payload.erased`
    (`lost_payload` makes its data): verification counts a payload that is not there as a fault otherwise.
    """
    if (unit.log.origin, unit.size) != (tail.origin, tail.start):
        raise Refusal(ReasonCode.CONFLICT, f"{tail.origin}: the log has moved to {unit.size} entries")
    said = list(_said(unit.log, tail))
    erased = {each.index for each in said if not each.is_later}
    lost, opened = [], 0
    for index, body in enumerate(tail.bodies, tail.start):
        found = decode(body)
        content: bytes | None = None
        if found.payload is not None:
            content = None if index in erased else _payload(unit, index, found, tail.sealed.get(index))
            opened += content is not None
            if content is None and index not in erased:
                lost.append(index)
        unit.adopt(body, content)
    for each in said:
        at = erased_place(unit.conn, unit.tenant, each)
        if at is not None:
            destroy_payload(unit.conn, at)
    for size, text in tail.notes.items():
        _keep_checkpoint(unit, size, text, witnesses)
    return Restored(tail.origin, tail.start, len(tail.bodies), opened, len(tail.notes), tuple(lost))


def lost_payload(index: int, entry: Entry) -> dict[str, Any]:
    """What an entry of the kind `payload.erased` says of a payload whose key went down with the database."""
    assert entry.payload is not None  # noqa: S101
    return {
        "index": index,
        "seal": to_text(entry.seal),
        "erasedKind": entry.kind,
        "recordId": record_of(entry),
        "payloadSha256": to_text(entry.payload.sha256),
        "cause": "key lost",
    }


class Restore:
    """The procedure behind `vault.restore`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def __call__(self, request: Request) -> Performed:
        gateway = self._office.gateway
        refusal = await gateway.foresee(request)
        if refusal is not None:
            return await gateway.deny(request, refusal)
        try:
            tail = await asyncio.to_thread(self._read, request)
        except StudioBrainError as error:
            # Not sealed: an entry appended now would be in the place of the first one that is missing.
            return Performed("refused", request.key, request.corr, code=error.code, detail=error.detail[:500])

        def work(unit: Unit) -> Answer:
            return gateway.judged(unit, request, lambda decision: self._restore(unit, request, decision, tail))

        done = await gateway.commit(request, work, mends=True)
        await asyncio.to_thread(self._office.mended)
        return done

    def _read(self, request: Request) -> Tail:
        def work(conn: Connection) -> Tail:
            log = find_log(conn, log_of(request))
            if log is None:
                raise StudioBrainError(f"there is no log of {log_of(request)} here", code=ReasonCode.NOT_FOUND)
            tail = tail_of(conn, log.tenant, self._office.home / request.payload.path, self._office.key_of(log.origin))
            known = self._office.known_size(log.tenant)
            if tail.checkpoint.size < known and not request.payload.partly:
                detail = f"{log.origin}: {tail.checkpoint.size} entries there, {known} are known of"
                raise VaultRefused(detail, code=ReasonCode.VAULT_FALLS_SHORT)
            return tail

        return self._office.databases.brain.reading(work)

    def _restore(self, unit: Unit, request: Request, decision: Decision, tail: Tail) -> Done:
        keys = tuple(
            witness.cosigner(VerifierKey.parse(settings.key)) for settings in self._office.settings.records.witness
        )
        done = restore_tail(unit, tail, keys)
        data: dict[str, Any] = {
            "origin": done.origin,
            "start": done.start,
            "entries": done.entries,
            "payloads": done.payloads,
            "payloadsLost": len(done.lost),
            "root": to_text(tail.checkpoint.root),
        }
        unit.append(request_event(RESTORED, "system:restore", request, state="done", **data, **decided_by(decision)))
        for index in done.lost:
            found = decode(tail.bodies[index - done.start])
            about = lost_payload(index, found)
            unit.append(request_event(ERASED, STREAM, request, state="done", **about))
        return Done("restored", None, data)


def _said(log: LogRow, tail: Tail) -> Iterator[Statement]:
    """What the tail says was erased: of it, of the entries before it, and of earlier logs."""
    for index, body in enumerate(tail.bodies, tail.start):
        entry = decode(body, b"")
        said = read_statement(entry.data, log.origin, log.epoch, index) if entry.kind == ERASED else None
        if said is not None:
            yield said


def _payload(unit: Unit, index: int, found: Entry, in_vault: bytes | None) -> bytes | None:
    """The payload of an entry, from what is left in database and vault. Its rows are whole afterwards, or gone."""
    assert found.payload is not None  # noqa: S101
    at = place(unit.log.log_id, index)
    key = _one(unit.conn, _KEY, at)
    stored = _one(unit.conn, _STORED, at)
    if key is not None:
        try:
            if stored is not None:
                return open_payload(found.payload, bytes(stored[0]), bytes(stored[1]), bytes(key[0]))
            if in_vault is not None:
                salt, sealed, content = open_from_vault(in_vault, bytes(key[0]), found.payload)
                unit.conn.exec_driver_sql(_for(unit.conn, _ADD), (at, salt, sealed))
                return content
        except (PayloadError, ValueError):
            pass  # what is left does not fit the entry: it is lost
    destroy_payload(unit.conn, at)
    return None


def _keep_checkpoint(unit: Unit, size: int, text: str, witnesses: tuple[VerifierKey, ...]) -> None:
    """The log's own signature goes where checkpoints are kept, those of known witnesses beside them."""
    parsed = notes.parse(text)
    own = tuple(s for s in parsed.signatures if s.name == unit.log.origin)
    unit.adopt_checkpoint(size, notes.Note(parsed.text, own).serialize())
    for key in witnesses:
        lines = "".join(s.line() for s in parsed.signatures if s.name == key.name and s.key_id == key.key_id)
        try:
            signature, cosigned = witness.accept(text, lines, key)
        except NoteError:
            continue
        witness.keep_cosignature(unit.conn, unit.log.log_id, size, signature, cosigned.time * 1000)


def _one(conn: Connection, sql: str, at: int) -> Any:
    return conn.exec_driver_sql(_for(conn, sql), (at,)).first()


def _for(conn: Connection, sql: str) -> str:
    return sql.replace("?", "%s") if conn.dialect.name == "postgresql" else sql
