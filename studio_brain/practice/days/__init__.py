"""Practice days: what happens in the studio by itself when a day goes by.

A day is drawn from the seed and its number and from what the documents say that morning: hands in, firings, pickups,
reports, orders, each at its own hour. Everything is written through the same store as a call's writes, with update
times inside the day, so that the day shows up in comparisons as a real one would.
"""

from ..store import Store
from . import agents, batches, community, firings, reservations, shop
from .diary import Diary

_CHAPTERS = (firings.plan, batches.plan, reservations.plan, community.plan, shop.plan, agents.plan)


def live(store: Store, seed: int, day: int) -> int:
    """Lives through the day that starts now; the number of document changes. The clock itself is not moved."""
    diary = Diary(store, seed, day)
    for chapter in _CHAPTERS:
        chapter(diary)
    return diary.live()
