"""The window's end of the pipe: four bytes of length, big-endian, then that many bytes of JSON.

Bytes arrive as the pipe gives them; `FrameBuffer` puts frames together from pieces of any size. Bytes that are no frame
make the pipe useless: FrameError, and the child is started anew.
"""

import struct
from typing import Any, Final

PROTOCOL: Final = 1
MAX_FRAME: Final = 16 * 1024 * 1024
_LENGTH = struct.Struct(">I")


class FrameError(ValueError):
    """Bytes that are no frame."""


def encode(document: dict[str, Any]) -> bytes:
    """Raises FrameError when the frame would be too long to be taken."""
    import json  # with the first frame: the window is on screen by then

    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    if len(body) > MAX_FRAME:
        raise FrameError(f"a frame of {len(body)} bytes; at most {MAX_FRAME} are taken")
    return _LENGTH.pack(len(body)) + body


class FrameBuffer:
    """Bytes in, whole frames out."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """The frames that `data` completes. Raises FrameError."""
        self._bytes += data
        frames = []
        while len(self._bytes) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._bytes)
            if length > MAX_FRAME:
                raise FrameError(f"a frame of {length} bytes; at most {MAX_FRAME} are taken")
            end = _LENGTH.size + length
            if len(self._bytes) < end:
                break
            frames.append(_decode(bytes(self._bytes[_LENGTH.size : end])))
            del self._bytes[:end]
        return frames


def _decode(body: bytes) -> dict[str, Any]:
    import json

    try:
        document = json.loads(body)
    except ValueError as error:
        raise FrameError(f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise FrameError("a frame holds an object")
    return document
