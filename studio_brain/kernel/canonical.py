"""Canonical JSON bytes (RFC 8785) and the strict intake of JSON from outside.

`canonical` gives the bytes of any I-JSON value, finite floats included; `canonical_entry` refuses floats, because
nothing that is sealed may hold one. `intake` turns bytes from outside into a value or refuses them, each fault with
an error of its own.

orjson with sorted keys equals RFC 8785 when a document has no floats, only safe integers and only ASCII names (§3.2.2
and §3.2.3). The guard walks the value once to know that; what it does not recognise takes the slow path, `rfc8785`.
"""

import json
import re
from typing import Any, Final

import orjson
import rfc8785

from .errors import StudioBrainError
from .reasons import ReasonCode

MAX_SAFE: Final = 2**53 - 1
MAX_DEPTH: Final = 64
MAX_BYTES: Final = 8 * 1024 * 1024


class CanonicalError(StudioBrainError):
    """A value or document that has no place in canonical JSON."""

    code = ReasonCode.INVALID_PAYLOAD


class MalformedJson(CanonicalError): ...


class RepeatedName(CanonicalError): ...


class LoneSurrogate(CanonicalError): ...


class UnsafeNumber(CanonicalError): ...


class FloatRefused(UnsafeNumber): ...


class TooDeep(CanonicalError): ...


class TooLarge(CanonicalError): ...


class NotJson(CanonicalError):
    """A Python value that is not one of JSON's."""


_OPTIONS = orjson.OPT_SORT_KEYS


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of `value`. Finite floats are allowed and written as ECMAScript does (§3.2.2.3)."""
    if _is_plain(value, MAX_DEPTH):
        return _dump(value)
    _check(value, MAX_DEPTH, floats=True)
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:  # pragma: no branch  the check above leaves nothing else
        raise CanonicalError(str(error)) from error


def canonical_entry(value: Any) -> bytes:
    """As `canonical`, and floats are refused: money is in minor units, durations in milliseconds."""
    if _is_plain(value, MAX_DEPTH):
        return _dump(value)
    _check(value, MAX_DEPTH, floats=False)
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise CanonicalError(str(error)) from error


def canonical_around(document: dict[str, Any], value: dict[str, Any]) -> bytes:
    """`canonical_entry(document)` for a document of which `value`, one of its members, is all that needs looking at:
    the rest are ASCII names, strings, null, small integers, and objects of these."""
    return _dump(document) if _is_plain(value, MAX_DEPTH - 1) else canonical_entry(document)


def is_canonical(data: bytes) -> bool:
    """Whether `data` is, byte for byte, the canonical form of what it says."""
    try:
        return bool(canonical(orjson.loads(data)) == data)
    except (orjson.JSONDecodeError, CanonicalError):
        return False


def intake(data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Any:
    """Bytes from outside → value, or one of the errors above. Stricter than RFC 8259, as I-JSON (RFC 7493) asks."""
    if len(data) > max_bytes:
        raise TooLarge(f"{len(data)} bytes; at most {max_bytes} are taken")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJson(f"not UTF-8 at byte {error.start}") from error
    _check_depth(text, max_depth)
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        raise MalformedJson(f"{error.msg} at line {error.lineno} column {error.colno}") from error
    if "\\u" in text:
        _check_strings(value)
    return value


def _dump(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=_OPTIONS)
    except orjson.JSONEncodeError as error:  # what the guard leaves to orjson: lone surrogates
        raise LoneSurrogate("a string holds half of a surrogate pair") from error


def _is_plain(value: Any, depth: int) -> bool:
    """True when orjson's sorted output is canonical; says nothing about why not."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is int:
        return bool(-MAX_SAFE <= value <= MAX_SAFE)
    if depth == 0:
        return False
    if kind is dict:
        for name, member in value.items():
            if type(name) is not str or not name.isascii():
                return False
            kind = type(member)
            if kind is str or member is None or kind is bool:
                continue
            if kind is int:
                if -MAX_SAFE <= member <= MAX_SAFE:
                    continue
                return False
            if not _is_plain(member, depth - 1):
                return False
        return True
    if kind is list:
        for item in value:  # noqa: SIM110  faster than all() with a generator
            if type(item) is not str and not _is_plain(item, depth - 1):
                return False
        return True
    return False


def _check(value: Any, depth: int, *, floats: bool) -> None:
    """Raises the error that names what is wrong with `value`; rfc8785 would take some of it silently."""
    kind = type(value)
    if kind is str:
        _check_string(value)
    elif kind is int:
        if not -MAX_SAFE <= value <= MAX_SAFE:
            raise UnsafeNumber(f"{value} cannot be represented exactly as a JSON number; send it as text")
    elif kind is float:
        if not floats:
            raise FloatRefused(f"{value!r}: no floats here; use minor units, milliseconds or decimal text")
        if value != value or value in (float("inf"), float("-inf")):
            raise UnsafeNumber(f"{value!r} is not a JSON number")
    elif kind is dict:
        if depth == 0:
            raise TooDeep(f"nested deeper than {MAX_DEPTH}")
        for name, member in value.items():
            if type(name) is not str:
                raise NotJson(f"a member name is a {type(name).__name__}, not a string")
            _check_string(name)
            _check(member, depth - 1, floats=floats)
    elif kind is list:
        if depth == 0:
            raise TooDeep(f"nested deeper than {MAX_DEPTH}")
        for item in value:
            _check(item, depth - 1, floats=floats)
    elif value is not None and kind is not bool:
        raise NotJson(f"a {kind.__name__} has no form in JSON")


def _check_string(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise LoneSurrogate(f"half of a surrogate pair at character {error.start}") from error


def _check_strings(value: Any) -> None:
    if isinstance(value, str):
        _check_string(value)
    elif isinstance(value, dict):
        for name, member in value.items():
            _check_string(name)
            _check_strings(member)
    elif isinstance(value, list):
        for item in value:
            _check_strings(item)


_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)


def _check_depth(text: str, limit: int) -> None:
    depth = 0
    for match in _BRACKETS.finditer(text):
        first = match[0][0]
        if first in "[{":
            depth += 1
            if depth > limit:
                raise TooDeep(f"nested deeper than {limit}")
        elif first in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        repeated = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise RepeatedName(f"the name {repeated[:80]!r} stands twice in one object")
    return result


def _integer(text: str) -> int:
    if len(text) > 17 or not -MAX_SAFE <= (number := int(text)) <= MAX_SAFE:
        raise UnsafeNumber(f"{text[:40]} cannot be represented exactly as a JSON number; send it as text")
    return number


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise UnsafeNumber(f"{text[:40]} is beyond the range of a JSON number")
    return number


def _constant(text: str) -> Any:
    raise MalformedJson(f"{text} is not JSON")
