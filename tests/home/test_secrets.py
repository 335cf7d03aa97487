"""Secrets: encrypted at rest, invisible in print, keys of Stripe refused, and a keyring that is absent or silent."""

import json
import os
import pickle
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import keyring.backend
import keyring.backends.fail
import pytest
from keyring.errors import KeyringLocked

from studio_brain.home import installation as installations
from studio_brain.home import secrets as secrets_module
from studio_brain.home.installation import SigningKeyError, create_installation, load_signing_key, read_installation
from studio_brain.home.secrets import (
    KeyringStore,
    PracticeFile,
    Secret,
    SecretStore,
    SecretStoreError,
    VaultFile,
    read_passphrase,
)
from studio_brain.home.unlock import open_secrets
from studio_brain.kernel.errors import ConfigError
from studio_brain.kernel.reasons import ReasonCode

CANARY = "canary-refresh-token-93f1"
STRIPE = "whsec" + "_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class DictKeyring(keyring.backend.KeyringBackend):
    """Stands where the desktop's keyring would; it lives in the module of an accepted backend."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.items.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.items[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.items[service, username]


DictKeyring.__module__ = "keyring.backends.SecretService"


@pytest.fixture
def desktop() -> Iterator[DictKeyring]:
    before = keyring.get_keyring()
    backend = DictKeyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


@pytest.fixture
def no_desktop() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())
    yield
    keyring.set_keyring(before)


class SecretStoreSuite:
    """What every SecretStore does. A subclass gives `store`."""

    def test_a_secret_comes_back_and_can_be_taken_away(self, store: SecretStore) -> None:
        assert store.get("a") is None
        store.set("a", CANARY)
        store.set("b", "Łódź 🎋")
        found = store.get("a")
        assert found is not None
        assert found.reveal() == CANARY
        store.delete("a")
        store.delete("never there")
        assert store.get("a") is None
        assert store.get("b").reveal() == "Łódź 🎋"  # type: ignore[union-attr]

    @pytest.mark.parametrize("prefix", ["sk_live_", "rk_live_", "whsec_"])
    def test_keys_of_stripe_are_refused(self, store: SecretStore, prefix: str) -> None:
        with pytest.raises(ConfigError) as caught:
            store.set("stripe", prefix + "0123456789")
        assert caught.value.code is ReasonCode.SECRET_IN_SETTINGS
        assert "0123456789" not in str(caught.value)
        assert store.get("stripe") is None


class TestKeyring(SecretStoreSuite):
    @pytest.fixture
    def store(self, desktop: DictKeyring) -> SecretStore:
        return KeyringStore("installation-1")

    def test_installations_do_not_share_names(self, desktop: DictKeyring) -> None:
        KeyringStore("one").set("x", "1")
        assert KeyringStore("two").get("x") is None

    def test_a_key_of_stripe_put_there_by_hand_is_refused(self, desktop: DictKeyring) -> None:
        desktop.items["studio-brain", "one/payments"] = STRIPE
        with pytest.raises(ConfigError) as caught:
            KeyringStore("one").get("payments")
        assert STRIPE not in str(caught.value)


class TestVault(SecretStoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> SecretStore:
        return VaultFile.open(tmp_path / "vault.json", "correct horse battery")


class TestPracticeFile(SecretStoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> SecretStore:
        return PracticeFile(tmp_path / "practice-keys.json")


def test_the_vault_is_encrypted_private_and_opens_only_with_its_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "vault.json"
    VaultFile.open(path, "correct horse battery").set("a", CANARY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert CANARY.encode() not in path.read_bytes()
    assert VaultFile.open(path, "correct horse battery").get("a").reveal() == CANARY  # type: ignore[union-attr]
    with pytest.raises(SecretStoreError) as caught:
        VaultFile.open(path, "wrong horse battery")
    assert caught.value.code is ReasonCode.PASSPHRASE_WRONG


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"v":1,"scrypt":{"n":1,"r":8,"p":1,"salt":""},"nonce":"","sealed":""}']
)
def test_a_damaged_vault_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "vault.json").write_text(text)
    with pytest.raises(SecretStoreError) as caught:
        VaultFile.open(tmp_path / "vault.json", "correct horse battery")
    assert caught.value.code is ReasonCode.CONFIG_INVALID


def test_a_short_passphrase_is_refused_for_a_new_vault(tmp_path: Path) -> None:
    with pytest.raises(SecretStoreError, match="too short"):
        VaultFile.open(tmp_path / "vault.json", "short")
    assert not (tmp_path / "vault.json").exists()


def test_a_secret_hides_from_everything_that_prints() -> None:
    secret = Secret(CANARY)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r}", f"{secret:>80}", "%s" % secret, repr([secret])]  # noqa: UP031
    assert not any(CANARY in text for text in shown)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)


def test_a_machine_without_a_keyring_says_so(no_desktop: None, tmp_path: Path) -> None:
    with pytest.raises(SecretStoreError) as caught:
        open_secrets(tmp_path, "i", practice=False, passphrase=None)
    assert caught.value.code is ReasonCode.KEYRING_ABSENT
    assert "--passphrase-fd" in caught.value.remedy


def test_without_a_keyring_a_passphrase_opens_a_vault_file(no_desktop: None, tmp_path: Path) -> None:
    asked: list[bool] = []

    def ask(new: bool) -> str:
        asked.append(new)
        return "correct horse battery"

    open_secrets(tmp_path, "i", practice=False, passphrase=ask).set("a", CANARY)
    again = open_secrets(tmp_path, "i", practice=False, passphrase=ask)
    assert again.kind == "passphrase file"
    assert again.get("a").reveal() == CANARY  # type: ignore[union-attr]
    assert asked == [True, False]


def test_a_keyring_that_keeps_plain_text_is_refused_by_name(tmp_path: Path) -> None:
    class Plain(DictKeyring):
        pass

    Plain.__module__ = "keyrings.alt.file"
    before = keyring.get_keyring()
    keyring.set_keyring(Plain())
    try:
        with pytest.raises(SecretStoreError, match=r"keyrings\.alt\.file") as caught:
            KeyringStore("i")
        assert caught.value.code is ReasonCode.KEYRING_ABSENT
    finally:
        keyring.set_keyring(before)


def test_a_locked_keyring_is_told_apart(desktop: DictKeyring) -> None:
    store = KeyringStore("i")

    def locked(*_: Any) -> str:
        raise KeyringLocked("locked")

    desktop.get_password = locked  # type: ignore[method-assign]
    with pytest.raises(SecretStoreError) as caught:
        store.get("a")
    assert caught.value.code is ReasonCode.KEYRING_LOCKED


def test_a_keyring_that_waits_for_somebody_does_not_block(
    desktop: DictKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets_module, "TIMEOUT_S", 0.1)
    store, released = KeyringStore("i"), threading.Event()

    def waits(*_: Any) -> None:
        released.wait(30)

    desktop.get_password = waits  # type: ignore[method-assign]
    with pytest.raises(SecretStoreError) as caught:
        store.get("a")
    released.set()
    assert caught.value.code is ReasonCode.KEYRING_LOCKED


def test_the_passphrase_comes_from_a_descriptor() -> None:
    read, write = os.pipe()
    os.write(write, "Łódź battery\nrest".encode())
    os.close(write)
    assert read_passphrase(read) == "Łódź battery"
    os.close(read)
    with pytest.raises(ConfigError):
        read_passphrase(read)


def test_an_installation_keeps_its_halves_apart(tmp_path: Path, desktop: DictKeyring) -> None:
    store = KeyringStore("i")
    made = create_installation(tmp_path, installations.new_id(), store, practice=False)
    assert read_installation(tmp_path) == made
    key = load_signing_key(made, store)
    assert key.public_key == made.public_key
    private = store.get("signing-key").reveal()  # type: ignore[union-attr]
    assert private not in (tmp_path / "installation.json").read_text()
    assert private not in repr(key)


def test_a_key_of_another_installation_is_refused(tmp_path: Path, desktop: DictKeyring) -> None:
    store = KeyringStore("i")
    made = create_installation(tmp_path, installations.new_id(), store, practice=False)
    other = tmp_path / "other"
    other.mkdir()
    create_installation(other, installations.new_id(), store, practice=False)
    with pytest.raises(SigningKeyError) as caught:
        load_signing_key(made, store)
    assert caught.value.code is ReasonCode.KEY_MISMATCH
    store.delete("signing-key")
    with pytest.raises(SigningKeyError, match="no signing key"):
        load_signing_key(made, store)


def test_a_practice_key_is_for_practice_homes_only(tmp_path: Path, desktop: DictKeyring) -> None:
    with pytest.raises(ConfigError) as caught:
        create_installation(tmp_path, "i", PracticeFile(tmp_path / "k"), practice=False)
    assert caught.value.code is ReasonCode.PRACTICE_KEY_REFUSED
    with pytest.raises(ConfigError):
        create_installation(tmp_path, "i", KeyringStore("i"), practice=True)


@pytest.mark.parametrize("text", ["{", "{}", '{"id":"x","publicKey":"AAAA","practice":true}'])
def test_a_damaged_installation_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "installation.json").write_text(text)
    with pytest.raises(ConfigError, match="damaged"):
        read_installation(tmp_path)
