"""Signed notes: C2SP signed-note.

A *note* is text that ends with a newline, an empty line, and one or more signature lines `— <name> <base64>`
(§Format). The base64 holds a 4-byte key id and the signature. A *verifier key* (vkey) is
`<name>+<hex key id>+<base64 of type ‖ key>`; the key id is SHA-256(name ‖ 0x0A ‖ type ‖ key) cut to 4 bytes
(§Signatures).

This module knows the text, the lines, and Ed25519 signatures over the text (type 0x01). Signatures of other types are
carried as they are; `cosignature` reads those of witnesses.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519: Final = 0x01
KEY_SIZES: Final = {0x01: 32, 0x04: 32, 0x06: 1312}
"""Bytes of a public key by signature type: Ed25519, Ed25519 cosignature, ML-DSA-44 cosignature."""

MAX_SIGNATURES: Final = 16
MAX_NOTE: Final = 256 * 1024
_LINE: Final = "\N{EM DASH} "
_NOT_IN_NAMES: Final = re.compile(r"[+\s\x00-\x1f]")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


class NoteError(ValueError):
    """A note, key or signature that does not follow the specification or does not verify."""


class Signer(Protocol):
    """The installation's Ed25519 key. The private half never leaves the object."""

    @property
    def public_key(self) -> bytes:
        """32 bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """64 bytes over `message`."""
        ...


@dataclass(frozen=True, slots=True)
class Signature:
    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        return f"{_LINE}{self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    text: str
    signatures: tuple[Signature, ...]

    def serialize(self) -> str:
        return self.text + "\n" + "".join(signature.line() for signature in self.signatures)


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under a name. `type` is the signature type that it verifies."""

    name: str
    public_key: bytes
    type: int = ED25519

    @property
    def key_id(self) -> bytes:
        return key_id(self.name, self.public_key, self.type)

    def serialize(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.type]) + self.public_key).decode()}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """A vkey → key. Raises NoteError for an unknown type, a key of the wrong size, or a key id that is not its
        own."""
        name, _, rest = text.partition("+")
        hex_id, _, encoded = rest.partition("+")
        check_name(name)
        key = decode_base64(encoded, "the key of a vkey")
        if not key or KEY_SIZES.get(key[0]) != len(key) - 1:
            raise NoteError("a key of an unknown type or the wrong size")
        result = cls(name, key[1:], key[0])
        if hex_id != result.key_id.hex():
            raise NoteError("the key id of the vkey does not belong to its key")
        return result

    def signatures_on(self, note: Note) -> list[Signature]:
        """The signatures that claim to be by this key. Raises NoteError when there are none."""
        mine = [s for s in note.signatures if s.name == self.name and s.key_id == self.key_id]
        if not mine:
            raise NoteError(f"no signature by {self.name}")
        return mine

    def verify(self, note: Note) -> None:
        """Raises NoteError unless a signature of this key is on the note and every one that claims to be is right."""
        if self.type != ED25519:
            raise NoteError(f"{self.name} is not a key for notes but for cosignatures")
        for signature in self.signatures_on(note):
            check_ed25519(self.public_key, signature.value, note.text.encode(), self.name)


def check_ed25519(public_key: bytes, signature: bytes, message: bytes, name: str) -> None:
    """Raises NoteError unless `signature` is an Ed25519 signature (RFC 8032) of `message`."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise NoteError(f"the signature by {name} is not valid") from error


def key_id(name: str, public_key: bytes, type: int = ED25519) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([type]) + public_key).digest()[:4]


def sign(text: str, name: str, signer: Signer) -> Note:
    check_name(name)
    _check_text(text)
    return Note(text, (Signature(name, key_id(name, signer.public_key), signer.sign(text.encode())),))


def parse(data: str) -> Note:
    """Text → note, or NoteError. What is accepted serializes to the very same text."""
    if len(data) > MAX_NOTE:
        raise NoteError(f"a note has at most {MAX_NOTE} characters")
    text, separator, tail = data.rpartition("\n\n")
    if not separator:
        raise NoteError("no empty line between text and signatures")
    text += "\n"
    _check_text(text)
    return Note(text, parse_lines(tail))


def parse_lines(data: str) -> tuple[Signature, ...]:
    """Signature lines, each ended by a newline, at most 16 and none twice."""
    if not data.endswith("\n"):
        raise NoteError("the last signature line has no newline")
    lines = data[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError(f"more than {MAX_SIGNATURES} signatures")
    signatures = tuple(_signature(line) for line in lines)
    if len(set(signatures)) != len(signatures):
        raise NoteError("a signature stands twice")
    return signatures


def _signature(line: str) -> Signature:
    if not line.startswith(_LINE):
        raise NoteError("a signature line starts with an em dash and a space")
    name, separator, encoded = line[len(_LINE) :].partition(" ")
    if not separator:
        raise NoteError("a signature line is a name, a space and base64")
    check_name(name)
    value = decode_base64(encoded, "a signature")
    if len(value) < 5:
        raise NoteError("a signature is shorter than its key id")
    return Signature(name, value[:4], value[4:])


def check_name(name: str) -> None:
    if not name or _NOT_IN_NAMES.search(name):
        raise NoteError("a key name is not empty and has no spaces, plus signs or control characters")


def _check_text(text: str) -> None:
    if not text.endswith("\n") or text == "\n":
        raise NoteError("the text of a note ends with a newline and is not empty")
    if _CONTROL.search(text):
        raise NoteError("the text holds control characters")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NoteError("the text is not UTF-8") from error


def decode_base64(text: str, what: str) -> bytes:
    """Standard base64 (RFC 4648 §4) in its one canonical form."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError(f"{what} is not base64") from error
    if base64.b64encode(value).decode() != text:
        raise NoteError(f"{what} is not canonical base64")
    return value


def with_lines(text: str, lines: Iterable[str]) -> str:
    """A signed note with these signature lines added, none twice, as many as a note may have."""
    parsed = parse(text)
    added = [s for line in lines for s in parse_lines(line) if s not in parsed.signatures]
    return Note(parsed.text, (*parsed.signatures, *dict.fromkeys(added))[:MAX_SIGNATURES]).serialize()
