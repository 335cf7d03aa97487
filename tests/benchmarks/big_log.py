"""A log of any size for benchmarks: made-up entries, stored with the product's own tiles and statements.

What is left out is what the sequencer does for each event (reading stream tails, encoding): the rows, tiles, head and
checkpoints are those that it would have written.
"""

import hashlib
import random
import uuid
from pathlib import Path

from studio_brain.evidence import checkpoint as checkpoints
from studio_brain.evidence.checkpoint import Checkpoint
from studio_brain.evidence.entry import ActorRef, Event, encode
from studio_brain.evidence.log import open_log
from studio_brain.evidence.merkle import Frontier, leaf_hash
from studio_brain.evidence.statements import Statements
from studio_brain.evidence.tables import place
from studio_brain.evidence.tiles import full_tiles
from studio_brain.store.database import Databases, open_databases
from studio_brain.store.migrate import migrate
from tests.evidence.keys import TestKey

KEY = TestKey()
TENANT = "studio"
START_MS = 1_700_000_000_000
GROUP = 1_000
STREAMS = 5_000


def build(home: Path, size: int, group: int = GROUP) -> tuple[Databases, int]:
    """A migrated home whose log of tenant `studio` holds `size` entries in groups of `group`, each group with its
    signed checkpoint. Returns the open databases and the sum of the bodies' lengths in bytes."""
    databases = open_databases(home)
    migrate(databases.brain)
    rng = random.Random(11)
    frontier, total, tails = Frontier(), 0, dict.fromkeys(range(STREAMS), (-1, None))
    with databases.brain.write.begin() as conn:
        log = open_log(conn, TENANT, "practice/bench")
        sql = Statements(conn, log.log_id)
        streams = [sql.new_stream(stream_name(n)) for n in range(STREAMS)]
    for first in range(0, size, group):
        rows, seals = [], []
        for seq in range(first, min(first + group, size)):
            number = rng.randrange(STREAMS)
            pos, prev = tails[number]
            at_ms = START_MS + seq * 1_000
            id = uuid.UUID(int=at_ms << 80 | 7 << 76 | 2 << 62 | rng.getrandbits(62))
            body = encode(event(seq, number), id=id, at_ms=at_ms, tenant=TENANT, prev=prev, payload=None)
            seal = leaf_hash(body)
            tails[number] = (pos + 1, seal)
            at = place(log.log_id, seq)
            rows.append((at, log.log_id, id.bytes, "execution.result", streams[number], pos + 1, at_ms, seal, body))
            seals.append(seal)
            frontier.append(seal)
            total += len(body)
        with databases.brain.write.begin() as conn:
            sql = Statements(conn, log.log_id)
            sql.insert_entries(rows)
            for tile in full_tiles(first, seals, sql):
                sql.insert_tile(tile)
            sql.move_head(frontier.size, frontier.to_bytes())
            signed = checkpoints.sign(Checkpoint(log.origin, frontier.size, frontier.root()), KEY)
            sql.insert_checkpoint(frontier.size, signed.serialize())
    return databases, total


def event(seq: int, stream: int) -> Event:
    """An event of the gateway's shape, about 900 canonical bytes."""
    stamp = hashlib.sha256(seq.to_bytes(8, "big")).hexdigest()
    data = {
        "capabilityId": "firestore.ops_note.append",
        "target": f"batches/mfb-{stream}",
        "proposalId": stamp[:36],
        "rationale": "because staff have to know this before the kiln is unloaded",
        "approvalState": "executed",
        "inputHash": f"sha256:{stamp}",
        "outputHash": f"sha256:{stamp[::-1]}",
        "requestId": stamp[8:44],
        "reasonCode": None,
        "attempt": 1,
        "tookMs": seq % 4_000,
    }
    return Event("execution.result", stream_name(stream), ActorRef("staff", "imke", "cockpit"), stamp[:36], data)


def stream_name(number: int) -> str:
    return f"proposal:{number:08d}-7e3a-4c1f-9d55-0a1b2c3d4e5f"
