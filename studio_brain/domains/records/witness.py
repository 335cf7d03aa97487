"""Being witnessed: asking others to cosign our newest checkpoints, and keeping what they answer.

`witness.ask` goes round the witnesses that have an address; those without one are met by file (`witness.import`). A
cosignature is kept after it was verified and proves itself. A receipt is written only when a witness says something new
about our log: that it cosigns, that it does not, or that it knows it otherwise. Being away is no news
and stops nothing: the age of the last cosignature tells it. That a witness knows more of a log than there is here is
answered but not sealed: what were appended now would stand where the missing tail began.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final

from pydantic import Field
from sqlalchemy import Connection, select

from ...evidence import note as notes
from ...evidence import witness as rule
from ...evidence.checkpoint import Checkpoint
from ...evidence.copying import OTHER_KINDS
from ...evidence.log import LogRow
from ...evidence.note import NoteError, VerifierKey
from ...evidence.reader import LogReader
from ...evidence.tables import checkpoint as checkpoint_table
from ...evidence.tables import place
from ...evidence.witness import AddCheckpoint
from ...gateway.decide import Refusal
from ...gateway.perform import Answer, Performed, Procedure
from ...gateway.receipts import decided_by, request_event
from ...gateway.registry import Capability, Done, Payload, Request
from ...home.settings import WitnessSettings
from ...kernel.errors import ConfigError
from ...kernel.policy import PEOPLE, ActorType, Decision, Mode, Risk, Role
from ...kernel.ports import ConnectorError
from ...kernel.reasons import REASONS, ReasonCode
from ...store.sequencer import Unit
from .office import Office, Topic
from .vault import BOOKKEEPING, WITNESSED, last_data, logs_of

IMPORTED: Final = "witness.imported"
DEADLINE_S: Final = 15.0


class AskPayload(Payload):
    """`witness`: one by its name, all without."""

    witness: Annotated[str, Field(max_length=60)] | None = None


class ImportPayload(Payload):
    """`note`: our checkpoint as a witness gave it back, with its cosignature."""

    note: Annotated[str, Field(min_length=1, max_length=rule.MAX_REQUEST)]


@dataclass(frozen=True, slots=True)
class Told:
    """How a witness is with one of our logs. `code`: it does not cosign, and why; `news`: it said otherwise before."""

    witness: str
    origin: str
    size: int
    code: ReasonCode | None
    detail: str
    news: bool

    def to_json(self) -> dict[str, Any]:
        reason = None if self.code is None else REASONS[self.code]
        return {
            "witness": self.witness,
            "origin": self.origin,
            "size": self.size,
            "reasonCode": None if self.code is None else self.code.value,
            "sentence": "" if reason is None else reason.sentence,
            "remedy": "" if reason is None else reason.remedy,
            "detail": self.detail,
        }


def key_of(settings: WitnessSettings) -> VerifierKey:
    """The key with which a configured witness cosigns. Raises ConfigError."""
    try:
        return rule.cosigner(VerifierKey.parse(settings.key))
    except NoteError as error:
        raise ConfigError(f"records.witness {settings.name}: key: {error}") from error


def stream_of(witness: str, origin: str) -> str:
    return f"witness:{witness}:{origin}"


class Ask:
    """The procedure behind `witness.ask`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def __call__(self, request: Request) -> Performed:
        gateway = self._office.gateway
        refusal = await gateway.foresee(request)
        if refusal is not None:
            return await gateway.deny(request, refusal)
        chosen = [
            w for w in self._office.settings.records.witness if w.url and request.payload.witness in (None, w.name)
        ]
        if not chosen:
            refusal = Refusal(ReasonCode.NOT_CONFIGURED, request.payload.witness or "no witness has an address")
            return await gateway.deny(request, refusal)
        logs = await asyncio.to_thread(self._reading, lambda conn: logs_of(conn, request.tenant))
        told = [await self._ask(request, each, log) for each in chosen for log in logs]
        answers = [each for each in told if each is not None]
        data = {"answers": [each.to_json() for each in answers]}
        news = [each for each in answers if each.news]
        if not news:
            return Performed("unchanged", request.key, request.corr, data=data)

        def work(unit: Unit) -> Answer:
            return gateway.judged(unit, request, lambda decision: _tell(unit, request, decision, news, data))

        return await gateway.commit(request, work)

    async def _ask(self, request: Request, witness: WitnessSettings, log: LogRow) -> Told | None:
        """None when there is nothing to cosign."""
        key = key_of(witness)

        def before(conn: Connection) -> tuple[int, bool, str | None]:
            own = [each for each in logs_of(conn, request.tenant) if each.tenant == request.tenant]
            last = (None if not own else last_data(conn, own[-1].log_id, stream_of(witness.name, log.origin))) or {}
            size = rule.cosigned_size(conn, log.log_id, key)
            return size, _has_news(conn, log, size), last.get("outcome")

        size, has_news, outcome = await asyncio.to_thread(self._reading, before)
        if not has_news:
            return None
        try:
            size, code, detail = await self._submit(witness, key, log, size)
        except ConnectorError as error:
            return Told(witness.name, log.origin, size, error.code, error.detail[:200], news=False)
        said = "cosigned" if code is None else code.value
        news = code is not ReasonCode.WITNESS_AHEAD and said != outcome
        return Told(witness.name, log.origin, size, code, detail, news)

    async def _submit(
        self, witness: WitnessSettings, key: VerifierKey, log: LogRow, old: int
    ) -> tuple[int, ReasonCode | None, str]:
        """Asks, and once more from the size that the witness remembers. (cosigned size, code, detail)."""
        for _ in range(2):
            asked = await asyncio.to_thread(self._reading, lambda conn, old=old: rule.request_for(conn, log, old))
            answer = await self._office.courier.add_checkpoint(witness.url or "", asked.serialize(), DEADLINE_S)
            if answer.status == 200:
                return await asyncio.to_thread(self._keep, key, log, asked, answer.lines)
            if answer.status == 422 or (answer.status == 409 and answer.size is None):
                # The proof follows from our own tree: what it does not lead from is another one.
                return old, ReasonCode.WITNESS_CONFLICT, answer.detail[:200]
            if answer.status != 409 or answer.size is None:
                return old, ReasonCode.WITNESS_REFUSED, f"HTTP {answer.status} {answer.detail}"[:200]
            here = Checkpoint.parse(notes.parse(asked.checkpoint).text).size
            if answer.size > here:
                return old, ReasonCode.WITNESS_AHEAD, f"{answer.size} entries there, {here} here"
            old = answer.size
        raise ConnectorError("the size it remembers moves all the time", code=ReasonCode.CONFLICT)

    def _keep(
        self, key: VerifierKey, log: LogRow, asked: AddCheckpoint, lines: str
    ) -> tuple[int, ReasonCode | None, str]:
        size = Checkpoint.parse(notes.parse(asked.checkpoint).text).size
        try:
            signature, cosigned = rule.accept(asked.checkpoint, lines, key)
        except NoteError as error:
            return asked.old, ReasonCode.WITNESS_REFUSED, str(error)[:200]
        self._office.databases.brain.writing(
            lambda conn: rule.keep_cosignature(conn, log.log_id, size, signature, cosigned.time * 1000)
        )
        return size, None, ""

    def _reading(self, work: Any) -> Any:
        return self._office.databases.brain.reading(work)


