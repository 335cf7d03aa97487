"""A new proposal as a form: the fields of a capability's JSON Schema in the order people fill them in. No Qt."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ... import words

LONG: Final = 200

BATCH_STATES: Final[tuple[tuple[str, str], ...]] = (
    ("ready for pickup", "READY_FOR_PICKUP"),
    ("shelved", "SHELVED"),
    ("loaded", "LOADED"),
    ("fired", "FIRED"),
    ("submitted", "SUBMITTED"),
    ("draft", "DRAFT"),
)
"""States of open batches that one can choose from, the ones that are most often worked on first."""

FIRST_STATE: Final[Mapping[str, str]] = {"firestore.batch.close": "READY_FOR_PICKUP"}
OTHER_FIRST_STATE: Final = "SHELVED"


@dataclass(frozen=True, slots=True)
class Field:
    """`kind` is batch (chosen from the cloud's), line or text."""

    name: str
    label: str
    kind: str
    required: bool
    least: int
    most: int


def fields(schema: Mapping[str, Any]) -> tuple[Field, ...]:
    """What a person fills in; properties that are no text are left to the command line."""
    required = set(schema.get("required", ()))
    found = []
    for name, given in schema.get("properties", {}).items():
        kinds = [given, *given.get("anyOf", ())]
        text = next((kind for kind in kinds if kind.get("type") == "string"), None)
        if text is None:
            continue
        most = int(text.get("maxLength", LONG))
        kind = "batch" if name == "batchId" else "text" if most > LONG else "line"
        least = int(text.get("minLength", 0))
        found.append(Field(name, "Batch" if kind == "batch" else _label(name), kind, name in required, least, most))
    return tuple(found)


def _label(name: str) -> str:
    spaced = "".join(f" {c.lower()}" if c.isupper() else c for c in name)
    return spaced[:1].upper() + spaced[1:]


def missing(field: Field, text: str) -> str:
    """What is wrong with a field's text; empty when nothing is."""
    text = text.strip()
    if not text:
        return f"{field.label} is needed." if field.required else ""
    if len(text) < field.least:
        return f"{field.label}: at least {words.count(field.least, 'character')}."
    if len(text) > field.most:
        return f"{field.label}: {len(text)} characters; {field.most} fit."
    return ""


def payload(form: tuple[Field, ...], texts: Mapping[str, str]) -> dict[str, Any]:
    """The input of the capability; what was left empty is left out."""
    return {field.name: texts[field.name].strip() for field in form if texts.get(field.name, "").strip()}
