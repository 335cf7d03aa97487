"""SHA-256 (FIPS 180-4). Hashes are 32 bytes inside and `sha256:<hex>` at the edges."""

import hashlib
from functools import lru_cache

PREFIX = "sha256:"


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def to_text(digest: bytes) -> str:
    """32 bytes → `sha256:<64 hex digits>`."""
    return PREFIX + digest.hex()


@lru_cache(maxsize=256)  # the entries of one action name the same hashes
def from_text(text: str) -> bytes:
    """`sha256:<64 lower-case hex digits>` → 32 bytes. Raises ValueError on anything else."""
    digits = text[7:]
    if len(digits) == 64 and text.startswith(PREFIX):
        digest = bytes.fromhex(digits)
        if digest.hex() == digits:  # neither upper case nor spaces, which fromhex takes
            return digest
    raise ValueError("expected sha256: and 64 lower-case hex digits")


def sha256_text(data: bytes) -> str:
    return to_text(sha256(data))
