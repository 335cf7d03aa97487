"""The server's application: which part of the cloud a request is for, what faults do to it, and the log of it all."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from . import broken, identity, routes
from .access import Access, Unrestricted
from .accounts import TokenRefused
from .clock import SECOND, http_date
from .control import PREFIX, Control
from .faults import Fault, Faults
from .firestore import Firestore
from .functions.registry import Functions
from .identity import Identity
from .refusals import Refused
from .requests_log import Entry, RequestsLog
from .rules import RuledAccess
from .studio import Studio
from .transport import Connections
from .wire import MAX_BODY_BYTES, Reply, Request, refusal, reply

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class App:
    """An ASGI application for both ports; the port that a connection came to decides what it may do."""

    def __init__(self, studio: Studio, connections: Connections, iam_port: int, iam_bearer: str, token: str) -> None:
        self._studio = studio
        self._connections = connections
        self._iam_port = iam_port
        self._iam_bearer = iam_bearer
        self.faults = Faults()
        self.log = RequestsLog()
        self._control = Control(studio, self.faults, self.log, token)
        self._firestore = Firestore(studio.store, studio.root, studio.indexes)
        self._functions = Functions(studio.root.project, studio.store, studio.accounts, studio.keys)
        self._identity = Identity(studio.accounts, studio.clock, studio.keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request = Request(
            method=scope["method"],
            path=scope["raw_path"].decode("latin-1"),
            query=scope["query_string"].decode("latin-1"),
            headers=headers,
            client=scope["client"][0] if scope.get("client") else "127.0.0.1",
        )
        iam = scope["server"][1] == self._iam_port
        if _host(headers.get("host", "")) not in LOOPBACK:
            await _read(receive)
            await self._send(reply({"error": "only for this machine"}, 403), send, [])
            return
        if not iam and (request.path == PREFIX or request.path.startswith(f"{PREFIX}/")):
            request.body, _ = await _read(receive)
            await self._send(await self._control.answer(request), send, [])
            return
        await self._serve(request, iam, scope, receive, send)

    async def _serve(self, request: Request, iam: bool, scope: Scope, receive: Receive, send: Send) -> None:
        target, operation, run = self._dispatch(request, iam)
        port = "iam" if iam else "rules"
        entry = self.log.open(self._studio.clock.now_us(), port, request.method, request.path, operation)
        entry.requestId = request.headers.get("x-request-id", "").strip()[:128] or None
        entry.correlationId = request.headers.get("x-correlation-id", "").strip()[:128] or None
        outcome = "broken off"
        status: int | None = None
        try:
            hits = self.faults.hit(target, request.path) if target != "none" else []
            entry.faults = [fault.kind for fault in hits]  # before the first await: whoever sees the entry sees these
            request.body, whole = await _read(receive)
            if not whole:
                return  # the caller went away in the middle of what it asked: nothing was asked
            self.log.receive(entry)
            entry.idempotencyKey = _idempotency_key(request, target)
            outcome = await self._before(hits, scope, receive)
            if outcome != "answered":
                return
            answer = self._answer(hits, request, target, operation, run, entry)
            if any(fault.kind == "apply-then-lose" for fault in hits):
                outcome = "answer lost"
                self._connections.close(scope)
                return
            status = answer.status
            outcome = await self._out(answer, hits, scope, send)
        finally:
            self.log.close(entry, status, outcome)

    def _dispatch(self, request: Request, iam: bool) -> tuple[str, str, Callable[[], Reply]]:
        """(target of faults, name for the log, what answers)."""
        found = routes.route(request.method, request.path)
        if found is not None:
            return "firestore", f"firestore:{found.method}", lambda: self._documents(found, request, iam)
        if not iam:
            function = self._functions.operation(request.path)
            if function is not None:
                return "functions", f"functions:{function}", lambda: self._functions.answer(request)
            auth = identity.operation(request.method, request.path)
            if auth is not None:
                return "auth", f"auth:{auth}", lambda: self._identity.answer(auth, request)
        return "none", f"unknown:{request.method}", lambda: refusal(Refused("NOT_FOUND", "Not Found"))

    def _documents(self, found: routes.Route, request: Request, iam: bool) -> Reply:
        streamed = found.method in routes.STREAMS
        access: Access
        bearer = request.bearer()
        if iam:
            if not hmac.compare_digest((bearer or "").encode(), self._iam_bearer.encode()):
                return _unauthenticated("Request had invalid authentication credentials.", streamed)
            access = Unrestricted()
        else:
            claims = None
            if request.headers.get("authorization"):
                try:
                    claims = self._studio.accounts.verify(bearer or "")
                except TokenRefused:
                    return _unauthenticated("Missing or invalid authentication.", streamed)
            access = RuledAccess(self._studio.rules, self._studio.store, claims)
        answer = self._firestore.answer(found, request, access)
        answer.uid = access.owner
        return answer

    # --- on the way in ---

    async def _before(self, hits: list[Fault], scope: Scope, receive: Receive) -> str:
        """`answered` when the request goes on, else what became of it."""
        for fault in hits:
            if fault.kind == "latency":
                await asyncio.sleep(fault.parameters["ms"] / 1000)
            elif fault.kind == "hang":
                await _hang(fault, receive)
                self._connections.close(scope)
                return "hung"
            elif fault.kind == "lose-before":
                self._connections.close(scope)
                return "lost before"
            elif fault.kind == "reset":
                self._connections.reset(scope)
                return "reset"
        return "answered"

    def _answer(
        self,
        hits: list[Fault],
        request: Request,
        target: str,
        operation: str,
        run: Callable[[], Reply],
        entry: Entry,
    ) -> Reply:
        streamed = operation.partition(":")[2] in routes.STREAMS
        for fault in hits:
            stand_in = broken.instead(fault, target, operation, streamed, self._studio.clock.now_us())
            if stand_in is not None:
                return stand_in
        answer = run()
        entry.uid = answer.uid
        entry.requestId = entry.requestId or answer.headers.get("x-request-id")
        entry.wrote(answer.written)
        for fault in hits:
            answer = broken.mangled(fault, answer)
        return answer

    # --- on the way out ---

    async def _out(self, answer: Reply, hits: list[Fault], scope: Scope, send: Send) -> str:
        cut = next((fault for fault in hits if fault.kind == "cut"), None)
        slow = next((fault for fault in hits if fault.kind == "drip"), None)
        if cut is None and slow is None:
            await self._send(answer, send, hits)
            return "answered"
        await self._start(answer, send, hits)
        if cut is not None:
            half = answer.body[: len(answer.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            self._connections.close(scope)
            return "cut"
        if slow is not None:
            await broken.drip(answer.body, slow, send, lambda: self._connections.listens(scope))
        return "answered"

    async def _send(self, answer: Reply, send: Send, hits: list[Fault]) -> None:
        await self._start(answer, send, hits)
        await send({"type": "http.response.body", "body": answer.body})

    async def _start(self, answer: Reply, send: Send, hits: list[Fault]) -> None:
        skew = sum(fault.parameters["seconds"] for fault in hits if fault.kind == "clock-skew")
        date = http_date(self._studio.clock.now_us() + skew * SECOND)
        headers = {
            "date": date,
            "content-type": answer.content_type,
            "content-length": str(len(answer.body)),
            "cache-control": "private",
            **{name.lower(): value for name, value in answer.headers.items()},
        }
        encoded = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": encoded})


def _unauthenticated(message: str, streamed: bool) -> Reply:
    return refusal(Refused("UNAUTHENTICATED", message), streamed=streamed)


def _host(header: str) -> str:
    name, colon, port = header.rpartition(":")
    return name if colon and port.isdecimal() else header


async def _read(receive: Receive) -> tuple[bytes, bool]:
    """The body, or as much of it as shows that it is too large; and whether the caller stayed until its end."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts), False
        size += len(message.get("body", b""))
        if size <= MAX_BODY_BYTES + 1024 * 1024:
            parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts), True


async def _hang(fault: Fault, receive: Receive) -> None:
    """Until the fault is cleared or the client has gone."""

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    waits = {asyncio.ensure_future(gone()), asyncio.ensure_future(fault.cleared.wait())}
    _, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for one in pending:
        one.cancel()


def _idempotency_key(request: Request, target: str) -> str | None:
    for name in ("x-idempotency-key", "idempotency-key"):
        if request.headers.get(name):
            return request.headers[name][:120]
    if target == "functions" and request.body[:1] == b"{":
        try:
            body = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            return None
        key = body.get("idempotencyKey") or body.get("clientRequestId")
        return key[:120] if isinstance(key, str) else None
    return None
