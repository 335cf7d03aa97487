"""The scheduler of the one engine of a home: runs each studio's jobs when they are due, one after the other.

It keeps when a job ran in the views and nothing else: what came of it is the receipt of its capability. A job that is
cut off by the end of the engine counts as not run, and is due again at the next start.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, select

from .brain import Brain
from .evidence.log import find_log
from .evidence.tables import entry, place
from .gateway.jobs import due
from .gateway.perform import Performed, Session
from .gateway.recovery import engine_actor
from .gateway.registry import Job
from .kernel.errors import StudioBrainError
from .store.schedule import JobState, put_state, states

Emit = Callable[[str, dict[str, Any]], None]


class Scheduler:
    """`turn` looks once; the engine calls it again and again."""

    def __init__(self, brain: Brain, emit: Emit) -> None:
        self._brain = brain
        self._emit = emit

    async def turn(self) -> int:
        """Runs every job that is due now. Returns how many."""
        ran = 0
        for tenant in self._brain.settings.tenant:
            for job in self._brain.registry.jobs.values():
                moment = await asyncio.to_thread(self._due, job, tenant.id, tenant.time_zone)
                if moment is not None:
                    await self._run(job, tenant.id, moment)
                    ran += 1
        return ran

    def _due(self, job: Job, tenant: str, time_zone: str) -> int | None:
        known = self._brain.databases.views.reading(lambda conn: states(conn, tenant)).get(job.id)
        born = self._brain.databases.brain.reading(lambda conn: _born_at_ms(conn, tenant))
        ran = None if known is None else known.ran_at_ms
        return due(job, self._brain.clock.now_ms(), time_zone, ran, born)

    async def _run(self, job: Job, tenant: str, moment: int) -> None:
        brain, began = self._brain, self._brain.clock.now_ms()
        self._emit("jobs", {"tenant": tenant, "job": job.id, "state": "running"})
        try:
            done = await brain.perform(
                job.capability,
                job.payload,
                Session(engine_actor(tenant), tenant),
                rationale=f"the job {job.id}, due unattended",
                key=f"job:{tenant}:{job.id}:{moment}",
            )
        except StudioBrainError as error:
            done = Performed("failed", "", "", code=error.code, detail=error.detail)
        state = JobState(
            tenant=tenant,
            job=job.id,
            due_at_ms=moment,
            ran_at_ms=began,
            finished_at_ms=brain.clock.now_ms(),
            outcome=done.outcome,
            code=None if done.code is None else done.code.value,
            detail=done.detail[:300],
            receipt=done.receipts[-1].seq if done.receipts else None,
        )
        await asyncio.to_thread(brain.databases.views.writing, lambda conn: put_state(conn, state))
        brain.log.info("job", tenant=tenant, job=job.id, outcome=done.outcome, reason=state.code or "")
        self._emit("jobs", {"tenant": tenant, "job": job.id, "state": "done", "outcome": done.outcome})


def _born_at_ms(conn: Connection, tenant: str) -> int | None:
    """When the first entry of a studio was sealed; None while there is none."""
    log = find_log(conn, tenant)
    if log is None:
        return None
    return conn.execute(
        select(entry.c.at_ms).where(entry.c.place >= place(log.log_id, 0)).order_by(entry.c.place).limit(1)
    ).scalar()
