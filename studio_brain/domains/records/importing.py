"""Taking over the history of an earlier installation: each of its rows becomes an entry here.

The entry `ledger.imported` keeps the old id, kind, time and seal, and the verdict about that seal, beside the new one;
what the row says lies in the erasable payload, for it may be personal. A row is taken once: the entry's id follows from
the old one. Importing the same file again adds nothing, and a row that says something else under a known id is named
and left out.
"""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field
from sqlalchemy import Connection, select

from ...evidence.entry import Event, decode
from ...evidence.seal_v0 import OldRow, Verdict, verify_v0
from ...evidence.tables import entry
from ...gateway.perform import Answer, Performed
from ...gateway.receipts import decided_by, request_event
from ...gateway.registry import Capability, Done, Payload, Request
from ...kernel.canonical import canonical_entry
from ...kernel.errors import StudioBrainError
from ...kernel.hashing import sha256_text, to_text
from ...kernel.policy import PEOPLE, Decision, Mode, Risk, Role
from ...kernel.reasons import ReasonCode
from ...store.sequencer import Unit
from .import_files import old_rows
from .office import Office, Topic

CAPABILITY: Final = "evidence.import_v0"
IMPORTED: Final = "ledger.imported"
FINISHED: Final = "ledger.import_finished"
STREAM: Final = "ledger_v0"
SEAL: Final = "sha256(kind + json(sort_keys) + timestamp)"
BATCH: Final = 500
NAMED: Final = 20
_NAMESPACE: Final = uuid.UUID("7b2c5f5e-6f0a-5d53-9a3b-2f6f2f0d1c11")


class ImportPayload(Payload):
    """`path` is a file on this machine."""

    path: Annotated[str, Field(min_length=1, max_length=1_000)]


@dataclass(slots=True)
class Tally:
    """What became of the rows. `conflicting` and `broken` are old ids, the first twenty; a conflicting row was left
    out."""

    rows: int = 0
    imported: int = 0
    repeated: int = 0
    valid: int = 0
    invalid: int = 0
    conflicts: int = 0
    broken: list[str] = field(default_factory=list)
    conflicting: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "imported": self.imported,
            "repeated": self.repeated,
            "valid": self.valid,
            "broken": self.invalid,
            "conflicts": self.conflicts,
            "brokenIds": self.broken,
            "conflictingIds": self.conflicting,
        }


