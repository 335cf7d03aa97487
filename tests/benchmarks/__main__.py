"""`make bench`: a line of JSON for each figure, then a table for people. Exit 1 when a bound does not hold.

`make bench ARGS="studio_state"` runs one group.
"""

import importlib
import sys

from tests.benchmarks.figures import Figure, table

GROUPS = ("append", "studio_state", "compliance", "cockpit", "receipts", "proofs", "replay", "sweep")


def main(wanted: list[str]) -> int:
    found: list[Figure] = []
    for name in wanted or GROUPS:
        for figure in importlib.import_module(f"tests.benchmarks.{name}").figures():
            print(figure.line(), flush=True)
            found.append(figure)
    print("\n" + table(found))
    return 0 if all(figure.holds for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
