"""Every reason code has a sentence and a remedy, and is used somewhere."""

import re
from pathlib import Path

import pytest

import studio_brain
from studio_brain.kernel.reasons import REASONS, ReasonCode

SOURCES = Path(studio_brain.__file__).parent


@pytest.mark.parametrize("code", list(ReasonCode))
def test_a_code_has_one_sentence_and_one_remedy(code: ReasonCode) -> None:
    reason = REASONS[code]
    assert reason.sentence.endswith(".")
    assert reason.remedy.endswith(".")
    assert code.value == code.name


def test_sentences_are_told_apart() -> None:
    sentences = [reason.sentence for reason in REASONS.values()]
    assert len(set(sentences)) == len(sentences)


def test_no_code_is_left_over() -> None:
    text = "\n".join(path.read_text() for path in SOURCES.rglob("*.py") if path.name != "reasons.py")
    used = set(re.findall(r"ReasonCode\.([A-Z_]+)", text))
    assert {code.name for code in ReasonCode} - used == set()
