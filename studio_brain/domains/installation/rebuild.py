"""Deriving everything again: the views from the logs, and the gateway's rows inside one unit of work."""

import asyncio

from ...gateway import rows
from ...gateway.perform import Answer, Gateway, Performed
from ...gateway.receipts import decided_by, request_event
from ...gateway.registry import Done, Request
from ...gateway.tables import ROWS
from ...kernel.policy import Decision
from ...kernel.reasons import ReasonCode
from ...store.projections import Projections
from ...store.rows import state_sha256
from ...store.sequencer import Unit

REBUILT = "system.rebuilt"


class Rebuild:
    """The procedure behind `system.rebuild`: every row that can be derived is derived again from the logs."""

    def __init__(self, gateway: Gateway, projections: Projections) -> None:
        self._gateway = gateway
        self._projections = projections

    async def __call__(self, request: Request) -> Performed:
        refusal = await self._gateway.foresee(request)
        if refusal is not None:
            return await self._gateway.deny(request, refusal)
        await asyncio.to_thread(self._projections.rebuild)
        views = await asyncio.to_thread(self._projections.state_sha256)

        def work(unit: Unit) -> Answer:
            return self._gateway.judged(unit, request, lambda decision: _rebuilt(unit, request, decision, views))

        return await self._gateway.commit(request, work)


def _rebuilt(unit: Unit, request: Request, decision: Decision, views: dict[str, str]) -> Done:
    """The gateway's rows are rebuilt inside the unit: no decision can slip in between."""
    before = state_sha256(unit.conn, ROWS)
    rows.rebuild(unit.conn)
    after = state_sha256(unit.conn, ROWS)
    unit.append(
        request_event(
            REBUILT,
            "system:rebuild",
            request,
            state="done",
            code=None if before == after else ReasonCode.STORAGE_DAMAGED,
            rowsBefore=before,
            rowsAfter=after,
            views=views,
            **decided_by(decision),
        )
    )
    return Done("rebuilt", None, {"rows": after, "rowsDiffered": before != after, "views": views})
