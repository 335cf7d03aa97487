"""Every status value the cloud is known to write, sorted into open and closed. Data, to be reviewed as data.

A value that stands in no table here counts as *unknown*: it is shown as such and never added to either side.
"""

from typing import Final

BATCH_ACTIVE_STATES: Final = frozenset({"DRAFT", "SUBMITTED", "SHELVED", "LOADED", "FIRED", "READY_FOR_PICKUP"})
BATCH_CLOSED_STATES: Final = frozenset({"CLOSED_PICKED_UP", "CLOSED_OTHER"})
BATCH_CLOSED_PREFIX: Final = "CLOSED_"
# Rows older than `state` say it in `status`.
BATCH_LEGACY_ACTIVE: Final = frozenset({"In progress"}) | BATCH_ACTIVE_STATES
BATCH_LEGACY_CLOSED: Final = frozenset({"Complete", "CLOSED_OTHER"})

RESERVATION_OPEN: Final = frozenset({"REQUESTED", "CONFIRMED", "WAITLISTED", "CONFIRMED_ARRIVED", "LOADED"})
RESERVATION_CLOSED: Final = frozenset({"CANCELLED"})
RESERVATION_DEFAULT: Final = "REQUESTED"
STAGE_OPEN: Final = frozenset({"intake", "queued", "drying", "glaze", "loaded", "ready_for_pickup"})
STAGE_CLOSED: Final = frozenset({"picked_up", "stored", "canceled"})
PICKUP_OPEN: Final = frozenset({"open", "confirmed", "missed", "expired"})
PICKUP_CLOSED: Final = frozenset({"completed"})

FIRING_SCHEDULED: Final = frozenset({"scheduled"})
FIRING_RUNNING: Final = frozenset({"in-progress", "loading", "firing", "cooling", "unloading"})
FIRING_DONE: Final = frozenset({"completed", "cancelled"})

REPORT_OPEN: Final = frozenset({"open", "triaged", "actioned"})
REPORT_CLOSED: Final = frozenset({"resolved", "dismissed"})
SEVERITY_HIGH: Final = frozenset({"high"})
SEVERITY_OTHER: Final = frozenset({"low", "medium"})

AGENT_REQUEST_PENDING: Final = frozenset({"new", "triaged", "accepted", "in_progress", "ready"})
AGENT_REQUEST_CLOSED: Final = frozenset({"fulfilled", "rejected", "cancelled"})

AGENT_ORDER_PENDING: Final = frozenset({"payment_required", "payment_pending"})
AGENT_ORDER_OTHER: Final = frozenset({"paid", "exception", "refunded", "cancelled"})

ORDER_PENDING: Final = frozenset({"checkout_created", "payment_pending"})
ORDER_TROUBLED: Final = frozenset({"payment_failed", "disputed"})
ORDER_SETTLED: Final = frozenset({"paid", "refunded"})

CHARGE_UNSETTLED: Final = frozenset({"checkout_pending", "payment_failed", "disputed"})
CHARGE_SETTLED: Final = frozenset({"paid", "refunded"})

SIGNUP_PRESENT: Final = frozenset({"checked_in"})
SIGNUP_OTHER: Final = frozenset({"ticketed", "waitlisted", "offered", "cancelled", "expired"})
SIGNUP_UNPAID: Final = frozenset({"unpaid"})
SIGNUP_PAYMENT_OTHER: Final = frozenset(
    {"checkout_pending", "paid", "waived", "payment_failed", "disputed", "refunded"}
)
