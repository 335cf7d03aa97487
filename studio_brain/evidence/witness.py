"""Witnessing: C2SP tlog-witness, `add-checkpoint`. What a witness checks, what it remembers, and what a log asks it.

A witness remembers of each origin the size and root that it cosigned last. It cosigns a larger tree only with a proof
that it extends that one. Comparing the old size and remembering the new one are one step: `remember` changes the row
only where it still holds what was compared, so that of two requests at once one loses.

`WitnessRefusal` carries the answer's status as the specification has it (§add-checkpoint):

    400 malformed, or old size above the checkpoint's      409 another size is remembered (it stands in the body),
    404 unknown origin                                         or another root of the same size
    403 no valid signature by a known key                  422 the consistency proof does not verify
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from . import cosignature, note
from .checkpoint import Checkpoint
from .cosignature import Cosigned, CosignerKey
from .log import LogRow
from .merkle import EMPTY_ROOT, HASH_SIZE, ProofError, verify_consistency
from .note import Note, NoteError, Signature, VerifierKey, decode_base64
from .numbers import decimal
from .reader import LogReader
from .tables import cosignature as cosignature_table
from .tables import peer

MAX_REQUEST: Final = 64 * 1024
MAX_PROOF: Final = 63
SIZE_TYPE: Final = "text/x.tlog.size"
TEXT_TYPE: Final = "text/plain; charset=utf-8"


class WitnessRefusal(Exception):
    """A request that is not cosigned. `body` ends with a newline; `size` is set when it tells the remembered size."""

    def __init__(self, status: int, detail: str, size: int | None = None) -> None:
        self.status, self.detail, self.size = status, detail, size
        self.body = f"{detail}\n" if size is None else f"{size}\n"
        self.media_type = TEXT_TYPE if size is None else SIZE_TYPE
        super().__init__(f"{status}: {detail}")


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """The request: from which size, the proof, and the signed checkpoint as it came."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: str

    def serialize(self) -> bytes:
        lines = [f"old {self.old}", *(base64.b64encode(item).decode() for item in self.proof), "", self.checkpoint]
        return "\n".join(lines).encode()

    @classmethod
    def parse(cls, body: bytes) -> "AddCheckpoint":
        """Raises NoteError for anything that `serialize` would not write."""
        if len(body) > MAX_REQUEST:
            raise NoteError(f"a request has at most {MAX_REQUEST} bytes")
        try:
            head, separator, checkpoint = body.decode().partition("\n\n")
        except UnicodeDecodeError as error:
            raise NoteError("the request is not UTF-8") from error
        if not separator:
            raise NoteError("no empty line before the checkpoint")
        first, *lines = head.split("\n")
        if not first.startswith("old "):
            raise NoteError("a request begins with the old size")
        if len(lines) > MAX_PROOF:
            raise NoteError(f"a proof has at most {MAX_PROOF} lines")
        proof = tuple(decode_base64(line, "a line of the proof") for line in lines)
        if any(len(item) != HASH_SIZE for item in proof):
            raise NoteError("a line of the proof is not 32 bytes")
        return cls(decimal(first.removeprefix("old "), "the old size"), proof, checkpoint)


@dataclass(frozen=True, slots=True)
class Remembered:
    """The newest tree of an origin that was cosigned; the empty one before the first."""

    size: int = 0
    root: bytes = EMPTY_ROOT


Keys = Mapping[str, Sequence[VerifierKey]]
"""The keys of each known origin."""


def head_of(text: str) -> Checkpoint:
    """The first three lines of a checkpoint. Extension lines, which others may write, stay in what is signed."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise NoteError("a checkpoint has three lines and no empty one")
    return Checkpoint.parse("\n".join(lines[:3]) + "\n")


def judge(request: AddCheckpoint, keys: Keys, remembered: Remembered) -> tuple[Note, Checkpoint]:
    """The checkpoint that may be cosigned. Raises WitnessRefusal. `remembered` is that of the request's origin."""
    signed, found = _checkpoint(request.checkpoint)
    known = keys.get(found.origin)
    if known is None:
        raise WitnessRefusal(404, f"the log {found.origin} is not known here")
    _check_signed(signed, known)
    if request.old > found.size:
        raise WitnessRefusal(400, f"the old size {request.old} is above the checkpoint's {found.size}")
    if request.old != remembered.size:
        raise WitnessRefusal(409, f"size {remembered.size} is remembered, not {request.old}", remembered.size)
    if request.old == found.size and found.root != remembered.root:
        raise WitnessRefusal(409, f"another tree of size {found.size} is remembered")
    try:
        verify_consistency(request.old, found.size, list(request.proof), remembered.root, found.root)
    except ProofError as error:
        raise WitnessRefusal(422, f"the consistency proof: {error}") from error
    return signed, found