class Import:
    """The procedure behind `witness.import`: a cosignature that came as a file."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def __call__(self, request: Request) -> Performed:
        gateway = self._office.gateway
        return await gateway.commit(
            request, lambda unit: gateway.judged(unit, request, lambda d: self._import(unit, request, d))
        )

    def _import(self, unit: Unit, request: Request, decision: Decision) -> Done:
        text = request.payload.note
        try:
            signed = notes.parse(text)
            found = Checkpoint.parse(signed.text)
        except NoteError as error:
            raise Refusal(ReasonCode.INVALID_PAYLOAD, str(error)) from error
        log = next((each for each in logs_of(unit.conn, request.tenant) if each.origin == found.origin), None)
        if log is None:
            raise Refusal(ReasonCode.NOT_FOUND, f"{found.origin[:120]} is no log of this home")
        table = checkpoint_table
        here = (table.c.log_id == log.log_id, table.c.size == found.size)
        ours = unit.conn.execute(select(table.c.note).where(*here)).scalar()
        if ours is None or notes.parse(ours).text != signed.text:
            detail = f"{found.origin}: no checkpoint of {found.size} entries with this root was signed here"
            raise Refusal(ReasonCode.WITNESS_CONFLICT, detail)
        kept = []
        for settings in self._office.settings.records.witness:
            key = key_of(settings)
            lines = "".join(s.line() for s in signed.signatures if (s.name, s.key_id) == (key.name, key.key_id))
            if lines:
                try:
                    signature, cosigned = rule.accept(ours, lines, key)
                except NoteError as error:
                    raise Refusal(ReasonCode.NOT_VERIFIED, str(error)) from error
                rule.keep_cosignature(unit.conn, log.log_id, found.size, signature, cosigned.time * 1000)
                kept.append(settings.name)
        if not kept:
            raise Refusal(ReasonCode.NOT_VERIFIED, "it holds no cosignature by a witness of the settings")
        data: dict[str, Any] = {"origin": found.origin, "size": found.size, "witnesses": kept}
        unit.append(request_event(IMPORTED, "witness:import", request, state="done", **data, **decided_by(decision)))
        return Done("imported", None, data)


def _has_news(conn: Connection, log: LogRow, size: int) -> bool:
    """Whether an entry that is no bookkeeping stands at `size` or later."""
    sql = OTHER_KINDS.format(", ".join("?" * len(BOOKKEEPING)))
    sql = sql.replace("?", "%s") if conn.dialect.name == "postgresql" else sql
    end = LogReader(conn, log).size()
    parameters = (place(log.log_id, min(size, end)), place(log.log_id, end), *sorted(BOOKKEEPING))
    return conn.exec_driver_sql(sql, parameters).first() is not None


def request_file(conn: Connection, log: LogRow, key: VerifierKey, old: int | None = None) -> bytes:
    """A request to take to a witness on a stick, from what it cosigned last or from the size that it told. Raises
    ProofError or NoteError when there is nothing to ask."""
    return rule.request_for(conn, log, rule.cosigned_size(conn, log.log_id, key) if old is None else old).serialize()


def _tell(unit: Unit, request: Request, decision: Decision, news: list[Told], data: dict[str, Any]) -> Done:
    for told in news:
        unit.append(
            request_event(
                WITNESSED,
                stream_of(told.witness, told.origin),
                request,
                state="done" if told.code is None else "refused",
                code=told.code,
                witness=told.witness,
                origin=told.origin,
                size=told.size,
                outcome="cosigned" if told.code is None else told.code.value,
                detail=told.detail,
                **decided_by(decision),
            )
        )
    return Done("cosigned" if all(told.code is None for told in news) else "refused", None, data)


_witness = partial(
    Capability, target="witness", mode=Mode.LOCAL, owner="records", test="tests/domains/records/test_witness.py"
)


def _procedures(office: Office) -> Mapping[str, Procedure]:
    return {"witness.ask": Ask(office), "witness.import": Import(office)}


TOPIC: Final = Topic(
    capabilities=(
        _witness(
            id="witness.ask",
            title="Ask witnesses to cosign",
            description="Sends the newest checkpoints, without content, to the witnesses and keeps their cosignatures.",
            risk=Risk.LOW,
            role=Role.EDITOR,
            failure_mode="it stays unwitnessed and shows since when",
            payload=AskPayload,
            actor_types=PEOPLE | {ActorType.SYSTEM},
            target_of=lambda input: f"witness/{input.get('witness', '')}".rstrip("/"),
            procedure=True,
        ),
        _witness(
            id="witness.import",
            title="Take in a cosignature from a file",
            description="Verifies the cosignature of a known witness on a checkpoint of ours and keeps it.",
            risk=Risk.LOW,
            role=Role.EDITOR,
            failure_mode="nothing is kept and the reason is shown",
            payload=ImportPayload,
            procedure=True,
        ),
    ),
    kinds=frozenset({WITNESSED, IMPORTED}),
    procedures=_procedures,
)
