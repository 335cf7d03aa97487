"""Taking a snapshot: read the cloud at one moment, count, and seal the observation whole.

A complete read becomes an observation with its receipt; the day's snapshot is its last one. A failed or partial read
stores no state: only that it failed, and why, is sealed. Runs of one studio never overlap.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from whenever import Instant

from ...gateway.perform import Answer, Gateway, Performed
from ...gateway.receipts import decided_by, request_event
from ...gateway.registry import Done, Request
from ...kernel.hashing import to_text
from ...kernel.policy import Decision
from ...kernel.ports import ConnectorError, ReadReport, StudioReader
from ...kernel.reasons import ReasonCode
from ...store.sequencer import Unit
from .facts import OBSERVATION_FAILED, OBSERVED
from .reads import COLLECTIONS, FUNCTIONS
from .state import StudioState, Tally, compute, read_time_ms

STREAM = "studio:state"


def studio_day(ms: int, time_zone: str) -> str:
    """The calendar day (YYYY-MM-DD) of a moment in the studio's time zone."""
    return Instant.from_timestamp(ms, unit="millisecond").to_tz(time_zone).date().format_iso()


class Snapshot:
    """The procedure behind `studio.snapshot`. Readers and time zones are by tenant."""

    def __init__(
        self,
        gateway: Gateway,
        readers: Mapping[str, StudioReader],
        time_zones: Mapping[str, str],
        deadline_s: float,
    ) -> None:
        self._gateway = gateway
        self._readers = readers
        self._time_zones = time_zones
        self._deadline_s = deadline_s
        self._running: dict[str, asyncio.Lock] = {}

    async def __call__(self, request: Request) -> Performed:
        refusal = await self._gateway.foresee(request)
        if refusal is not None:
            return await self._gateway.deny(request, refusal)
        async with self._running.setdefault(request.tenant, asyncio.Lock()):
            return await self._observe(request)

    async def _observe(self, request: Request) -> Performed:
        state, faults = await self._read(request.tenant)

        def act(unit: Unit, decision: Decision) -> Done:
            if state is None:
                return _failed(unit, request, decision, faults)
            return _observed(unit, request, decision, state)

        def work(unit: Unit) -> Answer:
            return self._gateway.judged(unit, request, lambda decision: act(unit, decision))

        return await self._gateway.commit(request, work)

    async def _read(self, tenant: str) -> tuple[StudioState | None, list[dict[str, Any]]]:
        """The state, or the faults that kept it from being made."""
        reader = self._readers.get(tenant)
        if reader is None:
            return None, [_fault("cloud", ReasonCode.NOT_CONFIGURED, "this studio has no cloud settings")]
        tally = Tally()
        try:
            report = await reader.read_status(COLLECTIONS, FUNCTIONS, tally, self._deadline_s)
        except ConnectorError as error:
            return None, [_fault("cloud", error.code, error.detail)]
        if not report.complete:
            return None, _faults(report)
        day = studio_day(read_time_ms(report.read_time or ""), self._time_zones[tenant])
        return compute(tally, report, day, self._gateway.clock.now_ms()), []


def _observed(unit: Unit, request: Request, decision: Decision, state: StudioState) -> Done:
    hash_text = to_text(state.state_hash)
    unit.append(
        request_event(
            OBSERVED,
            STREAM,
            request,
            state="done",
            snapshot=state.snapshot,
            diagnostics=state.diagnostics,
            stateHash=hash_text,
            **decided_by(decision),
        )
    )
    data = {"snapshot": state.snapshot, "diagnostics": state.diagnostics, "stateHash": hash_text}
    return Done("observed", None, data)


def _failed(unit: Unit, request: Request, decision: Decision, faults: list[dict[str, Any]]) -> Done:
    code = ReasonCode(faults[0]["code"]) if len(faults) == 1 else ReasonCode.PARTIAL_READ
    unit.append(
        request_event(
            OBSERVATION_FAILED, STREAM, request, state="failed", code=code, faults=faults, **decided_by(decision)
        )
    )
    return Done("failed", None, {"faults": faults, "reasonCode": code.value})


def _faults(report: ReadReport) -> list[dict[str, Any]]:
    return [_fault(source.source, source.code, source.detail) for source in report.sources if source.code is not None]


def _fault(source: str, code: ReasonCode, detail: str) -> dict[str, Any]:
    return {"source": source, "code": code.value, "detail": detail[:300]}
