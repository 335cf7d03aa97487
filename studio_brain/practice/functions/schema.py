"""What a Function takes: shapes of request bodies, and the messages for what does not fit.

The real Functions check with zod 4 and answer the message of the first issue; so do these. Members that a shape does
not name are dropped silently, as there.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_MISSING: Any = object()
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#]+[^\s]*")


class Misfit(Exception):
    """The message of the first thing that is wrong."""


class Shape:
    """`read` gives the value as the Function sees it, or raises Misfit."""

    def read(self, value: Any) -> Any:
        raise NotImplementedError

    def optional(self) -> "Shape":
        return _Lenient(self, absent=True, null=False)

    def nullish(self) -> "Shape":
        return _Lenient(self, absent=True, null=True)


def _kind(value: Any) -> str:
    if value is _MISSING:
        return "undefined"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return {str: "string", list: "array", dict: "object"}.get(type(value), "unknown")


def _wrong(expected: str, value: Any) -> Misfit:
    return Misfit(f"Invalid input: expected {expected}, received {_kind(value)}")


@dataclass(frozen=True, slots=True)
class _Lenient(Shape):
    inner: Shape
    absent: bool
    null: bool

    def read(self, value: Any) -> Any:
        if (value is _MISSING and self.absent) or (value is None and self.null):
            return None
        return self.inner.read(value)


@dataclass(frozen=True, slots=True)
class Text(Shape):
    least: int = 0
    most: int | None = None
    trim: bool = False
    url: bool = False

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise _wrong("string", value)
        if len(value) < self.least:
            raise Misfit(f"Too small: expected string to have >={self.least} characters")
        if self.most is not None and len(value) > self.most:
            raise Misfit(f"Too big: expected string to have <={self.most} characters")
        if self.url and not _URL.fullmatch(value):
            raise Misfit("Invalid URL")
        return value.strip() if self.trim else value


@dataclass(frozen=True, slots=True)
class Number(Shape):
    whole: bool = False
    least: float | None = None
    most: float | None = None
    positive: bool = False

    def read(self, value: Any) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong("number", value)
        if self.whole and isinstance(value, float) and not value.is_integer():
            raise _wrong("int", value)
        if self.positive and value <= 0:
            raise Misfit("Too small: expected number to be >0")
        if self.least is not None and value < self.least:
            raise Misfit(f"Too small: expected number to be >={self.least:g}")
        if self.most is not None and value > self.most:
            raise Misfit(f"Too big: expected number to be <={self.most:g}")
        return int(value) if self.whole else value


@dataclass(frozen=True, slots=True)
class Flag(Shape):
    def read(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise _wrong("boolean", value)
        return value


@dataclass(frozen=True, slots=True)
class OneOf(Shape):
    choices: tuple[str, ...]

    def read(self, value: Any) -> str:
        if isinstance(value, str) and value in self.choices:
            return value
        quoted = [f'"{choice}"' for choice in self.choices]
        if len(quoted) == 1:
            raise Misfit(f"Invalid input: expected {quoted[0]}")
        raise Misfit(f"Invalid option: expected one of {'|'.join(quoted)}")


@dataclass(frozen=True, slots=True)
class ListOf(Shape):
    item: Shape
    least: int = 0
    most: int | None = None

    def read(self, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise _wrong("array", value)
        items = [self.item.read(one) for one in value]
        if len(items) < self.least:
            raise Misfit(f"Too small: expected array to have >={self.least} items")
        if self.most is not None and len(items) > self.most:
            raise Misfit(f"Too big: expected array to have <={self.most} items")
        return items


@dataclass(frozen=True, slots=True)
class Anything(Shape):
    """`z.any()`, and unions of text, number and date: what is made of it is decided later."""

    scalar: bool = False

    def read(self, value: Any) -> Any:
        if self.scalar and _kind(value) not in ("string", "number"):
            raise Misfit("Invalid input")
        return None if value is _MISSING else value


@dataclass(frozen=True, slots=True)
class Record(Shape):
    def read(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong("record", value)
        return value


@dataclass(frozen=True, slots=True)
class Object(Shape):
    """`refine` sees the whole object once every member fits; it gives a message or None."""

    members: dict[str, Shape]
    refine: Callable[[dict[str, Any]], str | None] | None = None
    defaults: dict[str, Any] = field(default_factory=dict)

    def read(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong("object", value)
        result: dict[str, Any] = {}
        for name, shape in self.members.items():
            given = value.get(name, self.defaults.get(name, _MISSING))
            read = shape.read(given)
            if given is not _MISSING:
                result[name] = read
        message = self.refine(result) if self.refine else None
        if message is not None:
            raise Misfit(message)
        return result


def parse(shape: Shape, body: Any) -> Any:
    """A body, {} when there is none. Raises Misfit."""
    return shape.read({} if body is None else body)
