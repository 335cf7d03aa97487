"""Audit bundles: a range of a studio's log for somebody outside, with the proof that nothing is left out.

Handing it out is a look that leaves a receipt, `evidence.exported`: which entries, how many payloads, and the hash of
the bundle's manifest; where it was saved is nobody's business. The bundle is made whole and checked first, then the
receipt is sealed, then the bundle is put in its place: without a receipt there is no bundle.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import Field

from ...evidence import audit
from ...evidence.audit import Gone, Range, Surviving
from ...evidence.checkpoint import Checkpoint
from ...evidence.entry import decode
from ...evidence.erasure import ERASED, STREAM, Statement, read_statement
from ...evidence.merkle import ProofError, leaf_hash
from ...evidence.note import parse
from ...evidence.payload import PayloadError, open_payload
from ...evidence.rangeproof import range_proof
from ...evidence.tables import place, seq_of
from ...gateway.decide import Refusal
from ...gateway.perform import Answer, Performed, Procedure
from ...gateway.receipts import decided_by, request_event
from ...gateway.registry import Capability, Done, Payload, Request
from ...kernel.errors import VerificationError
from ...kernel.hashing import to_text
from ...kernel.policy import Decision, Mode, Risk, Role
from ...kernel.reasons import ReasonCode
from ...store.database import selecting
from ...store.reading import Select
from ...store.sequencer import Unit
from .audit_files import NewBundle
from .office import Office, Topic
from .proving import SelectedLog, selected_log

EXPORTED: Final = "evidence.exported"
BATCH: Final = 1_000
VERIFIER: Final = "verify.py"

BODIES: Final = "SELECT place, body FROM entry WHERE place >= :at AND place < :end ORDER BY place LIMIT 1000"
# The first and the last entry of a time; what stands between them belongs to the range, whatever the clock said then.
OF_TIME: Final = """
SELECT min(place) AS first, max(place) AS last FROM entry
 WHERE place >= :at AND place < :end AND at_ms >= :from_ms AND at_ms < :to_ms
"""
PAYLOADS: Final = """
SELECT payload.place, salt, sealed, key FROM payload JOIN payload_key ON payload_key.place = payload.place
 WHERE payload.place >= :at AND payload.place < :end
"""
# What this log and the later ones of its tenant say was erased.
ERASURES: Final = """
SELECT log.origin, log.epoch, entry.place, entry.body FROM log AS own
  JOIN log ON log.tenant = own.tenant AND log.epoch >= own.epoch
  JOIN stream ON stream.log_id = log.log_id JOIN entry ON entry.stream_id = stream.stream_id
 WHERE own.log_id = :log_id AND stream.name = :stream AND entry.kind = :kind ORDER BY log.epoch, entry.pos
"""

Bound = Annotated[str, Field(pattern=r"^([0-9]{1,12}|[0-9]{4}-[0-9]{2}-[0-9]{2})$")]
"""An index, or a day of the studio; both ends belong to the range."""


class AuditPayload(Payload):
    """`out` is an absolute path that nothing stands at yet; one that ends with .tar becomes a single file."""

    start: Bound
    end: Bound
    out: Annotated[str, Field(min_length=1, max_length=4_000)]
    payloads: bool = False
    epoch: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle that is whole and not yet in its place."""

    manifest: audit.Manifest
    sha256: bytes
    survived: int
    gone: int

    def data(self) -> dict[str, Any]:
        return {
            "origin": self.manifest.origin,
            "first": self.manifest.first,
            "last": self.manifest.end - 1,
            "size": self.manifest.size,
            "bundle": to_text(self.sha256),
            "payloads": self.survived,
            "erased": self.gone,
        }