class Import:
    """The procedure behind `evidence.import_v0`: the whole file is read first, then taken in units of 500 rows. A unit
    is durable when it is done, so that an import that was cut off is begun again and goes on."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def __call__(self, request: Request) -> Performed:
        gateway, path = self._office.gateway, Path(request.payload.path)
        refusal = await gateway.foresee(request)
        if refusal is not None:
            return await gateway.deny(request, refusal)
        count = await asyncio.to_thread(lambda: sum(1 for _ in old_rows(path)))
        tally, rows = Tally(), old_rows(path)
        while batch := await asyncio.to_thread(lambda: list(islice(rows, BATCH))):
            await self._take(request, batch, tally)
            self._office.tell("import", {"tenant": request.tenant, "done": tally.rows, "total": count})
        code = ReasonCode.NOT_VERIFIED if tally.invalid or tally.conflicts else None

        def act(unit: Unit, decision: Decision) -> Done:
            unit.append(
                request_event(
                    FINISHED, STREAM, request, state="done", code=code, **tally.to_json(), **decided_by(decision)
                )
            )
            return Done("imported", None, tally.to_json())

        def work(unit: Unit) -> Answer:
            return gateway.judged(unit, request, lambda decision: act(unit, decision))

        return await gateway.commit(request, work)

    async def _take(self, request: Request, batch: list[OldRow], tally: Tally) -> None:
        gateway, counted = self._office.gateway, Tally()

        def work(unit: Unit) -> Answer:
            return gateway.judged(unit, request, lambda decision: _take(unit, request, decision, batch, counted))

        done = await gateway.commit(request, work)
        if done.code is not None:
            raise StudioBrainError(done.detail, code=done.code)
        for name in ("rows", "imported", "repeated", "valid", "invalid", "conflicts"):
            setattr(tally, name, getattr(tally, name) + getattr(counted, name))
        tally.broken += counted.broken[: NAMED - len(tally.broken)]
        tally.conflicting += counted.conflicting[: NAMED - len(tally.conflicting)]


def _take(unit: Unit, request: Request, decision: Decision, batch: list[OldRow], tally: Tally) -> Done:
    known = _known(unit.conn, unit.tenant, batch)
    for row in batch:
        tally.rows += 1
        verdict, stamp = verify_v0(row), row_sha256(row)
        tally.valid += verdict.ok
        tally.invalid += not verdict.ok
        if not verdict.ok:
            tally.broken.append(row.id)
        id = entry_id(unit.tenant, row.id)
        before = known.get(id)
        if before is None:
            unit.append(_imported(request, decision, row, verdict, stamp, id))
            known[id] = stamp
            tally.imported += 1
        elif before == stamp:
            tally.repeated += 1
        else:
            tally.conflicts += 1
            tally.conflicting.append(row.id)
    return Done("taken")


def _imported(request: Request, decision: Decision, row: OldRow, verdict: Verdict, stamp: str, id: uuid.UUID) -> Event:
    event = request_event(
        IMPORTED,
        STREAM,
        request,
        state="imported",
        code=None if verdict.ok else ReasonCode.NOT_VERIFIED,
        oldId=row.id,
        oldKind=row.kind,
        oldAt=row.timestamp,
        oldSeal=None if row.receipt_hash is None else to_text(row.receipt_hash),
        oldFormula=SEAL,
        verdict=verdict.seal,
        why=verdict.why,
        rowSha256=stamp,
        payload={"payload": row.payload.encode("utf-8", "replace").decode()},
        **decided_by(decision),
    )
    return replace(event, id=id)


def entry_id(tenant: str, old_id: str) -> uuid.UUID:
    """The id of the entry that a row becomes: a name-based UUID (RFC 9562 §5.5) of the studio and the old id."""
    return uuid.uuid5(_NAMESPACE, f"{tenant}\n{old_id}")


def row_sha256(row: OldRow) -> str:
    """Over everything that the row says."""
    stamp = None if row.receipt_hash is None else row.receipt_hash.hex()
    payload = row.payload.encode("utf-8", "surrogatepass").hex()
    return sha256_text(canonical_entry([row.id, row.timestamp, row.kind, stamp, payload]))


def _known(conn: Connection, tenant: str, batch: list[OldRow]) -> dict[uuid.UUID, str]:
    """Of the rows of a batch that are entries already: what they said."""
    ids = {entry_id(tenant, row.id).bytes for row in batch}
    found: dict[uuid.UUID, str] = {}
    for item in conn.execute(select(entry.c.id, entry.c.body).where(entry.c.id.in_(ids), entry.c.kind == IMPORTED)):
        stored = decode(bytes(item.body))
        if stored.tenant == tenant:
            found[uuid.UUID(bytes=bytes(item.id))] = stored.data["rowSha256"]
    return found


def rows_of(path: Path) -> Iterator[tuple[OldRow, Verdict]]:
    """The rows of an export with their verdicts, without importing anything."""
    return ((row, verify_v0(row)) for row in old_rows(path))


TOPIC: Final = Topic(
    capabilities=(
        Capability(
            id=CAPABILITY,
            title="Import an earlier ledger",
            description="Takes over the rows of an earlier installation, each with its old seal and its verdict.",
            target="evidence",
            mode=Mode.LOCAL,
            risk=Risk.MEDIUM,
            role=Role.ADMIN,
            owner="records",
            failure_mode="rows that were taken stay; importing the file again goes on with the rest",
            test="tests/domains/records/test_importing.py",
            payload=ImportPayload,
            actor_types=PEOPLE,
            rationale=True,
            procedure=True,
        ),
    ),
    kinds=frozenset({IMPORTED, FINISHED}),
    procedures=lambda office: {CAPABILITY: Import(office)},
)
