"""The keys of one practice studio: what its tokens are signed with.

Made anew for each studio, kept in its state folder when it has one. Making an RSA key takes a moment, so it is made
beside the start and waited for only by the first one who needs it.
"""

import base64
import hashlib
import os
import secrets
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

ISSUER_NAME = "securetoken.system.gserviceaccount.com"


@dataclass(frozen=True)
class SigningKey:
    """An RSA key with its id, and the two forms in which its public half is published."""

    private: "RSAPrivateKey"

    @cached_property
    def kid(self) -> str:
        return hashlib.sha1(self._public_der, usedforsecurity=False).hexdigest()

    @cached_property
    def _public_der(self) -> bytes:
        from cryptography.hazmat.primitives import serialization

        return self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @cached_property
    def jwk(self) -> dict[str, str]:
        numbers = self.private.public_key().public_numbers()
        return {
            "kid": self.kid,
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "n": _base64url(numbers.n),
            "e": _base64url(numbers.e),
        }

    def certificate(self, now: datetime) -> str:
        """A self-signed X.509 certificate, PEM, valid a day to either side of two weeks."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.x509.oid import NameOID

        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER_NAME)])
        builder = (
            x509.CertificateBuilder(name, name, self.private.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=15))
        )
        return builder.sign(self.private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def _base64url(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Keys:
    """`refresh` and `delegation` key the HMACs of refresh tokens and of delegated tokens."""

    def __init__(self, signing: Future[SigningKey], refresh: bytes, delegation: bytes) -> None:
        self._signing = signing
        self.refresh = refresh
        self.delegation = delegation

    @property
    def signing(self) -> SigningKey:
        return self._signing.result()


def utc(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1_000_000, UTC)


def make(state: Path | None) -> Keys:
    """The keys kept in `state`, or new ones (kept there when there is a folder; readable by its owner only)."""
    file = state / "keys.json" if state else None
    pool = ThreadPoolExecutor(1, thread_name_prefix="practice-keys")
    try:
        if file is not None and file.exists():
            kept: dict[str, Any] = orjson.loads(file.read_bytes())
            secret = [base64.b64decode(kept[name]) for name in ("refresh", "delegation")]
            return Keys(pool.submit(_load, kept["signing"]), *secret)
        refresh, delegation = secrets.token_bytes(32), secrets.token_bytes(32)
        return Keys(pool.submit(_generate, file, refresh, delegation), refresh, delegation)
    finally:
        pool.shutdown(wait=False)


def _load(pem: str) -> SigningKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    key = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("keys.json holds no RSA key")
    return SigningKey(key)


def _generate(file: Path | None, refresh: bytes, delegation: bytes) -> SigningKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    if file is not None:
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        content = {
            "signing": pem.decode(),
            "refresh": base64.b64encode(refresh).decode(),
            "delegation": base64.b64encode(delegation).decode(),
        }
        draft = file.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(orjson.dumps(content))
        draft.replace(file)
    return SigningKey(key)
