"""Audit bundles: a range of a log, whole, for somebody who trusts neither this machine nor its owner.

    manifest          a signed note: which log, which entries of how many, the key, and SHA-256 and length of each file
    checkpoint        the signed checkpoint of that size, with the cosignatures that are known
    entries.jsonl     entries first … end − 1, one a line, each the very bytes that are sealed
    range-proof       a heading and the hashes of `rangeproof`, one a line: left of the range, then right of it
    payloads.jsonl    when asked for: for each entry with a payload {"content","index","salt"}, base64, or
                      {"erased","index"}, the index of the entry that says so; with "origin" when that stands in a
                      later log
    verify.py         the program that checks all this with nothing but Python

The manifest tells a bundle that was tampered with after it was made; the range proof tells one that was made wrong:
rows that are missing, moved or changed do not lead to the root of the checkpoint.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Protocol

from ..kernel.canonical import canonical_entry
from . import note
from .checkpoint import Checkpoint
from .entry import Commitment, Entry, EntryError, decode
from .erasure import ERASED
from .merkle import HASH_SIZE, ProofError, leaf_hash
from .note import Note, NoteError, Signer, VerifierKey, decode_base64
from .numbers import decimal
from .rangeproof import left_spans, range_root
from .receipt import Checked, ProofRefused, check_entry, check_signatures

HEADER: Final = "studio-brain audit bundle v1"
PROOF_HEADER: Final = "studio-brain range-proof v1"
MANIFEST, CHECKPOINT, ENTRIES, PROOF, PAYLOADS = (
    "manifest",
    "checkpoint",
    "entries.jsonl",
    "range-proof",
    "payloads.jsonl",
)
_FIELDS: Final = ("origin", "size", "first", "end", "key")
_FILE: Final = re.compile(r"file ([0-9a-f]{64}) (\S+) ([a-z0-9][a-z0-9._-]{0,99})", re.ASCII)
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Listed:
    """A file of the bundle as the manifest names it."""

    name: str
    sha256: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Entries [first, end) of the log `origin` in its tree of `size`, signed with `key`; files in order of name."""

    origin: str
    size: int
    first: int
    end: int
    key: VerifierKey
    files: tuple[Listed, ...]

    def body(self) -> str:
        values = (self.origin, self.size, self.first, self.end, self.key.serialize())
        lines = [HEADER, *(f"{name} {value}" for name, value in zip(_FIELDS, values, strict=True))]
        lines += [f"file {item.sha256.hex()} {item.size} {item.name}" for item in self.files]
        return "\n".join(lines) + "\n"

    @classmethod
    def parse(cls, body: str) -> "Manifest":
        """Raises NoteError. What is accepted serializes to the very same text."""
        header, *lines = body.removesuffix("\n").split("\n")
        parts = [line.partition(" ") for line in lines[: len(_FIELDS)]]
        if header != HEADER or not body.endswith("\n") or [part[0] for part in parts] != list(_FIELDS):
            raise NoteError("not the manifest of an audit bundle")
        origin, size, first, end, key = (part[2] for part in parts)
        files = tuple(_listed(line) for line in lines[len(_FIELDS) :])
        names = [item.name for item in files]
        if names != sorted(set(names)):
            raise NoteError("the files stand in order of their names, each once")
        found = cls(
            origin, decimal(size, "size"), decimal(first, "first"), decimal(end, "end"), VerifierKey.parse(key), files
        )
        if found.key.name != origin or found.key.type != note.ED25519 or not found.first <= found.end <= found.size:
            raise NoteError("the manifest contradicts itself")
        return found


def _listed(line: str) -> Listed:
    match = _FILE.fullmatch(line)
    if match is None:
        raise NoteError(f"not a line of a manifest: {line[:80]!r}")
    return Listed(match[3], bytes.fromhex(match[1]), decimal(match[2], "a length"))


def proof_text(left: Sequence[bytes], right: Sequence[bytes]) -> str:
    return "\n".join([PROOF_HEADER, *(base64.b64encode(item).decode() for item in (*left, *right))]) + "\n"


def parse_proof(text: str, first: int) -> tuple[list[bytes], list[bytes]]:
    """The hashes left and right of a range that begins at `first`. Raises NoteError."""
    header, *lines = text.removesuffix("\n").split("\n")
    if header != PROOF_HEADER or not text.endswith("\n"):
        raise NoteError("not a range proof")
    hashes = [decode_base64(line, "a hash of the range proof") for line in lines]
    if any(len(item) != HASH_SIZE for item in hashes):
        raise NoteError("a hash of the range proof is not 32 bytes")
    count = len(left_spans(first))
    return hashes[:count], hashes[count:]


# Making one


@dataclass(frozen=True, slots=True)
class Surviving:
    """A payload that is still there."""

    index: int
    salt: bytes
    content: bytes

    def line(self) -> dict[str, Any]:
        return {"index": self.index, "salt": _text(self.salt), "content": _text(self.content)}


