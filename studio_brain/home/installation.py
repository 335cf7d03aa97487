"""What an installation is: an id, and the signing key of its evidence logs.

The private half is a secret; the public half stands in `installation.json`, so that anybody can verify without
unlocking anything. A practice installation signs with a key from a plain file: its origins start with `practice/`,
and it refuses every cloud that is not on this machine.
"""

import base64
import json
import uuid
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ..kernel.errors import ConfigError, StudioBrainError
from ..kernel.reasons import ReasonCode
from .files import write_private
from .secrets import SecretStore

FILE = "installation.json"
KEY_NAME = "signing-key"
NEXT_KEY_NAME = "signing-key/next"


class SigningKeyError(StudioBrainError):
    code = ReasonCode.KEY_MISMATCH


@dataclass(frozen=True, slots=True)
class Installation:
    """`former_keys` are the public keys it signed with before, the latest last."""

    id: str
    public_key: bytes
    practice: bool
    former_keys: tuple[bytes, ...] = ()

    @property
    def origin_prefix(self) -> str:
        """What every log's origin starts with."""
        return f"practice/{self.id}" if self.practice else self.id


class SigningKey:
    """`evidence.note.Signer` over a key that stays inside."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"SigningKey({self.public_key.hex()[:8]}…)"


class CurrentSigner:
    """`evidence.note.Signer` over the key that counts now; `replace` puts another in its place."""

    def __init__(self, signer: "SigningKey | LockedSigner") -> None:
        self._signer = signer

    @property
    def public_key(self) -> bytes:
        return self._signer.public_key

    def sign(self, message: bytes) -> bytes:
        return self._signer.sign(message)

    def replace(self, signer: SigningKey) -> None:
        self._signer = signer


class LockedSigner:
    """Stands where the signing key was not asked for: whoever only looks cannot seal."""

    def __init__(self, public_key: bytes) -> None:
        self.public_key = public_key

    def sign(self, message: bytes) -> bytes:
        raise SigningKeyError(
            "this command only looks; it did not unlock the signing key", code=ReasonCode.KEYRING_LOCKED
        )


def new_id() -> str:
    return str(uuid.uuid4())


def read_installation(home: Path) -> Installation | None:
    """The installation of a home, or None for a new one."""
    try:
        document = json.loads((home / FILE).read_text(encoding="utf-8"))
        keys = [base64.b64decode(k, validate=True) for k in (document["publicKey"], *document.get("formerKeys", ()))]
        if any(len(key) != 32 for key in keys):
            raise ValueError("a public key is not 32 bytes")
        return Installation(str(uuid.UUID(document["id"])), keys[0], document["practice"] is True, tuple(keys[1:]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{home / FILE} is damaged: {error}") from error


def create_installation(home: Path, id: str, secrets: SecretStore, *, practice: bool) -> Installation:
    """Makes the key and writes both halves, the private one first."""
    if practice != (secrets.kind == "practice file"):
        raise ConfigError("a practice file keeps keys of practice homes only", code=ReasonCode.PRACTICE_KEY_REFUSED)
    private = Ed25519PrivateKey.generate()
    secrets.set(KEY_NAME, base64.b64encode(private.private_bytes_raw()).decode())
    installation = Installation(id, private.public_key().public_bytes_raw(), practice)
    _write(home, installation)
    return installation


def replace_signing_key(
    home: Path, installation: Installation, secrets: SecretStore
) -> tuple[Installation, SigningKey]:
    """A new key in place of the old, whose private half is gone afterwards. Interrupted at any point, the home opens
    with the one or the other."""
    private = Ed25519PrivateKey.generate()
    text = base64.b64encode(private.private_bytes_raw()).decode()
    secrets.set(NEXT_KEY_NAME, text)
    public = private.public_key().public_bytes_raw()
    following = Installation(
        installation.id, public, installation.practice, (*installation.former_keys, installation.public_key)
    )
    _write(home, following)
    secrets.set(KEY_NAME, text)
    secrets.delete(NEXT_KEY_NAME)
    return following, SigningKey(private.private_bytes_raw())


def load_signing_key(installation: Installation, secrets: SecretStore) -> SigningKey:
    """The private half. Raises SigningKeyError when it is missing or belongs to another installation."""
    names = (KEY_NAME, NEXT_KEY_NAME)
    known = {name: secret.reveal() for name in names if (secret := secrets.get(name)) is not None}
    if not known:
        raise SigningKeyError(f"the {secrets.kind} holds no signing key for this home")
    for name, text in known.items():
        key = SigningKey(base64.b64decode(text))
        if key.public_key == installation.public_key:
            if name == NEXT_KEY_NAME:  # the change of keys was interrupted after installation.json
                secrets.set(KEY_NAME, text)
                secrets.delete(name)
            return key
    raise SigningKeyError(f"the signing key in the {secrets.kind} does not match installation.json")


def _write(home: Path, installation: Installation) -> None:
    document = {
        "id": installation.id,
        "publicKey": base64.b64encode(installation.public_key).decode(),
        "practice": installation.practice,
    }
    if installation.former_keys:
        document["formerKeys"] = [base64.b64encode(key).decode() for key in installation.former_keys]
    write_private(home / FILE, json.dumps(document, indent=1).encode())
