"""One call of a Function: who calls, what is answered, and the order in which a plain Function checks things."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from ..accounts import Accounts, TokenRefused
from ..clock import PracticeClock
from ..keys import Keys
from ..plain import Plain, Timestamp
from ..refusals import Refused
from ..wire import Reply, Request
from . import schema
from .documents import BadPath, Documents
from .limits import Limit, admit

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
ORIGINS = ("http://localhost:5173", "http://127.0.0.1:5173")


@dataclass(slots=True)
class Call:
    """`uid` and `claims` are set once the caller is known. `path` is what follows the Function's name."""

    request: Request
    path: str
    documents: Documents
    accounts: Accounts
    clock: PracticeClock
    keys: Keys
    body: Any = None
    uid: str | None = None
    claims: dict[str, Any] = field(default_factory=dict)

    @property
    def staff(self) -> bool:
        return is_staff(self.claims)

    def sign_in(self) -> str | None:
        """Verifies the ID token; the message of the refusal, or None."""
        token = self.request.bearer()
        if token is None:
            return "Missing Authorization header"
        try:
            self.claims = self.accounts.verify(token)
        except TokenRefused:
            return "Invalid Authorization token"
        self.uid = self.claims["sub"]
        return None

    def ip_hash(self) -> str:
        ip = self.request.headers.get("x-forwarded-for", "").split(",")[0].strip() or self.request.client
        return hashlib.sha256(ip.encode()).hexdigest()[:16]

    def request_id(self) -> str:
        given = self.request.headers.get("x-request-id", "").strip()
        return given[:128] or f"req_{secrets.token_urlsafe(12)}"


def is_staff(claims: dict[str, Any]) -> bool:
    """A boolean `staff` claim decides; without one, `staff` among `roles` does. `admin` alone is not staff."""
    explicit = claims.get("staff")
    if isinstance(explicit, bool):
        return explicit
    roles = claims.get("roles")
    return isinstance(roles, list) and "staff" in roles


# --- answers ---------------------------------------------------------------------------------------------------------


def answer(body: Plain, status: int = 200, **headers: str) -> Reply:
    """JSON with timestamps as the Admin SDK prints them."""
    # without the option orjson prints a Timestamp, a dataclass, in a form of its own
    shown = orjson.dumps(body, default=_encode, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    return Reply(status, shown, JSON, dict(headers))


def _encode(value: Any) -> Any:
    if isinstance(value, Timestamp):
        return value.to_json()
    raise TypeError(f"a {type(value).__name__} has no form in an answer")


def ok(**members: Any) -> Reply:
    return answer({"ok": True, **members})


def fail(status: int, message: str, **members: Any) -> Reply:
    return answer({"ok": False, "message": message, **members}, status)


def too_many(retry_ms: int) -> Reply:
    reply = fail(429, "Too many requests")
    reply.headers["Retry-After"] = str(-(-retry_ms // 1000))
    return reply


# --- plain Functions -------------------------------------------------------------------------------------------------

Handler = Callable[[Call, Any], Reply]


@dataclass(frozen=True, slots=True)
class Function:
    """A plain Function: method, sign-in, staff, body, rate limit, in this order; then `handler`.

    `denied` is what a caller who is not staff is told; None lets everybody signed in through.
    """

    handler: Handler
    shape: schema.Shape | None = None
    denied: str | None = None
    limit: Limit | None = None
    method: str = "POST"
    wrong_method: str = "Use POST"
    public: bool = False

    def run(self, call: Call) -> Reply:
        if call.request.method != self.method:
            return fail(405, self.wrong_method)
        if not self.public:
            refused = call.sign_in()
            if refused is not None:
                return fail(401, refused)
            if self.denied is not None and not call.staff:
                return fail(403, self.denied)
        data: Any = None
        if self.shape is not None:
            try:
                data = schema.parse(self.shape, call.body)
            except schema.Misfit as misfit:
                return fail(400, str(misfit))
        if self.limit is not None:
            retry_ms = admit(call.documents, self.limit, call.uid, call.ip_hash())
            if retry_ms is not None:
                return too_many(retry_ms)
        return self.handler(call, data)


def body_of(request: Request) -> Any:
    """The parsed body; None when it is not sent as JSON, as with the framework's body parser."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        return None
    return request.json()


def cors(call: Call, reply: Reply) -> Reply:
    origin = call.request.headers.get("origin", "")
    reply.headers |= {
        "Access-Control-Allow-Origin": origin or "*",
        "Vary": "Origin",
        "Access-Control-Allow-Methods": "GET,POST,PUT,PATCH,DELETE,OPTIONS,HEAD",
        "Access-Control-Allow-Headers": "Content-Type, Authorization, x-admin-token, x-request-id, idempotency-key",
        "Access-Control-Max-Age": "3600",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
    }
    return reply


def guarded(call: Call, run: Callable[[Call], Reply]) -> Reply:
    """Origin and preflight before the Function, and what the framework answers to a body that is no JSON."""
    origin = call.request.headers.get("origin", "")
    if origin and origin not in ORIGINS:
        return fail(403, "Origin not allowed")
    if call.request.method == "OPTIONS":
        return cors(call, Reply(204, b"", "text/plain"))
    try:
        call.body = body_of(call.request)  # the framework reads it before any Function does
        reply = run(call)
    except BadPath:
        return Reply(500, b"Internal Server Error", "text/plain; charset=utf-8")
    except Refused:
        page = b"<!DOCTYPE html>\n<html><head><title>Error</title></head><body><pre>SyntaxError</pre></body></html>\n"
        return Reply(400, page, HTML)
    reply.written, reply.uid = tuple(call.documents.written), call.uid
    return cors(call, reply)
