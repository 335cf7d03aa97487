"""What record keeping works on, and what a topic of it brings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...evidence.note import Signer, VerifierKey
from ...gateway.perform import Gateway, Procedure
from ...gateway.registry import Capability, Query
from ...home.installation import Installation
from ...home.settings import Settings
from ...kernel.clock import Clock
from ...store.database import Databases
from ...store.projections import Projections


@dataclass(frozen=True, slots=True)
class Office:
    """The open home as the topics see it. `signer` seals; it refuses where a command only looks."""

    home: Path
    settings: Settings
    installation: Installation
    signer: Signer
    databases: Databases
    projections: Projections
    gateway: Gateway
    clock: Clock
    key_of: Callable[[str], VerifierKey]


@dataclass(frozen=True, slots=True)
class Topic:
    """Capabilities of one topic, the procedures behind those that are procedures, its queries and receipt kinds."""

    capabilities: Sequence[Capability] = ()
    queries: Sequence[Query] = ()
    kinds: frozenset[str] = frozenset()
    procedures: Callable[[Office], Mapping[str, Procedure]] = field(default=lambda office: {})
