"""The engine, as the window sees it: ask, get a Reply, hear events. One protocol, two forms.

    ProcessEngine   the shipped one: the engine is this process's child, spoken to in frames over its standard streams
    InlineEngine    for tests: the same operations, called directly, on a private event loop turned by a timer

No pane knows which one it has. A *request* is an operation and its arguments; its `Reply` ends in `done` or `failed`,
once. A `perform` carries an idempotency key: when the engine dies before it answers, it is sent again to the next one,
and can take effect once only. Everything else that was under way fails with `ENGINE_LOST`.

The account in use (`session.use`) is the engine's, and is told to it again after a restart, before anything else.
"""

import os
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from PySide6.QtCore import QObject, QTimer, Signal

from .child import Child, Life
from .engine_clock import EngineClock
from .folding import Folder
from .frames import PROTOCOL, FrameBuffer, FrameError, encode

LOST: Final = {
    "code": "ENGINE_LOST",
    "sentence": "The engine stopped before it answered.",
    "detail": "",
    "remedy": "It is started again by itself; try again when it is ready.",
}
DOWN: Final = {
    "code": "ENGINE_DOWN",
    "sentence": "The engine is not running.",
    "detail": "",
    "remedy": "Start it again from the banner at the top of the window.",
}
OTHER_VERSION: Final = {
    "code": "ENGINE_VERSION",
    "sentence": "The engine speaks another protocol than this window.",
    "detail": "",
    "remedy": "Install window and engine of the same version.",
}
RESTORED: Final = 0
"""The id under which the account in use is told to an engine that was started again; its answer is the event
`session`: {"ok": …} or {"error": …}."""

_PUMP_MS: Final = 3
_TURN_S: Final = 0.004
"""How long frames that came together are taken at a stretch; then the window has its turn."""


class Reply(QObject):
    """The answer to one request, when it comes. Exactly one of `done` and `failed` is emitted, unless cancelled."""

    done = Signal(object)
    failed = Signal(object)

    def __init__(self, engine: "Engine", id: int, op: str, args: dict[str, Any]) -> None:
        super().__init__(engine)
        self.id, self.op, self.args = id, op, args
        self.ended = False

    def cancel(self) -> None:
        """Nobody waits any more; the engine is told, and neither signal comes."""
        if not self.ended:
            self.ended = True
            self.parent().forget(self)

    def end(self, frame: dict[str, Any]) -> None:
        if self.ended:
            return
        self.ended = True
        if "error" in frame:
            self.failed.emit(frame["error"])
        else:
            self.done.emit(frame.get("ok"))
        self.deleteLater()


class Engine(QObject):
    """What both forms share. `event(topic, data)` comes folded; `life_changed` is a `child.Life`."""

    event = Signal(str, object)
    life_changed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.clock = EngineClock()
        self._next = 0
        self._pending: dict[int, Reply] = {}
        self._folder = Folder(self._told, self)
        self._unheard: list[tuple[str, dict[str, Any]]] | None = []

    @property
    def life(self) -> Life:
        raise NotImplementedError

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def retry(self) -> None: ...

    def release(self) -> None: ...

    def ask(self, op: str, args: dict[str, Any] | None = None) -> Reply:
        """Sends a request. The reply's signals never come before this returns."""
        args = dict(args or {})
        if op == "perform":
            args.setdefault("key", new_key())
        self._next += 1
        reply = Reply(self, self._next, op, args)
        self._pending[reply.id] = reply
        self._send(reply)
        return reply

    def forget(self, reply: Reply) -> None:
        self._pending.pop(reply.id, None)
        self._cancel(reply)
        reply.deleteLater()

    def _send(self, reply: Reply) -> None:
        raise NotImplementedError

    def _cancel(self, reply: Reply) -> None:
        raise NotImplementedError

    def _answered(self, frame: dict[str, Any]) -> None:
        if isinstance(frame.get("nowMs"), int):
            self.clock.learn(frame["nowMs"])
        reply = self._pending.pop(frame.get("id", 0), None)
        if reply is not None:
            reply.end(frame)

    def listen(self) -> None:
        """Somebody listens from now on: what was told before is told now."""
        unheard, self._unheard = self._unheard or [], None
        for topic, data in unheard:
            self.event.emit(topic, data)

    def _told(self, topic: str, data: dict[str, Any]) -> None:
        if isinstance(data.get("nowMs"), int):
            self.clock.learn(data["nowMs"])
        if self._unheard is None:
            self.event.emit(topic, data)
        else:
            self._unheard.append((topic, data))

    def _fail_later(self, reply: Reply, error: dict[str, Any]) -> None:
        QTimer.singleShot(0, reply, lambda: self._answered({"id": reply.id, "error": error}))


