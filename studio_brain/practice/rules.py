"""Security rules: who may read and write what through the public port, by an ID token's claims.

The rules are data (`resources/practice/rules.json`): paths with `{variables}`, and for each operation a condition. A
condition is true, false or unknown; only true allows. Unknown stands for what a rule could not evaluate (a missing
field, a missing document) and, for a query, for what its filters do not pin down: a query is allowed only when it is
provable that every document it could give would be (Firebase documentation, "Rules are not filters").

Operands: `old.x` is a field of the stored document, `new.x` of the document as it would be.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import values
from .query import Condition, Group, Query, Where
from .refusals import denied
from .store import Store, Version
from .values import Fields, Value
from .writes import Written

_FALLS_UNDER = {"get": "read", "list": "read", "create": "write", "update": "write", "delete": "write"}
_TYPES = {
    "string": {"stringValue"},
    "bool": {"booleanValue"},
    "int": {"integerValue"},
    "number": {"integerValue", "doubleValue"},
    "timestamp": {"timestampValue"},
    "list": {"arrayValue"},
    "map": {"mapValue"},
}


@dataclass(slots=True)
class Situation:
    """What a condition may look at. `old` and `new` are None when there is no such document."""

    uid: str | None
    claims: dict[str, Any]
    variables: dict[str, str]
    store: Store
    old: Fields | None = None
    new: Fields | None = None
    listing: bool = False
    memo: dict[str, Fields | None] = field(default_factory=dict)

    def field(self, operand: str) -> Value | None:
        side, _, name = operand.partition(".")
        fields = self.old if side == "old" else self.new
        return None if fields is None else fields.get(name)

    def batch(self, batch_id: str) -> Fields | None:
        if batch_id not in self.memo:
            version = self.store.get(f"batches/{batch_id}")
            self.memo[batch_id] = version.fields if version else None
        return self.memo[batch_id]


Verdict = bool | None
Test = Callable[[Situation], Verdict]


def is_staff(claims: dict[str, Any]) -> bool:
    """`staff` is true, or `roles` is a list with `staff` in it. `admin` alone is not staff."""
    roles = claims.get("roles")
    return claims.get("staff") is True or (isinstance(roles, list) and "staff" in roles)


class Rules:
    def __init__(self, data: dict[str, Any]) -> None:
        self._named = {name: _compile(source, {}) for name, source in data["named"].items()}
        self._matches: list[tuple[list[str], dict[str, Test]]] = [
            (row["match"].split("/"), {op: _compile(source, self._named) for op, source in row["allow"].items()})
            for row in data["matches"]
        ]

    def allows(self, operation: str, path: str, situation: Situation) -> bool:
        """Whether any rule that matches the path allows the operation; rules only ever add permission."""
        segments = path.split("/")
        for pattern, allow in self._matches:
            test = allow.get(operation) or allow.get(_FALLS_UNDER[operation])
            if test is None:
                continue
            variables = _match(pattern, segments)
            if variables is not None:
                situation.variables = variables
                if test(situation) is True:
                    return True
        return False


class RuledAccess:
    """`Access` by security rules. `claims` is a verified token's payload, or None without one."""

    def __init__(self, rules: Rules, store: Store, claims: dict[str, Any] | None) -> None:
        self._rules = rules
        self._store = store
        self._claims = claims or {}
        self.owner: str | None = self._claims.get("sub")

    def _situation(self, old: Fields | None = None, new: Fields | None = None, *, listing: bool = False) -> Situation:
        return Situation(self.owner, self._claims, {}, self._store, old, new, listing)

    def _require(self, operation: str, path: str, situation: Situation) -> None:
        if not self._rules.allows(operation, path, situation):
            raise denied()

    def get(self, path: str, version: Version | None) -> None:
        self._require("get", path, self._situation(version.fields if version else None))

    def list(self, asked: Query) -> None:
        if asked.all_descendants:
            raise denied()  # no rule has a recursive wildcard in front, so none covers a collection group
        path = f"{asked.parent}/{asked.collection_id}" if asked.parent else f"{asked.collection_id}"
        self._require("list", f"{path}/*", self._situation(pinned(asked.where), listing=True))

    def write(self, written: Written) -> None:
        before = written.before.fields if written.before else None
        change = "create" if before is None else "update"
        operation = "delete" if written.fields is None else change
        self._require(operation, written.path, self._situation(before, written.fields))

    def administer(self) -> None:
        raise denied()


def pinned(where: Where) -> Fields:
    """The top-level fields that a filter holds to exactly one value."""
    if isinstance(where, Condition):
        if len(where.path) == 1 and where.value is not None:
            if where.op == "EQUAL":
                return {where.path[0]: where.value}
            if where.op == "IN" and len(items := where.value["arrayValue"]["values"]) == 1:
                return {where.path[0]: items[0]}
        return {}
    if isinstance(where, Group) and (where.op == "AND" or len(where.members) == 1):
        return {name: value for member in where.members for name, value in pinned(member).items()}
    return {}


def _match(pattern: list[str], segments: list[str]) -> dict[str, str] | None:
    variables: dict[str, str] = {}
    for index, part in enumerate(pattern):
        if part.endswith("=**}"):
            return variables  # a recursive wildcard matches any rest, also an empty one (rules version 2)
        if index >= len(segments):
            return None
        if part.startswith("{"):
            variables[part[1:-1]] = segments[index]
        elif part != segments[index]:
            return None
    return variables if len(pattern) == len(segments) else None


