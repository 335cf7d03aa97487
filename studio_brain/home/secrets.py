"""Where secrets live: the OS keyring, or a file under a passphrase where there is none. Never plain text.

A secret is addressed by name (`studio/uid/refresh-token`) within its installation. `Secret` shows nothing of itself in
`repr`, `str` or a format string; `reveal` is the one way to its text. Stripe's keys are refused on the way in.
"""

import base64
import hashlib
import json
import os
import secrets as random
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..kernel.errors import ConfigError, StudioBrainError
from ..kernel.reasons import ReasonCode
from ..kernel.secretscan import holds_secret_key
from .files import changing, write_private

SERVICE = "studio-brain"
TIMEOUT_S = 5.0
COST = {"n": 2**15, "r": 8, "p": 1}
"""scrypt's parameters for new vault files: 32 MiB and about a tenth of a second."""

ACCEPTED_BACKENDS = ("SecretService", "libsecret", "kwallet", "macOS", "Windows")
"""Module names of keyring's backends that keep secrets encrypted. Everything else is refused by name."""


class SecretStoreError(StudioBrainError):
    code = ReasonCode.KEYRING_ABSENT


class Secret:
    """A secret's text, hidden from everything that prints."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> Any:
        raise TypeError("a secret is not serialized")


class SecretStore(Protocol):
    @property
    def kind(self) -> str:
        """What the cockpit shows: `keyring`, `passphrase file` or `practice file`."""
        ...

    def get(self, name: str) -> Secret | None: ...

    def set(self, name: str, text: str) -> None: ...

    def delete(self, name: str) -> None: ...


def refuse_foreign_keys(name: str, text: str) -> None:
    if holds_secret_key(text):
        raise ConfigError(
            f"the secret {name} looks like a key of Stripe", code=ReasonCode.SECRET_IN_SETTINGS,
            remedy="The brain holds no key of that kind; payment summaries come through the studio's cloud.",
        )  # fmt: skip


def _secret(name: str, text: str | None) -> Secret | None:
    """What a store found; a key of Stripe that somebody put there by hand is refused on the way out as well."""
    if text is None:
        return None
    refuse_foreign_keys(name, text)
    return Secret(text)


class KeyringStore:
    """The OS keyring. Every call runs in a thread with a time-out: a locked keyring blocks until somebody types."""

    kind = "keyring"

    def __init__(self, installation: str) -> None:
        self._installation = installation
        self._backend = self._call(_accepted_backend)

    def get(self, name: str) -> Secret | None:
        text = self._call(lambda: self._backend.get_password(SERVICE, self._key(name)))
        return _secret(name, text)

    def set(self, name: str, text: str) -> None:
        refuse_foreign_keys(name, text)
        self._call(lambda: self._backend.set_password(SERVICE, self._key(name), text))

    def delete(self, name: str) -> None:
        if self.get(name) is not None:
            self._call(lambda: self._backend.delete_password(SERVICE, self._key(name)))

    def _key(self, name: str) -> str:
        return f"{self._installation}/{name}"

    def _call(self, work: Callable[[], Any]) -> Any:
        from keyring.errors import InitError, KeyringLocked, NoKeyringError

        answer: Future[Any] = Future()
        threading.Thread(target=_answer, args=(work, answer), name="keyring", daemon=True).start()
        try:
            return answer.result(TIMEOUT_S)
        except FutureTimeout as error:
            raise SecretStoreError("it did not answer", code=ReasonCode.KEYRING_LOCKED) from error
        except (KeyringLocked, InitError) as error:
            raise SecretStoreError(str(error), code=ReasonCode.KEYRING_LOCKED) from error
        except NoKeyringError as error:
            raise SecretStoreError("no keyring service is running") from error


def _answer(work: Callable[[], Any], answer: "Future[Any]") -> None:
    try:
        answer.set_result(work())
    except Exception as error:
        answer.set_exception(error)


def _accepted_backend() -> Any:
    """The first backend that keeps secrets encrypted. Raises SecretStoreError that names a refused one."""
    import keyring

    chosen = keyring.get_keyring()
    candidates = list(getattr(chosen, "backends", None) or [chosen])
    for backend in candidates:
        module = type(backend).__module__
        if module.startswith("keyring.backends.") and module.rsplit(".", 1)[1] in ACCEPTED_BACKENDS:
            return backend
    refused = ", ".join(f"{type(b).__module__}.{type(b).__name__}" for b in candidates)
    if all(type(b).__module__.endswith((".fail", ".null", ".chainer")) for b in candidates):
        raise SecretStoreError("no keyring service is running")
    raise SecretStoreError(f"the keyring {refused} does not encrypt what it keeps and is not used")


class VaultFile:
    """Secrets in one file under a passphrase: scrypt (RFC 7914) and AES-256-GCM. Mode 0600.

    The file is `{"v":1,"scrypt":{"n","r","p","salt"},"nonce","sealed"}`, base64; what is sealed is a JSON object.
    """

    kind = "passphrase file"

    def __init__(self, path: Path, key: bytes, header: dict[str, Any], items: dict[str, str]) -> None:
        self._path = path
        self._key = key
        self._header = header
        self._items = items

    @classmethod
    def open(cls, path: Path, passphrase: str) -> "VaultFile":
        """Opens it, or makes a new one when there is none. Raises SecretStoreError for a wrong passphrase."""
        if not path.exists():
            return cls._create(path, passphrase)
        try:
            header = json.loads(path.read_text(encoding="utf-8"))["scrypt"]
            key = _derive(passphrase, base64.b64decode(header["salt"]), header)
        except (ValueError, KeyError, TypeError) as error:
            raise SecretStoreError(f"{path} is not a vault file", code=ReasonCode.CONFIG_INVALID) from error
        vault = cls(path, key, header, {})
        vault._load()
        return vault

    @classmethod
    def _create(cls, path: Path, passphrase: str) -> "VaultFile":
        if len(passphrase) < 8:
            raise SecretStoreError(
                "the passphrase is too short", code=ReasonCode.PASSPHRASE_WRONG, remedy="Use at least 8 characters."
            )
        salt = random.token_bytes(16)
        header = {**COST, "salt": base64.b64encode(salt).decode()}
        vault = cls(path, _derive(passphrase, salt, header), header, {})
        vault._save()
        return vault

    def get(self, name: str) -> Secret | None:
        return _secret(name, self._items.get(name))

    def set(self, name: str, text: str) -> None:
        refuse_foreign_keys(name, text)
        with changing(self._path):
            self._load()
            self._items[name] = text
            self._save()

    def delete(self, name: str) -> None:
        with changing(self._path):
            self._load()
            self._items.pop(name, None)
            self._save()

    def _load(self) -> None:
        """What is in the file now: another process may have changed it."""
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            nonce, sealed = base64.b64decode(document["nonce"]), base64.b64decode(document["sealed"])
            self._items = json.loads(AESGCM(self._key).decrypt(nonce, sealed, b"studio-brain vault 1"))
        except InvalidTag as error:
            raise SecretStoreError(str(self._path), code=ReasonCode.PASSPHRASE_WRONG) from error
        except (ValueError, KeyError, TypeError) as error:
            raise SecretStoreError(f"{self._path} is not a vault file", code=ReasonCode.CONFIG_INVALID) from error

    def _save(self) -> None:
        nonce = random.token_bytes(12)
        sealed = AESGCM(self._key).encrypt(nonce, json.dumps(self._items).encode(), b"studio-brain vault 1")
        document = {
            "v": 1,
            "scrypt": self._header,
            "nonce": base64.b64encode(nonce).decode(),
            "sealed": base64.b64encode(sealed).decode(),
        }
        write_private(self._path, json.dumps(document, indent=1).encode())


def _derive(passphrase: str, salt: bytes, cost: dict[str, Any]) -> bytes:
    n, r, p = int(cost["n"]), int(cost["r"]), int(cost["p"])
    if not 2**14 <= n <= 2**20 or not 1 <= r <= 16 or not 1 <= p <= 4:
        raise ValueError("scrypt parameters out of range")
    return hashlib.scrypt(passphrase.encode(), salt=salt, n=n, r=r, p=p, maxmem=256 * 1024 * 1024, dklen=32)


class PracticeFile:
    """A plain 0600 file for practice homes: a generated signing key and nothing that opens a real door."""

    kind = "practice file"

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, name: str) -> Secret | None:
        return _secret(name, self._read().get(name))

    def set(self, name: str, text: str) -> None:
        refuse_foreign_keys(name, text)
        with changing(self._path):
            write_private(self._path, json.dumps({**self._read(), name: text}).encode())

    def delete(self, name: str) -> None:
        with changing(self._path):
            write_private(self._path, json.dumps({k: v for k, v in self._read().items() if k != name}).encode())

    def _read(self) -> dict[str, str]:
        try:
            return dict(json.loads(self._path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise SecretStoreError(f"{self._path} is damaged", code=ReasonCode.CONFIG_INVALID) from error


class LockedStore:
    """Stands where secrets were not asked for."""

    kind = "locked"

    def get(self, name: str) -> Secret | None:
        raise SecretStoreError(f"{name} was not unlocked", code=ReasonCode.KEYRING_LOCKED)

    def set(self, name: str, text: str) -> None:
        raise SecretStoreError(f"{name} was not unlocked", code=ReasonCode.KEYRING_LOCKED)

    def delete(self, name: str) -> None:
        raise SecretStoreError(f"{name} was not unlocked", code=ReasonCode.KEYRING_LOCKED)


def read_passphrase(fd: int) -> str:
    """One line from an open file descriptor (`--passphrase-fd N`)."""
    try:
        with os.fdopen(os.dup(fd), encoding="utf-8") as stream:
            return stream.readline().rstrip("\r\n")
    except OSError as error:
        raise ConfigError(f"--passphrase-fd {fd}: cannot be read") from error
