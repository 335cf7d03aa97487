"""A signing key for tests: what `home.installation` keeps in the keyring."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class TestKey:
    """`evidence.note.Signer` from a seed."""

    __test__ = False

    def __init__(self, seed: bytes = b"\x07" * 32) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)
