"""Handling the practice studio from a door: its clock, and a past for a home that has none yet.

The practice studio has a control address of its own, on this machine. Advancing it by a day moves the brain's clock
with it. A prepared home has lived through some practice days by the ordinary paths: snapshots were taken, notes
proposed, approved and carried out, and something is left to decide.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import orjson

from ..brain import Brain
from ..gateway.perform import Performed, Session
from ..gateway.recovery import engine_actor
from ..home.practice import TENANT, Practice, write_practice
from ..kernel.clock import ShiftedClock
from ..kernel.errors import StudioBrainError
from ..kernel.reasons import ReasonCode

DEADLINE_S: Final = 30.0
DAYS: Final = 14

Progress = Callable[[int, int], None]
"""(days done, days in all)."""


class Rehearsal:
    """The practice studio behind an open brain."""

    def __init__(self, brain: Brain) -> None:
        if brain.practice is None:
            raise StudioBrainError("this home is not connected to a practice studio", code=ReasonCode.NOT_CONFIGURED)
        self._brain = brain
        self._practice: Practice = brain.practice

    async def advance(self, days: int = 1) -> dict[str, Any]:
        """Lets practice days happen. Returns the practice studio's answer."""
        answer = await self._control("advance", {"days": days})
        self._practice = replace(self._practice, shift_ms=answer["shiftMs"])
        if isinstance(self._brain.clock, ShiftedClock):
            self._brain.clock.shift_ms = answer["shiftMs"]
        write_practice(self._brain.home, self._practice)
        return answer

    async def prepare(self, days: int = DAYS, progress: Progress | None = None) -> None:
        """Lives through `days` days that end now: every day is read, some notes are written, some wait for a
        decision."""
        manager, helper = (self._session(account.uid) for account in self._practice.accounts[:2])
        for day in range(days):
            await self._advance_if(day > 0)
            await self._snapshot()
            await self._work(day, manager, helper)
            if progress is not None:
                progress(day + 1, days)
        await self._leave_something(helper)

    async def _advance_if(self, wanted: bool) -> None:
        if wanted:
            await self.advance()

    async def _snapshot(self) -> None:
        await self._brain.perform("studio.snapshot", {}, Session(engine_actor(TENANT), TENANT))

    async def _work(self, day: int, manager: Session, helper: Session) -> None:
        """A note every third day: drafted by one, decided by the other."""
        if day % 3 != 1:
            return
        batch = await self._batch(day)
        drafted = await self._draft_note(helper, batch, "Shelf label is faded; print a new one before the next load.")
        if drafted.proposal is None:
            return
        verdict = "proposal.reject" if day % 9 == 7 else "proposal.approve"
        shown = {"proposalId": drafted.proposal, "shownHash": drafted.data["proposalHash"]}
        why = "The label was printed already." if verdict == "proposal.reject" else "Checked at the shelf; it is true."
        decided = await self._brain.perform(verdict, shown, manager, rationale=why)
        if decided.outcome == "approved":
            await self._brain.perform("proposal.execute", {"proposalId": drafted.proposal}, manager)

    async def _leave_something(self, helper: Session) -> None:
        """What the person at the cockpit finds waiting."""
        await self._draft_note(
            helper, await self._batch(3), "Two mugs show hairline cracks; photographed and set aside for the owner."
        )
        await self._draft_note(
            helper, await self._batch(8), "Owner asked for the celadon test tiles to be fired on the top shelf."
        )
        ready = await self._batches_in("READY_FOR_PICKUP")
        for batch in ready[:2]:
            await self._brain.perform(
                "firestore.batch.close",
                {"batchId": batch},
                helper,
                rationale="The owner collected all pieces at the front desk this morning.",
            )

    async def _draft_note(self, who: Session, batch: str, note: str) -> Performed:
        return await self._brain.perform(
            "firestore.ops_note.append",
            {"batchId": batch, "note": note},
            who,
            rationale="Staff on the next shift need to know this before they touch the batch.",
        )

    async def _batch(self, index: int) -> str:
        """Some open batch, the same for the same index."""
        found = await self._batches_in("SHELVED")
        return found[index % len(found)]

    async def _batches_in(self, state: str) -> list[str]:
        """Ids of batches in a state, in document order."""
        rows = await self._brain.batches(state, Session(engine_actor(TENANT), TENANT))
        return [row["id"] for row in rows]

    def _session(self, uid: str) -> Session:
        return self._brain.session(TENANT, uid, "practice")

    async def _control(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        reply = await self._brain.transport.call(
            "POST",
            f"{self._practice.control}/{verb}",
            deadline_s=DEADLINE_S,
            headers={
                "authorization": f"Bearer {self._practice.control_token}",
                "content-type": "application/json",
            },
            content=orjson.dumps(body),
        )
        document = reply.json()
        if reply.status != 200 or not isinstance(document, dict):
            raise StudioBrainError(f"the practice studio answered {reply.status}", code=ReasonCode.BAD_RESPONSE)
        return document