def new_key() -> str:
    """A key that makes a request recognisable when it comes twice."""
    return os.urandom(16).hex()


def engine_command(home: Path, config: Path | None, *, held: bool) -> list[str]:
    """How the engine is started as a child."""
    command = [sys.executable, "-m", "studio_brain.doors.pipe", "--home", str(home)]
    if config is not None:
        command += ["--config", str(config)]
    return [*command, "--held"] if held else command


class ProcessEngine(Engine):
    """The engine as a child process. With `held` it opens its brain only after `release`."""

    def __init__(self, command: Sequence[str], parent: QObject | None = None, *, held: bool = False) -> None:
        super().__init__(parent)
        self._held = held
        self._buffer = FrameBuffer()
        self._frames: deque[dict[str, Any]] = deque()
        self._more = QTimer(self, singleShot=True, interval=0)
        self._more.timeout.connect(self._take_some)
        self._session: dict[str, Any] | None = None
        self._greeted = False
        self.child = Child(command, self)
        self.child.output.connect(self._read)
        self.child.life_changed.connect(self._lives)

    @property
    def life(self) -> Life:
        return self.child.life

    def start(self) -> None:
        self.child.start()

    def stop(self) -> None:
        self.child.stop()
        self._folder.flush()

    def retry(self) -> None:
        """Starts it anew, now."""
        self._lose(DOWN)
        self.child.restart()

    def release(self) -> None:
        """What a held engine waits for is there: it may open its brain. Later ones need not wait again."""
        self._held = False
        if self._greeted:
            self.child.write(encode({"op": "open"}))

    def _send(self, reply: Reply) -> None:
        if reply.op == "session.use":
            reply.done.connect(lambda _, args=reply.args: self._remember(args))
        if self._greeted and self._write(reply):
            return
        if self.child.life in (Life.DOWN, Life.ENDED):
            self._fail_later(reply, DOWN)
        # else it waits for the engine's greeting

    def _write(self, reply: Reply) -> bool:
        try:
            data = encode({"id": reply.id, "op": reply.op, "args": reply.args})
        except FrameError as error:
            too_long = {"code": "INVALID_PAYLOAD", "sentence": "That is too long to be sent.", "detail": str(error)}
            self._fail_later(reply, {**too_long, "remedy": "Shorten it."})
            return True
        return self.child.write(data)

    def _remember(self, args: dict[str, Any]) -> None:
        self._session = args

    def _cancel(self, reply: Reply) -> None:
        if self._greeted:
            self.child.write(encode({"op": "cancel", "args": {"id": reply.id}}))

    def _read(self, data: bytes) -> None:
        try:
            self._frames.extend(self._buffer.feed(data))
        except FrameError:
            self._lose(LOST)
            self.child.restart()
            return
        if not self._more.isActive():
            self._take_some()

    def _take_some(self) -> None:
        """Frames in their order, for one turn."""
        until = time.monotonic() + _TURN_S
        while self._frames:
            self._take(self._frames.popleft())
            if self._frames and time.monotonic() > until:
                self._more.start()
                return

    def _take(self, frame: dict[str, Any]) -> None:
        if "hello" in frame:
            self._hello(frame["hello"])
        elif "event" in frame:
            self._folder.take(str(frame["event"]), frame.get("data") or {})
            if frame["event"] == "engine" and (frame.get("data") or {}).get("state") in ("ready", "read-only"):
                self.child.is_steady()
        elif frame.get("id") == RESTORED:
            self._told("session", frame)
        else:
            self._answered(frame)

    def _hello(self, hello: dict[str, Any]) -> None:
        if hello.get("protocol") != PROTOCOL:
            self.child.stop()
            self._told("engine", {"state": "failed", "error": OTHER_VERSION})
            return
        self._greeted = True
        if not self._held:
            self.child.write(encode({"op": "open"}))
        if self._session is not None and not any(r.op == "session.use" for r in self._pending.values()):
            self.child.write(encode({"id": RESTORED, "op": "session.use", "args": self._session}))
        for reply in sorted(self._pending.values(), key=lambda r: (r.op != "session.use", r.id)):
            self._write(reply)

    def _lives(self, life: str) -> None:
        if life in (Life.RESTARTING, Life.DOWN, Life.ENDED):
            self._lose(LOST if life == Life.RESTARTING else DOWN)
        self.life_changed.emit(life)

    def _lose(self, error: dict[str, Any]) -> None:
        """The pipe is gone. Writes wait for the next engine as long as one is on its way."""
        while self._frames:  # what it said before
            self._take(self._frames.popleft())
        self._greeted = False
        self._buffer = FrameBuffer()
        keep = error is LOST
        for reply in list(self._pending.values()):
            if not (keep and reply.op in ("perform", "session.use")):
                self._answered({"id": reply.id, "error": error})


