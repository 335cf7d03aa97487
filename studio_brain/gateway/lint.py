"""Policy lint: what is missing from manifests, or contradicts itself, although the program would start.

`faults` walks every capability and names each fault with what to write instead. The registry refuses at the start what
could do harm; this also holds manifests to being complete, and runs with the other linters before a change is taken.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from ..kernel.policy import PEOPLE, ActorType, Mode, Risk, Role
from .limits import MOST_USES, EffectClass, Per, exemption_bar
from .registry import Capability, Manifest, Payload

_ID: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,3}")
_EXEMPTION: Final = re.compile(r"[a-z][a-z0-9-]{2,62}")
_GRAVE: Final = frozenset({Risk.HIGH, Risk.CRITICAL})
_DANGEROUS: Final = frozenset({EffectClass.PHYSICAL, EffectClass.MONEY, EffectClass.POWER, EffectClass.MOBILITY})
_MOVING: Final = frozenset({EffectClass.PHYSICAL, EffectClass.POWER, EffectClass.MOBILITY})
_BOUNDS: Final = frozenset({"maxLength", "pattern", "enum", "const"})
SHORTEST: Final = 12
"""Characters that a description or a failure mode has at least."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`where` is a capability's id or a manifest's name."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def faults(manifests: Sequence[Manifest], root: Path | None = None) -> list[Fault]:
    """Every fault of these manifests. With `root`, the tests that they name have to exist below it."""
    known = {capability.id: capability for manifest in manifests for capability in manifest.capabilities}
    found = []
    for manifest in manifests:
        kinds = set(manifest.authority)
        if manifest.capabilities and not kinds:
            found.append(Fault(manifest.name, "authority: say who is the authority for each record kind"))
        for capability in manifest.capabilities:
            found += [Fault(capability.id, what) for what in _of(capability, known)]
            if root is not None and not (root / capability.test).is_file():
                found.append(Fault(capability.id, f"test: there is no {capability.test}"))
    return found


def _of(capability: Capability, known: dict[str, Capability]) -> Iterator[str]:
    yield from _words(capability)
    yield from _payload(capability)
    yield from _actors(capability)
    yield from _frequency(capability)
    yield from _exemption(capability)
    if capability.mode is Mode.OUTSIDE:
        yield from _outside(capability, known)
    else:
        yield from _inside(capability)


def _words(capability: Capability) -> Iterator[str]:
    if not _ID.fullmatch(capability.id):
        yield "id: write area.thing.verb in small letters"
    for name in ("title", "target", "owner"):
        if not getattr(capability, name).strip():
            yield f"{name}: missing"
    for name in ("description", "failure_mode"):
        if len(getattr(capability, name).strip()) < SHORTEST:
            yield f"{name}: missing, or too short to tell anybody anything"
    if not re.fullmatch(r"tests/[\w/]+\.py", capability.test):
        yield "test: name the file below tests/ that covers it"
    if capability.tenants is not None and not capability.tenants:
        yield "tenants: nobody is allowed; leave it out for all, or take the capability away"


def _payload(capability: Capability) -> Iterator[str]:
    for model in _models(capability.payload):
        if model.model_config.get("extra") != "forbid":
            yield f"payload: {model.__name__} takes fields that nobody declared"
    for where, schema in _texts(capability.payload.model_json_schema(), ""):
        if not _BOUNDS & set(schema):
            yield f"payload:{where} is text of any length; bound it"


