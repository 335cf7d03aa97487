"""Checkpoints: C2SP tlog-checkpoint. Three lines (origin, size, base64 root), no extension lines, as a signed note.

A checkpoint of size n commits to the first n entries of the log of that origin.
"""

import base64
from dataclasses import dataclass

from . import note
from .merkle import HASH_SIZE
from .note import Note, NoteError, Signer, VerifierKey, decode_base64
from .numbers import decimal


@dataclass(frozen=True, slots=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, body: str) -> "Checkpoint":
        """The three lines → checkpoint; NoteError on anything else, extension lines included."""
        lines = body.split("\n")
        if len(lines) != 4 or lines[3]:
            raise NoteError("a checkpoint has three lines: origin, size, root")
        origin, size, encoded = lines[:3]
        if not origin or any(ord(c) < 0x20 for c in origin):
            raise NoteError("the origin is empty or holds control characters")
        root = decode_base64(encoded, "the root")
        if len(root) != HASH_SIZE:
            raise NoteError("the root is not 32 bytes")
        return cls(origin, decimal(size, "the size"), root)


def sign(checkpoint: Checkpoint, signer: Signer) -> Note:
    """The key's name is the origin, as tlog-checkpoint recommends."""
    return note.sign(checkpoint.body(), checkpoint.origin, signer)


def open_signed(text: str, key: VerifierKey) -> Checkpoint:
    """Parses a signed checkpoint and verifies its signature by `key`. Raises NoteError."""
    return open_note(note.parse(text), key)


def open_own(text: str, key: VerifierKey) -> Checkpoint:
    """As `open_signed`, for a checkpoint of ours as it is stored: with no other line than this key's, since what others
    sign is kept beside it."""
    parsed = note.parse(text)
    found = open_note(parsed, key)
    if len(key.signatures_on(parsed)) != len(parsed.signatures):
        raise NoteError("it carries a line that nobody here has signed")
    return found


def open_note(parsed: Note, key: VerifierKey) -> Checkpoint:
    """As `open_signed`, for a note that is already parsed."""
    key.verify(parsed)
    checkpoint = Checkpoint.parse(parsed.text)
    if checkpoint.origin != key.name:
        raise NoteError(f"a checkpoint of {checkpoint.origin} signed by {key.name}")
    return checkpoint
