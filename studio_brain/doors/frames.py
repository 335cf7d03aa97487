"""Frames on a pipe: four bytes of length, big-endian, then that many bytes of JSON.

    cockpit → engine   {"id": 7, "op": "query", "args": {…}}
    engine → cockpit   {"id": 7, "ok": …}  or  {"id": 7, "error": {"code", "sentence", "detail", "remedy"}}
                       {"event": "receipts", "seq": 41, "data": {…}}

The engine's first frame is {"hello": {"protocol": 1, …}}. Standard library only: it is there before anything else is.
"""

import json
import struct
import threading
from typing import Any, BinaryIO, Final

PROTOCOL: Final = 1
MAX_FRAME: Final = 16 * 1024 * 1024
_LENGTH = struct.Struct(">I")


class FrameError(ValueError):
    """Bytes that are no frame; the pipe is of no more use."""


def read_frame(stream: BinaryIO) -> dict[str, Any] | None:
    """The next frame, or None at the end of the stream."""
    head = stream.read(_LENGTH.size)
    if not head:
        return None
    if len(head) < _LENGTH.size:
        raise FrameError("the stream ended inside a length")
    (length,) = _LENGTH.unpack(head)
    if length > MAX_FRAME:
        raise FrameError(f"a frame of {length} bytes; at most {MAX_FRAME} are taken")
    body = stream.read(length)
    if len(body) < length:
        raise FrameError("the stream ended inside a frame")
    document = json.loads(body)
    if not isinstance(document, dict):
        raise FrameError("a frame holds an object")
    return document


class FrameWriter:
    """Writes frames from any thread, each whole."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._seq = 0

    def send(self, document: dict[str, Any]) -> None:
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        with self._lock:
            self._stream.write(_LENGTH.pack(len(body)) + body)
            self._stream.flush()

    def event(self, topic: str, data: dict[str, Any]) -> None:
        self._seq += 1
        self.send({"event": topic, "seq": self._seq, "data": data})
