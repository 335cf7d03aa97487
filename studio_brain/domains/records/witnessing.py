"""Witnessing others: this installation's key for it, the logs that it knows, and one request after the other.

The key is not the one that signs our own logs: a cosignature says what was seen, never what was written here. It is
made when it is first needed and kept beside the other one.

A checkpoint that is validly signed and yet not what is remembered of its log is kept as a file, once for each log: with
the remembered one it proves that the log told two histories.
"""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from ...evidence import cosignature
from ...evidence import note as notes
from ...evidence import witness as rule
from ...evidence.note import NoteError, VerifierKey
from ...evidence.tables import peer
from ...evidence.witness import AddCheckpoint, Keys, WitnessRefusal
from ...home.files import make_home, write_private
from ...home.installation import Installation, SigningKey
from ...home.secrets import SecretStore
from ...kernel.clock import Clock
from ...kernel.errors import ConfigError
from ...store.database import Database

KEY_NAME: Final = "witness-key"
CONFLICTS: Final = "conflicts"


class WitnessKey(SigningKey):
    """`evidence.cosignature.CosignerKey` with a name."""

    type: Final = cosignature.ED25519

    def __init__(self, name: str, seed: bytes) -> None:
        super().__init__(seed)
        self.name = name

    @property
    def verifier(self) -> VerifierKey:
        """What others enter in their settings."""
        return VerifierKey(self.name, self.public_key, self.type)


def open_witness_key(secrets: SecretStore, installation: Installation) -> WitnessKey:
    """The key with which this installation cosigns; made when there is none yet."""
    found = secrets.get(KEY_NAME)
    if found is None:
        seed = Ed25519PrivateKey.generate().private_bytes_raw()
        secrets.set(KEY_NAME, base64.b64encode(seed).decode())
    else:
        seed = base64.b64decode(found.reveal())
    return WitnessKey(f"{installation.origin_prefix}/witness", seed)


def known_logs(vkeys: Iterable[str]) -> Keys:
    """Verifier keys by the origin that they sign. Raises ConfigError for what is no key of a log."""
    keys: dict[str, list[VerifierKey]] = {}
    for text in vkeys:
        try:
            key = VerifierKey.parse(text)
        except NoteError as error:
            raise ConfigError(f"--log {text[:60]!r}: {error}") from error
        if key.type != notes.ED25519:
            raise ConfigError(f"--log {text[:60]!r}: a log signs with an Ed25519 key")
        keys.setdefault(key.name, []).append(key)
    return keys


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back over HTTP."""

    status: int
    media_type: str
    body: str


class Witness:
    """The rule on this home's database. Any number of threads and processes may use it at once."""

    def __init__(self, home: Path, database: Database, keys: Keys, key: WitnessKey, clock: Clock) -> None:
        self._home, self._database, self._keys, self._key, self._clock = home, database, keys, key, clock

    def add_checkpoint(self, body: bytes) -> str:
        """The cosignature lines, after what is remembered is durable. Raises WitnessRefusal."""
        now_ms = self._clock.now_ms()
        try:
            return self._database.writing(
                lambda conn: rule.add_checkpoint(conn, body, self._keys, self._key.name, self._key, now_ms)
            )
        except WitnessRefusal as refusal:
            if refusal.status in (409, 422) and refusal.size is None:
                self._keep_conflict(body, refusal.detail)
            raise

    def reply(self, body: bytes) -> Reply:
        """`add_checkpoint` as an answer over HTTP."""
        try:
            return Reply(200, rule.TEXT_TYPE, self.add_checkpoint(body))
        except WitnessRefusal as refusal:
            return Reply(refusal.status, refusal.media_type, refusal.body)

    def _keep_conflict(self, body: bytes, why: str) -> None:
        asked = AddCheckpoint.parse(body)
        origin = rule.head_of(notes.parse(asked.checkpoint).text).origin
        name = hashlib.sha256(origin.encode()).hexdigest()[:32]
        path = self._home / CONFLICTS / f"{name}.txt"
        if path.exists():
            return
        remembered = self._database.reading(
            lambda conn: conn.execute(select(peer.c.note).where(peer.c.origin == origin)).scalar()
        )
        make_home(path.parent)
        text = f"{why}\n\nremembered:\n\n{remembered}\nasked for:\n\n{body.decode()}"
        write_private(path, text.encode())