def _texts(schema: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of a text inside another, with the names that lead there."""
    if isinstance(schema, list):
        for part in schema:
            yield from _texts(part, where)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "string":
        yield where, schema
    for name, part in schema.items():
        named = name in ("properties", "$defs") and isinstance(part, dict)
        for key, inner in part.items() if named else ((name, part),):
            yield from _texts(inner, f"{where} {key}" if named else where)


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for part in _parts(field.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel) and part not in (model, Payload):
                yield from _models(part)


def _parts(annotation: object) -> Iterator[object]:
    yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _parts(argument)


def _actors(capability: Capability) -> Iterator[str]:
    if not capability.actor_types:
        yield "actor_types: nobody may use it"
    if ActorType.CONNECTOR in capability.actor_types:
        yield "actor_types: a connector carries out, it never asks"
    if capability.mode is Mode.LOCAL and capability.risk in _GRAVE and ActorType.AGENT in capability.actor_types:
        yield f"actor_types: an agent may not do what is of {capability.risk.value} risk without being asked"
    if capability.mode is Mode.LOCAL and capability.risk in _GRAVE and capability.role.rank < Role.EDITOR.rank:
        yield f"role: {capability.role.value} is too low for {capability.risk.value} risk"


def _frequency(capability: Capability) -> Iterator[str]:
    seen = set()
    for limit in capability.limits:
        if limit.uses < 1 or limit.window_s < 1:
            yield f"limits: {limit.per.value}: uses and window are at least 1"
        if limit.uses > MOST_USES:
            yield f"limits: {limit.per.value}: at most {MOST_USES} uses; take a shorter window"
        if (limit.per, limit.window_s) in seen:
            yield f"limits: {limit.per.value} within {limit.window_s} s stands there twice"
        seen.add((limit.per, limit.window_s))
    if capability.cooldown_s < 0:
        yield "cooldown_s: seconds, 0 for none"
    counted = capability.limits or capability.cooldown_s
    if counted and capability.mode is Mode.READ:
        yield "limits: looking leaves no mark and is not counted"
    if counted and capability.procedure:
        yield "limits: uses of a procedure are not counted; make it a handler or leave them out"


def _exemption(capability: Capability) -> Iterator[str]:
    if capability.exemption is None:
        return
    bar = exemption_bar(capability.risk, capability.effects)
    if bar is not None:
        yield f"exemption: what is {bar} is never exempted; write None"
    if capability.mode is not Mode.OUTSIDE:
        yield "exemption: nothing is asked before it, so there is nothing to exempt from"
    if not _EXEMPTION.fullmatch(capability.exemption):
        yield "exemption: the id of a policy, in small letters and hyphens"


def _inside(capability: Capability) -> Iterator[str]:
    if capability.effects:
        yield "effects: only what leaves this machine has effects outside"
    if capability.mode is Mode.READ and capability.rationale:
        yield "rationale: nobody has to say why they look"
    if capability.mode is Mode.READ and capability.risk is not Risk.LOW:
        yield "risk: looking is low; what is worse needs an export capability of its own"


def _outside(capability: Capability, known: dict[str, Capability]) -> Iterator[str]:
    outside = capability.outside
    if outside is None:
        yield "outside: name connector, operation, staleness, idempotency and rollback"
        return
    if not capability.effects:
        yield "effects: say what it touches: " + ", ".join(effect.value for effect in EffectClass)
    if _DANGEROUS & capability.effects and capability.risk not in _GRAVE:
        yield "risk: " + ", ".join(sorted(_DANGEROUS & capability.effects)) + " is high or critical"
    if capability.effects & _MOVING and not capability.cooldown_s:
        yield "cooldown_s: what moves or switches something rests between two uses"
    if not capability.rationale:
        yield "rationale: what leaves this machine says why"
    if not capability.escalation:
        yield "escalation: name the roles that are asked when nobody decides"
    ranks = [role.rank for role in capability.escalation]
    if ranks != sorted(set(ranks)) or (ranks and ranks[0] < capability.role.rank):
        yield "escalation: roles in rising order, none below the role that it needs"
    if capability.risk in _GRAVE and Role.OWNER not in capability.escalation:
        yield f"escalation: at {capability.risk.value} risk it ends with the owner"
    for per in Per:
        if per not in {limit.per for limit in capability.limits}:
            yield f"limits: none per {per.value}"
    if not (capability.actor_types & PEOPLE):
        yield "actor_types: people have to be able to ask for it too"
    if not outside.rollback_note.strip():
        yield "rollback_note: say what undoing does, or that there is none"
    undo = None if outside.rollback is None else known.get(outside.rollback)
    if outside.rollback is not None and undo is None:
        yield f"rollback: {outside.rollback} is not registered"
    if undo is not None and undo.outside is not None and undo.outside.connector != outside.connector:
        yield f"rollback: {undo.id} goes through another connector"
