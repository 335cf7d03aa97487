"""The whole of a studio's cloud as one reader: documents at one moment, Functions within the same run.

Function reads have no read time of their own. One that began or ended more than a minute away from the documents'
moment makes the read partial.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from ..kernel.ports import CollectionRead, FunctionRead, ReadReport, Sink, SourceReport
from ..kernel.reasons import ReasonCode
from .firestore.connector import FirestoreConnector
from .functions.connector import FunctionsConnector

APART_MS: Final = 60_000


class StudioCloud:
    """`kernel.ports.StudioReader` over the two connectors."""

    def __init__(self, firestore: FirestoreConnector, functions: FunctionsConnector) -> None:
        self._firestore = firestore
        self._functions = functions

    async def read_status(
        self, collections: Sequence[CollectionRead], functions: Sequence[FunctionRead], sink: Sink, deadline_s: float
    ) -> ReadReport:
        (read_time, documents), calls = await asyncio.gather(
            self._firestore.read_collections(collections, sink, deadline_s),
            self._functions.read_functions(functions, sink, deadline_s),
        )
        moment_ms = int(datetime.fromisoformat(read_time).timestamp() * 1000)
        return ReadReport(read_time, (*documents, *(_within(call, moment_ms) for call in calls)))


def _within(source: SourceReport, moment_ms: int) -> SourceReport:
    ended_ms = source.started_at_ms + source.duration_ms
    away_ms = max(abs(source.started_at_ms - moment_ms), abs(ended_ms - moment_ms))
    if source.code is not None or away_ms <= APART_MS:
        return source
    detail = f"read {away_ms // 1000} s away from the documents"
    return replace(source, code=ReasonCode.PARTIAL_READ, detail=detail)
