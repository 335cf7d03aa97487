"""`python -m studio_brain.doors.reason_page`: writes docs/reason-codes.md from the codes themselves (`make docs`).

A test holds the page to being what this writes.
"""

from pathlib import Path
from typing import Final

from ..kernel.reasons import REASONS, ReasonCode
from .cli.app import exit_code

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "reason-codes.md"
_HEAD: Final = """\
# Reason codes

Whatever is refused or goes wrong has one of these codes: in its receipt, in the JSON of the command line, on the
screen. A code is stable; its words may be improved. *Exit* is what the command line ends with: 1 refused, 2 wrong use
or settings, 3 something that has to be there is not. This page is written by `make docs`.

| Code | What it says | What to do | Exit |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The page, by the names of the codes."""
    rows = (
        f"| `{code.value}` | {_cell(REASONS[code].sentence)} | {_cell(REASONS[code].remedy)} | {exit_code(code)} |\n"
        for code in sorted(ReasonCode)
    )
    return _HEAD + "".join(rows)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
