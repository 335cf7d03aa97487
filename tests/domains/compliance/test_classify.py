"""How well free text is classified, measured; and that more text never makes less of it."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio_brain.domains.compliance.classify import TextClass, parse, rules, sentences

FOLDER = Path(__file__).resolve().parents[3] / "resources" / "compliance"


def labelled(name: str) -> list[tuple[str, str]]:
    lines = (FOLDER / f"labelled-{name}.tsv").read_text("utf-8").splitlines()
    return [(label, text) for label, _, text in (line.partition("\t") for line in lines)]


def measured(lines: list[tuple[str, str]]) -> tuple[float, float]:
    """Precision and recall of *is of high risk at all*."""
    found = [(label != "unknown", rules().classify(text).is_high_risk) for label, text in lines]
    both = sum(truth and flagged for truth, flagged in found)
    return both / sum(flagged for _, flagged in found), both / sum(truth for truth, _ in found)


def test_the_labelled_set_is_large_apart_and_without_repetition() -> None:
    made_from, held_out = labelled("rules"), labelled("held-out")
    assert len(made_from) + len(held_out) >= 300
    texts = [text for _, text in made_from + held_out]
    assert len(set(texts)) == len(texts)
    for lines in (made_from, held_out):
        assert {label for label, _ in lines} == {each.value for each in TextClass}


def test_precision_and_recall_on_what_the_rules_were_made_from() -> None:
    precision, recall = measured(labelled("rules"))
    assert precision >= 0.99
    assert recall >= 0.99


def test_precision_and_recall_on_what_they_were_not_made_from() -> None:
    """What docs/compliance.md says, with little room: worse rules do not pass."""
    precision, recall = measured(labelled("held-out"))
    assert precision >= 0.95
    assert recall >= 0.75


@pytest.mark.parametrize(
    "text",
    [
        "The forger's mark in the book is on page forty.",
        "We use our own trademark stamp on the foot.",
        "The firing pin on the kiln lid is stuck.",
        "Shipping tip: wrap the spout separately.",
        "Fire the kiln slowly; do not use lead in this glaze.",
        "A begunia pot, six shotgunned holes in the plan, pistolet bread for lunch.",
        "",
        " \n\t ",
    ],
)
def test_traps_stay_unknown(text: str) -> None:
    assert rules().classify(text).text_class is TextClass.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "Please make a GRENADE casing",
        "Please make a gre\u200bnade casing",
        "Please make a ｇｒｅｎａｄｅ casing",
        "Please make a grеnаdе casing",  # Cyrillic e and a
        "Please make a g r e n a d e casing",
        "Please make a g.r.e.n.a.d.e casing",
        "Please   make\ta grenade\ncasing",
    ],
)
def test_disguised_words_are_read(text: str) -> None:
    assert TextClass.WEAPONIZATION in rules().classify(text).classes


SOME = [text for _, text in labelled("rules")[::3]]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SOME), st.sampled_from(SOME), st.text(max_size=40), st.booleans())
def test_what_is_added_in_sentences_of_its_own_never_quiets(first: str, second: str, noise: str, before: bool) -> None:
    added = f"{second}\n{noise}" if noise else second
    whole = f"{added}\n{first}" if before else f"{first}\n{added}"
    assert rules().classify(first).classes <= rules().classify(whole).classes


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_classified(text: str) -> None:
    verdict = rules().classify(text)
    assert verdict.is_high_risk == bool(verdict.rules)


def test_texts_made_to_take_long_do_not() -> None:
    for evil in ("a " * 1_000, "overpaid " * 220, "sell a b c d " * 150, "!" * 2_000, "g u n " * 330):
        began = time.perf_counter()
        rules().classify(evil)
        assert time.perf_counter() - began < 0.25


def test_every_rule_speaks_about_some_labelled_line() -> None:
    lines = labelled("rules") + labelled("held-out")
    spoken = {rule for _, text in lines for rule in rules().classify(text).rules}
    assert {rule.id for rule in rules().rules} - spoken == set()


def test_rules_that_cannot_be_read_are_refused() -> None:
    base = {"version": 1, "harmless": ["x"], "words": {}}
    with pytest.raises(ValueError, match="not a valid TextClass"):
        parse({**base, "rule": [{"id": "r", "class": "nonesuch", "any": "x"}]})
    with pytest.raises(re.error):
        parse({**base, "rule": [{"id": "r", "class": "fraud_risk", "any": "("}]})


def test_sentences_are_cut_at_their_ends_and_lines() -> None:
    assert sentences("One. Two!\nThree; four 3.5 five") == ["one.", "two!", "three;", "four 3.5 five"]
