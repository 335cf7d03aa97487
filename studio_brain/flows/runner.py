"""Runs the stories of the one engine of a home: reads each log from where a story came to, and performs its wishes.

At least once: the cursor moves after the wishes of a stretch were answered, so that a crash in between repeats them,
under the same keys. What cannot be sealed now stays where it is and is tried again at the next turn; a wish that is
refused for another reason is sealed as that refusal, logged, and passed.

What is told in the installation's own log concerns every studio.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from sqlalchemy import Connection

from ..evidence.facts import Fact, facts
from ..evidence.log import LogRow
from ..gateway.perform import Performed, Session
from ..gateway.recovery import engine_actor
from ..gateway.registry import Registry, RegistryError
from ..gateway.switches import SYSTEM
from ..kernel.policy import ActorType
from ..kernel.reasons import ReasonCode
from ..store.database import Databases
from ..store.following import all_followed, put_followed
from ..store.projections import sizes_of
from .story import Story, Wish

STRETCH: Final = 2_000
"""Entries of a log that a story is told about at once."""

PASSING: Final = frozenset(
    {
        ReasonCode.AUDIT_UNAVAILABLE, ReasonCode.LOG_SET_BACK, ReasonCode.STORAGE_FULL, ReasonCode.STORAGE_LOCKED,
        ReasonCode.STORAGE_READ_ONLY, ReasonCode.STORAGE_DAMAGED,
    }
)  # fmt: skip
"""Nothing could be sealed: the story waits."""


class Perform(Protocol):
    """`Brain.perform`."""

    def __call__(
        self, capability: str, payload: dict[str, object], session: Session, *, rationale: str, key: str
    ) -> Awaitable[Performed]: ...


class Runner:
    """`turn` follows every log to its end once. `warn` (story, code, detail) is told of wishes that were refused."""

    def __init__(
        self,
        stories: Sequence[Story],
        databases: Databases,
        registry: Registry,
        perform: Perform,
        tenants: Sequence[str],
        warn: Callable[[str, str, str], None] = lambda story, code, detail: None,
    ) -> None:
        self._stories = tuple(stories)
        self._databases = databases
        self._perform = perform
        self._tenants = tuple(tenants)
        self._warn = warn
        for story in stories:
            for name in story.capabilities:
                wanted = registry.capabilities.get(name)
                if wanted is None or ActorType.SYSTEM not in wanted.actor_types:
                    raise RegistryError(f"story {story.name}: {name} is not a capability that the system may use")

    async def turn(self) -> int:
        """Returns how many wishes were performed. A story that fails does not keep the others; its error is raised at
        the end."""
        performed, failure = 0, None
        known = await asyncio.to_thread(self._databases.views.reading, all_followed)
        for log, size in await asyncio.to_thread(self._databases.brain.reading, sizes_of):
            for story in self._stories:
                at = known.get((log.log_id, story.name), 0)
                if at > size:  # the log was set back behind it: what comes now has not been told
                    at = 0
                try:
                    performed += await self._follow(story, log, at, size)
                except Exception as error:
                    failure = failure or error
        if failure is not None:
            raise failure
        return performed

    async def _follow(self, story: Story, log: LogRow, at: int, size: int) -> int:
        performed = 0
        while at < size:
            end = min(at + STRETCH, size)
            told = await asyncio.to_thread(self._told, story, log, at, end)
            for number, wish in enumerate(story.tell(log, told) if told else ()):
                for tenant in self._concerned(log):
                    if not await self._ask(story, log, f"{at}-{end}-{number}", wish, tenant):
                        return performed
                    performed += 1
            await asyncio.to_thread(self._keep, story, log, end)
            at = end
        return performed

    def _told(self, story: Story, log: LogRow, first: int, end: int) -> list[Fact]:
        return self._databases.brain.reading(lambda conn: list(facts(conn, log, first, end, story.kinds)))

    def _keep(self, story: Story, log: LogRow, upto: int) -> None:
        def work(conn: Connection) -> None:
            put_followed(conn, log.log_id, story.name, upto)

        self._databases.views.writing(work)

    def _concerned(self, log: LogRow) -> tuple[str, ...]:
        return self._tenants if log.tenant == SYSTEM else (log.tenant,)

    async def _ask(self, story: Story, log: LogRow, stretch: str, wish: Wish, tenant: str) -> bool:
        """False when nothing could be sealed."""
        if wish.capability not in story.capabilities:
            raise RegistryError(f"story {story.name}: it never said that it uses {wish.capability}")
        session = Session(engine_actor(tenant), tenant)
        key = f"story:{story.name}:{log.log_id}:{stretch}"
        done = await self._perform(wish.capability, wish.payload, session, rationale=wish.because, key=key)
        if done.code is None:
            return True
        if done.code in PASSING:
            return False
        self._warn(story.name, done.code.value, done.detail)
        return True
