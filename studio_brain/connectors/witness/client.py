"""Asking a witness for a cosignature: one POST, whose status says everything (C2SP tlog-witness §add-checkpoint).

It knows nothing of trees and keys: the body goes out as it was made, and what comes back is text to be verified.
"""

from dataclasses import dataclass
from typing import Final

from ...kernel.ports import ConnectorError
from ...kernel.reasons import ReasonCode
from ..transport import Reply, Transport

MAX_ANSWER: Final = 64 * 1024
SIZE_TYPE: Final = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Answer:
    """`lines` of signatures for status 200. For 409 `size` is what the witness remembers, None when it is the root that
    differs. `detail` is the first line of any other answer: text of somebody else."""

    status: int
    lines: str = ""
    size: int | None = None
    detail: str = ""


class WitnessClient:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def add_checkpoint(self, url: str, body: bytes, deadline_s: float) -> Answer:
        """Raises ConnectorError when the witness is not reached, is overloaded, or does not speak the protocol."""
        reply = await self._transport.call(
            "POST",
            f"{url}/add-checkpoint",
            deadline_s=deadline_s,
            headers={"content-type": "application/octet-stream", "accept": "*/*"},
            content=body,
        )
        text = _text(reply)
        if reply.status == 200:
            return Answer(200, lines=text)
        if reply.status == 409:
            return Answer(409, size=_size(text) if reply.media_type == SIZE_TYPE else None, detail=_first(text))
        if reply.status in (400, 403, 404, 422):
            return Answer(reply.status, detail=_first(text))
        code = ReasonCode.RATE_LIMITED if reply.status == 429 else ReasonCode.UNAVAILABLE
        raise ConnectorError(f"HTTP {reply.status}", code=code, retry_after_s=reply.retry_after_s())


def _text(reply: Reply) -> str:
    if len(reply.body) > MAX_ANSWER:
        raise ConnectorError(f"an answer of {len(reply.body)} bytes", code=ReasonCode.BAD_RESPONSE)
    try:
        return reply.body.decode()
    except UnicodeDecodeError as error:
        raise ConnectorError(f"HTTP {reply.status} with what is not text", code=ReasonCode.BAD_RESPONSE) from error


def _size(text: str) -> int:
    digits = text.removesuffix("\n")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19 or str(int(digits)) != digits or digits == text:
        raise ConnectorError("HTTP 409 without a size", code=ReasonCode.BAD_RESPONSE)
    return int(digits)


def _first(text: str) -> str:
    return text.partition("\n")[0][:200]
