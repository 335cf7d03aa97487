"""An engine child that has a log and nothing else: the real questions about receipts over the real pipe, on any log.
What else a window asks is answered from a recording. For the benchmark of the Evidence pane.

    python -m tests.benchmarks.engine_on_a_log HOME TENANT
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from studio_brain.domains.records import proving
from studio_brain.doors.frames import PROTOCOL, FrameWriter, read_frame
from studio_brain.gateway import queries, seeking
from studio_brain.store.database import open_databases, selecting
from studio_brain.store.reading import Sources
from tests.ui.recorded import Recorded

QUERIES = {
    "evidence.page": queries.evidence_page,
    "evidence.one": queries.evidence_one,
    "evidence.seek": seeking.evidence_seek,
    "evidence.rows": seeking.evidence_rows,
    "evidence.proof": proving.one_proof,
}


def main(home: Path, tenant: str) -> None:
    databases = open_databases(home)
    select = selecting(databases.brain)
    sources = Sources(select, select, 0)
    recorded = Recorded()
    writer = FrameWriter(os.fdopen(os.dup(1), "wb"))
    writer.send({"hello": {"protocol": PROTOCOL, "pid": os.getpid()}})
    frames = os.fdopen(os.dup(0), "rb")
    while (frame := read_frame(frames)) is not None:
        op, args = str(frame.get("op")), frame.get("args") or {}
        if op == "open":
            writer.event("engine", {"state": "ready", **recorded.here()})
        elif op == "query" and args["name"] in QUERIES:
            found: Any = QUERIES[args["name"]](sources, tenant, args.get("params") or {})
            writer.send({"id": frame["id"], "ok": found})
        elif op != "cancel":
            writer.send({"id": frame["id"], **asyncio.run(recorded.call(op, args))})
    databases.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