# --- conditions ------------------------------------------------------------------------------------------------------


def _compile(source: Any, named: dict[str, Test]) -> Test:
    if isinstance(source, str):
        return _WORDS[source]
    ((kind, argument),) = source.items()
    if kind == "ref":
        return named[argument]
    if kind in ("any", "all"):
        return _join(kind, [_compile(part, named) for part in argument])
    return _MAKERS[kind](argument)


def _join(kind: str, tests: list[Test]) -> Test:
    decisive = kind == "any"

    def joined(situation: Situation) -> Verdict:
        unknown = False
        for test in tests:
            verdict = test(situation)
            if verdict is decisive:
                return decisive
            unknown = unknown or verdict is None
        return None if unknown else not decisive

    return joined


def _same_value(left: Value | None, right: Value | None) -> Verdict:
    return None if left is None or right is None else values.key(left) == values.key(right)


def _uid(operand: str) -> Test:
    def test(situation: Situation) -> Verdict:
        value = situation.field(operand)
        if situation.uid is None or value is None:
            return None
        return value.get("stringValue") == situation.uid

    return test


def _uid_in(operand: str) -> Test:
    def test(situation: Situation) -> Verdict:
        value = situation.field(operand)
        if situation.uid is None or value is None or "arrayValue" not in value:
            return None
        return {"stringValue": situation.uid} in value["arrayValue"].get("values", [])

    return test


def _owner(variable: str) -> Test:
    def test(situation: Situation) -> Verdict:
        if situation.listing and situation.variables[variable] == "*":
            return None
        return situation.uid is not None and situation.variables[variable] == situation.uid

    return test


def _edits_batch(argument: Any) -> Test:
    def test(situation: Situation) -> Verdict:
        if isinstance(argument, dict):
            batch_id = (situation.field(argument["field"]) or {}).get("stringValue")
        else:
            batch_id = situation.variables[argument]
        batch = situation.batch(batch_id) if batch_id else None
        if situation.uid is None or batch is None:
            return None
        if batch.get("ownerUid", {}).get("stringValue") == situation.uid:
            return True
        return {"stringValue": situation.uid} in batch.get("editors", {}).get("arrayValue", {}).get("values", [])

    return test


def _wire(plain: Any) -> Value:
    if plain is None:
        return values.NULL
    return {"stringValue": plain} if isinstance(plain, str) else {"integerValue": str(plain)}


def _equals(argument: list[Any]) -> Test:
    operand, wanted = argument
    value = _wire(wanted)
    return lambda situation: _same_value(situation.field(operand), value)


def _one_of(argument: list[Any]) -> Test:
    operand, choices = argument

    def test(situation: Situation) -> Verdict:
        value = situation.field(operand)
        return None if value is None else value.get("stringValue") in choices

    return test


def _is(argument: list[str]) -> Test:
    operand, wanted = argument
    kinds = _TYPES[wanted]

    def test(situation: Situation) -> Verdict:
        value = situation.field(operand)
        return None if value is None else bool(value.keys() & kinds)

    return test


def _range(low_inclusive: bool) -> Callable[[list[Any]], Test]:
    def make(argument: list[Any]) -> Test:
        operand, low, high = argument

        def test(situation: Situation) -> Verdict:
            number = values.number_of(situation.field(operand) or {})
            if number is None:
                return None
            return (number >= low if low_inclusive else number > low) and number <= high

        return test

    return make


def _filled(operand: str) -> Test:
    def test(situation: Situation) -> Verdict:
        value = situation.field(operand)
        return None if value is None else bool(value.get("stringValue"))

    return test


def _lacks(name: str) -> Test:
    return lambda situation: None if situation.new is None else name not in situation.new


def _only_keys(keys: list[str]) -> Test:
    allowed = frozenset(keys)
    return lambda situation: None if situation.new is None else situation.new.keys() <= allowed


def _changed_only(keys: list[str]) -> Test:
    """`changedKeys()` names fields that both documents have, with different values: an added one is not among them."""
    allowed = frozenset(keys)

    def test(situation: Situation) -> Verdict:
        old, new = situation.old, situation.new
        if old is None or new is None:
            return None
        return {name for name in old.keys() & new.keys() if old[name] != new[name]} <= allowed

    return test


def _affected_only(keys: list[str]) -> Test:
    allowed = frozenset(keys)

    def test(situation: Situation) -> Verdict:
        old, new = situation.old, situation.new
        if old is None or new is None:
            return None
        return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)} <= allowed

    return test


_WORDS: dict[str, Test] = {
    "staff": lambda situation: situation.uid is not None and is_staff(situation.claims),
    "signedIn": lambda situation: situation.uid is not None,
    "isNew": lambda situation: situation.old is None,
}
_MAKERS: dict[str, Callable[[Any], Test]] = {
    "uid": _uid,
    "uidIn": _uid_in,
    "owner": _owner,
    "editsBatch": _edits_batch,
    "readsBatch": lambda argument: _join("any", [_WORDS["staff"], _edits_batch(argument)]),
    "same": lambda name: lambda situation: _same_value(situation.field(f"old.{name}"), situation.field(f"new.{name}")),
    "equals": _equals,
    "oneOf": _one_of,
    "is": _is,
    "between": _range(True),
    "over": _range(False),
    "filled": _filled,
    "lacks": _lacks,
    "onlyKeys": _only_keys,
    "changedOnly": _changed_only,
    "affectedOnly": _affected_only,
}
