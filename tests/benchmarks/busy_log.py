"""A log of proposals that went the whole way, for benchmarks: drafted, submitted, approved, started, carried out and
compared, each with texts and hashes like the real ones. The product's sequencer writes the entries; rows are derived.
"""

import hashlib
from pathlib import Path
from typing import Any

from studio_brain.evidence.entry import ActorRef, Event
from studio_brain.gateway import receipts, rows
from studio_brain.kernel.canonical import canonical_entry
from studio_brain.kernel.ids import Uuid7Source
from studio_brain.store.database import Databases, open_databases
from studio_brain.store.migrate import migrate
from studio_brain.store.sequencer import Sequencer, Unit
from tests.evidence.keys import TestKey

KEY = TestKey()
TENANT = "studio"
START_MS = 1_790_000_000_000
POLICY = "sha256:" + "5f" * 32
ENTRIES = 6
"""For each proposal; three of them have a payload."""
GROUP = 250
TEO, IMKE = ActorRef("staff", "teo", "cockpit"), ActorRef("staff", "imke", "cockpit")


class Ticking:
    """A clock that moves a millisecond whenever it is asked."""

    def __init__(self) -> None:
        self.ms = START_MS

    def now_ms(self) -> int:
        self.ms += 1
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000


def build(home: Path, proposals: int) -> Databases:
    """A migrated home whose log of the tenant `studio` holds `proposals` × ENTRIES entries."""
    databases = open_databases(home)
    migrate(databases.brain)
    clock = Ticking()
    sequencer = Sequencer(databases.brain, KEY, "practice/bench", lambda *_: None, clock, Uuid7Source(clock))
    for first in range(0, proposals, GROUP):

        def work(unit: Unit, first: int = first) -> None:
            for number in range(first, min(first + GROUP, proposals)):
                for event in life(number):
                    unit.append(event)

        (done,) = sequencer.run([(TENANT, work)])
        assert not hasattr(done, "error"), done
    databases.brain.writing(rows.rebuild)
    return databases


def life(number: int) -> list[Event]:
    """Everything that is sealed of one proposal."""
    id = f"018f{number:08x}-7000-8000-{number:012x}"
    stamps = [f"sha256:{hashlib.sha256(f'{number}/{what}'.encode()).hexdigest()}" for what in "abc"]
    common = {"proposalHash": stamps[0], "policyVersion": POLICY, "rule": "registered"}
    execution = {"executionId": f"e{id}", "attempt": 1}
    resource = f"batches/mfb-{number % 5_000}"
    change = {
        "resource": resource,
        "field": "operations note",
        "before": None,
        "after": f"Look at the glaze of {number}.",
    }
    plan = {
        "input": {"batchId": f"mfb-{number % 5_000}", "note": f"Two mugs of lot {number} show hairline cracks."},
        "arguments": {"ownerUid": f"member-{number % 900}", "batch": {"title": f"Lot {number}", "state": "FIRED"}},
        "changes": [change],
        "seen": [{"resource": resource, "updateTime": "2026-11-21T09:00:00.000001Z", "sha256": stamps[1]}],
    }
    answer = {"resourcePointer": {"collection": "studioBrainPilotOpsNotes", "docId": f"note-{number}"}, "ok": True}
    lease = {"owner": "6e0f9d5c/4711/991", "untilMs": number}
    return [
        _event(receipts.DRAFTED, id, TEO, "draft", plan, risk="medium", planHash=stamps[2], rollbackOf=None,
               expiresAt="2026-12-21T09:00:00.000Z", **common),
        _event(receipts.SUBMITTED, id, TEO, "pending_approval", quorum=1, seats=1, **common),
        _event(receipts.APPROVED, id, IMKE, "approved", role="owner", **common),
        _event(receipts.STARTED, id, IMKE, "executing", lease=lease, **execution, **common),
        _event(receipts.RESULT, id, IMKE, "executed", {"output": answer}, outcome="executed", replayed=False,
               cloudRequestId="r-1", tookMs=212, detail="", **execution),
        _event(receipts.COMPARED, id, IMKE, "executed", {"actual": [change]}, deviates=False, **execution),
    ]  # fmt: skip


def _event(kind: str, id: str, actor: ActorRef, state: str, payload: Any = None, **more: Any) -> Event:
    data = {
        "capabilityId": "firestore.ops_note.append", "target": "batches/mfb-1", "proposalId": id,
        "rationale": "because staff have to know this before the kiln is unloaded", "approvalState": state,
        "inputHash": "sha256:" + hashlib.sha256(id.encode()).hexdigest(), "outputHash": None,
        "requestId": f"{kind}-{id}", "reasonCode": None, **more,
    }  # fmt: skip
    return Event(kind, f"proposal:{id}", actor, id, data, None if payload is None else canonical_entry(payload))
