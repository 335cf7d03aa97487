"""Erasable payloads: personal or bulky bytes beside the log, bound to their entry by a salted commitment.

The entry holds SHA-256(salt ‖ bytes). The bytes lie encrypted (AES-256-GCM, the commitment as associated data) under a
key of their own. Erasing destroys key, salt and ciphertext; the entry and every proof stay as they are.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .entry import Commitment

SALT = 32
KEY = 32
NONCE = 12


class PayloadError(ValueError):
    """A stored payload that is not the one its entry commits to."""


@dataclass(frozen=True, slots=True)
class SealedPayload:
    """What is stored: `sealed` is nonce ‖ ciphertext ‖ tag."""

    commitment: Commitment
    salt: bytes
    sealed: bytes
    key: bytes


def seal_payload(data: bytes, random_bytes: Callable[[int], bytes]) -> SealedPayload:
    salt, key, nonce = random_bytes(SALT), random_bytes(KEY), random_bytes(NONCE)
    commitment = Commitment(hashlib.sha256(salt + data).digest(), len(data))
    return SealedPayload(commitment, salt, nonce + AESGCM(key).encrypt(nonce, data, commitment.sha256), key)


def open_payload(commitment: Commitment, salt: bytes, sealed: bytes, key: bytes) -> bytes:
    """The bytes again. Raises PayloadError when they do not match the commitment."""
    return opened(commitment.sha256, commitment.size, salt, sealed, key)


def opened(sha256: bytes, size: int, salt: bytes, sealed: bytes, key: bytes) -> bytes:
    """As `open_payload`, with the commitment in its parts: for whoever opens very many."""
    try:
        data = AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], sha256)
    except (InvalidTag, ValueError) as error:
        raise PayloadError("the payload cannot be decrypted with its key") from error
    if hashlib.sha256(salt + data).digest() != sha256 or len(data) != size:
        raise PayloadError("the payload is not the one that its entry commits to")
    return data
