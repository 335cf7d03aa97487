"""What faults make of answers: replies that stand in for one, and replies that were good once."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import orjson

from .clock import SECOND, http_date
from .faults import Fault
from .refusals import HTTP_CODES, RPC_CODES, Refused
from .wire import Reply, reply

_STATUS_OF = {429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"} | {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
}
_WORDS = {429: "Too many requests", 500: "Internal error", 503: "The service is currently unavailable."}
_PAGE = (
    b"<!DOCTYPE html><html><head><title>Notice</title></head><body><h1>Please sign in to the network</h1></body></html>"
)


def instead(fault: Fault, target: str, operation: str, streamed: bool, now_us: int) -> Reply | None:
    """The reply of a fault that answers by itself; the request is not carried out then."""
    if fault.kind == "html":
        return Reply(fault.parameters["status"], _PAGE, "text/html; charset=utf-8")
    if fault.kind != "status":
        return None
    code, seconds = fault.parameters["status"], fault.parameters["retryAfter"]
    form = fault.parameters["retryAfterForm"] if seconds else "none"
    message = _WORDS.get(code, "The request failed.")
    body = _body(target, operation, code, message, seconds if form == "body" else 0)
    answer = reply([body] if streamed else body, code)
    if form == "seconds":
        answer.headers["Retry-After"] = str(seconds)
    elif form == "date":
        answer.headers["Retry-After"] = http_date(now_us + seconds * SECOND)
    return answer


def _body(target: str, operation: str, code: int, message: str, retry_s: int) -> dict[str, Any]:
    """An error in the form of the part of the cloud that it comes from."""
    if target == "functions":
        if operation.startswith("functions:apiV1"):
            details = {"retryAfterMs": retry_s * 1000} if retry_s else None
            name = {429: "RATE_LIMITED", 503: "UNAVAILABLE"}.get(code, "INTERNAL")
            return {"ok": False, "requestId": "req_fault", "code": name, "message": message, "details": details}
        return {"ok": False, "message": message, **({"retryAfterSec": retry_s} if retry_s else {})}
    if target == "auth":
        shown = "TOO_MANY_ATTEMPTS_TRY_LATER" if code == 429 else message
        return {"error": {"code": code, "message": shown, "errors": [{"message": shown, "domain": "global"}]}}
    error: dict[str, Any] = {"code": code, "message": message, "status": _STATUS_OF.get(code, "UNKNOWN")}
    if retry_s:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{retry_s}s"}]
    return {"error": error}


def mangled(fault: Fault, answer: Reply) -> Reply:
    """A good reply after a fault that changes it."""
    if fault.kind == "malformed":
        answer.body = answer.body[: max(1, len(answer.body) * 2 // 3)]
    elif fault.kind == "content-type":
        answer.content_type = fault.parameters["contentType"]
    elif fault.kind == "oversize":
        answer.body += b" " * max(0, fault.parameters["bytes"] - len(answer.body))
    elif fault.kind == "late-error" and answer.streamed and answer.status == 200:
        status = fault.parameters["status"] if fault.parameters["status"] in HTTP_CODES else "INTERNAL"
        rows = orjson.loads(answer.body)[: fault.parameters["after"]]
        error = Refused(status, f"The stream broke off ({RPC_CODES[status]}).")
        answer.body = orjson.dumps([*rows, error.body()])
    return answer


async def drip(body: bytes, fault: Fault, send: Any, listens: Callable[[], bool]) -> None:
    """The body a few bytes at a time, until nobody listens; all that is left at once when the fault is cleared."""
    size, pause = max(1, fault.parameters["chunk"]), fault.parameters["everyMs"] / 1000
    sent = 0
    while sent < len(body) and listens() and not fault.cleared.is_set():
        await send({"type": "http.response.body", "body": body[sent : sent + size], "more_body": True})
        sent += size
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await fault.cleared.wait()
    await send({"type": "http.response.body", "body": body[sent:]})
