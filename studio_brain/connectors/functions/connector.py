"""The functions connector: reading Functions for the StudioState, and the registered operations.

An operation's outcome is *refused* when the cloud said no, *failed* when nothing was sent, and *unknown* whenever the
request may have been taken: an answer that was lost, cut, not understood, or a server error. It is sent once.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence

from ...kernel.canonical import canonical
from ...kernel.clock import Clock
from ...kernel.ports import (
    ConnectorError,
    FunctionRead,
    Health,
    Json,
    Outcome,
    OutcomeKind,
    Preview,
    ReadBack,
    Sink,
    SourceReport,
    WriteCall,
)
from ...kernel.reasons import ReasonCode
from ..health import health_of
from ..transport import MAX_SKEW_MS, Reply, Transport, TransportError
from . import wire
from .client import FunctionsClient
from .operations import OPERATIONS, Operation, ReadsDocuments
from .wire import FunctionRefused

PROBE = FunctionRead("apiV1/v1/firings.listUpcoming", {"limit": 1}, ("data", "firings"), 1)

_NOT_TAKEN = frozenset({400, 401, 402, 403, 404, 405, 409, 410, 412, 413, 415, 429})
"""Answers that say by their status that nothing was done."""


class _NotPermitted(Exception):
    def __init__(self, code: ReasonCode) -> None:
        super().__init__(code.value)
        self.code = code


class FunctionsConnector:
    """`kernel.ports.Connector` for the operations above, and the Functions half of `StudioReader`."""

    id = "functions"

    def __init__(
        self,
        client: FunctionsClient,
        documents: ReadsDocuments,
        transport: Transport,
        reader: str,
        clock: Clock,
        operations: Mapping[str, Operation] = OPERATIONS,
    ) -> None:
        """`reader` is the account whose token reads; operations go out as the person who carries them out."""
        self._client = client
        self._documents = documents
        self._transport = transport
        self._reader = reader
        self._clock = clock
        self._operations = operations
        self.operations = frozenset(operations)

    async def health(self, deadline_s: float) -> Health:
        return await health_of(
            self.id,
            lambda: self._client.read(PROBE.name, PROBE.body, self._reader, deadline_s),
            self._clock,
            lambda: self._transport.skew_of(self._client.address),
        )

    async def read_functions(
        self, functions: Sequence[FunctionRead], sink: Sink, deadline_s: float
    ) -> tuple[SourceReport, ...]:
        return tuple(await asyncio.gather(*(self._read(what, sink, deadline_s) for what in functions)))

    async def _read(self, what: FunctionRead, sink: Sink, deadline_s: float) -> SourceReport:
        started_ms, began = self._clock.now_ms(), self._clock.monotonic()
        rows: list[Json] = []
        code: ReasonCode | None = None
        detail = ""
        try:
            rows = wire.rows_of(await self._client.read(what.name, what.body, self._reader, deadline_s), what.rows)
            sink.rows(what.name, rows, maybe_cut=len(rows) >= what.limit)
        except ConnectorError as error:
            code, detail = error.code, error.detail
        digest = hashlib.sha256(b"\n".join(sorted(canonical(row) for row in rows))).digest()
        duration_ms = int((self._clock.monotonic() - began) * 1000)
        return SourceReport(what.name, len(rows), None, digest, started_ms, duration_ms, code, detail)

    async def preview(self, operation: str, input: Json, deadline_s: float) -> Preview:
        return await self._named(operation).preview(self._documents, input, deadline_s)

    async def execute(self, call: WriteCall) -> Outcome:
        operation = self._operations.get(call.operation)
        if operation is None:
            return Outcome(OutcomeKind.FAILED, call.request_id, ReasonCode.READ_ONLY_VIOLATION, call.operation)
        blocked = call.permit()
        if blocked is not None:  # before a token is fetched, and once more before the call itself
            return Outcome(OutcomeKind.FAILED, call.request_id, blocked, "stopped before it was sent")
        skew_ms = self._transport.skew_of(self._client.address)
        if skew_ms is not None and abs(skew_ms) > MAX_SKEW_MS:
            return Outcome(OutcomeKind.FAILED, call.request_id, ReasonCode.CLOCK_SKEW, f"{skew_ms // 1000} s")

        def permitted() -> None:
            code = call.permit()
            if code is not None:
                raise _NotPermitted(code)

        try:
            reply = await self._client.send(
                operation.function,
                operation.body(call),
                call.actor,
                call.deadline_s,
                headers={
                    "x-request-id": call.request_id,
                    "x-correlation-id": call.correlation_id,
                    "x-idempotency-key": call.key,
                },
                before=permitted,
            )
        except _NotPermitted as stop:
            return Outcome(OutcomeKind.FAILED, call.request_id, stop.code, "stopped before it was sent")
        except TransportError as error:
            kind = OutcomeKind.UNKNOWN if error.sent else OutcomeKind.FAILED
            code = ReasonCode.UNKNOWN_OUTCOME if error.sent else error.code
            return Outcome(kind, call.request_id, code, error.detail)
        except ConnectorError as error:  # no token could be had
            return Outcome(OutcomeKind.FAILED, call.request_id, error.code, error.detail)
        return _outcome(operation, call, reply)

    async def read_back(self, call: WriteCall) -> ReadBack:
        return await self._named(call.operation).read_back(self._documents, call)

    def _named(self, operation: str) -> Operation:
        found = self._operations.get(operation)
        if found is None:
            raise ConnectorError(operation, code=ReasonCode.READ_ONLY_VIOLATION)
        return found


def _outcome(operation: Operation, call: WriteCall, reply: Reply) -> Outcome:
    request_id = wire.request_id_of(reply) or call.request_id
    try:
        replayed, output = operation.output(wire.answer(reply))
        return Outcome(OutcomeKind.OK, request_id, replayed=replayed, output=output)
    except FunctionRefused as error:
        if error.status in _NOT_TAKEN:
            return Outcome(OutcomeKind.REFUSED, request_id, error.code, error.detail)
        return Outcome(OutcomeKind.UNKNOWN, request_id, ReasonCode.UNKNOWN_OUTCOME, error.detail)
    except ConnectorError as error:
        if reply.status in _NOT_TAKEN:
            return Outcome(OutcomeKind.FAILED, request_id, error.code, error.detail)
        return Outcome(OutcomeKind.UNKNOWN, request_id, ReasonCode.UNKNOWN_OUTCOME, error.detail)
