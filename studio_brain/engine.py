"""What runs by itself in the one engine of a home: looking after connectors, settling what was lost, sealing expiry,
jobs, stories.

Each is a small loop that survives whatever its turn raises. A failure is logged once and its end once. When the cloud
is reached again after an absence, the studio's state is read anew.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

from .brain import Brain
from .gateway.expiry import expire_due
from .gateway.perform import Session
from .gateway.recovery import engine_actor
from .gateway.switch_ends import end_due
from .kernel.clock import MINUTE
from .kernel.errors import StudioBrainError
from .kernel.ports import Connector, Health, HealthState
from .scheduler import Scheduler
from .store.ports import Contact
from .store.state import StateTables

FRESH_MS: Final = 10 * MINUTE
RETRIES_S: Final = (1.0, 2.0, 5.0, 10.0)
RECOVERY_EVERY_S: Final = 1.0
EXPIRY_EVERY_S: Final = 10.0
STORIES_EVERY_S: Final = 1.0
METRICS_EVERY_S: Final = 10.0
CONTINUITY_EVERY_S: Final = 5.0
ANCHORS_FIRST_S: Final = 10.0
ANCHORS_EVERY_S: Final = 60.0
JOBS_FIRST_S: Final = 20.0
JOBS_EVERY_S: Final = 20.0

Emit = Callable[[str, dict[str, Any]], None]
"""(topic, data): tells whoever watches that something is new."""


class Engine:
    """The loops of one brain. `emit` is called on the event loop."""

    def __init__(self, brain: Brain, emit: Emit) -> None:
        self._brain = brain
        self._emit = emit
        self._scheduler = Scheduler(brain, emit)
        self._health: dict[tuple[str, str], Health] = {}
        self._failures: dict[tuple[str, str], int] = {}
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        deadline_s = self._brain.settings.engine.health_every_s
        loop = asyncio.get_running_loop()
        self._brain.on_news(lambda topic, data: self._pass_on(loop, topic, data))
        self._tasks = [
            asyncio.create_task(self._contacts_loop(deadline_s)),
            asyncio.create_task(self._every(RECOVERY_EVERY_S, "recovery", self._recover)),
            asyncio.create_task(self._every(EXPIRY_EVERY_S, "expiry", self._expire)),
            asyncio.create_task(self._every(STORIES_EVERY_S, "stories", self._follow)),
            asyncio.create_task(self._every(METRICS_EVERY_S, "metrics", self._flush)),
            asyncio.create_task(self._every(CONTINUITY_EVERY_S, "continuity", self._continue)),
            asyncio.create_task(self._every(ANCHORS_EVERY_S, "anchors", self._anchor, ANCHORS_FIRST_S)),
            asyncio.create_task(self._every(JOBS_EVERY_S, "jobs", self._run_jobs, JOBS_FIRST_S)),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def check_now(self) -> None:
        """Asks for a look at every connector without waiting for its turn."""
        self._wake.set()

    # connectors

    async def _contacts_loop(self, every_s: float) -> None:
        while True:
            self._wake.clear()
            try:
                waits = [await self.check(tenant) for tenant in self._brain.connectors]
            except StudioBrainError as error:
                self._brain.log.warning("contacts not kept", code=error.code.value)
                waits = []
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), min([every_s, *waits]))

    async def check(self, tenant: str) -> float:
        """Looks at every connector of a studio; seconds until the next look."""
        connectors = self._brain.connectors[tenant]
        found = await asyncio.gather(*(self._look(tenant, connector) for connector in connectors.values()))
        changed = [health for health, is_new in found if is_new]
        if changed:
            self._emit("connectors", {"tenant": tenant})
        if found and all(health.state is HealthState.OK for health, _ in found):
            await self._refresh_if_stale(tenant, came_back=bool(changed))
            return self._brain.settings.engine.health_every_s
        failures = max((self._failures.get((tenant, c), 0) for c in connectors), default=0)
        return RETRIES_S[min(failures, len(RETRIES_S)) - 1] if failures else self._brain.settings.engine.health_every_s

    async def _look(self, tenant: str, connector: Connector) -> tuple[Health, bool]:
        key = (tenant, connector.id)
        health = await connector.health(self._brain.settings.engine.write_deadline_s)
        before = self._health.get(key)
        self._health[key] = health
        ok = health.state is HealthState.OK
        self._failures[key] = 0 if ok else self._failures.get(key, 0) + 1
        is_new = before is None or (before.state, before.code) != (health.state, health.code)
        if is_new:
            log = self._brain.log.info if ok else self._brain.log.warning
            log("connector", tenant=tenant, connector=connector.id, state=health.state.value, detail=health.detail)
        self._brain.metrics.count("connector_checks", connector=connector.id, state=health.state.value)
        await asyncio.to_thread(self._keep, tenant, health)
        return health, is_new

    def _keep(self, tenant: str, health: Health) -> None:
        def work(conn: Any) -> None:
            tables = StateTables(conn)
            before = next((c for c in tables.contacts(tenant) if c.connector == health.connector), None)
            ok_at_ms = None if before is None else before.ok_at_ms
            ok = health.state is HealthState.OK
            every_ms = int(self._brain.settings.engine.health_every_s * 1000)
            tables.put_contact(
                Contact(
                    tenant=tenant,
                    connector=health.connector,
                    state=health.state.value,
                    code=None if health.code is None else health.code.value,
                    detail=health.detail,
                    latency_ms=health.latency_ms,
                    skew_ms=health.clock_skew_ms,
                    checked_at_ms=health.checked_at_ms,
                    ok_at_ms=health.checked_at_ms if ok else ok_at_ms,
                    next_at_ms=health.checked_at_ms + every_ms if ok else None,
                )
            )

        self._brain.databases.views.writing(work)

    async def _refresh_if_stale(self, tenant: str, *, came_back: bool) -> None:
        """A state older than ten minutes is read anew when the cloud comes (back) into reach."""
        if not came_back:
            return
        latest = await asyncio.to_thread(
            self._brain.databases.views.reading, lambda conn: StateTables(conn).observations(tenant, limit=1)
        )
        if latest and self._brain.clock.now_ms() - latest[0].observed_at_ms < FRESH_MS:
            return
        await self.refresh(tenant)

    async def refresh(self, tenant: str) -> None:
        actor = engine_actor(tenant)
        done = await self._brain.perform("studio.snapshot", {}, Session(actor, tenant))
        self._emit("state", {"tenant": tenant, "outcome": done.outcome})

    # the rest

    async def _recover(self) -> None:
        await self._brain.recovery.settle_all()

    async def _expire(self) -> None:
        await expire_due(self._brain.gateway)
        await end_due(self._brain.gateway)

    async def _follow(self) -> None:
        await self._brain.stories.turn()

    async def _continue(self) -> None:
        """A log that is held may have been mended by another process."""
        if self._brain.continuity.lost:
            await asyncio.to_thread(self._brain.continuity.check)

    async def _run_jobs(self) -> None:
        await self._scheduler.turn()

    def _pass_on(self, loop: asyncio.AbstractEventLoop, topic: str, data: dict[str, Any]) -> None:
        """From whatever thread something moved on to whoever watches."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody watches any more
            loop.call_soon_threadsafe(self._emit, topic, data)

    async def _flush(self) -> None:
        await asyncio.to_thread(self._brain.databases.views.writing, self._brain.metrics.flush)

    async def _anchor(self) -> None:
        """Has what is new cosigned and copied; witnesses first, so that the copies hold what they say."""
        records = self._brain.settings.records
        for tenant in self._brain.connectors:
            session = Session(engine_actor(tenant), tenant)
            if any(witness.url for witness in records.witness):
                await self._brain.perform("witness.ask", {}, session)
            if records.vault:
                await self._brain.perform("vault.export", {}, session)
            self._emit("anchors", {"tenant": tenant})

    async def _every(
        self, seconds: float, name: str, turn: Callable[[], Awaitable[None]], first_s: float = 0.0
    ) -> None:
        failing = False
        await asyncio.sleep(first_s)
        while True:
            try:
                await turn()
                if failing:
                    self._brain.log.info("mended", loop=name)
                failing = False
            except Exception as error:
                if not failing:
                    self._brain.log.error("loop", loop=name, error=type(error).__name__, detail=str(error)[:300])
                failing = True
            await asyncio.sleep(seconds)
