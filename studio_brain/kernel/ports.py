"""The port through which the brain meets what is outside: what a connector offers, what it is asked, what it answers.

A *connector* has a health, can be read (`read_status`), and for the writes it is registered for can predict
(`preview`), act (`execute`) and look again (`read_back`). It is read-only by default: `execute` carries a `permit`
which is asked once more, last thing before a socket opens.

Answers to reads are values or a `ConnectorError`. The answer to a write is always an `Outcome`: ok, refused, failed or
unknown. *Unknown* means that the request may have taken effect.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from .errors import StudioBrainError
from .reasons import ReasonCode

Json = dict[str, Any]


class ConnectorError(StudioBrainError):
    """A call that gave no usable answer. `retryable` says whether the same call may be sent again."""

    code = ReasonCode.UNAVAILABLE

    def __init__(
        self,
        detail: str = "",
        *,
        code: ReasonCode | None = None,
        retryable: bool = False,
        retry_after_s: float | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(detail, code=code)
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.request_id = request_id


class HealthState(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"
    REFUSED = "refused"  # reached, but this account or clock is not accepted
    NOT_CONFIGURED = "not_configured"


@dataclass(frozen=True, slots=True)
class Health:
    """Times are UTC milliseconds, latency is milliseconds; `code` says what is wrong."""

    connector: str
    state: HealthState
    checked_at_ms: int
    latency_ms: int | None = None
    code: ReasonCode | None = None
    detail: str = ""
    clock_skew_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One masked cloud document in wire form. `id` is its path below the database root: `batches/mfb-123`."""

    id: str
    fields: Json
    update_time: str


@dataclass(frozen=True, slots=True)
class CollectionRead:
    """Read a whole collection, only these fields of each document."""

    collection: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FunctionRead:
    """Call a reading function. `rows` names the list in its answer (`data.requests`); a list of `limit` rows or more
    may have been cut."""

    name: str
    body: Json
    rows: tuple[str, ...]
    limit: int


@dataclass(frozen=True, slots=True)
class SourceReport:
    """How the read of one source went. `sha256` covers what was read; `code` is set when it failed."""

    source: str
    rows: int = 0
    expected_rows: int | None = None
    sha256: bytes | None = None
    started_at_ms: int = 0
    duration_ms: int = 0
    code: ReasonCode | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ReadReport:
    """`read_time` is the cloud's own text for the one moment of all document reads."""

    read_time: str | None
    sources: tuple[SourceReport, ...]

    @property
    def complete(self) -> bool:
        return self.read_time is not None and all(source.code is None for source in self.sources)


class Sink(Protocol):
    """Takes what a read brings, page by page, in document order within a collection.

    `opened` comes first, with the one moment (the cloud's own text) that all documents belong to.
    """

    def opened(self, read_time: str) -> None: ...

    def documents(self, collection: str, page: Sequence[Document]) -> None: ...

    def rows(self, function: str, rows: Sequence[Json], *, maybe_cut: bool) -> None: ...


SET_BY_CLOUD: Final = "(set by the cloud)"
"""A predicted value that only the cloud knows, such as its own time."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field before and after. Values are JSON without floats; `None` before means that it was not there."""

    resource: str
    field: str
    before: Any
    after: Any

    def to_json(self) -> Json:
        return {"resource": self.resource, "field": self.field, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class Seen:
    """A document that a proposal looked at. `update_time` is the cloud's own text, kept as it came."""

    resource: str
    update_time: str | None
    sha256: bytes

    def to_json(self) -> Json:
        return {"resource": self.resource, "updateTime": self.update_time, "sha256": "sha256:" + self.sha256.hex()}


@dataclass(frozen=True, slots=True)
class Preview:
    """What a write would do now. `refusal` says why it would make no sense; `arguments` is what `execute` will need
    besides the input, taken from the cloud rather than from the requester."""

    changes: tuple[Change, ...]
    seen: tuple[Seen, ...]
    arguments: Json = field(default_factory=dict)
    refusal: ReasonCode | None = None
    detail: str = ""


Permit = Callable[[], ReasonCode | None]
"""Asked immediately before a socket opens; a reason code means: do not."""


@dataclass(frozen=True, slots=True)
class WriteCall:
    """An approved write on its way out. `key` is the idempotency key: the execution's id."""

    operation: str
    proposal: str
    execution: str
    key: str
    input: Json
    arguments: Json
    seen: tuple[Seen, ...]
    actor: str
    approved_by: str | None
    approved_at: str | None
    request_id: str
    correlation_id: str
    deadline_s: float
    permit: Permit


class OutcomeKind(StrEnum):
    OK = "ok"
    REFUSED = "refused"  # final: the other side said no, nothing happened
    FAILED = "failed"  # nothing happened, for a reason on the way
    UNKNOWN = "unknown"  # it may have happened


@dataclass(frozen=True, slots=True)
class Outcome:
    kind: OutcomeKind
    request_id: str
    code: ReasonCode | None = None
    detail: str = ""
    replayed: bool = False
    output: Json = field(default_factory=dict)


class Settled(StrEnum):
    DONE = "done"
    NOT_DONE = "not_done"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What the target looks like after a write: whether it took effect and the changes as they are."""

    settled: Settled
    changes: tuple[Change, ...]
    detail: str = ""


class Connector(Protocol):
    """Every connector of the gateway. Deadlines are total seconds for the whole call, retries included."""

    id: str

    async def health(self, deadline_s: float) -> Health: ...

    async def preview(self, operation: str, input: Json, deadline_s: float) -> Preview: ...

    async def execute(self, call: WriteCall) -> Outcome: ...

    async def read_back(self, call: WriteCall) -> ReadBack: ...


class StudioReader(Protocol):
    """Reads a studio's cloud for a StudioState: documents at one moment, functions within the same run."""

    async def read_status(
        self, collections: Sequence[CollectionRead], functions: Sequence[FunctionRead], sink: Sink, deadline_s: float
    ) -> ReadReport: ...


TokenSource = Callable[[bool], Awaitable[str]]
"""`await source(force_refresh)` → a bearer token for the signed-in account."""

Headers = Mapping[str, str]
