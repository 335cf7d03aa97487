"""The made-up world: people, pots, kilns and money of a studio that does not exist.

Everything comes from a seed and a time: the same two give the same documents. Names are plainly fictional, addresses
end in example.org. What the real cloud holds to holds here too, apart from its own documented legacy traps.
"""

from ..accounts import Account
from ..store import Store
from . import agents, batches, community, events, house, kilns, members, reservations, shop
from .builder import Builder

# Changes when the same seed would give another world; a kept studio belongs to one of them.
WORLD_VERSION = 1


def build(store: Store, seed: int, batch_count: int, now_us: int) -> list[Account]:
    """Fills an empty store; returns the accounts that can sign in, staff first."""
    builder = Builder(store, seed, batch_count, now_us)
    accounts = members.build(builder)
    firings = kilns.plan(builder)
    batches.build(builder, firings)
    kilns.write(builder, firings)
    reservations.build(builder)
    community.build(builder)
    agents.build(builder)
    shop.build(builder)
    events.build(builder)
    house.build(builder)
    store.loaded()
    return accounts
