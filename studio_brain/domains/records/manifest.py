"""What record keeping brings: the topics, each in a file of its own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from ...gateway.perform import Procedure
from ...gateway.registry import Authority, Manifest
from ...home.settings import Settings
from . import (
    anchors,
    auditing,
    epochs,
    erasure,
    holds,
    importing,
    proving,
    rebuild_check,
    recovery,
    retention,
    sweep,
    vault,
    witness,
)
from .keeper import ID, Keeper, Operation
from .office import Office, Topic

TOPICS: Final[tuple[Topic, ...]] = (
    anchors.TOPIC,
    epochs.TOPIC,
    vault.TOPIC,
    witness.TOPIC,
    erasure.TOPIC,
    holds.TOPIC,
    rebuild_check.TOPIC,
    recovery.TOPIC,
    retention.TOPIC,
    proving.TOPIC,
    auditing.TOPIC,
    sweep.TOPIC,
    importing.TOPIC,
)

MANIFEST: Final = Manifest(
    name="records",
    capabilities=[capability for topic in TOPICS for capability in topic.capabilities],
    queries=[query for topic in TOPICS for query in topic.queries],
    receipt_kinds=frozenset[str]().union(*(topic.kinds for topic in TOPICS)),
    authority={"record": Authority.LOCAL},
)


def manifest(settings: Settings) -> Manifest:
    """MANIFEST with the queries and jobs that need to know the settings."""
    settled = [query for topic in TOPICS for query in topic.settled(settings)]
    jobs = [job for topic in TOPICS for job in topic.jobs(settings)]
    return replace(MANIFEST, queries=[*MANIFEST.queries, *settled], jobs=jobs)


def procedures(office: Office) -> dict[str, Procedure]:
    """Who carries out each capability of record keeping."""
    return {name: procedure for topic in TOPICS for name, procedure in topic.procedures(office).items()}


DESTROYING: Final[Mapping[str, Operation]] = {
    erasure.CAPABILITY: erasure.Erase(),
    retention.CAPABILITY: retention.Run(),
}
"""What the keeper can do, by operation."""

KEEPER: Final = ID

OPERATIONS: Final = {KEEPER: frozenset(DESTROYING)}


def keeper(office: Office, tenant: str) -> Keeper:
    """Who carries out what cannot be undone, for one tenant."""
    return Keeper(office, tenant, DESTROYING)
