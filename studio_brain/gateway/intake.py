"""The gateway's port for looking at free text: what a request says may hold it back until a person has looked.

It can only raise the level of review. It permits nothing, and whatever policy denied stays denied.
"""

from typing import Protocol

from sqlalchemy import Connection

from ..store.sequencer import Unit
from .decide import Refusal
from .registry import Request


class Intake(Protocol):
    """What stands at the door of `Gateway.perform`. Every method may be asked about every request."""

    def is_held(self, conn: Connection, request: Request) -> bool:
        """Whether `hold` would refuse it as things are; asked before anything is read for it."""
        ...

    def hold(self, unit: Unit, request: Request) -> Refusal | None:
        """Why a request for something outside has to wait, or was turned down; seals that it asked. Before its act."""
        ...

    def note(self, unit: Unit, request: Request) -> None:
        """Seals what the texts of a local request are about, if they are about anything. After its act."""
        ...
