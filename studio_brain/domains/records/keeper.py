"""The keeper: carries out what destroys records, as a connector whose other side is this home itself.

What cannot be undone goes the way of every outside write: it is predicted item by item, approved by a person who did
not ask for it, claimed once behind a sealed start, carried out, and read back. An *operation* of the keeper is one
such act; each topic that destroys brings its own.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Protocol

from ...gateway.decide import Refusal
from ...kernel.errors import StudioBrainError
from ...kernel.ports import Health, HealthState, Outcome, OutcomeKind, Preview, ReadBack, WriteCall
from .office import Office

ID: Final = "records"


class Operation(Protocol):
    """One thing the keeper can do. All of it runs on threads; a Refusal says why it must not be."""

    def preview(self, office: Office, tenant: str, input: Mapping[str, Any]) -> Preview: ...

    def execute(self, office: Office, tenant: str, call: WriteCall) -> dict[str, Any]:
        """Does it in units of work; what it answers is the output."""
        ...

    def read_back(self, office: Office, tenant: str, call: WriteCall) -> ReadBack: ...


class Keeper:
    """`kernel.ports.Connector` for the records of one tenant."""

    id = ID

    def __init__(self, office: Office, tenant: str, operations: Mapping[str, Operation]) -> None:
        self._office = office
        self._tenant = tenant
        self._operations = operations

    async def health(self, deadline_s: float) -> Health:
        return Health(self.id, HealthState.OK, self._office.clock.now_ms())

    async def preview(self, operation: str, input: dict[str, Any], deadline_s: float) -> Preview:
        work = self._operations[operation]
        try:
            return await asyncio.to_thread(work.preview, self._office, self._tenant, input)
        except Refusal as refusal:
            return Preview((), (), refusal=refusal.code, detail=refusal.detail)

    async def execute(self, call: WriteCall) -> Outcome:
        code = call.permit()
        if code is not None:
            return Outcome(OutcomeKind.FAILED, call.request_id, code, "stopped before anything was touched")
        work = self._operations[call.operation]
        try:
            output = await asyncio.to_thread(work.execute, self._office, self._tenant, call)
        except Refusal as refusal:
            return Outcome(OutcomeKind.REFUSED, call.request_id, refusal.code, refusal.detail)
        except StudioBrainError as error:
            return Outcome(OutcomeKind.UNKNOWN, call.request_id, error.code, error.detail[:300])
        return Outcome(OutcomeKind.OK, call.request_id, output=output)

    async def read_back(self, call: WriteCall) -> ReadBack:
        return await asyncio.to_thread(self._operations[call.operation].read_back, self._office, self._tenant, call)
