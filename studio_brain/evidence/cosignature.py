"""Cosignatures: C2SP tlog-cosignature, both kinds.

A *cosigner* (a witness, a council member) states that, as of a time, the largest consistent tree it has seen of an
origin has this root. The signature on the note is `u64 timestamp ‖ signature` (§Format). Ed25519 (type 0x04) signs
the lines `cosignature/v1`, `time N` and the note's text; ML-DSA-44 (type 0x06) signs the structure
`cosigned_message`, which also commits to the cosigner's name.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from .checkpoint import Checkpoint
from .note import Note, NoteError, Signature, VerifierKey, check_ed25519, key_id

ED25519: Final = 0x04
ML_DSA_44: Final = 0x06
_SIZES: Final = {ED25519: 64, ML_DSA_44: 2420}
_MAX_TIME: Final = 1 << 63
_LABEL: Final = b"subtree/v1\n\x00"


class CosignerKey(Protocol):
    """A cosigner's private key. `type` says which of the two kinds it makes."""

    @property
    def type(self) -> int: ...

    @property
    def public_key(self) -> bytes: ...

    def sign(self, message: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A verified cosignature: by which key, and when (seconds since 1970)."""

    key: VerifierKey
    time: int


def ed25519_message(text: str, time: int) -> bytes:
    """§Ed25519 signed message."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def ml_dsa_message(name: str, time: int, checkpoint: Checkpoint) -> bytes:
    """§ML-DSA-44 signed message, for a whole tree (start 0)."""
    parts = [_LABEL, _opaque(name.encode()), time.to_bytes(8, "big"), _opaque(checkpoint.origin.encode())]
    return b"".join([*parts, bytes(8), checkpoint.size.to_bytes(8, "big"), checkpoint.root])


def cosign(note: Note, name: str, key: CosignerKey, time: int) -> Signature:
    """The cosignature line of `name` on a checkpoint note. Whether it may be given is the witness's rule, not this."""
    message = _message(note, name, key.type, time)
    return Signature(name, key_id(name, key.public_key, key.type), time.to_bytes(8, "big") + key.sign(message))


def verify(note: Note, key: VerifierKey) -> Cosigned:
    """The latest cosignature of `key` on the note. Raises NoteError when there is none, or one is not right."""
    times = []
    for signature in key.signatures_on(note):
        if len(signature.value) != 8 + _SIZES.get(key.type, -1):
            raise NoteError(f"the cosignature by {key.name} has the wrong length")
        time = int.from_bytes(signature.value[:8], "big")
        if time >= _MAX_TIME:
            raise NoteError(f"the cosignature by {key.name} has an impossible time")
        _check(key, signature.value[8:], _message(note, key.name, key.type, time))
        times.append(time)
    return Cosigned(key, max(times))


def _message(note: Note, name: str, type: int, time: int) -> bytes:
    if type == ED25519:
        return ed25519_message(note.text, time)
    if type == ML_DSA_44:
        return ml_dsa_message(name, time, Checkpoint.parse(note.text))
    raise NoteError(f"signature type {type:#04x} is no cosignature")


def _check(key: VerifierKey, value: bytes, message: bytes) -> None:
    if key.type == ED25519:
        check_ed25519(key.public_key, value, message, key.name)
        return
    try:
        MLDSA44PublicKey.from_public_bytes(key.public_key).verify(value, message)
    except (InvalidSignature, ValueError) as error:
        raise NoteError(f"the cosignature by {key.name} is not valid") from error


def _opaque(data: bytes) -> bytes:
    if not 1 <= len(data) <= 255:
        raise NoteError("a name or origin of 1 to 255 bytes is expected")
    return bytes([len(data)]) + data
