"""Offline proofs: C2SP tlog-proof. One text that shows that an entry stands in a log.

c2sp.org/tlog-proof@v1
extra <base64>              optional; nothing vouches for it
index <decimal>
<base64 hash>…              the inclusion path, leaf side first

<the signed checkpoint, verbatim>
"""

import base64
from dataclasses import dataclass
from typing import Final

from .merkle import HASH_SIZE
from .note import NoteError, decode_base64
from .numbers import decimal

HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_PATH: Final = 63


@dataclass(frozen=True, slots=True)
class TlogProof:
    """`checkpoint` is the note's text as it came; `extra` is None when the line is absent."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def serialize(self) -> str:
        lines = [HEADER]
        if self.extra is not None:
            lines.append(f"extra {base64.b64encode(self.extra).decode()}")
        lines += [f"index {self.index}", *(base64.b64encode(item).decode() for item in self.path)]
        return "\n".join(lines) + "\n\n" + self.checkpoint

    @classmethod
    def parse(cls, text: str) -> "TlogProof":
        """Text → proof, or NoteError. What is accepted serializes to the very same text."""
        head, separator, checkpoint = text.partition("\n\n")
        if not separator or not checkpoint:
            raise NoteError("no empty line before the checkpoint")
        header, *lines = head.split("\n")
        if header != HEADER:
            raise NoteError(f"a proof begins with {HEADER}")
        extra: bytes | None = None
        if lines and lines[0].startswith("extra "):
            extra = decode_base64(lines.pop(0).removeprefix("extra "), "the extra data")
        if not lines or not lines[0].startswith("index "):
            raise NoteError("no index line")
        index = decimal(lines.pop(0).removeprefix("index "), "the index")
        if len(lines) > MAX_PATH:
            raise NoteError(f"a path has at most {MAX_PATH} hashes")
        path = tuple(decode_base64(line, "a hash of the path") for line in lines)
        if any(len(item) != HASH_SIZE for item in path):
            raise NoteError("a hash of the path is not 32 bytes")
        return cls(index, path, checkpoint, extra)
