"""Vaults: copying the logs to folders outside this home, and what the receipts say about each copy.

`vault.export` brings each configured vault up to date, log by log. What came of it is a receipt in the stream
`vault:<name>:<origin>`: one for each copy that grew, and one when a vault begins to refuse or to be away; none for
finding it still so. The last receipt of that stream is therefore the state of the copy and says since when. Of a vault
that is ahead there is none: this log lacks its tail, and whatever were appended now would make it another history.

The receipts about a round of copies are copied right after it, and no receipt is written about that: a vault holds the
whole log, not all of it but its own receipt.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field
from sqlalchemy import Connection

from ...evidence.copying import Copied, Copying
from ...evidence.entry import decode
from ...evidence.log import LogRow, all_logs
from ...evidence.vault import CHECKPOINT, VaultRefused, superseded
from ...gateway.perform import Answer, Performed, Procedure
from ...gateway.receipts import decided_by, request_event
from ...gateway.registry import Capability, Done, Payload, Request
from ...gateway.switches import SYSTEM
from ...home.lock import EngineLock
from ...home.settings import VaultSettings
from ...kernel.errors import StudioBrainError
from ...kernel.hashing import to_text
from ...kernel.policy import PEOPLE, ActorType, Decision, Mode, Risk, Role
from ...kernel.reasons import REASONS, ReasonCode
from ...store.sequencer import Unit
from . import vault_folder, vault_restore
from .office import Office, Topic
from .vault_folder import LogFolder

EXPORTED: Final = "vault.exported"
WITNESSED: Final = "witness.answered"
BOOKKEEPING: Final = frozenset({EXPORTED, WITNESSED})
"""Entries about copies and cosignatures: they are copied, and alone are no reason for a receipt."""

LOCK: Final = "vaults.lock"
PATIENCE_S: Final = 30.0

_LAST: Final = (
    "SELECT entry.body FROM stream JOIN entry ON entry.stream_id = stream.stream_id "
    "WHERE stream.log_id = ? AND stream.name = ? ORDER BY entry.pos DESC LIMIT 1"
)


class ExportPayload(Payload):
    """`vault`: one by its name, all without. `begin`: into an empty folder, where a copy once was."""

    vault: Annotated[str, Field(max_length=31)] | None = None
    begin: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """How one copy is: `code` is set when it is not as far as the log. `news`: it was not so before."""

    vault: str
    origin: str
    size: int
    root: str | None
    added: int
    code: ReasonCode | None
    detail: str
    news: bool

    def to_json(self) -> dict[str, Any]:
        reason = None if self.code is None else REASONS[self.code]
        return {
            "vault": self.vault,
            "origin": self.origin,
            "size": self.size,
            "added": self.added,
            "reasonCode": None if self.code is None else self.code.value,
            "sentence": "" if reason is None else reason.sentence,
            "remedy": "" if reason is None else reason.remedy,
            "detail": self.detail,
        }


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One process of a home at a time. Raises StudioBrainError when another one stays at it."""
    until = time.monotonic() + PATIENCE_S
    while (lock := EngineLock.take(home, LOCK)) is None:
        if time.monotonic() > until:
            raise StudioBrainError("another process is copying to the vaults", code=ReasonCode.CONFLICT)
        time.sleep(0.05)
    try:
        yield
    finally:
        lock.release()


def stream_of(vault: str, origin: str) -> str:
    return f"vault:{vault}:{origin}"


def last_data(conn: Connection, log_id: int, stream: str) -> Mapping[str, Any] | None:
    """The data of the last entry of a stream."""
    sql = _LAST.replace("?", "%s") if conn.dialect.name == "postgresql" else _LAST
    row = conn.exec_driver_sql(sql, (log_id, stream)).first()
    return None if row is None else decode(bytes(row[0]), b"").data


def logs_of(conn: Connection, tenant: str) -> list[LogRow]:
    """The logs that a studio keeps: its own in every epoch, and the installation's."""
    return [log for log in all_logs(conn) if log.tenant in (tenant, SYSTEM)]


