"""Pins: for each tenant the latest signed checkpoint, kept outside the database, in two places.

The secret store and a second folder hold the same. Whoever sets the database back to an old file would have to find
both. A pin is only ever moved forward, by the code that has the log; here it is text.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..kernel.errors import StudioBrainError
from ..kernel.reasons import ReasonCode
from .files import write_private
from .secrets import LockedStore, SecretStore

SECRETS: Final = "secret store"
FOLDER: Final = "second folder"


@dataclass(frozen=True, slots=True)
class Pin:
    """`note` is the checkpoint as it was signed; `where` it was found."""

    tenant: str
    note: str
    at_ms: int
    where: str


class PinPlaces:
    """Reads and writes pins. A place that fails does not keep the other from being used; it stands in `failures`."""

    def __init__(self, secrets: SecretStore, folder: Path) -> None:
        self._secrets = secrets
        self._folder = folder
        self.failures: dict[str, str] = {}

    def read(self, tenant: str) -> list[Pin]:
        """The pins of a tenant, one for each place that has one. What cannot be read is in `failures`."""
        found = []
        if not isinstance(self._secrets, LockedStore):
            with self._tried(SECRETS):
                secret = self._secrets.get(_name(tenant))
                if secret is not None:
                    found.append(_parse(tenant, secret.reveal(), SECRETS))
        with self._tried(FOLDER), contextlib.suppress(FileNotFoundError):
            found.append(_parse(tenant, self._path(tenant).read_text(encoding="utf-8"), FOLDER))
        return found

    def write(self, tenant: str, note: str, at_ms: int) -> None:
        text = json.dumps({"note": note, "atMs": at_ms})
        with self._tried(SECRETS):
            self._secrets.set(_name(tenant), text)
        with self._tried(FOLDER):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(self._path(tenant), text.encode())

    def _path(self, tenant: str) -> Path:
        return self._folder / f"{tenant}.json"

    @contextlib.contextmanager
    def _tried(self, place: str) -> Iterator[None]:
        try:
            yield
            self.failures.pop(place, None)
        except (StudioBrainError, OSError) as error:
            self.failures[place] = str(error)[:300]


def _name(tenant: str) -> str:
    return f"pin/{tenant}"


def _parse(tenant: str, text: str, where: str) -> Pin:
    try:
        document = json.loads(text)
        return Pin(tenant, str(document["note"]), int(document["atMs"]), where)
    except (ValueError, KeyError, TypeError) as error:
        raise StudioBrainError(f"the pin of {tenant}: {error}", code=ReasonCode.NOT_VERIFIED) from error
