"""The firestore connector: reading a studio's documents at one moment, with an honest report of each collection.

It carries out no write: what the brain changes in this cloud goes through Functions.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from ...kernel.clock import Clock
from ...kernel.ports import (
    CollectionRead,
    ConnectorError,
    Health,
    Json,
    Outcome,
    OutcomeKind,
    Preview,
    ReadBack,
    Settled,
    Sink,
    SourceReport,
    WriteCall,
)
from ...kernel.reasons import ReasonCode
from ..health import health_of
from ..transport import Transport
from .client import FirestoreClient

CONCURRENT: Final = 4
PROBE: Final = "kilns"
"""A small collection that any signed-in account may read."""


class FirestoreConnector:
    """`kernel.ports.Connector` without operations, and the document half of `StudioReader`."""

    id = "firestore"
    operations: frozenset[str] = frozenset()

    def __init__(self, client: FirestoreClient, transport: Transport, clock: Clock) -> None:
        self._client = client
        self._transport = transport
        self._clock = clock

    async def health(self, deadline_s: float) -> Health:
        return await health_of(
            self.id,
            lambda: self._client.count(PROBE, deadline_s),
            self._clock,
            lambda: self._transport.skew_of(self._client.address),
        )

    async def read_collections(
        self, collections: Sequence[CollectionRead], sink: Sink, deadline_s: float
    ) -> tuple[str, tuple[SourceReport, ...]]:
        """(read time, a report for each collection). Raises ConnectorError when not even the moment can be had."""
        read_time = await self._moment(collections, deadline_s)
        sink.opened(read_time)
        slots = asyncio.Semaphore(CONCURRENT)

        async def one(what: CollectionRead) -> SourceReport:
            async with slots:
                return await self._read(what, read_time, sink, deadline_s)

        return read_time, tuple(await asyncio.gather(*(one(what) for what in collections)))

    async def _moment(self, collections: Sequence[CollectionRead], deadline_s: float) -> str:
        """The cloud's time, from the first collection that this account may count."""
        for what in collections[:-1]:
            try:
                return (await self._client.count(what.collection, deadline_s))[1]
            except ConnectorError as error:
                if error.code is not ReasonCode.FORBIDDEN:
                    raise
        return (await self._client.count(collections[-1].collection, deadline_s))[1]

    async def _read(self, what: CollectionRead, read_time: str, sink: Sink, deadline_s: float) -> SourceReport:
        started_ms, began = self._clock.now_ms(), self._clock.monotonic()
        try:
            expected, _ = await self._client.count(what.collection, deadline_s, read_time)
            rows, digest = await self._client.read(what, read_time, deadline_s, sink)
        except ConnectorError as error:
            return SourceReport(
                what.collection,
                started_at_ms=started_ms,
                duration_ms=self._since(began),
                code=error.code,
                detail=error.detail,
            )
        code = None if rows == expected else ReasonCode.PARTIAL_READ
        detail = "" if code is None else f"{rows} of {expected} documents"
        return SourceReport(what.collection, rows, expected, digest, started_ms, self._since(began), code, detail)

    def _since(self, began: float) -> int:
        return int((self._clock.monotonic() - began) * 1000)

    async def preview(self, operation: str, input: Json, deadline_s: float) -> Preview:
        raise ConnectorError(operation, code=ReasonCode.READ_ONLY_VIOLATION)

    async def execute(self, call: WriteCall) -> Outcome:
        return Outcome(OutcomeKind.FAILED, call.request_id, ReasonCode.READ_ONLY_VIOLATION, call.operation)

    async def read_back(self, call: WriteCall) -> ReadBack:
        return ReadBack(Settled.UNCLEAR, ())