class Export:
    """The procedure behind `vault.export`. One home copies once at a time, whichever of its processes it is."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._turn = threading.Lock()

    async def __call__(self, request: Request) -> Performed:
        gateway = self._office.gateway
        refusal = await gateway.foresee(request)
        if refusal is not None:
            return await gateway.deny(request, refusal)
        chosen = [v for v in self._office.settings.records.vault if request.payload.vault in (None, v.name)]
        if not chosen:
            detail = request.payload.vault or "no vault is configured"
            raise StudioBrainError(detail, code=ReasonCode.NOT_CONFIGURED)
        results = await asyncio.to_thread(self._copy_all, request, chosen)
        data = {"copies": [result.to_json() for result in results]}
        news = [result for result in results if result.news]
        if not news:
            return Performed("unchanged", request.key, request.corr, data=data)

        def work(unit: Unit) -> Answer:
            return gateway.judged(unit, request, lambda decision: _told(unit, request, decision, news, data))

        done = await gateway.commit(request, work)
        good = [each for each in chosen if all(r.code is None for r in results if r.vault == each.name)]
        await asyncio.to_thread(self._copy_all, request, good)
        return done

    def _copy_all(self, request: Request, vaults: list[VaultSettings]) -> list[Result]:
        with self._turn, _alone(self._office.home):
            logs = self._office.databases.brain.reading(lambda conn: logs_of(conn, request.tenant))
            return [result for v in vaults for log in logs if (result := self._copy(request, v, log)) is not None]

    def _copy(self, request: Request, vault: VaultSettings, log: LogRow) -> Result | None:
        """None for a log without entries."""
        stream = stream_of(vault.name, log.origin)

        def before(conn: Connection) -> Mapping[str, Any]:
            own = [each for each in logs_of(conn, request.tenant) if each.tenant == request.tenant]
            return (None if not own else last_data(conn, own[-1].log_id, stream)) or {}

        last = self._office.databases.brain.reading(before)
        size, code = int(last.get("size", 0)), last.get("reasonCode")
        try:
            root = self._office.home / vault.path
            copied = self._office.databases.brain.reading(
                lambda conn: copy(conn, log, self._office, root, held=size, begin=request.payload.begin)
            )
        except StudioBrainError as error:
            news = error.code is not ReasonCode.VAULT_AHEAD and code != error.code.value
            return Result(vault.name, log.origin, size, last.get("root"), 0, error.code, error.detail[:300], news)
        if copied.size == 0:
            return None
        news = code is not None or copied.news
        root_text = to_text(copied.root)
        return Result(vault.name, log.origin, copied.size, root_text, copied.added, None, "", news)


def copy(conn: Connection, log: LogRow, office: Office, root: Path, *, held: int, begin: bool = False) -> Copied:
    """Brings one vault's copy of one log up to date. `held` is what it held by the last receipt. Raises VaultRefused
    (nothing that was there was changed) or VerificationError."""
    if not root.is_dir():
        if held and not begin:
            raise VaultRefused("its folder is not there", code=ReasonCode.VAULT_AWAY)
        vault_folder.begin(root)
    folder = LogFolder(root, log.origin)
    copying = Copying(conn, log, office.key_of(log.origin), folder.read)
    if copying.found is None and held and not begin:
        raise VaultRefused(
            f"its folder holds nothing of {log.origin}, though it held {held} entries; is it another disk?",
            code=ReasonCode.VAULT_AWAY,
        )
    news = copying.old < held or copying.has_news(held, BOOKKEEPING)
    if copying.size == copying.old:
        for path, data in copying.late_cosignatures():
            folder.replace(path, data)
        folder.settle()
        for path in copying.erased():
            folder.remove(path)
        return Copied(log.origin, copying.old, copying.signed.root, 0, news)
    copying.check()
    for path, data in copying.files():
        folder.put(path, data)
    for path, data in copying.checkpoints():
        folder.replace(path, data)
    folder.settle()
    folder.replace(CHECKPOINT, copying.newest())
    folder.settle()
    for path in (*copying.erased(), *superseded(copying.old, copying.size)):
        folder.remove(path)
    return Copied(log.origin, copying.size, copying.signed.root, copying.size - copying.old, news)


def _told(unit: Unit, request: Request, decision: Decision, news: list[Result], data: dict[str, Any]) -> Done:
    for result in news:
        unit.append(
            request_event(
                EXPORTED,
                stream_of(result.vault, result.origin),
                request,
                state="done" if result.code is None else "refused",
                code=result.code,
                vault=result.vault,
                origin=result.origin,
                size=result.size,
                root=result.root,
                added=result.added,
                outcome="copied" if result.code is None else "refused",
                detail=result.detail,
                **decided_by(decision),
            )
        )
    refused = sum(result.code is not None for result in news)
    return Done("exported" if not refused else "refused", None, data)


_vault = partial(
    Capability, target="vault", mode=Mode.LOCAL, owner="records", test="tests/domains/records/test_vault.py"
)


def _procedures(office: Office) -> Mapping[str, Procedure]:
    return {"vault.export": Export(office), "vault.restore": vault_restore.Restore(office)}


TOPIC: Final = Topic(
    capabilities=(
        _vault(
            id="vault.export",
            title="Copy the logs to the vaults",
            description="Brings each vault up to date after checking that this log extends the copy that it holds.",
            risk=Risk.LOW,
            role=Role.EDITOR,
            failure_mode="the copy stays as it is; the receipt says why",
            payload=ExportPayload,
            actor_types=PEOPLE | {ActorType.SYSTEM},
            target_of=lambda input: f"vault/{input.get('vault', '')}".rstrip("/"),
            procedure=True,
        ),
        _vault(
            id="vault.restore",
            title="Restore the missing tail from a vault",
            description="Takes over the entries that a vault holds beyond this log, if they are its signed extension.",
            risk=Risk.HIGH,
            role=Role.ADMIN,
            failure_mode="nothing is restored; the log stays as it is",
            payload=vault_restore.RestorePayload,
            rationale=True,
            log_of=vault_restore.log_of,
            procedure=True,
        ),
    ),
    kinds=frozenset({EXPORTED, vault_restore.RESTORED}),
    procedures=_procedures,
)
