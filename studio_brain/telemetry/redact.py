"""Taking secrets out of whatever is about to be written down. One function, used by every log line and report."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "[redacted]"

_NAMES = re.compile(r"(?i)(authorization|password|passphrase|secret|token|cookie|api_?key|private_?key|bearer)")
_VALUES = re.compile(
    r"(?i:bearer)\s+[A-Za-z0-9._~+/=-]{8,}"  # an Authorization header
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"  # a JWT
    r"|mf_(?:pat|dlg|agent)_v1\.[A-Za-z0-9._-]+"  # the studio's own tokens
    r"|(?<![A-Za-z0-9_])(?:sk|rk|whsec)_(?![A-Z]{2}(?![A-Za-z0-9_]))[A-Za-z0-9+/=_-]+"  # Stripe's keys
    r"|(?i:(?<=access_token=)|(?<=[?&]key=))[^&\s\"']+"  # secrets in an address
)


def redact_text(text: str) -> str:
    return _VALUES.sub(HIDDEN, text)


def redact(value: Any) -> Any:
    """A copy of a JSON-like value without secrets: members with telling names, and whatever looks like a secret."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {
            str(name): HIDDEN if _NAMES.search(str(name)) and not isinstance(member, bool | int | None) else
            redact(member)
            for name, member in value.items()
        }  # fmt: skip
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item) for item in value]
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact_text(str(value))
