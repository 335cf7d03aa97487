"""One of several processes that carry out approved proposals at the same moment.

    python -m tests.gateway.quota_process HOME URL LIMIT PROPOSAL…

Prints a line when it is ready, waits for a line, then carries out each proposal and prints the outcomes as JSON.
"""

import json
import sys
from pathlib import Path

from studio_brain.gateway.execution import Process
from studio_brain.gateway.perform import Performed
from studio_brain.store.database import open_databases
from tests.gateway.harness import Bench
from tests.gateway.limited import allow


def main(home: str, url: str, limit: str, *proposals: str) -> None:
    databases = open_databases(Path(home), url or None)
    bench = Bench(databases, Process("another", lambda name: True))
    allow(bench, actor=int(limit))
    print("ready", flush=True)
    sys.stdin.readline()
    outcomes = [bench.execute(Performed("asked", "", "", proposal=id)) for id in proposals]
    print(json.dumps([[done.outcome, done.code] for done in outcomes]), flush=True)
    bench.close()
    databases.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
