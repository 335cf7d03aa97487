"""The two envelopes of the studio's Functions.

Plain: `{"ok":true, …fields}` and `{"ok":false,"message","code"?}`. v1: `{"ok":true,"requestId","data"}` and
`{"ok":false,"requestId","code","message","details"}`. A rate limit says when to come back in `Retry-After`, in
`retryAfterSec` or in `details.retryAfterMs`: the longest counts.
"""

from collections.abc import Mapping
from typing import Any

from ...kernel.ports import ConnectorError, Json
from ...kernel.reasons import ReasonCode
from ..transport import Reply, TransportError

_STATUS_CODES = {
    400: ReasonCode.REFUSED_BY_CLOUD,
    401: ReasonCode.AUTH,
    402: ReasonCode.REFUSED_BY_CLOUD,
    403: ReasonCode.FORBIDDEN,
    404: ReasonCode.NOT_FOUND,
    405: ReasonCode.REFUSED_BY_CLOUD,
    409: ReasonCode.CLOUD_CHANGED,
    410: ReasonCode.CLOUD_CHANGED,
    412: ReasonCode.CLOUD_CHANGED,
    429: ReasonCode.RATE_LIMITED,
}


class FunctionRefused(ConnectorError):
    """A Function answered, and the answer is no. `status` is the HTTP status, `word` the cloud's own code."""

    def __init__(self, status: int, word: str, message: str, **options: Any) -> None:
        code = _STATUS_CODES.get(status, ReasonCode.UNAVAILABLE)
        detail = f"{word}: {message}" if word else message
        super().__init__(detail[:300] or f"HTTP {status}", code=code, **options)
        self.status = status
        self.word = word


def answer(reply: Reply) -> Json:
    """The document of a successful answer. Raises FunctionRefused for a refusal, TransportError for anything else."""
    document = reply.json()
    if not isinstance(document, dict):
        raise TransportError(f"HTTP {reply.status}: not an object", code=ReasonCode.BAD_RESPONSE, sent=True)
    if reply.status == 200 and document.get("ok") is True:
        return document
    if document.get("ok") is not False:
        # Refusals by the platform itself carry another envelope, or none.
        raise TransportError(
            f"HTTP {reply.status} without an envelope",
            code=_STATUS_CODES.get(reply.status, ReasonCode.BAD_RESPONSE),
            sent=True,
            retryable=reply.status >= 500,
        )
    raise FunctionRefused(
        reply.status,
        str(document.get("code") or ""),
        str(document.get("message") or ""),
        retryable=reply.status in (429, 503),
        retry_after_s=_retry_after(reply, document),
        request_id=str(document.get("requestId") or ""),
    )


def rows_of(document: Json, path: tuple[str, ...]) -> list[Json]:
    """The list at `path` of an answer; every element an object. Raises ConnectorError otherwise."""
    value: Any = document
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise ConnectorError(f"no list of rows at {'.'.join(path)}", code=ReasonCode.BAD_RESPONSE)
    return value


def request_id_of(reply: Reply) -> str:
    return reply.headers.get("x-request-id", "")


def _retry_after(reply: Reply, document: Mapping[str, Any]) -> float | None:
    details = document.get("details")
    candidates = [
        reply.retry_after_s(),
        _number(document.get("retryAfterSec")),
        _number(details.get("retryAfterMs"), 0.001) if isinstance(details, dict) else None,
    ]
    return max((c for c in candidates if c is not None), default=None)


def _number(value: Any, scale: float = 1.0) -> float | None:
    return float(value) * scale if isinstance(value, int | float) and not isinstance(value, bool) else None
