"""What record keeping works on, and what a topic of it brings."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ...evidence.anchor import Anchor
from ...evidence.note import Signer, VerifierKey
from ...gateway.perform import Gateway, Procedure
from ...gateway.registry import Capability, Job, Query
from ...home.installation import Installation
from ...home.settings import Settings
from ...kernel.clock import Clock
from ...store.database import Databases
from ...store.projections import Projections
from ...store.replay import Replay


class WitnessAnswer(Protocol):
    """What a witness answered: `connectors.witness.client.Answer`."""

    @property
    def status(self) -> int: ...

    @property
    def lines(self) -> str: ...

    @property
    def size(self) -> int | None: ...

    @property
    def detail(self) -> str: ...


class Courier(Protocol):
    """Carries a request to a witness. Raises ConnectorError when it does not get there."""

    async def add_checkpoint(self, url: str, body: bytes, deadline_s: float) -> WitnessAnswer: ...


@dataclass(frozen=True, slots=True)
class Office:
    """The open home as the topics see it. `signer` seals; it refuses where a command only looks.

    `courier` reaches witnesses. `mended` is told when a log got its tail back. `known_size` says how long a studio's
    log once was when that is longer than it is; else 0. `anchors` gives what is known of logs from outside, `tell`
    (topic, data) lets whoever watches know that something moved.
    """

    home: Path
    settings: Settings
    installation: Installation
    signer: Signer
    databases: Databases
    projections: Projections
    replay: Replay
    gateway: Gateway
    clock: Clock
    key_of: Callable[[str], VerifierKey]
    courier: Courier
    mended: Callable[[], None] = lambda: None
    known_size: Callable[[str], int] = lambda tenant: 0
    anchors: Callable[[Collection[str]], list[Anchor]] = lambda tenants: []
    tell: Callable[[str, dict[str, Any]], None] = lambda topic, data: None


@dataclass(frozen=True, slots=True)
class Topic:
    """Capabilities of one topic, the procedures behind those that are procedures, its queries and receipt kinds.
    `settled` gives the queries that need to know the settings, `jobs` what is done unattended."""

    capabilities: Sequence[Capability] = ()
    queries: Sequence[Query] = ()
    kinds: frozenset[str] = frozenset()
    procedures: Callable[[Office], Mapping[str, Procedure]] = field(default=lambda office: {})
    settled: Callable[[Settings], Sequence[Query]] = field(default=lambda settings: ())
    jobs: Callable[[Settings], Sequence[Job]] = field(default=lambda settings: ())
