"""`make soak`: the long campaigns. Each prints its seed first; the same seed and count give the same history.

    python -m tests.simulation [tamper|crash|canonical]... [--seed N] [--count N]

Exit 1 when anything was missed, lost, or said without cause.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.simulation import canonical, crash, tamper

Campaign = Callable[[Path, int, int], "tamper.Report | crash.Report | canonical.Report"]

CAMPAIGNS: dict[str, tuple[Campaign, int]] = {
    "tamper": (tamper.campaign, 10_000),
    "crash": (crash.campaign, 1_000),
    "canonical": (canonical.campaign, 1_000_000),
}
"""By name, with the count that a soak takes."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("campaigns", nargs="*", choices=[*CAMPAIGNS, []], help="all of them when none is named")
    parser.add_argument("--seed", type=int, default=None, help="a number; another one each time when left out")
    parser.add_argument("--count", type=int, default=None)
    given = parser.parse_args(arguments)
    seed = given.seed if given.seed is not None else time.time_ns() % 1_000_000_007
    ok = True
    for name in given.campaigns or CAMPAIGNS:
        run, count = CAMPAIGNS[name]
        print(f"{name}: seed {seed}, count {given.count or count}", flush=True)
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            report = run(Path(folder), seed, given.count or count)
        print("\n".join(report.lines()))
        print(f"  {time.monotonic() - began:.0f} s", flush=True)
        ok = ok and report.ok
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
