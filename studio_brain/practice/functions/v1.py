"""The envelope of the v1 routes, and who may call one."""

from typing import Any

from ..plain import Plain
from ..wire import Reply
from . import schema
from .audit import audit_event
from .call import Call, answer
from .callers import Caller


class Problem(Exception):
    """An error answer: `{ok: false, requestId, code, message, details}`."""

    def __init__(self, status: int, code: str, message: str, details: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details


def success(request_id: str, data: Plain) -> Reply:
    return answer({"ok": True, "requestId": request_id, "data": data}, **{"x-request-id": request_id})


def failure(request_id: str, problem: Problem) -> Reply:
    body = {
        "ok": False,
        "requestId": request_id,
        "code": problem.code,
        "message": problem.message,
        "details": problem.details,
    }
    return answer(body, problem.status, **{"x-request-id": request_id})


def bad(message: str) -> Problem:
    return Problem(400, "INVALID_ARGUMENT", message)


def missing(message: str) -> Problem:
    return Problem(404, "NOT_FOUND", message)


def conflict(message: str) -> Problem:
    return Problem(409, "CONFLICT", message)


def forbidden(message: str = "Forbidden") -> Problem:
    return Problem(403, "FORBIDDEN", message)


class Visit:
    """One call of a v1 route by a known caller."""

    def __init__(self, call: Call, caller: Caller, route: str, request_id: str) -> None:
        self.call = call
        self.documents = call.documents
        self.caller = caller
        self.route = route
        self.request_id = request_id

    @property
    def uid(self) -> str:
        return self.caller.uid

    @property
    def staff(self) -> bool:
        return self.caller.mode == "firebase" and self.call.staff

    @property
    def role(self) -> str:
        return "staff" if self.staff else "client"

    def body(self, shape: schema.Shape) -> Any:
        try:
            return schema.parse(shape, self.call.body)
        except schema.Misfit as misfit:
            raise bad(str(misfit)) from misfit

    def need_scope(self, scope: str) -> None:
        if (message := self.caller.lacks(scope)) is not None:
            raise forbidden(message)

    def need_staff(self, action: str, resource_id: str) -> None:
        """For routes of staff's own; a refusal leaves a row in `auditEvents`."""
        if not self.staff:
            self.deny(f"{action}_admin_auth", resource_id, None, "FORBIDDEN")
            raise forbidden()

    def need_owner(self, action: str, owner: str, resource_id: str, scope: str) -> None:
        """Staff, or the owner with the scope."""
        if self.staff:
            return
        if self.uid != owner:
            self.deny(f"{action}_authz", resource_id, owner, "OWNER_MISMATCH")
            raise Problem(403, "OWNER_MISMATCH", "Owner mismatch.")
        if self.caller.lacks(scope):
            self.deny(f"{action}_authz", resource_id, owner, "MISSING_SCOPE")
            raise Problem(403, "MISSING_SCOPE", f"Missing scope: {scope}")

    def deny(self, action: str, resource_id: str, owner: str | None, reason: str) -> None:
        audit_event(
            self.call,
            self.request_id,
            action,
            "reservation" if action.startswith("reservations") else "agent_request",
            "deny",
            resource_id=resource_id,
            owner=owner,
            reason=reason,
            caller=self.caller,
        )
