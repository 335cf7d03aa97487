"""Stamps for the benchmarks: with SB_TRACE=1, one line of JSON on standard error for each.

`at` is the system's monotonic clock in seconds, the same for every process, so that whoever started this one knows how
long it took; `cpu` is how long this process was on a processor, in seconds.

painted  the shell is exposed and painted
rows     the first real rows are painted, and the Approve key is live
ready    the engine is ready
"""

import os
import sys
import time

ON = os.environ.get("SB_TRACE") == "1"
_seen: set[str] = set()


def stamp(name: str) -> None:
    """Each stamp is given once."""
    if ON and name not in _seen:
        _seen.add(name)
        now, cpu = time.monotonic(), time.process_time()
        sys.stderr.write(f'{{"stamp": "{name}", "at": {now:.6f}, "cpu": {cpu:.6f}}}\n')
        sys.stderr.flush()
