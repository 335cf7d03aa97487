"""Receipt files: one text that shows to anybody, offline, that an entry stands in a log.

A receipt file is a C2SP tlog-proof whose `extra` is the entry's bytes; so one file holds entry, index, path, checkpoint
and the cosignatures that were known. The format does not vouch for `extra`: here it is checked, since its hash has to
be the leaf that the path starts from.

What a check covers depends on what the reader brings along: without a key known from elsewhere, a receipt file only
agrees with itself. `Checked` says which of the two it was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from ..kernel.canonical import CanonicalError, canonical_entry
from ..kernel.errors import VerificationError
from ..kernel.reasons import ReasonCode
from . import cosignature, note
from .checkpoint import Checkpoint, open_note
from .cosignature import Cosigned
from .entry import Entry, EntryError, decode
from .merkle import ProofError, verify_inclusion
from .note import Note, NoteError, VerifierKey
from .proof import TlogProof
from .trust import TrustPolicy

SUFFIX: Final = ".tlog-proof"


class ProofRefused(VerificationError):
    """A file that does not prove what it claims; `detail` says where it fails."""

    code = ReasonCode.PROOF_REFUSED


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check covered, in sentences, and what it did not. `anchored`: a key or policy that the reader brought
    along vouches for it."""

    checked: tuple[str, ...]
    unchecked: tuple[str, ...]
    anchored: bool
    cosigned: tuple[Cosigned, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiptFile:
    """A parsed receipt file: entry, path and checkpoint agree with each other. Nothing is said about signatures yet."""

    proof: TlogProof
    entry: Entry
    checkpoint: Checkpoint
    note: Note

    @property
    def index(self) -> int:
        return self.proof.index

    def serialize(self) -> str:
        return self.proof.serialize()

    @classmethod
    def parse(cls, text: str) -> "ReceiptFile":
        """Raises ProofRefused. What is accepted serializes to the very same text."""
        try:
            proof = TlogProof.parse(text)
            if proof.extra is None:
                raise ProofRefused("the file holds no entry: its extra line is missing")
            signed = note.parse(proof.checkpoint)
            checkpoint, entry = Checkpoint.parse(signed.text), decode(proof.extra)
            verify_inclusion(entry.seal, proof.index, checkpoint.size, list(proof.path), checkpoint.root)
        except (NoteError, ProofError) as error:
            raise ProofRefused(str(error)) from error
        except EntryError as error:
            raise ProofRefused(error.detail) from error
        check_entry(entry, checkpoint.origin)
        return cls(proof, entry, checkpoint, signed)


def build(body: bytes, index: int, path: Sequence[bytes], signed: str, cosignatures: Iterable[str] = ()) -> ReceiptFile:
    """The receipt file of an entry: its bytes, its path in the tree of the checkpoint `signed`, and the cosignature
    lines that are known. Raises ProofRefused when these do not belong together."""
    with_lines = note.with_lines(signed, cosignatures)
    return ReceiptFile.parse(TlogProof(index, tuple(path), with_lines, body).serialize())


def check_entry(entry: Entry, origin: str) -> None:
    """Raises ProofRefused unless the bytes are canonical and of the tenant that the log's origin names."""
    try:
        same = canonical_entry(msgspec.json.decode(entry.body)) == entry.body
    except (msgspec.DecodeError, CanonicalError):
        same = False
    if not same:
        raise ProofRefused("the entry is not canonical JSON, or holds what no entry may hold")
    if origin.split("/")[-2:-1] != [entry.tenant]:
        raise ProofRefused(f"an entry of {entry.tenant!r} in the log {origin}")


def verify(receipt: ReceiptFile, keys: Sequence[VerifierKey] = (), policy: TrustPolicy | None = None) -> Checked:
    """What the keys and the policy that the reader brings along say of a receipt file. Raises ProofRefused when one of
    them says no."""
    checkpoint = receipt.checkpoint
    found = check_signatures(receipt.note, keys, policy)
    return Checked(
        (
            f"the entry is canonical and stands at index {receipt.index} of the {checkpoint.size} entries of "
            f"{checkpoint.origin}",
            *found.checked,
        ),
        (*found.unchecked, *beyond(receipt.entry)),
        found.anchored,
        found.cosigned,
    )


def beyond(entry: Entry) -> tuple[str, ...]:
    """What no proof about an entry can show."""
    limits = ["whether what the entry says is true: it shows who recorded what, and that it was not changed since"]
    if entry.payload is not None:
        limits.append("the payload, which is kept beside the log: the entry holds a commitment to it")
    return tuple(limits)


def check_signatures(signed: Note, keys: Sequence[VerifierKey], policy: TrustPolicy | None = None) -> Checked:
    """The signatures on a checkpoint. Keys of type 0x01 are keys of the log, the others those of cosigners.

    Every line of a known key has to be right; with a log's key given, its signature has to be there."""
    checkpoint = Checkpoint.parse(signed.text)
    checked: list[str] = []
    cosigned: dict[bytes, Cosigned] = {}
    if not any(s.name == checkpoint.origin for s in signed.signatures):
        raise ProofRefused("the checkpoint carries no signature of its log")
    try:
        for key in keys:
            if key.type == note.ED25519:
                open_note(signed, key)
                checked.append(f"the checkpoint is signed with the key {key.serialize()}")
            elif any(s.name == key.name and s.key_id == key.key_id for s in signed.signatures):
                cosigned[key.public_key] = cosignature.verify(signed, key)
        if policy is not None:
            cosigned |= {found.key.public_key: found for found in policy.verify(signed)}
            checked.append("the checkpoint fulfils the policy that was given")
    except NoteError as error:
        raise ProofRefused(str(error)) from error
    anchored = policy is not None or any(key.type == note.ED25519 for key in keys)
    checked += [f"cosigned by {found.key.name}, {found.time} s after 1970" for found in cosigned.values()]
    return Checked(tuple(checked), _unchecked(signed, checkpoint, keys, anchored, cosigned), anchored,
                   tuple(cosigned.values()))  # fmt: skip


def _unchecked(
    signed: Note, checkpoint: Checkpoint, keys: Sequence[VerifierKey], anchored: bool, cosigned: dict[bytes, Cosigned]
) -> tuple[str, ...]:
    unchecked = []
    if not anchored:
        unchecked.append(
            "who signed the checkpoint: no key was given. Anybody can make a file that agrees with itself; get the "
            f"verifier key of {checkpoint.origin} from somewhere you trust"
        )
    there = {(s.name, s.key_id) for s in signed.signatures}
    absent = [key.name for key in keys if key.type != note.ED25519 and (key.name, key.key_id) not in there]
    unchecked += [f"whether {name} has seen it: it has not cosigned it" for name in absent]
    known = {(key.name, key.key_id) for key in (*keys, *(found.key for found in cosigned.values()))}
    strangers = [s.name for s in signed.signatures if (s.name, s.key_id) not in known and s.name != checkpoint.origin]
    unchecked += [f"the line of {name}: no key was given for it" for name in strangers]
    return tuple(unchecked)