def _checkpoint(text: str) -> tuple[Note, Checkpoint]:
    try:
        signed = note.parse(text)
        return signed, head_of(signed.text)
    except NoteError as error:
        raise WitnessRefusal(400, f"the checkpoint: {error}") from error


def _check_signed(signed: Note, keys: Sequence[VerifierKey]) -> None:
    """At least one signature by a known key, and each that claims to be by one is right."""
    claimed = [key for key in keys if any(s.name == key.name and s.key_id == key.key_id for s in signed.signatures)]
    if not claimed:
        raise WitnessRefusal(403, "no signature by a known key of this log")
    try:
        for key in claimed:
            key.verify(signed)
    except NoteError as error:
        raise WitnessRefusal(403, str(error)) from error


# What a witness remembers


def recall(conn: Connection, origin: str) -> Remembered:
    row = conn.execute(select(peer.c.size, peer.c.root).where(peer.c.origin == origin)).first()
    return Remembered() if row is None else Remembered(row.size, bytes(row.root))


def remember(conn: Connection, before: Remembered, found: Checkpoint, text: str, now_ms: int) -> bool:
    """Compare-and-set: stores the checkpoint where `before` is still what is remembered. False when it is not."""
    values = {"size": found.size, "root": found.root, "note": text, "at_ms": now_ms}
    same = (peer.c.origin == found.origin, peer.c.size == before.size, peer.c.root == before.root)
    if conn.execute(update(peer).where(*same).values(values)).rowcount == 1:
        return True
    if before != Remembered():
        return False
    upsert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    added = upsert(peer).values(origin=found.origin, **values).on_conflict_do_nothing().returning(peer.c.size)
    return conn.execute(added).first() is not None


def add_checkpoint(conn: Connection, body: bytes, keys: Keys, name: str, key: CosignerKey, now_ms: int) -> str:
    """The answer's signature lines. Raises WitnessRefusal. `conn` is inside a write transaction of its own, and the
    answer may leave only after its commit."""
    try:
        request = AddCheckpoint.parse(body)
    except NoteError as error:
        raise WitnessRefusal(400, str(error)) from error
    _, asked = _checkpoint(request.checkpoint)
    before = recall(conn, asked.origin)
    signed, found = judge(request, keys, before)
    if not remember(conn, before, found, request.checkpoint, now_ms):
        size = recall(conn, found.origin).size
        raise WitnessRefusal(409, f"size {size} is remembered by now", size)
    return cosignature.cosign(signed, name, key, now_ms // 1000).line()


# What a log asks and keeps


def request_for(conn: Connection, log: LogRow, old: int) -> AddCheckpoint:
    """The log's newest checkpoint with the proof that it extends its first `old` entries. Raises ProofError when `old`
    is larger than the log, NoteError when nothing was signed yet."""
    reader = LogReader(conn, log)
    text = reader.checkpoint_note()
    if text is None:
        raise NoteError(f"{log.origin}: nothing was signed yet")
    size = Checkpoint.parse(note.parse(text).text).size
    return AddCheckpoint(old, tuple(reader.consistency(old, size)), text)


def cosigner(key: VerifierKey) -> VerifierKey:
    """A witness given with a plain Ed25519 key cosigns with that key under type 0x04."""
    if key.type == note.ED25519:
        return VerifierKey(key.name, key.public_key, cosignature.ED25519)
    return key


def accept(checkpoint: str, lines: str, key: VerifierKey) -> tuple[Signature, Cosigned]:
    """The latest cosignature of `key` on the checkpoint among the lines of an answer; lines by others are ignored.
    Raises NoteError when there is none, or one is not right."""
    signed = note.parse(checkpoint)
    mine = tuple(s for s in note.parse_lines(lines) if s.name == key.name and s.key_id == key.key_id)
    cosigned = cosignature.verify(Note(signed.text, mine), key)
    newest = max(mine, key=lambda signature: signature.value[:8])
    return newest, cosigned


def keep_cosignature(conn: Connection, log_id: int, size: int, signature: Signature, at_ms: int) -> None:
    """Stores a verified cosignature of the checkpoint of that size; a later one by the same key takes its place."""
    table = cosignature_table
    values = {"line": signature.line(), "at_ms": at_ms}
    here = (table.c.log_id == log_id, table.c.size == size, table.c.key_id == signature.key_id)
    if conn.execute(update(table).where(*here).values(values)).rowcount == 0:
        conn.execute(insert(table).values(log_id=log_id, size=size, key_id=signature.key_id, **values))


def cosigned_size(conn: Connection, log_id: int, key: VerifierKey) -> int:
    """The largest size of this log that `key` has cosigned as far as is known here; 0 for none."""
    table = cosignature_table
    found = select(func.max(table.c.size)).where(table.c.log_id == log_id, table.c.key_id == key.key_id)
    return conn.execute(found).scalar() or 0
