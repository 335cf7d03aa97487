"""What a caller may do with the documents. Each port asks the same questions; the answers differ."""

from typing import Protocol

from .query import Query
from .store import Version
from .writes import Written


class Access(Protocol):
    """Who asks, and what they may do. Every check raises Refused."""

    owner: str | None

    def get(self, path: str, version: Version | None) -> None: ...

    def list(self, asked: Query) -> None: ...

    def write(self, written: Written) -> None: ...

    def administer(self) -> None:
        """What security rules never allow: collection ids, missing documents."""
        ...


class Unrestricted:
    """The access of the IAM port, whose bearer has been checked before."""

    owner: str | None = "iam"

    def get(self, path: str, version: Version | None) -> None: ...

    def list(self, asked: Query) -> None: ...

    def write(self, written: Written) -> None: ...

    def administer(self) -> None: ...
