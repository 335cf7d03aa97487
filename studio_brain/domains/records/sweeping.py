"""One sweep at work, on a thread: batch by batch, each in a read transaction of its own, with rests in between.

It takes the studio's logs and the installation's own, then what outside of them vouches for them, then what follows
from them: rows derived again, conduct judged, the file itself. Between two batches its state is kept, so that it can be
stopped, or killed, and goes on.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection

from ...evidence.closing import Seen, close, counts
from ...evidence.entry import EntryError, decode
from ...evidence.facts import facts
from ...evidence.forms import Forms
from ...evidence.log import LogRow, all_logs
from ...evidence.note import VerifierKey
from ...evidence.scan import Streams, rows
from ...evidence.sweep import Base, LogSweep, begin, from_json, step, to_json
from ...evidence.verify import Tampered
from ...gateway.conduct import KINDS, Conduct, judge
from ...gateway.integrity import check_structure
from ...gateway.switches import SYSTEM
from ...home.process import own_name
from ...kernel.errors import StudioBrainError
from ...kernel.hashing import from_text
from . import rebuild_check, sweep_state, witness
from .office import Office
from .sweep_report import FINDINGS, RANGES, Outcome

DONE: Final = "sweep.done"
FAILED: Final = "sweep.failed"
STREAM: Final = "evidence:sweep"
KEEP_EVERY_S: Final = 0.25
"""How often its state is kept and told."""

SIZES: Final = "SELECT size FROM checkpoint WHERE log_id = ? ORDER BY size"
LAST_SWEEPS: Final = (
    "SELECT entry.place, entry.at_ms, entry.body FROM stream JOIN entry ON entry.stream_id = stream.stream_id "
    "WHERE stream.log_id = ? AND stream.name = ? AND entry.kind = ? ORDER BY entry.pos DESC LIMIT 1"
)


class Stopped(Exception):
    """It was asked to stop; what it has seen so far is kept."""


def report_name(office: Office) -> str:
    """Under which name reports and states of sweeps are signed: no log has it."""
    return f"{office.installation.origin_prefix}/sweep"


@dataclass(slots=True)
class Sweeping:
    """`rest` is how long it rests after each batch, as a share of what the batch took. `log_for` is where entries about
    sweeps stand."""

    office: Office
    tenant: str
    full: bool
    actor: str
    id: str
    stop: threading.Event
    rest: float = 0.0
    started_at_ms: int = 0
    resumed_at: list[int] = field(default_factory=list)
    _logs: list[LogSweep] = field(default_factory=list)
    _phase: str = "entries"
    _kept: float = 0.0

    def run(self) -> Outcome:
        """To the end. Raises Stopped, and StorageError when even looking is not possible."""
        self._start()
        for log in self._logs:
            self._sweep(log)
        self._to("anchors")
        seen = self._close()
        self._to("rows")
        derived = self._rows()
        self._to("conduct")
        conduct = {log.log.origin: self._conduct(log.log) for log in self._logs if log.log.tenant != SYSTEM}
        self._to("file")
        structure = self._structure() if self.full else ""
        return Outcome(
            id=self.id,
            tenant=self.tenant,
            full=self.full,
            actor=self.actor,
            started_at_ms=self.started_at_ms,
            finished_at_ms=self.office.clock.now_ms(),
            logs=self._logs,
            keys={log.log.origin: self._key(log.log).serialize() for log in self._logs},
            anchors=seen,
            rows=derived,
            conduct=conduct,
            structure=structure,
            resumed_at=self.resumed_at,
        )

    # entries

    def _start(self) -> None:
        brain = self.office.databases.brain
        logs = {log.origin: log for log in brain.reading(all_logs) if log.tenant in (self.tenant, SYSTEM)}
        if self._resume(logs):
            return
        self.started_at_ms = self.office.clock.now_ms()
        bases = {} if self.full else brain.reading(lambda conn: last_bases(conn, list(logs.values()), self.tenant))
        for origin, log in logs.items():
            self._logs.append(brain.reading(partial(begin, log=log, key=self._key(log), base=bases.get(origin))))

    def _resume(self, logs: dict[str, LogRow]) -> bool:
        office, now = self.office, self.office.clock.now_ms()
        key = VerifierKey(report_name(office), office.signer.public_key)
        state = office.databases.views.reading(
            lambda conn: sweep_state.resumable(conn, self.tenant, key, now, full=self.full)
        )
        try:
            if state is None or {item["origin"] for item in state["logs"]} != set(logs):
                return False
            self._logs = [from_json(logs[item["origin"]], item) for item in state["logs"]]
            self.id, self.started_at_ms = state["id"], state["startedAtMs"]
            self.resumed_at = [*state["resumedAtMs"], now]
        except (ValueError, KeyError, TypeError):
            self._logs = []
            return False
        return True

    def _sweep(self, log: LogSweep) -> None:
        key, forms = self._key(log.log), Forms(log.log.tenant)
        streams = Streams(log.log, from_the_start=log.at == 0)
        while not log.done:
            began = time.monotonic()
            self.office.databases.brain.reading(lambda conn: step(conn, log, key, streams, forms))
            self._keep()
            self._pause((time.monotonic() - began) * self.rest)

    def _pause(self, seconds: float) -> None:
        if self.stop.wait(seconds) if seconds > 0 else self.stop.is_set():
            self._keep(now=True, owner="")
            raise Stopped

    # everything else

    def _close(self) -> list[Seen]:
        anchors = self.office.anchors((self.tenant, SYSTEM))
        keys = [witness.key_of(each) for each in self.office.settings.records.witness]
        seen: list[Seen] = []
        for log in self._logs:
            work = partial(close, sweep=log, anchors=anchors, witnesses=keys, others=self._logs)
            seen += self.office.databases.brain.reading(work)
        return seen

    def _rows(self) -> dict[str, Any]:
        try:
            found = rebuild_check.compare(self.office)
        except (StudioBrainError, ValueError) as error:
            return {"projections": {}, "differing": ["everything"], "what": str(error)[:200]}
        return {name: value for name, value in found.to_json().items() if name in ("projections", "differing")}

    def _conduct(self, log: LogRow) -> Conduct:
        def work(conn: Connection) -> Conduct:
            sizes = [row[0] for row in rows(conn, SIZES, (log.log_id,))]
            return judge(facts(conn, log, 0, 1 << 39, KINDS), sizes)

        try:
            return self.office.databases.brain.reading(work)
        except (StudioBrainError, ValueError) as error:
            unreadable = Conduct()
            unreadable.fault(0, f"the story cannot be read to its end: {str(error)[:120]}")
            return unreadable

    def _structure(self) -> str:
        try:
            self.office.databases.brain.reading(check_structure)
        except Tampered as fault:
            return fault.what
        except StudioBrainError as error:
            return f"{error.code.value}: {error.detail}"[:200]
        return "ok"

    # state

    def _key(self, log: LogRow) -> VerifierKey:
        return self.office.key_of(log.origin)

    def _to(self, phase: str) -> None:
        self._phase = phase
        self._keep(now=True)
        self._pause(0)

    def _keep(self, *, now: bool = False, owner: str | None = None) -> None:
        """Keeps the state and tells whoever watches, not more often than four times a second."""
        if not now and time.monotonic() - self._kept < KEEP_EVERY_S:
            return
        self._kept = time.monotonic()
        state = {
            "v": 1,
            "id": self.id,
            "tenant": self.tenant,
            "full": self.full,
            "startedAtMs": self.started_at_ms,
            "updatedAtMs": self.office.clock.now_ms(),
            "resumedAtMs": self.resumed_at,
            "logs": [to_json(log) for log in self._logs],
        }
        shown = self.shown(own_name() if owner is None else owner)
        closed = self._phase != "entries"  # once closed, findings would be told twice: then it is not resumed
        self.office.databases.views.writing(
            lambda conn: sweep_state.keep(
                conn, self.tenant, None if closed else state, shown, self.office.signer, report_name(self.office)
            )
        )
        self.office.tell("sweep", {k: v for k, v in shown.items() if k not in ("owner", "report")})

    def shown(self, owner: str = "", report: Any = None) -> dict[str, Any]:
        """What the cockpit draws. `report` is the last one with its hash and note."""
        if report is None:
            before = self.office.databases.views.reading(lambda conn: sweep_state.shown(conn, self.tenant))
            report = None if before is None else before["report"]
        return {
            "owner": owner,
            "phase": "done" if not owner and self._phase == "file" else self._phase if owner else "stopped",
            "tenant": self.tenant,
            "id": self.id,
            "full": self.full,
            "startedAtMs": self.started_at_ms,
            "updatedAtMs": self.office.clock.now_ms(),
            "done": sum(log.at - log.first for log in self._logs),
            "total": sum(log.total - log.first for log in self._logs),
            "logs": [_shown(log) for log in self._logs],
            "report": report,
        }


def _shown(log: LogSweep) -> dict[str, Any]:
    ranges = log.map()
    return {
        "origin": log.log.origin,
        "at": log.at,
        "from": log.first,
        "total": log.total,
        "ranges": [{"from": first, "to": end, "state": state} for first, end, state in ranges[:RANGES]],
        "rangesMore": max(len(ranges) - RANGES, 0),
        "counts": counts(log),
        "firstBad": log.first_bad(),
        "findings": [{"from": f.first, "to": f.end, "state": f.state, "what": f.what} for f in log.findings[:FINDINGS]],
    }


def last_bases(conn: Connection, logs: Sequence[LogRow], tenant: str) -> dict[str, Base]:
    """By origin, where the last good sweep of this studio ended, as the entry about it says. That entry lies beyond
    what it speaks of: whoever begins there sweeps the entry itself."""
    for log in reversed([log for log in logs if log.tenant == tenant]):
        found = rows(conn, LAST_SWEEPS, (log.log_id, STREAM, DONE))
        if not found:
            continue
        place, at_ms, body = found[0]
        try:
            entry = decode(bytes(body))
            return {
                item["origin"]: Base(item["size"], from_text(item["root"]), at_ms, place & (1 << 40) - 1)
                for item in entry.data["logs"]
            }
        except (EntryError, KeyError, TypeError, ValueError):
            return {}
    return {}
