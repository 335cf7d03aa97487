"""Does each log go on from where it was last seen? Checked when a home is opened, and before a pin is moved.

A log that is behind its pin is held: everything in it can be seen and verified, nothing is written, and what can be
done about it is said. That takes a person: to take the missing tail back from a vault, or to begin the next epoch.
"""

from collections.abc import Callable, Collection
from typing import Any

from ...evidence import epochs
from ...evidence.anchor import Anchor, Disagreement
from ...evidence.note import Signer, VerifierKey
from ...gateway.switches import SYSTEM
from ...home.pins import PinPlaces
from ...kernel.clock import Clock
from ...kernel.errors import StudioBrainError
from ...kernel.reasons import ReasonCode
from ...store.database import Database
from ...store.pins import PinKeeper
from ...store.writer import Writer
from .epochs import lost_json


class Continuity:
    """The pins of an open home, its logs' keys, and which logs are held. `changed` is told when that is others."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        places: PinPlaces,
        signer: Signer,
        clock: Clock,
        tenants: Collection[str],
        changed: Callable[[], None],
    ) -> None:
        self._database = database
        self._writer = writer
        self._signer = signer
        self._tenants = tuple(tenants)
        self._changed = changed
        self.lost: dict[str, Disagreement] = {}
        self.pins = PinKeeper(database, places, self.key_of, clock, self._hold)

    def check(self) -> None:
        """Compares every log with its pins, holds what is behind and releases what is not any more."""
        found = self.pins.lost(self._tenants)
        for tenant in [tenant for tenant in self.lost if tenant not in found]:
            del self.lost[tenant]
            self._writer.release(tenant)
            self._changed()
        for tenant, missing in found.items():
            self._hold(tenant, missing)

    def key_of(self, origin: str) -> VerifierKey:
        """The key of a log: the present one, or the one that the next epoch names for it."""
        keys = {} if origin.count("/") < 2 else self._chain(origin.rsplit("/", 2)[1])[0]
        return VerifierKey(origin, keys.get(origin, self._signer.public_key))

    def anchors(self, tenants: Collection[str]) -> list[Anchor]:
        """What is known of these logs from outside, or from their later epochs."""
        return [*self.pins.anchors(tenants), *(anchor for tenant in tenants for anchor in self._chain(tenant)[1])]

    def to_json(self, tenant: str) -> dict[str, Any] | None:
        """What is missing of a studio's log, or of the installation's own; None when nothing is."""
        for log in (tenant, SYSTEM):
            missing = self.lost.get(log)
            if missing is not None:
                more = {"have": missing.size, "what": missing.what, "installation": log == SYSTEM}
                return lost_json(missing) | more
        return None

    def _chain(self, tenant: str) -> tuple[dict[str, bytes], list[Anchor]]:
        return self._database.reading(lambda conn: epochs.chain(conn, tenant, self._signer.public_key))

    def _hold(self, tenant: str, missing: Disagreement) -> None:
        if self.lost.get(tenant) == missing:
            return
        self.lost[tenant] = missing
        self._changed()
        self._writer.hold(tenant, StudioBrainError(missing.what, code=ReasonCode.LOG_SET_BACK))
