"""The cockpit's door: frames on standard input and output, spoken by the engine as the cockpit's child.

It starts in two stages. Before anything heavy is imported it answers `first` from the files; then the brain is opened
and everything else is answered. When the brain cannot be opened the process stays and says why, so that the window
can show it; `unlock` tries again with a passphrase. The process ends when its standard input closes.

The session (studio and account) is held here: no frame names a studio for a write.
"""

import argparse
import asyncio
import contextlib
import os
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from .frames import PROTOCOL, FrameError, FrameWriter, read_frame

if TYPE_CHECKING:
    from .dispatch import Dispatcher


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="studio-brain pipe")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--held", action="store_true", help="open the brain only when a frame says so")
    options = parser.parse_args(argv)
    frames_in, frames_out = _take_standard_streams()
    writer = FrameWriter(frames_out)
    writer.send({"hello": {"protocol": PROTOCOL, "pid": os.getpid()}})
    from .first_page import first_page

    page = first_page(options.home, options.config)
    if page is not None:
        writer.event("first", page)
    asyncio.run(_serve(options, frames_in, writer))


def _take_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """The pipe's two ends; whatever else prints to standard output goes to standard error from here on."""
    frames_in, frames_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123  lives as long as the process
    return frames_in, frames_out


async def _serve(options: argparse.Namespace, frames_in: BinaryIO, writer: FrameWriter) -> None:
    from .dispatch import Dispatcher

    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def pump() -> None:
        with contextlib.suppress(OSError, FrameError, ValueError, RuntimeError):
            while (frame := read_frame(frames_in)) is not None:
                loop.call_soon_threadsafe(queue.put_nowait, frame)
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=pump, name="frames", daemon=True).start()
    dispatcher = Dispatcher(options.home, options.config, writer.event)
    go = asyncio.Event()
    if not options.held:
        go.set()
    opening = asyncio.create_task(_open_when(go, dispatcher))
    answering = asyncio.create_task(_answer_all(queue, dispatcher, writer, go))
    await ended.wait()
    answering.cancel()
    opening.cancel()
    await asyncio.gather(answering, opening, return_exceptions=True)
    await dispatcher.close()


async def _open_when(go: asyncio.Event, dispatcher: "Dispatcher") -> None:
    """With --held the cockpit says when: its practice studio has to be there first."""
    await go.wait()
    await dispatcher.open()


async def _answer_all(
    queue: "asyncio.Queue[dict[str, Any]]", dispatcher: "Dispatcher", writer: FrameWriter, go: asyncio.Event
) -> None:
    running: dict[Any, asyncio.Task[None]] = {}
    while True:
        frame = await queue.get()
        id, op, args = frame.get("id"), frame.get("op"), frame.get("args") or {}
        if op == "open":
            go.set()
            continue
        if op == "cancel":
            task = running.get(args.get("id"))
            if task is not None:
                task.cancel()
            continue
        task = asyncio.create_task(_answer(id, str(op), args, dispatcher, writer))
        running[id] = task
        task.add_done_callback(partial(_ended, running, id, writer))


def _ended(running: dict[Any, asyncio.Task[None]], id: Any, writer: FrameWriter, task: asyncio.Task[None]) -> None:
    """Every request has an answer, also one that was cancelled before it began."""
    running.pop(id, None)
    if task.cancelled():
        error = {"code": "CONFLICT", "sentence": "It was cancelled.", "detail": "", "remedy": "Start it again."}
        with contextlib.suppress(OSError):
            writer.send({"id": id, "error": error})


async def _answer(id: Any, op: str, args: dict[str, Any], dispatcher: "Dispatcher", writer: FrameWriter) -> None:
    answer = await dispatcher.call(op, args)
    with contextlib.suppress(OSError):  # the window is gone: the end of the input is on its way
        writer.send({"id": id, **answer})


if __name__ == "__main__":
    main()
