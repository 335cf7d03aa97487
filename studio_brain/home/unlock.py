"""Choosing where a home's secrets live: practice file, keyring, or the passphrase file where there is no keyring."""

from collections.abc import Callable
from pathlib import Path

from ..kernel.reasons import ReasonCode
from .secrets import KeyringStore, PracticeFile, SecretStore, SecretStoreError, VaultFile

VAULT = "vault.json"
PRACTICE_KEYS = "practice-keys.json"

PassphraseSource = Callable[[bool], str]
"""`ask(new)` → the passphrase; `new` when the vault file is about to be made."""


def open_secrets(home: Path, installation: str, *, practice: bool, passphrase: PassphraseSource | None) -> SecretStore:
    """Raises SecretStoreError (KEYRING_ABSENT, KEYRING_LOCKED, PASSPHRASE_WRONG) when none can be opened.

    Once a vault file exists it is the place: a keyring that appears later does not hold this home's key.
    """
    if practice:
        return PracticeFile(home / PRACTICE_KEYS)
    vault = home / VAULT
    if vault.exists():
        return _vault(vault, passphrase, new=False)
    try:
        return KeyringStore(installation)
    except SecretStoreError as error:
        if error.code is not ReasonCode.KEYRING_ABSENT or passphrase is None:
            raise
    return _vault(vault, passphrase, new=True)


def _vault(path: Path, passphrase: PassphraseSource | None, *, new: bool) -> SecretStore:
    if passphrase is None:
        raise SecretStoreError(
            f"{path} is locked",
            code=ReasonCode.KEYRING_LOCKED,
            remedy="Enter its passphrase, or hand it over with --passphrase-fd N.",
        )
    return VaultFile.open(path, passphrase(new))
