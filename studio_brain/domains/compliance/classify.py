"""What a free text asks for: weapons, what is illegal, what belongs to others, fraud, or nothing that is known here.

Rules are data (`resources/compliance/rules.toml`): words with boundaries, what has to stand beside them in the same
sentence, and phrases that are harmless. A sentence never quiets another one: whatever is added to a text, its classes
only become more. The classifier raises the level of review; that something is *unknown* here permits nothing.

Pure once the rules are read. English only.
"""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final


class TextClass(StrEnum):
    """In the order in which they count when a text has several."""

    WEAPONIZATION = "weaponization"
    ILLEGAL = "illegal_content"
    FRAUD = "fraud_risk"
    IP = "ip_infringement"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The class that counts most, all classes found, and the rules that spoke."""

    text_class: TextClass
    classes: frozenset[TextClass]
    rules: tuple[str, ...]

    @property
    def is_high_risk(self) -> bool:
        return self.text_class is not TextClass.UNKNOWN


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    text_class: TextClass
    any: re.Pattern[str]
    beside: re.Pattern[str] | None
    unless: re.Pattern[str] | None

    def speaks(self, sentence: str, whole: str) -> bool:
        """`sentence` is without what is harmless; what excuses is looked for in the whole of it."""
        if self.any.search(sentence) is None:
            return False
        if self.beside is not None and self.beside.search(sentence) is None:
            return False
        return self.unless is None or self.unless.search(whole) is None


@dataclass(frozen=True, slots=True)
class Rules:
    """`version` stands beside every classification that is sealed."""

    version: int
    harmless: re.Pattern[str]
    rules: tuple[Rule, ...]

    def classify(self, text: str) -> Verdict:
        spoken: dict[str, TextClass] = {}
        for whole in sentences(text):
            sentence = self.harmless.sub(" · ", whole)
            for rule in self.rules:
                if rule.id not in spoken and rule.speaks(sentence, whole):
                    spoken[rule.id] = rule.text_class
        classes = frozenset(spoken.values())
        first = next((each for each in TextClass if each in classes), TextClass.UNKNOWN)
        return Verdict(first, classes, tuple(spoken))


_ENDS: Final = re.compile(r"(?<=[.!?;])\s+|\n+")
_LETTERS_APART: Final = re.compile(r"(?<![^\W\d_])(?:[^\W\d_][ .*_-]){2,}[^\W\d_](?![^\W\d_])")
_LOOKALIKES: Final = str.maketrans("асеорхуіј’‘‐‑–—", "aceopxyij''----")
"""Cyrillic letters that look Latin, and the many apostrophes and dashes."""


def sentences(text: str) -> list[str]:
    """Plain lower-cased sentences: compatibility forms folded, invisible characters gone, l e t t e r s joined."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_LOOKALIKES)
    visible = "".join(c for c in folded if unicodedata.category(c) != "Cf")
    return [
        re.sub(r"\s+", " ", _LETTERS_APART.sub(_joined, part)).strip() for part in _ENDS.split(visible) if part.strip()
    ]


def _joined(found: re.Match[str]) -> str:
    """`a g r e n a d e` → `a grenade`: the article stays a word."""
    article = found[0][:2] if found[0].startswith(("a ", "i ")) else ""
    return article + re.sub(r"[ .*_-]", "", found[0][len(article) :])


@cache
def rules() -> Rules:
    """The rules this program came with."""
    return parse(tomllib.loads((_folder() / "rules.toml").read_text("utf-8")))


def parse(document: dict[str, Any]) -> Rules:
    """Raises ValueError, KeyError or re.error for rules that cannot be read."""
    words = {f"{{{name}}}": f"(?:{pattern})" for name, pattern in document["words"].items()}

    def bounded(pattern: str) -> re.Pattern[str]:
        for name, alternatives in words.items():
            pattern = pattern.replace(name, alternatives)
        return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)")

    made = tuple(
        Rule(
            id=item["id"],
            text_class=TextClass(item["class"]),
            any=bounded(item["any"]),
            beside=bounded(item["with"]) if "with" in item else None,
            unless=bounded(item["unless"]) if "unless" in item else None,
        )
        for item in document["rule"]
    )
    return Rules(int(document["version"]), bounded("|".join(document["harmless"])), made)


def _folder() -> Path:
    """`_resources/compliance` in an installed wheel, `resources/compliance` in a checkout."""
    package = Path(__file__).resolve().parents[2]
    places = (package / "_resources" / "compliance", package.parent / "resources" / "compliance")
    return next((place for place in places if place.is_dir()), places[-1])
