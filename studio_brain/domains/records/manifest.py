"""What record keeping brings: the topics, each in a file of its own."""

from typing import Final

from ...gateway.perform import Procedure
from ...gateway.registry import Authority, Manifest
from .office import Office, Topic

TOPICS: Final[tuple[Topic, ...]] = ()

MANIFEST: Final = Manifest(
    name="records",
    capabilities=[capability for topic in TOPICS for capability in topic.capabilities],
    queries=[query for topic in TOPICS for query in topic.queries],
    receipt_kinds=frozenset[str]().union(*(topic.kinds for topic in TOPICS)),
    authority={"record": Authority.LOCAL},
)


def procedures(office: Office) -> dict[str, Procedure]:
    """Who carries out each capability of record keeping."""
    return {name: procedure for topic in TOPICS for name, procedure in topic.procedures(office).items()}
