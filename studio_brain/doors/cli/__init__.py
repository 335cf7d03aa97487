"""The command line: every command translates its words into the two paths and prints what comes back.

Exit codes: 0 done, 1 denied or not verified, 2 usage, 3 something outside is unavailable. `--json` gives one document.
"""


def main() -> None:
    """Console script `studio-brain`."""
    from .app import run

    run()
