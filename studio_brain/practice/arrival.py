"""Arrival tokens: the code a member shows at the door, made from the reservation's id and a version."""

_PREFIX = "MF-ARR"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def arrival_token(reservation_id: str, version: int) -> str:
    """`MF-ARR-XXXX-XXXX`: the end of the id, and FNV-1a (32 bit) of id and version in base 36."""
    compact = "".join(c for c in reservation_id.upper() if c in _DIGITS)[-4:].rjust(4, "0")
    digest = 2166136261
    for character in f"{reservation_id}:{max(1, version)}":
        digest = (digest ^ ord(character)) * 16777619 & 0xFFFFFFFF
    text = ""
    while digest:
        digest, rest = divmod(digest, 36)
        text = _DIGITS[rest] + text
    return f"{_PREFIX}-{compact}-{text[:4].rjust(4, '0')}"


def lookup_form(token: str) -> str:
    """How a scanner's text is compared: letters and digits in upper case."""
    return "".join(c for c in token.upper() if c in _DIGITS)