@dataclass(frozen=True, slots=True)
class Gone:
    """A payload that the entry at `erased` erased: of the same log, or of the later one that `origin` names."""

    index: int
    erased: int
    origin: str | None = None

    def line(self) -> dict[str, Any]:
        found = {"index": self.index, "erased": self.erased}
        return found if self.origin is None else {**found, "origin": self.origin}


@dataclass(frozen=True, slots=True)
class Range:
    """What goes into a bundle: the signed checkpoint, where the range begins, and the hashes beside it."""

    signed: str
    first: int
    left: Sequence[bytes]
    right: Sequence[bytes]


Create = Callable[[str], BinaryIO]
"""name → a new file of the bundle, open for writing."""


def write(
    create: Create,
    about: Range,
    bodies: Iterable[bytes],
    payloads: Iterable[Surviving | Gone] | None,
    extra: dict[str, bytes],
    signer: Signer,
) -> tuple[Manifest, bytes]:
    """Writes a bundle; the manifest and the SHA-256 of its file, which stands for the whole bundle. Raises ProofRefused
    when the entries do not lead to the checkpoint: nothing wrong is handed out."""
    checkpoint = Checkpoint.parse(note.parse(about.signed).text)
    files: list[Listed] = []
    leaves: list[bytes] = []

    def add(name: str, parts: Iterable[bytes]) -> None:
        digest, size = hashlib.sha256(), 0
        with create(name) as stream:
            for part in parts:
                stream.write(part)
                digest.update(part)
                size += len(part)
        files.append(Listed(name, digest.digest(), size))

    def lines() -> Iterator[bytes]:
        for body in bodies:
            leaves.append(leaf_hash(body))
            yield body + b"\n"

    add(ENTRIES, lines())
    try:
        root = range_root(about.first, leaves, checkpoint.size, list(about.left), list(about.right))
    except ProofError as error:
        raise ProofRefused(str(error)) from error
    if root != checkpoint.root:
        raise ProofRefused("the entries do not lead to the signed checkpoint")
    add(CHECKPOINT, [about.signed.encode()])
    add(PROOF, [proof_text(about.left, about.right).encode()])
    if payloads is not None:
        add(PAYLOADS, (canonical_entry(item.line()) + b"\n" for item in payloads))
    for name, data in extra.items():
        add(name, [data])
    key = VerifierKey(checkpoint.origin, signer.public_key)
    end = about.first + len(leaves)
    files.sort(key=lambda item: item.name)
    manifest = Manifest(checkpoint.origin, checkpoint.size, about.first, end, key, tuple(files))
    signed = note.sign(manifest.body(), checkpoint.origin, signer).serialize().encode()
    with create(MANIFEST) as stream:
        stream.write(signed)
    return manifest, hashlib.sha256(signed).digest()


# Checking one


class Files(Protocol):
    """The files of a bundle, wherever they are."""

    def names(self) -> Collection[str]: ...

    def open(self, name: str) -> BinaryIO: ...


def verify(files: Files, keys: Sequence[VerifierKey] = ()) -> tuple[Manifest, Checked]:
    """Checks a whole bundle. Raises ProofRefused that names what is wrong first."""
    try:
        return _verify(files, keys)
    except (NoteError, ProofError, UnicodeDecodeError) as error:
        raise ProofRefused(str(error)) from error
    except EntryError as error:
        raise ProofRefused(error.detail) from error


def _verify(files: Files, keys: Sequence[VerifierKey]) -> tuple[Manifest, Checked]:
    if MANIFEST not in files.names():
        raise ProofRefused("there is no manifest")
    signed = note.parse(_read(files, MANIFEST))
    manifest = Manifest.parse(signed.text)
    logs = [key for key in keys if key.type == note.ED25519]
    for key in logs:
        if key.name != manifest.origin:
            raise ProofRefused(f"the bundle is of {manifest.origin}, the key of {key.name}")
    for key in _signers(signed, logs or [manifest.key]):
        key.verify(signed)
    _check_files(files, manifest)
    text = note.parse(_read(files, CHECKPOINT))
    checkpoint = Checkpoint.parse(text.text)
    if (checkpoint.origin, checkpoint.size) != (manifest.origin, manifest.size):
        raise ProofRefused("the checkpoint is another than the manifest says")
    signers = _signers(text, logs) if logs else [manifest.key] if _has_signed(text, manifest.key) else []
    found = check_signatures(text, [*signers, *(key for key in keys if key not in logs)])
    left, right = parse_proof(_read(files, PROOF), manifest.first)
    kept: dict[int, Entry] = {}
    leaves = list(_leaves(files, manifest, kept))
    if len(leaves) != manifest.end - manifest.first:
        raise ProofRefused(f"{len(leaves)} rows instead of {manifest.end - manifest.first}")
    if range_root(manifest.first, leaves, manifest.size, left, right) != checkpoint.root:
        raise ProofRefused("rows are missing, moved or changed: they do not lead to the signed root")
    checked = [
        f"entries {manifest.first} to {manifest.end - 1} of {manifest.origin}: all of them, in order, unchanged",
        f"{len(manifest.files)} files, each the one that the signed manifest names",
    ]
    unchecked = ["whether what the entries say is true: they show who recorded what, and that it was not changed since"]
    _check_payloads(files, manifest, kept, checked, unchecked)
    if not logs:
        unchecked.append(
            "who signed it: no key was given, and the one in the manifest is the bundle's own word. Get the verifier "
            f"key of {manifest.origin} from somewhere you trust"
        )
    told = found.checked if logs else found.checked[len(signers) :]
    return manifest, Checked((*checked, *told), (*unchecked, *found.unchecked), bool(logs), found.cosigned)


