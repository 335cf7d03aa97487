"""What a commit does: `Write` messages against the documents as they are, giving whole new documents.

Writes of one commit apply in order and see each other; a precondition that does not hold refuses the commit. Semantics:
Firestore REST reference, `Write`, `DocumentTransform.FieldTransform`, `Precondition`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import clock, values
from .paths import FieldPath, Root, parse_field
from .refusals import Refused, invalid, precondition
from .store import Version
from .values import Fields, Value

MAX_DOCUMENT_BYTES = 1_048_576
Reader = Callable[[str], Version | None]


@dataclass(frozen=True, slots=True)
class Written:
    """One document as a commit leaves it, with what was there before the commit (for rules and for the answer)."""

    path: str
    before: Version | None
    fields: Fields | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The documents that a list of writes would put, in order of the writes, and their transform results."""

    written: tuple[Written, ...]
    transform_results: tuple[list[Value], ...]

    def puts(self) -> list[tuple[str, Fields | None]]:
        return [(one.path, one.fields) for one in self.written]


def plan(root: Root, writes: list[dict[str, Any]], read: Reader, now_us: int) -> Plan:
    """`writes` as `shapes.read_message` gives them. Raises Refused; nothing is changed here."""
    pending: dict[str, Fields | None] = {}
    written: list[Written] = []
    results: list[list[Value]] = []
    for index, write in enumerate(writes):
        path = target(root, write, index)
        name = root.name(path)
        before = read(path)
        current = pending.get(path, before.fields if before else None)
        if condition := write.get("currentDocument"):
            # a document that this commit has already written has no update time yet that a condition could name
            _check(condition, name, current, before.updated if before and path not in pending else 0)
        transforms = write.get("updateTransforms", [])
        if "delete" in write:
            if transforms or "updateMask" in write:
                raise invalid("A delete cannot have an update mask or transforms.", f"writes[{index}]")
            fields: Fields | None = None
        elif "transform" in write:
            transforms = write["transform"].get("fieldTransforms", [])
            fields = dict(current or {})
        else:
            fields = _updated(write, current)
        outcome: list[Value] = []
        if fields is not None:
            for transform in transforms:
                fields, result = _transform(fields, transform, now_us)
                outcome.append(result)
            if len(transforms) != len({transform.get("fieldPath") for transform in transforms}):
                raise invalid("Cannot have multiple transforms on the same field in one write.", f"writes[{index}]")
            _check_size(name, fields)
        pending[path] = fields
        written.append(Written(path, before, fields))
        results.append(outcome)
    return Plan(tuple(written), tuple(results))


def target(root: Root, write: dict[str, Any], index: int) -> str:
    """The path of the document that a write is about."""
    if "update" in write:
        name = write["update"].get("name", "")
    elif "delete" in write:
        name = write["delete"]
    else:
        name = write["transform"].get("document", "")
    if not name:
        raise invalid(f"writes[{index}] names no document.", f"writes[{index}]")
    return root.document(name)


def _check(condition: dict[str, Any], name: str, current: Fields | None, stored: int) -> None:
    if "exists" in condition:
        if condition["exists"] and current is None:
            raise Refused("NOT_FOUND", f"No document to update: {name}")
        if not condition["exists"] and current is not None:
            raise Refused("ALREADY_EXISTS", f"Document already exists: {name}")
    elif "updateTime" in condition and stored != condition["updateTime"]:
        wanted = condition["updateTime"]
        raise precondition(f"the stored version ({stored}) does not match the required base version ({wanted})")


def _updated(write: dict[str, Any], current: Fields | None) -> Fields:
    given = write["update"].get("fields", {})
    mask = write.get("updateMask")
    if mask is None:
        return dict(given)
    fields = dict(current or {})
    paths = [parse_field(text) for text in mask.get("fieldPaths", [])]
    _check_disjoint(paths)
    for path in paths:
        fields = put(fields, path, _get(given, path))
    return fields


