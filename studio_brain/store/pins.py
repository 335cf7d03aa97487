"""Keeping the pins: after commits, the latest signed checkpoints go to where the database cannot take them back.

A thread of its own does it, never the commit: at most every ten seconds, at once after an action was finished, and at
close. Before a pin is moved, the log has to hold the one before; where it does not, the log was set back or rewritten,
and nobody writes to it until a person has said how to go on.
"""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Final

from sqlalchemy import Connection

from ..evidence import epochs
from ..evidence.anchor import Anchor, Disagreement, disagreements, read_anchor
from ..evidence.entry import Receipt
from ..evidence.log import find_log
from ..evidence.note import NoteError, VerifierKey
from ..evidence.reader import LogReader
from ..home.pins import PinPlaces
from ..kernel.clock import Clock
from ..kernel.errors import StudioBrainError
from .database import Database

EVERY_S: Final = 10.0
FINISHED: Final = frozenset({"execution.result"})

OnLost = Callable[[str, Disagreement], None]
"""(tenant, what the log no longer holds), called on the thread of the pins."""


class PinKeeper:
    """Reads, checks and moves the pins of one home."""

    def __init__(
        self,
        database: Database,
        places: PinPlaces,
        key_of: Callable[[str], VerifierKey],
        clock: Clock,
        on_lost: OnLost,
        every_s: float = EVERY_S,
    ) -> None:
        self._database = database
        self.places = places
        self._key_of = key_of
        self._clock = clock
        self._on_lost = on_lost
        self._every_s = every_s
        self._dirty: set[str] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    # reading

    def anchors(self, tenants: Collection[str]) -> list[Anchor]:
        """What the pins say, newest first for each tenant. A pin that this home's key did not sign says nothing; it is
        named in `places.failures`."""
        found = []
        for tenant in sorted(tenants):
            of_tenant = []
            for pin in self.places.read(tenant):
                try:
                    origin = pin.note.partition("\n")[0]
                    of_tenant.append(read_anchor(pin.note, self._key_of(origin), pin.where, pin.at_ms))
                except (NoteError, ValueError) as error:
                    self.places.failures[pin.where] = f"the pin of {tenant}: {error}"
            found += sorted(of_tenant, key=lambda anchor: -anchor.at_ms)
        return found

    def lost(self, tenants: Collection[str]) -> dict[str, Disagreement]:
        """By tenant the pin that its log does not hold and that no later epoch was started over."""
        anchors = self.anchors(tenants)
        if not anchors:
            return {}
        return self._database.reading(lambda conn: _unanswered(conn, anchors))

    # keeping

    def committed(self, receipts: Sequence[Receipt]) -> None:
        """Takes note of what was committed; called on the writer's thread, costs nothing there."""
        with self._lock:
            self._dirty.update(receipt.tenant for receipt in receipts)
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="pins", daemon=True)
                self._thread.start()
        if any(receipt.kind in FINISHED for receipt in receipts):
            self._wake.set()

    def close(self) -> None:
        """Moves the pins a last time."""
        with self._lock:
            self._closed = True
            thread = self._thread
        self._wake.set()
        if thread is not None:
            thread.join()
        self.keep()

    def keep(self) -> None:
        """Moves the pins of every log that grew."""
        with self._lock:
            tenants, self._dirty = self._dirty, set()
        for tenant in sorted(tenants):
            try:
                self._keep(tenant)
            except StudioBrainError:
                with self._lock:
                    self._dirty.add(tenant)  # the next turn tries again

    def _keep(self, tenant: str) -> None:
        missing = self.lost({tenant}).get(tenant)
        if missing is not None:
            self._on_lost(tenant, missing)
            return
        latest = self._database.reading(lambda conn: _latest(conn, tenant))
        if latest is not None:
            self.places.write(tenant, latest, self._clock.now_ms())

    def _run(self) -> None:
        while not self._closed:
            began = time.monotonic()
            self.keep()
            self._wake.wait(max(0.0, self._every_s - (time.monotonic() - began)))
            self._wake.clear()


def _latest(conn: Connection, tenant: str) -> str | None:
    log = find_log(conn, tenant)
    return None if log is None else LogReader(conn, log).checkpoint_note()


def _unanswered(conn: Connection, anchors: Sequence[Anchor]) -> dict[str, Disagreement]:
    found: dict[str, Disagreement] = {}
    for missing in disagreements(conn, anchors):
        tenant = missing.anchor.origin.rsplit("/", 2)[-2]
        log = find_log(conn, tenant)
        named = None if log is None else epochs.lost(conn, log)
        if named is not None and named[0] == missing.anchor.origin and missing.anchor.size <= named[1]:
            continue  # a person has started an epoch over it
        worst = found.get(tenant)
        if worst is None or missing.anchor.size > worst.anchor.size:
            found[tenant] = missing
    return found
