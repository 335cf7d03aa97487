"""Trust policies: C2SP tlog-policy. Which logs are accepted, which witnesses are known, and how many have to agree.

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <name>…
    quorum <name>|none

Names are opaque octets; the file is read as such. A witness counts by its public key, and each name is a member at most
once, so that nobody is counted twice (§Defining a witness group).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from . import cosignature, note
from .cosignature import Cosigned
from .note import Note, NoteError, VerifierKey

LIMIT: Final = 64
"""Logs, witnesses and groups that one policy may define; the specification asks for at least 32 of each."""

_LOG_TYPES: Final = frozenset({note.ED25519})
_WITNESS_TYPES: Final = frozenset({note.ED25519, cosignature.ED25519, cosignature.ML_DSA_44})
_KEYWORDS: Final = frozenset({b"all", b"any", b"none"})
_NUMBER: Final = re.compile(rb"[1-9][0-9]{0,5}")
_SPACE: Final = re.compile(rb"[ \t]+")
_ALLOWED: Final = frozenset({0x09, 0x0A, *range(0x20, 0x7F), *range(0x80, 0x100)})


class PolicyError(NoteError):
    """A policy that does not follow the specification; the message names the line."""


@dataclass(frozen=True, slots=True)
class Member:
    """A log or a witness with its address, if it has one."""

    key: VerifierKey
    url: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """At least `k` of `members` have witnessed."""

    k: int
    members: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """A parsed policy. `quorum` is None for `quorum none`."""

    text: bytes
    logs: tuple[Member, ...]
    witnesses: Mapping[bytes, Member]
    groups: Mapping[bytes, Group]
    quorum: bytes | None

    @classmethod
    def parse(cls, text: bytes) -> "TrustPolicy":
        """Raises PolicyError that names line and reason."""
        return _Reader().read(text)

    def satisfied_by(self, witnessed: Callable[[Member], bool]) -> bool:
        """Whether the quorum holds when `witnessed` says which witnesses agree."""

        def holds(name: bytes) -> bool:
            if name in self.witnesses:
                return witnessed(self.witnesses[name])
            group = self.groups[name]
            return sum(holds(member) for member in group.members) >= group.k

        return self.quorum is None or holds(self.quorum)

    def verify(self, signed: Note) -> tuple[Cosigned, ...]:
        """The cosignatures that count on a checkpoint of one of the logs. Raises NoteError unless the quorum is
        reached."""
        if not any(_is_signed_by(signed, log.key) for log in self.logs):
            raise NoteError("the checkpoint is signed by none of the policy's logs")
        found: dict[bytes, Cosigned] = {}
        for member in self.witnesses.values():
            cosigned = _cosigned(signed, member.key)
            if cosigned is not None:
                found[member.key.public_key] = cosigned
        if not self.satisfied_by(lambda member: member.key.public_key in found):
            raise NoteError(f"{len(found)} cosignatures do not reach the quorum")
        return tuple(found.values())


def _is_signed_by(signed: Note, key: VerifierKey) -> bool:
    if not any(s.name == key.name and s.key_id == key.key_id for s in signed.signatures):
        return False
    key.verify(signed)  # a signature that claims to be by a known key has to be right
    return True


def _cosigned(signed: Note, key: VerifierKey) -> Cosigned | None:
    """A witness given with a plain Ed25519 key cosigns with that key under type 0x04."""
    if key.type == note.ED25519:
        key = VerifierKey(key.name, key.public_key, cosignature.ED25519)
    if not any(s.name == key.name and s.key_id == key.key_id for s in signed.signatures):
        return None
    return cosignature.verify(signed, key)


@dataclass(slots=True)
class _Reader:
    logs: list[Member] = field(default_factory=list)
    witnesses: dict[bytes, Member] = field(default_factory=dict)
    groups: dict[bytes, Group] = field(default_factory=dict)
    used: set[bytes] = field(default_factory=set)
    quorum: bytes | None = None
    has_quorum: bool = False

    def read(self, text: bytes) -> TrustPolicy:
        if not set(text) <= _ALLOWED:
            raise PolicyError("a control character other than tab and newline")
        for number, line in enumerate(text.split(b"\n"), 1):
            words = [word for word in _SPACE.split(line.strip(b" \t")) if word]
            if not words or words[0].startswith(b"#"):
                continue
            try:
                self._line(words)
            except NoteError as error:
                raise PolicyError(f"line {number}: {error}") from error
        if not self.has_quorum:
            raise PolicyError("no quorum line")
        return TrustPolicy(text, tuple(self.logs), self.witnesses, self.groups, self.quorum)

    def _line(self, words: list[bytes]) -> None:
        match words:
            case [b"log", vkey, *url] if len(url) <= 1:
                self._log(_member(vkey, url, _LOG_TYPES))
            case [b"witness", name, vkey, *url] if len(url) <= 1:
                self._witness(name, _member(vkey, url, _WITNESS_TYPES))
            case [b"group", name, threshold, *members]:
                self._group(name, threshold, members)
            case [b"quorum", name]:
                self._quorum(name)
            case _:
                raise PolicyError("not a line of a policy")

    def _log(self, member: Member) -> None:
        if any(known.key.public_key == member.key.public_key for known in self.logs):
            raise PolicyError("the key of this log stands twice")
        self.logs.append(member)
        _limit(self.logs)

    def _witness(self, name: bytes, member: Member) -> None:
        self._fresh(name)
        if any(known.key.public_key == member.key.public_key for known in self.witnesses.values()):
            raise PolicyError("the key of this witness stands twice")
        self.witnesses[name] = member
        _limit(self.witnesses)

    def _group(self, name: bytes, threshold: bytes, members: list[bytes]) -> None:
        self._fresh(name)
        if not members:
            raise PolicyError("a group has at least one member")
        for member in members:
            if member not in self.witnesses and member not in self.groups:
                raise PolicyError(f"{_show(member)} is not defined above")
            if member in self.used:
                raise PolicyError(f"{_show(member)} is a member of a group already")
            self.used.add(member)
        words = {b"all": len(members), b"any": 1}
        if threshold not in words and not _NUMBER.fullmatch(threshold):
            raise PolicyError("a threshold is all, any or a number")
        k = words.get(threshold) or int(threshold)
        if k > len(members):
            raise PolicyError(f"{k} of {len(members)} can never agree")
        self.groups[name] = Group(k, tuple(members))
        _limit(self.groups)

    def _quorum(self, name: bytes) -> None:
        if self.has_quorum:
            raise PolicyError("a second quorum line")
        if name != b"none" and name not in self.witnesses and name not in self.groups:
            raise PolicyError(f"{_show(name)} is not defined above")
        self.quorum = None if name == b"none" else name
        self.has_quorum = True

    def _fresh(self, name: bytes) -> None:
        if name in _KEYWORDS:
            raise PolicyError(f"{_show(name)} has a meaning of its own")
        if name in self.witnesses or name in self.groups:
            raise PolicyError(f"{_show(name)} is defined twice")


def _member(vkey: bytes, url: list[bytes], types: frozenset[int]) -> Member:
    try:
        key = VerifierKey.parse(vkey.decode())
    except UnicodeDecodeError as error:
        raise PolicyError("a vkey that is not UTF-8") from error
    if key.type not in types:
        raise PolicyError("a key of another signature type")
    return Member(key, url[0].decode(errors="surrogateescape") if url else None)


def _limit(items: list[Member] | dict[bytes, Member] | dict[bytes, Group]) -> None:
    if len(items) > LIMIT:
        raise PolicyError(f"more than {LIMIT} of a kind")


def _show(name: bytes) -> str:
    return repr(name[:40].decode(errors="replace"))