def _check_disjoint(paths: list[FieldPath]) -> None:
    known = set(paths)
    if len(known) != len(paths):
        raise invalid("The update mask names a field twice.", "update_mask")
    for path in paths:
        for length in range(1, len(path)):
            if path[:length] in known:
                raise invalid("The update mask names a field and a part of it.", "update_mask")


def _get(fields: Fields, path: FieldPath) -> Value | None:
    for part in path[:-1]:
        fields = fields.get(part, {}).get("mapValue", {}).get("fields", {})
    return fields.get(path[-1])


def put(fields: Fields, path: FieldPath, value: Value | None) -> Fields:
    """A copy of `fields` with `value` at `path` (None removes it). Maps on the way are copied, or made when missing."""
    copy = dict(fields)
    if len(path) == 1:
        if value is None:
            copy.pop(path[0], None)
        else:
            copy[path[0]] = value
        return copy
    nested = copy.get(path[0], {}).get("mapValue")
    if nested is None and value is None:
        return copy
    copy[path[0]] = values.mapping(put((nested or {}).get("fields", {}), path[1:], value))
    return copy


def _transform(fields: Fields, transform: dict[str, Any], now_us: int) -> tuple[Fields, Value]:
    """New fields and the transform's result: the value it made, or null for the two array transforms."""
    path = parse_field(transform.get("fieldPath", ""))
    current = _get(fields, path)
    if "setToServerValue" in transform:
        if transform["setToServerValue"] != "REQUEST_TIME":
            raise invalid("Server value is not specified.", "set_to_server_value")
        # "with millisecond precision", as the reference of ServerValue says
        value: Value = {"timestampValue": clock.text(now_us // clock.MS * clock.MS)}
        return put(fields, path, value), value
    for kind in ("increment", "maximum", "minimum"):
        if kind in transform:
            operand = transform[kind]
            if values.number_of(operand) is None:
                raise invalid(f"{kind} requires a number.", kind)
            value = _NUMERIC[kind](current, operand)
            return put(fields, path, value), value
    elements = list((current or {}).get("arrayValue", {}).get("values", ()))
    if "appendMissingElements" in transform:
        known = {values.key(element) for element in elements}
        for element in transform["appendMissingElements"]:
            if (identity := values.key(element)) not in known:
                known.add(identity)
                elements.append(element)
    else:
        removed = {values.key(element) for element in transform["removeAllFromArray"]}
        elements = [element for element in elements if values.key(element) not in removed]
    return put(fields, path, values.array(elements)), values.NULL


def _increment(current: Value | None, operand: Value) -> Value:
    left = values.number_of(current) if current else None
    right = values.number_of(operand)
    if left is None or right is None:
        return operand
    if isinstance(left, int) and isinstance(right, int):
        total = max(values.INT64.start, min(values.INT64.stop - 1, left + right))
        return {"integerValue": str(total)}
    return values.double(float(left) + float(right))


def _extreme(current: Value | None, operand: Value, take_operand: Callable[[Any, Any], bool]) -> Value:
    left = values.number_of(current) if current else None
    right = values.number_of(operand)
    if left is None or right is None or current is None:
        return operand
    if math.isnan(left):
        return current
    if math.isnan(right) or take_operand(right, left):
        return operand
    return current


def _maximum(current: Value | None, operand: Value) -> Value:
    return _extreme(current, operand, lambda new, old: new > old)


def _minimum(current: Value | None, operand: Value) -> Value:
    return _extreme(current, operand, lambda new, old: new < old)


_NUMERIC = {"increment": _increment, "maximum": _maximum, "minimum": _minimum}


def _check_size(name: str, fields: Fields) -> None:
    taken = values.fields_size(fields)
    if taken > MAX_DOCUMENT_BYTES - 200:  # the name and the document itself count too; only then is it worth the sum
        taken += sum(len(part.encode()) + 1 for part in name.split("/")[5:]) + 16 + 32
        if taken > MAX_DOCUMENT_BYTES:
            raise invalid(
                f"Document '{name}' cannot be written because its size ({taken:,} bytes) exceeds the maximum allowed "
                f"size of {MAX_DOCUMENT_BYTES:,} bytes."
            )
