"""Ids: random where the real cloud's are, seeded where the made-up world has to come out the same again."""

import base64
import random
import secrets
import string

_ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits
_PLAIN = bytes.maketrans(b"+/", b"Qz")


def auto_id() -> str:
    """20 letters and digits, as Firestore's clients and servers make them."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(20))


def dice(*seed: object) -> random.Random:
    """A generator of its own for each part of the world, so that parts do not disturb each other."""
    return random.Random("/".join(map(str, seed)))  # noqa: S311  a made-up world, nothing secret


def seeded_id(rng: random.Random, length: int = 20) -> str:
    raw = base64.b64encode(rng.randbytes(length * 3 // 4 + 1)).translate(_PLAIN)
    return raw[:length].decode()