def _has_signed(signed: Note, key: VerifierKey) -> bool:
    """Whether a line says so; it is for `verify` to find out."""
    return any((line.name, line.key_id) == (key.name, key.key_id) for line in signed.signatures)


def _signers(signed: Note, keys: Sequence[VerifierKey]) -> list[VerifierKey]:
    """Those of the log's keys that signed: a bundle made after a change of keys has one on its checkpoint and another
    on its manifest."""
    found = [key for key in keys if _has_signed(signed, key)]
    if not found:
        raise ProofRefused(f"no signature by {', '.join(key.serialize() for key in keys)}")
    return found


def _check_files(files: Files, manifest: Manifest) -> None:
    names = {item.name for item in manifest.files}
    if not {CHECKPOINT, ENTRIES, PROOF} <= names or MANIFEST in names:
        raise ProofRefused("the manifest does not name the files of a bundle")
    if set(files.names()) - {MANIFEST} != names:
        odd = sorted((set(files.names()) - {MANIFEST}) ^ names)[0]
        raise ProofRefused(f"{odd}: missing, or not named by the manifest")
    for item in manifest.files:
        digest, size = hashlib.sha256(), 0
        with files.open(item.name) as stream:
            while part := stream.read(_CHUNK):
                digest.update(part)
                size += len(part)
        if (digest.digest(), size) != (item.sha256, item.size):
            raise ProofRefused(f"{item.name} is not the file that was signed")


def _leaves(files: Files, manifest: Manifest, kept: dict[int, Entry]) -> Iterator[bytes]:
    with files.open(ENTRIES) as stream:
        for index, line in enumerate(stream, manifest.first):
            if not line.endswith(b"\n"):
                raise ProofRefused("the last row is cut short")
            entry = decode(line[:-1])
            check_entry(entry, manifest.origin)
            if entry.payload is not None or entry.kind == ERASED:
                kept[index] = entry
            yield entry.seal


def _check_payloads(
    files: Files, manifest: Manifest, kept: dict[int, Entry], checked: list[str], unchecked: list[str]
) -> None:
    bound = {index: entry.payload for index, entry in kept.items() if entry.payload is not None}
    if PAYLOADS not in files.names():
        if bound:
            unchecked.append(f"{len(bound)} payloads, which are not in the bundle")
        return
    there = 0
    waiting = iter(bound.items())
    with files.open(PAYLOADS) as stream:
        for line in stream:
            index, commitment = next(waiting, (None, None))
            item = _payload_line(line)
            if commitment is None or item.index != index:
                raise ProofRefused("payloads are missing, or there are others than the entries name")
            if isinstance(item, Gone):
                _check_erasure(item, manifest, kept, checked, unchecked)
                continue
            stamp = hashlib.sha256(item.salt + item.content).digest()
            if Commitment(stamp, len(item.content)) != commitment:
                raise ProofRefused(f"the payload of entry {index} is not the one that was sealed")
            there += 1
    if next(waiting, None) is not None:
        raise ProofRefused("payloads are missing, or there are others than the entries name")
    checked.append(f"{there} payloads, each the one that its entry commits to")


def _check_erasure(
    item: Gone, manifest: Manifest, kept: dict[int, Entry], checked: list[str], unchecked: list[str]
) -> None:
    by = kept.get(item.erased)
    line = f"the payload of entry {item.index} was erased by entry {item.erased}"
    if item.origin is not None:
        unchecked.append(f"{line} of {item.origin}, which is another log")
        return
    if not manifest.first <= item.erased < manifest.end:
        unchecked.append(f"{line}, which lies outside the range")
        return
    about = None if by is None or by.kind != ERASED else (by.data.get("origin", manifest.origin), by.data.get("index"))
    if about != (manifest.origin, item.index):
        raise ProofRefused(f"entry {item.erased} did not erase the payload of entry {item.index}")
    checked.append(line)


def _payload_line(line: bytes) -> Surviving | Gone:
    try:
        found = json.loads(line)
        if {"erased", "index"} <= set(found) <= {"erased", "index", "origin"}:
            origin = found.get("origin")
            return Gone(int(found["index"]), int(found["erased"]), None if origin is None else str(origin))
        content, salt = decode_base64(found["content"], "a payload"), decode_base64(found["salt"], "a salt")
        return Surviving(int(found["index"]), salt, content)
    except (ValueError, KeyError, TypeError) as error:
        raise ProofRefused(f"not a line of {PAYLOADS}: {error}") from error


def _read(files: Files, name: str) -> str:
    with files.open(name) as stream:
        return stream.read(note.MAX_NOTE + 1).decode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
