"""The practice studio as a process of its own: `python -m studio_brain.doors.practice`.

Prints one line of JSON when it is ready and serves until SIGTERM, SIGINT or, with `--exit-with-stdin`, the end of its
standard input. Exit codes: 0 stopped, 2 usage, 3 it could not start (the reason is a line of JSON too).
"""

import argparse
import asyncio
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import orjson

from studio_brain.practice import PracticeOptions, run


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="practice", description="A made-up studio cloud on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0, help="port with security rules; 0: any free one")
    parser.add_argument("--iam-port", type=int, default=0, help="port with IAM for test oracles; 0: any free one")
    parser.add_argument("--seed", type=int, default=1, help="which made-up world")
    parser.add_argument("--batches", type=int, default=400, help="how large a world")
    parser.add_argument("--state", type=Path, default=None, metavar="DIR", help="keep everything in this folder")
    parser.add_argument("--days-ago", type=int, default=0, metavar="N", help="start the practice clock N days back")
    parser.add_argument("--exit-with-stdin", action="store_true", help="stop when standard input ends")
    given = parser.parse_args(arguments)
    try:
        options = PracticeOptions(
            port=given.port,
            iam_port=given.iam_port,
            seed=given.seed,
            batches=given.batches,
            days_ago=given.days_ago,
            state=given.state,
        )
    except ValueError as error:
        parser.error(str(error))
    try:
        asyncio.run(_serve(options, given.exit_with_stdin))
    except Exception as error:
        _say({"ready": False, "error": f"{type(error).__name__}: {error}"})
        return 3
    return 0


async def _serve(options: PracticeOptions, exit_with_stdin: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    if exit_with_stdin:
        threading.Thread(target=_await_end, args=(loop, stop), daemon=True).start()
    await run(options, _say, stop)


def _await_end(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    # os.read and not sys.stdin: a reader that still waits at the end of the process would hold its lock
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    if not loop.is_closed():
        loop.call_soon_threadsafe(stop.set)


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(message).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
