"""The numbers of a StudioState as people read them: data, to be reviewed as data.

For each: its title, which way is good (`up`, `down`, or neither), how a change of it is said, how it is counted, and
the reads it is counted from (by the names of the diagnostics). A number the engine adds later is shown by its own name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Number:
    """`more` and `fewer` say a change of `{n}` `{thing}`s, which are `one` or `many`; `weight` orders the headline."""

    key: str
    title: str
    good: str
    weight: int
    more: str
    fewer: str
    one: str
    many: str
    counted: str
    sources: tuple[str, ...]


GROUPS: Final[Mapping[str, str]] = {"counts": "Studio", "ops": "Operations", "finance": "Finance"}

NUMBERS: Final[tuple[Number, ...]] = (
    Number(
        "counts.batchesActive",
        "Batches active",
        "",
        40,
        "{n} more active {thing}",
        "{n} fewer active {thing}",
        "batch",
        "batches",
        "Batches that are not closed, by their state; older ones by their status.",
        ("batches",),
    ),
    Number(
        "counts.batchesClosed",
        "Batches closed",
        "up",
        60,
        "{n} {thing} closed",
        "{n} fewer closed {thing}",
        "batch",
        "batches",
        "Batches that were picked up or closed otherwise.",
        ("batches",),
    ),
    Number(
        "counts.reservationsOpen",
        "Reservations open",
        "up",
        50,
        "{n} more open {thing}",
        "{n} fewer open {thing}",
        "reservation",
        "reservations",
        "Reservations that are requested, confirmed, waitlisted or loaded, not archived and not yet picked up.",
        ("reservations",),
    ),
    Number(
        "counts.firingsScheduled",
        "Firings ahead",
        "",
        70,
        "{n} more {thing} ahead",
        "{n} fewer {thing} ahead",
        "firing",
        "firings",
        "Firings that are scheduled with an end that is not past, or under way.",
        ("kilnFirings",),
    ),
    Number(
        "counts.reportsOpen",
        "Reports open",
        "down",
        55,
        "{n} more open {thing}",
        "{n} fewer open {thing}",
        "report",
        "reports",
        "Community reports that are open, triaged or actioned.",
        ("communityReports",),
    ),
    Number(
        "ops.highSeverityReports",
        "High-severity reports",
        "down",
        100,
        "{n} more high-severity {thing}",
        "{n} fewer high-severity {thing}",
        "report",
        "reports",
        "Open community reports of high severity.",
        ("communityReports",),
    ),
    Number(
        "ops.agentRequestsPending",
        "Agent requests pending",
        "down",
        45,
        "{n} more pending {thing}",
        "{n} fewer pending {thing}",
        "agent request",
        "agent requests",
        "Agent requests that are new, triaged, accepted, in progress or ready.",
        ("apiV1/v1/agent.requests.listStaff",),
    ),
    Number(
        "ops.blockedTickets",
        "Blocked tickets",
        "down",
        90,
        "{n} more blocked {thing}",
        "{n} fewer blocked {thing}",
        "ticket",
        "tickets",
        "Tickets that wait for somebody else.",
        (),
    ),
    Number(
        "finance.unsettledPayments",
        "Payments unsettled",
        "down",
        80,
        "{n} more unsettled {thing}",
        "{n} fewer unsettled {thing}",
        "payment",
        "payments",
        "Orders whose payment failed, is disputed or has waited two days; unsettled event charges; guests who owe.",
        ("materialsOrders", "eventCharges", "eventSignups"),
    ),
    Number(
        "finance.pendingOrders",
        "Orders pending",
        "",
        35,
        "{n} more pending {thing}",
        "{n} fewer pending {thing}",
        "order",
        "orders",
        "Orders of materials and of agents that wait for their payment.",
        ("materialsOrders", "staffListAgentOperations"),
    ),
)

BY_KEY: Final = {number.key: number for number in NUMBERS}


def number_of(key: str) -> Number:
    """The entry of a key, or one made of the key itself."""
    found = BY_KEY.get(key)
    if found is not None:
        return found
    name = "".join(f" {c.lower()}" if c.isupper() else c for c in key.split(".")[-1])
    title = name[:1].upper() + name[1:]
    return Number(key, title, "", 0, f"{{n}} more: {name}", f"{{n}} fewer: {name}", "", "", "", ())
