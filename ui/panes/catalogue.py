"""The panes there are: id, title, icon, the letter that goes there, and where to find the class.

A pane is made when it is first visited, or when the window has nothing better to do; its module is imported then.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ..desk import Desk
    from .base import Pane


@dataclass(frozen=True, slots=True)
class Entry:
    id: str
    title: str
    icon: str
    letter: str
    class_name: str

    def make(self, desk: "Desk") -> "Pane":
        found: Any = getattr(import_module(f".{self.id}.pane", __package__), self.class_name)
        return found(desk)


PANES: Final[tuple[Entry, ...]] = (
    Entry("today", "Today", "today", "T", "TodayPane"),
    Entry("proposals", "Proposals", "proposals", "P", "ProposalsPane"),
    Entry("connectors", "Connectors", "connectors", "C", "ConnectorsPane"),
    Entry("evidence", "Evidence", "evidence", "E", "EvidencePane"),
)


def entry(id: str) -> Entry:
    """The entry of a pane; StopIteration for one there is not."""
    return next(entry for entry in PANES if entry.id == id)
