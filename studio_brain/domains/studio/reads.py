"""What a StudioState needs from the cloud: collections with the fields it looks at, and reading functions. Data."""

from typing import Final

from ...kernel.ports import CollectionRead, FunctionRead

COLLECTIONS: Final = (
    CollectionRead("batches", ("isClosed", "state", "status")),
    CollectionRead("communityReports", ("severity", "status")),
    CollectionRead("eventCharges", ("paymentStatus",)),
    CollectionRead("eventSignups", ("paymentStatus", "status")),
    CollectionRead("kilnFirings", ("endAt", "startAt", "status")),
    CollectionRead("materialsOrders", ("createdAt", "paymentStatus")),
    CollectionRead("reservations", ("isArchived", "pickupWindow.status", "stageStatus.stage", "status")),
)

AGENT_REQUESTS: Final = "apiV1/v1/agent.requests.listStaff"
AGENT_OPERATIONS: Final = "staffListAgentOperations"

FUNCTIONS: Final = (
    # Reads 500 unordered documents before it filters: 500 or more rows may have been cut.
    FunctionRead(AGENT_REQUESTS, {"status": "all", "kind": "all", "limit": 500}, ("data", "requests"), 500),
    FunctionRead(AGENT_OPERATIONS, {"limit": 200}, ("orders",), 200),
)
