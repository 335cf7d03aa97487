"""The page of reason codes is the codes: each with its sentence, remedy and exit code, and nothing left over."""

import re

from studio_brain.doors.cli.app import exit_code
from studio_brain.doors.reason_page import PAGE, page
from studio_brain.kernel.reasons import REASONS, ReasonCode


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run make docs"


def test_every_code_stands_there_once_with_its_words_and_exit_code() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+) \| (.+) \| (\d) \|$", page(), re.MULTILINE)
    assert rows == [
        (code.value, REASONS[code].sentence, REASONS[code].remedy, str(exit_code(code))) for code in sorted(ReasonCode)
    ]