class Answers(Protocol):
    """What an InlineEngine calls: an open dispatcher, or anything that answers like one."""

    async def call(self, op: str, args: dict[str, Any]) -> dict[str, Any]: ...


class InlineEngine(Engine):
    """The engine in this process, for tests. `start_with` is awaited once, with a function that sends events, and gives
    what answers; a plain object with `call` will do too."""

    def __init__(
        self, answers: "Answers | Callable[[Callable[[str, dict[str, Any]], None]], Awaitable[Answers]]"
    ) -> None:
        super().__init__()
        import asyncio

        self._asyncio = asyncio
        self._loop = asyncio.new_event_loop()
        self._answers = answers
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._opened: asyncio.Task[Answers] | None = None
        self._life = Life.ENDED
        self._pump = QTimer(self, interval=_PUMP_MS)
        self._pump.timeout.connect(self._turn)

    @property
    def life(self) -> Life:
        return self._life

    def start(self) -> None:
        self._life = Life.RUNNING
        self._opened = self._loop.create_task(self._open())
        self._pump.start()

    def stop(self) -> None:
        """Ends what runs; `close` of what answers is awaited, if it has one."""
        if self._life is Life.ENDED:
            return
        self._life = Life.ENDED
        self._pump.stop()
        for task in self._tasks.values():
            task.cancel()
        self._loop.run_until_complete(self._close())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _open(self) -> Answers:
        if hasattr(self._answers, "call"):
            return self._answers
        return await self._answers(self._folder.take)

    async def _close(self) -> None:
        await self._asyncio.gather(*self._tasks.values(), return_exceptions=True)
        answers = await self._opened if self._opened is not None else None
        if hasattr(answers, "close"):
            await answers.close()

    def _send(self, reply: Reply) -> None:
        task = self._loop.create_task(self._call(reply))
        self._tasks[reply.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(reply.id, None))

    async def _call(self, reply: Reply) -> None:
        if self._opened is not None:
            answers = await self._asyncio.shield(self._opened)
            self._answered({"id": reply.id, **await answers.call(reply.op, reply.args)})

    def _cancel(self, reply: Reply) -> None:
        task = self._tasks.get(reply.id)
        if task is not None:
            task.cancel()

    def _turn(self) -> None:
        """One turn of the loop: what is ready runs, nothing is waited for."""
        self._loop.call_soon(self._loop.stop)
        self._loop.run_forever()
