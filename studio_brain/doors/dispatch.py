"""Operations of the cockpit on an open brain: each frame's `op` is one method here. Used by the pipe, and by tests in
process.

`call` never raises: it answers {"ok": …, "nowMs": …} or {"error": {"code", "sentence", "detail", "remedy"}}; `nowMs` is
the brain's clock, which a practice studio may have moved. Events go out through
`emit(topic, data)`: `engine` (starting, ready, read-only, failed), `receipts`, `connectors`, `state`, `anchors`,
`sweep`, `jobs`, `progress`.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from ..brain import Brain, Opening
from ..engine import Engine
from ..evidence.entry import Receipt
from ..gateway.perform import Denied, Session
from ..home.lock import EngineLock
from ..kernel.errors import StudioBrainError
from ..kernel.policy import Mode
from ..kernel.reasons import REASONS, ReasonCode
from .receipt_check import check_receipt
from .rehearsal import Rehearsal

Emit = Callable[[str, dict[str, Any]], None]
Operation = Callable[[dict[str, Any]], Awaitable[Any]]

WRITES: Final = frozenset({"perform", "practice.advance", "practice.prepare"})
"""Operations that a cockpit without the engine lock does not get."""


class Dispatcher:
    """One cockpit's view of one home."""

    def __init__(self, home: Path, config: Path | None, emit: Emit) -> None:
        self._home = home
        self._config = config
        self._emit = emit
        self._brain: Brain | None = None
        self._engine: Engine | None = None
        self._lock: EngineLock | None = None
        self._session: Session | None = None
        self._fault: StudioBrainError | None = None
        self._opened = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._operations: dict[str, Operation] = {
            "session.use": self._use,
            "query": self._query,
            "proposal": self._proposal,
            "perform": self._perform,
            "batches": self._batches,
            "capabilities": self._capabilities,
            "reasons": self._reasons,
            "connectors.check": self._check,
            "verify": self._verify,
            "receipt.check": self._check_receipt,
            "unlock": self._unlock,
            "practice.advance": self._advance,
            "practice.prepare": self._prepare,
        }

    # life

    async def open(self, passphrase: str | None = None) -> None:
        """Opens the brain; what goes wrong is told as an event and to every call."""
        self._emit("engine", {"state": "starting"})
        ask = None if passphrase is None else lambda new: passphrase
        try:
            opening = Opening(self._home, self._config, ask, via="cockpit")
            self._brain = await asyncio.to_thread(Brain.open, opening)
            self._session = self._brain.session(None, None)
            self._lock = EngineLock.take(self._home)
        except StudioBrainError as error:
            self._fault = error
            self._opened.set()
            self._emit("engine", {"state": "failed", "error": error.to_json()})
            return
        self._fault = None
        self._brain.on_commit(self._committed)
        if self._lock is not None:
            self._engine = Engine(self._brain, self._emit)
            self._engine.start()
        self._opened.set()
        self._emit("engine", {"state": "ready" if self._lock is not None else "read-only", **self._here()})

    async def close(self) -> None:
        if self._engine is not None:
            await self._engine.stop()
        if self._brain is not None:
            await self._brain.close()
        if self._lock is not None:
            self._lock.release()

    async def call(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        operation = self._operations.get(op)
        if operation is None:
            return _error(StudioBrainError(f"operation {op[:60]!r}", code=ReasonCode.UNKNOWN_QUERY))
        await self._opened.wait()
        try:
            if self._fault is not None and op != "unlock":
                raise self._fault
            if op in WRITES and self._lock is None:
                raise StudioBrainError(str(self._home), code=ReasonCode.ENGINE_ELSEWHERE)
            return {"ok": await operation(args), "nowMs": self._open_brain().clock.now_ms()}
        except Denied as denied:
            return _error(denied, denied.performed.to_json())
        except StudioBrainError as error:
            return _error(error)
        except (KeyError, TypeError, ValueError) as error:
            detail = f"{op}: {type(error).__name__} {error}"[:300]
            return _error(StudioBrainError(detail, code=ReasonCode.INVALID_PAYLOAD))
        except Exception as error:
            self._open_brain().log.exception("internal", op=op)
            return _error(StudioBrainError(type(error).__name__, code=ReasonCode.INTERNAL))

    # operations

    async def _use(self, args: dict[str, Any]) -> dict[str, Any]:
        """Switches studio or account for everything that follows."""
        brain = self._open_brain()
        self._session = brain.session(args.get("tenant"), args.get("actor"))
        return self._here()

    async def _query(self, args: dict[str, Any]) -> Any:
        """`asOf` ({"index"} or {"time"}) asks how it stood then; such an answer never changes."""
        brain = self._open_brain()
        return await brain.query(str(args["name"]), args.get("params") or {}, self._who(), args.get("asOf"))

    async def _proposal(self, args: dict[str, Any]) -> dict[str, Any] | None:
        """One proposal whole, its capability in words, and what this session may do with it."""
        brain, who = self._open_brain(), self._who()
        id = str(args["id"])
        found: dict[str, Any] | None = await brain.query("proposals.one", {"id": id}, who)
        if found is None:
            return None
        capability = brain.registry.capabilities.get(found["capability"])
        outside = None if capability is None else capability.outside
        return found | {
            "title": found["capability"] if capability is None else capability.title,
            "description": "" if capability is None else capability.description,
            "failureMode": "" if capability is None else capability.failure_mode,
            "rollbackNote": "" if outside is None else outside.rollback_note,
            "connector": None if outside is None else outside.connector,
            "may": await brain.gateway.explain(id, who),
        }

    async def _perform(self, args: dict[str, Any]) -> dict[str, Any]:
        done = await self._open_brain().perform(
            str(args["capability"]),
            args.get("payload") or {},
            self._who(),
            rationale=str(args.get("rationale") or ""),
            key=args.get("key"),
            corr=args.get("corr"),
        )
        return done.to_json()

    async def _batches(self, args: dict[str, Any]) -> list[dict[str, Any]]:
        return await self._open_brain().batches(str(args["state"]), self._who())

    async def _capabilities(self, args: dict[str, Any]) -> list[dict[str, Any]]:
        """What can be drafted, with the JSON Schema of its input."""
        return [
            {
                "id": capability.id,
                "title": capability.title,
                "description": capability.description,
                "risk": capability.risk.value,
                "schema": capability.payload.model_json_schema(),
                "rollbackNote": "" if capability.outside is None else capability.outside.rollback_note,
                "rollback": None if capability.outside is None else capability.outside.rollback,
            }
            for capability in self._open_brain().registry.capabilities.values()
            if capability.mode is Mode.OUTSIDE and not capability.internal
        ]

    async def _reasons(self, args: dict[str, Any]) -> dict[str, dict[str, str]]:
        """What each reason code says to people, and what they can do."""
        return {code.value: {"sentence": r.sentence, "remedy": r.remedy} for code, r in REASONS.items()}

    async def _check(self, args: dict[str, Any]) -> list[dict[str, Any]]:
        """Looks at the connectors now and gives how they are."""
        brain, who = self._open_brain(), self._who()
        if self._engine is not None:
            await self._engine.check(who.tenant)
        found: list[dict[str, Any]] = await brain.query("connectors.list", {}, who)
        return found

    async def _verify(self, args: dict[str, Any]) -> dict[str, Any]:
        """Verifies the log; progress goes out as events, and a cancelled call stops the pass."""
        stop = threading.Event()

        def progress(origin: str, done: int, total: int) -> None:
            if stop.is_set():
                raise StudioBrainError("cancelled", code=ReasonCode.CONFLICT)
            data = {"what": "verify", "origin": origin, "done": done, "total": total}
            self._loop.call_soon_threadsafe(self._emit, "progress", data)

        try:
            report = await self._open_brain().verify(self._who(), progress)
        finally:
            stop.set()
        return report.to_json()

    async def _check_receipt(self, args: dict[str, Any]) -> dict[str, Any]:
        """A receipt file that somebody gave: what it shows, and on whose word."""
        return await check_receipt(self._open_brain(), self._who(), str(args["text"]))

    async def _unlock(self, args: dict[str, Any]) -> dict[str, Any]:
        if self._brain is None:
            await self.open(str(args["passphrase"]))
        if self._fault is not None:
            raise self._fault
        return self._here()

    async def _advance(self, args: dict[str, Any]) -> dict[str, Any]:
        brain = self._open_brain()
        answer = await Rehearsal(brain).advance(int(args.get("days", 1)))
        self._practice_moved()
        return {"day": answer.get("day")}

    async def _prepare(self, args: dict[str, Any]) -> dict[str, Any]:
        def progress(done: int, total: int) -> None:
            self._emit("progress", {"what": "prepare", "origin": "practice", "done": done, "total": total})

        await Rehearsal(self._open_brain()).prepare(int(args["days"]), progress)
        self._practice_moved()
        return {}

    def _practice_moved(self) -> None:
        """Days have passed: what was read is told, and how the connectors are is looked at anew."""
        self._emit("state", {"tenant": self._who().tenant})
        if self._engine is not None:
            self._engine.check_now()

    # inside

    def _open_brain(self) -> Brain:
        if self._brain is None:
            raise StudioBrainError("the engine is not open", code=ReasonCode.UNAVAILABLE)
        return self._brain

    def _who(self) -> Session:
        if self._session is None:
            raise StudioBrainError(code=ReasonCode.NOT_SIGNED_IN)
        return self._session

    def _here(self) -> dict[str, Any]:
        who = self._who()
        actor = who.actor
        return {
            "tenant": who.tenant,
            "actor": {"id": actor.id, "name": actor.name, "role": actor.role.value},
            "practice": self._open_brain().installation.practice,
            "lost": self._open_brain().continuity.to_json(who.tenant),
            "nowMs": self._open_brain().clock.now_ms(),
        }

    def _committed(self, receipts: tuple[Receipt, ...]) -> None:
        """On the writer thread: tells the window which streams moved."""
        rows = [{"tenant": r.tenant, "index": r.seq, "kind": r.kind, "stream": r.stream} for r in receipts[-50:]]
        self._loop.call_soon_threadsafe(self._emit, "receipts", {"rows": rows, "count": len(receipts)})


def _error(error: StudioBrainError, data: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"error": error.to_json() | ({"performed": data} if data else {})}
