"""An engine child as the cockpit starts it, spoken to in frames: for tests that need the real process but no window."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from studio_brain.doors.frames import FrameWriter, read_frame
from tests.practice_process import ROOT


class Pipe:
    """An engine child as the cockpit starts it."""

    def __init__(self, home: Path, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "studio_brain.doors.pipe", "--home", str(home), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={k: v for k, v in os.environ.items() if not k.startswith("STUDIO_BRAIN_")},
        )
        self.events: list[dict[str, Any]] = []
        self._next = 0

    def frame(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        found = read_frame(self.process.stdout)  # type: ignore[arg-type]
        assert found is not None, "the engine ended"
        return found

    def until(self, topic: str, **data: Any) -> dict[str, Any]:
        """The next event of a topic with this data."""
        while True:
            frame = self.frame()
            if frame.get("event") == topic and all(frame["data"].get(k) == v for k, v in data.items()):
                return frame["data"]
            self.events.append(frame)

    def send(self, op: str, **args: Any) -> int:
        assert self.process.stdin is not None
        self._next += 1
        FrameWriter(self.process.stdin).send({"id": self._next, "op": op, "args": args})  # type: ignore[arg-type]
        return self._next

    def ask(self, op: str, **args: Any) -> dict[str, Any]:
        id = self.send(op, **args)
        while True:
            frame = self.frame()
            if frame.get("id") == id:
                return frame
            self.events.append(frame)

    def close(self) -> int:
        """Ends its input; its exit code."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        code = self.process.wait(20)
        self.process.stdout.close()
        return code

    def kill(self) -> None:
        """Without a chance to tidy up."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]
