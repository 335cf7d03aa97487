"""What record keeping brings: the topics, each in a file of its own."""

from dataclasses import replace
from typing import Final

from ...gateway.perform import Procedure
from ...gateway.registry import Authority, Manifest
from ...home.settings import Settings
from . import anchors, vault, witness
from .office import Office, Topic

TOPICS: Final[tuple[Topic, ...]] = (anchors.TOPIC, vault.TOPIC, witness.TOPIC)

MANIFEST: Final = Manifest(
    name="records",
    capabilities=[capability for topic in TOPICS for capability in topic.capabilities],
    queries=[query for topic in TOPICS for query in topic.queries],
    receipt_kinds=frozenset[str]().union(*(topic.kinds for topic in TOPICS)),
    authority={"record": Authority.LOCAL},
)


def manifest(settings: Settings) -> Manifest:
    """MANIFEST with the queries that need to know the settings."""
    settled = [query for topic in TOPICS for query in topic.settled(settings)]
    return replace(MANIFEST, queries=[*MANIFEST.queries, *settled])


def procedures(office: Office) -> dict[str, Procedure]:
    """Who carries out each capability of record keeping."""
    return {name: procedure for topic in TOPICS for name, procedure in topic.procedures(office).items()}
