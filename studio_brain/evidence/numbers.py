"""Decimal numbers as the tlog specifications write them: ASCII digits, no sign, no leading zero, no separators."""

import re

from .note import NoteError

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def decimal(text: str, what: str) -> int:
    """`0`, `7`, `1234` → int below 2⁶³. Raises NoteError for `007`, `+5`, `1_000`, `٣` and the like."""
    if not _DECIMAL.fullmatch(text) or int(text) >= 1 << 63:
        raise NoteError(f"{what} is not a decimal number: {text[:30]!r}")
    return int(text)