class Export:
    """The procedure behind `evidence.export`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def __call__(self, request: Request) -> Performed:
        gateway = self._office.gateway
        refusal = await gateway.foresee(request)
        if refusal is not None:
            return await gateway.deny(request, refusal)
        try:
            log, first, end = await asyncio.to_thread(self._range, request)
        except Refusal as refused:
            return await gateway.deny(request, refused)
        with NewBundle(Path(request.payload.out)) as bundle:
            try:
                made = await asyncio.to_thread(self._make, request, log, first, end, bundle)
            except VerificationError as error:
                return await gateway.deny(request, Refusal(error.code, error.detail))

            def work(unit: Unit) -> Answer:
                return gateway.judged(unit, request, lambda decision: _told(unit, request, decision, made))

            done = await gateway.commit(request, work)
            if done.code is None:
                await asyncio.to_thread(bundle.place)
            return done

    def _range(self, request: Request) -> tuple[SelectedLog, int, int]:
        """The log and the half-open range. Raises Refusal for a range that is empty or beyond the log, and for a place
        where no bundle can be put."""
        target = Path(request.payload.out)
        if not target.is_absolute() or not target.parent.is_dir():
            raise Refusal(ReasonCode.INVALID_PAYLOAD, "out: an absolute path in a folder that exists")
        if target.exists():
            raise Refusal(ReasonCode.INVALID_PAYLOAD, "out: something is there already")
        log = selected_log(selecting(self._office.databases.brain), request.tenant, request.payload.epoch)
        settings = self._office.settings.tenant_named(request.tenant)
        zone = ZoneInfo("UTC" if settings is None else settings.time_zone)
        try:
            first, end = self._bounds(log, request.payload, zone)
        except ValueError as error:
            raise Refusal(ReasonCode.INVALID_PAYLOAD, str(error)) from error
        if not 0 <= first < end <= log.size:
            raise Refusal(ReasonCode.NOT_FOUND, f"no entries from {first} to {end - 1}; the log holds {log.size}")
        return log, first, end

    def _bounds(self, log: SelectedLog, payload: AuditPayload, zone: ZoneInfo) -> tuple[int, int]:
        select = selecting(self._office.databases.brain)
        first = 0 if "-" in payload.start else int(payload.start)
        end = log.size if "-" in payload.end else int(payload.end) + 1
        if "-" not in payload.start + payload.end or first >= end:
            return first, end
        from_ms = _day_ms(payload.start, 0, zone) if "-" in payload.start else 0
        to_ms = _day_ms(payload.end, 1, zone) if "-" in payload.end else 1 << 52
        of = {"at": place(log.log_id, first), "end": place(log.log_id, end), "from_ms": from_ms, "to_ms": to_ms}
        row = select(OF_TIME, of)[0]
        if row["first"] is None:
            raise Refusal(ReasonCode.NOT_FOUND, f"nothing was sealed from {payload.start} to {payload.end}")
        return (
            seq_of(row["first"]) if "-" in payload.start else first,
            seq_of(row["last"]) + 1 if "-" in payload.end else end,
        )

    def _make(self, request: Request, log: SelectedLog, first: int, end: int, bundle: NewBundle) -> Made:
        signed = log.best_checkpoint(end)
        size = Checkpoint.parse(parse(signed).text).size
        try:
            left, right = range_proof(first, end, size, log.tiles(size))
        except ProofError as error:
            raise VerificationError(f"{log.origin}: {error}") from error
        rows = Rows(selecting(self._office.databases.brain), log, first, end)
        manifest, sha256 = audit.write(
            bundle.create,
            Range(signed, first, left, right),
            rows.bodies(),
            rows.payloads() if request.payload.payloads else None,
            {VERIFIER: verifier()},
            self._office.signer,
        )
        return Made(manifest, sha256, rows.survived, rows.gone)


class Rows:
    """The entries of a range and their payloads, read in batches."""

    def __init__(self, select: Select, log: SelectedLog, first: int, end: int) -> None:
        self._select, self._log, self._first, self._end = select, log, first, end
        self._erased: dict[int, list[Statement]] | None = None
        self.survived = self.gone = 0

    def bodies(self) -> Iterator[bytes]:
        return (body for batch in self._batches() for _, body in batch)

    def payloads(self) -> Iterator[Surviving | Gone]:
        for batch in self._batches():
            of = {"at": place(self._log.log_id, batch[0][0]), "end": place(self._log.log_id, batch[-1][0]) + 1}
            stored = {seq_of(row["place"]): row for row in self._select(PAYLOADS, of)}
            for index, body in batch:
                entry = decode(body, b"")
                if entry.payload is None:
                    continue
                row = stored.get(index)
                if row is None:
                    self.gone += 1
                    said = self._erased_by(index, leaf_hash(body), entry.payload.sha256)
                    yield Gone(index, said.by, said.where if said.is_later else None)
                    continue
                try:
                    salt = bytes(row["salt"])
                    content = open_payload(entry.payload, salt, bytes(row["sealed"]), bytes(row["key"]))
                except PayloadError as error:
                    raise VerificationError(f"{self._log.origin}: entry {index}: {error}") from error
                self.survived += 1
                yield Surviving(index, salt, content)

    def _batches(self) -> Iterator[list[tuple[int, bytes]]]:
        at = self._first
        while at < self._end:
            of = {"at": place(self._log.log_id, at), "end": place(self._log.log_id, self._end)}
            rows = [(seq_of(row["place"]), bytes(row["body"])) for row in self._select(BODIES, of)]
            if not rows:
                return
            yield rows
            at = rows[-1][0] + 1

    def _erased_by(self, index: int, seal: bytes, commitment: bytes) -> Statement:
        if self._erased is None:
            self._erased = {}
            for row in self._select(ERASURES, {"log_id": self._log.log_id, "stream": STREAM, "kind": ERASED}):
                data = decode(bytes(row["body"]), b"").data
                said = read_statement(data, row["origin"], row["epoch"], seq_of(row["place"]))
                if said is not None and said.origin == self._log.origin:
                    self._erased.setdefault(said.index, []).append(said)
        for said in self._erased.get(index, ()):
            if said.is_about(seal, commitment):
                return said
        raise VerificationError(
            f"{self._log.origin}: the payload of entry {index} is gone and no entry says that it was erased"
        )


def _told(unit: Unit, request: Request, decision: Decision, made: Made) -> Done:
    data = made.data()
    unit.append(request_event(EXPORTED, "export:audit", request, state="done", **data, **decided_by(decision)))
    return Done("exported", None, data)


def _day_ms(text: str, days: int, zone: ZoneInfo) -> int:
    """The start of a studio day, or of the day after it. Raises ValueError for a day that does not exist."""
    day = date.fromisoformat(text) + timedelta(days=days)
    return int(datetime.combine(day, time.min, zone).timestamp() * 1000)


def verifier() -> bytes:
    """verify.py, the program for whoever gets a bundle."""
    package = Path(__file__).resolve().parents[2]
    for folder in (package / "_resources" / "verify", package.parent / "resources" / "verify"):
        if (folder / VERIFIER).is_file():
            return (folder / VERIFIER).read_bytes()
    raise FileNotFoundError(f"{VERIFIER} is not installed: install again")


def _procedures(office: Office) -> Mapping[str, Procedure]:
    return {"evidence.export": Export(office)}


TOPIC: Final = Topic(
    capabilities=(
        Capability(
            id="evidence.export",
            title="Export an audit bundle",
            description="Writes a range of the evidence log with its proofs to a file for somebody outside.",
            target="evidence",
            mode=Mode.LOCAL,
            risk=Risk.MEDIUM,
            role=Role.ADMIN,
            owner="records",
            failure_mode="nothing is left at the place that was named, and the reason is shown",
            test="tests/domains/records/test_auditing.py",
            payload=AuditPayload,
            rationale=True,
            procedure=True,
        ),
    ),
    kinds=frozenset({EXPORTED}),
    procedures=_procedures,
)
