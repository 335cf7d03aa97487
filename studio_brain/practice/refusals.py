"""How the cloud says no: a status, the HTTP code that goes with it, a message (google.rpc.Code, AIP-193)."""

from typing import Any

HTTP_CODES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}

RPC_CODES = {
    "CANCELLED": 1,
    "UNKNOWN": 2,
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "ABORTED": 10,
    "OUT_OF_RANGE": 11,
    "UNIMPLEMENTED": 12,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "UNAUTHENTICATED": 16,
}


class Refused(Exception):
    """A request that the cloud turns down. `details` are `google.rpc` messages in JSON form."""

    def __init__(self, status: str, message: str, details: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = details or []

    @property
    def http_code(self) -> int:
        return HTTP_CODES[self.status]

    def body(self) -> dict[str, Any]:
        """`{"error": {code, message, status, details?}}`."""
        error: dict[str, Any] = {"code": self.http_code, "message": self.message, "status": self.status}
        if self.details:
            error["details"] = self.details
        return {"error": error}

    def rpc_status(self) -> dict[str, Any]:
        """`google.rpc.Status`, as batchWrite gives one for each write."""
        return {"code": RPC_CODES[self.status], "message": self.message}


def invalid(message: str, field: str | None = None) -> Refused:
    """INVALID_ARGUMENT; with `field` the answer names it in a BadRequest detail."""
    if field is None:
        return Refused("INVALID_ARGUMENT", message)
    violation = {"description": message} if not field else {"field": field, "description": message}
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
    return Refused("INVALID_ARGUMENT", message, [detail])


def denied() -> Refused:
    """What security rules answer, whichever rule it was."""
    return Refused("PERMISSION_DENIED", "Missing or insufficient permissions.")


def precondition(message: str) -> Refused:
    return Refused("FAILED_PRECONDITION", message)
