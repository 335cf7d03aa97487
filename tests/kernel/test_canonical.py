"""Canonical bytes against published vectors and the reference implementation; intake refuses what is not I-JSON."""

import json
import struct

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from studio_brain.kernel.canonical import (
    CanonicalError,
    FloatRefused,
    LoneSurrogate,
    MalformedJson,
    NotJson,
    RepeatedName,
    TooDeep,
    TooLarge,
    UnsafeNumber,
    canonical,
    canonical_entry,
    intake,
    is_canonical,
)
from tests.shared_data import shared

SAFE = 2**53 - 1
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers(-SAFE, SAFE) | TEXT
JSON = st.recursive(
    SCALARS | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=25,
)
ENTRY_JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5), max_leaves=25
)


@given(JSON)
@settings(max_examples=400)
def test_canonical_equals_the_reference_implementation(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(ENTRY_JSON)
@settings(max_examples=300)
def test_what_is_canonical_is_taken_in_and_gives_the_same_bytes(value: object) -> None:
    data = canonical_entry(value)
    assert canonical_entry(intake(data)) == data
    assert is_canonical(data)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b'{"a":1,"a":2}', RepeatedName),
        (b'{"a":{"b":1,"b":1}}', RepeatedName),
        (b'"\\ud800"', LoneSurrogate),
        (b'{"\\udc00":1}', LoneSurrogate),
        (b"9007199254740992", UnsafeNumber),
        (b"-9007199254740992", UnsafeNumber),
        (b"1e400", UnsafeNumber),
        (b"NaN", MalformedJson),
        (b"-Infinity", MalformedJson),
        (b"\xef\xbb\xbf{}", MalformedJson),
        (b"\xff", MalformedJson),
        (b"{'a':1}", MalformedJson),
        (b"[1,]", MalformedJson),
        (b"", MalformedJson),
        (b"[" * 65 + b"]" * 65, TooDeep),
        (b"[" * 200_000, TooDeep),
        (b'"' + b"a" * 100 + b'"', TooLarge),
    ],
)
def test_intake_names_each_fault(data: bytes, error: type[CanonicalError]) -> None:
    limit = 50 if error is TooLarge else 1_000_000
    with pytest.raises(error) as caught:
        intake(data, max_bytes=limit)
    assert type(caught.value) is error
    assert caught.value.detail


def test_depth_is_not_fooled_by_brackets_in_strings() -> None:
    assert intake(b'["' + b"[" * 100 + b'"]') == ["[" * 100]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (1.5, FloatRefused),
        ({"amount": 0.1}, FloatRefused),
        ([2**53], UnsafeNumber),
        ({"a": "\ud800"}, LoneSurrogate),
        ({"\udfff": 1}, LoneSurrogate),
        ({1: "a"}, NotJson),
        ({"a": b"bytes"}, NotJson),
        ({"a": (1, 2)}, NotJson),
        ({"a": object()}, NotJson),
    ],
)
def test_an_entry_refuses_what_has_no_place_in_it(value: object, error: type[CanonicalError]) -> None:
    with pytest.raises(error):
        canonical_entry(value)


def test_too_deep_a_value_is_refused_without_recursion_error() -> None:
    value: object = 0
    for _ in range(10_000):
        value = [value]
    with pytest.raises(TooDeep):
        canonical_entry(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_non_finite_numbers_have_no_canonical_form(value: float) -> None:
    with pytest.raises(UnsafeNumber):
        canonical([value])


def test_names_outside_ascii_sort_by_utf16_units() -> None:
    assert canonical({"\U0001f600": 1, "\ufb33": 2}) == '{"\U0001f600":1,"\ufb33":2}'.encode()


@pytest.mark.vectors
def test_published_documents() -> None:
    inputs = sorted(shared("vectors/jcs/input").iterdir())
    assert len(inputs) == 6
    for path in inputs:
        expected = (path.parent.parent / "output" / path.name).read_bytes().rstrip(b"\n")
        assert canonical(json.loads(path.read_bytes())) == expected


@pytest.mark.vectors
def test_published_numbers() -> None:
    lines = shared("vectors/jcs/es6-1000.txt").read_text().split()
    assert len(lines) == 1000
    for line in lines:
        bits, expected = line.split(",")
        number = struct.unpack(">d", bytes.fromhex(bits.rjust(16, "0")))[0]
        assert canonical(number).decode() == expected


@pytest.mark.vectors
def test_published_parsing_suite() -> None:
    taken_anyway = {"y_object_duplicated_key.json": RepeatedName}
    names = {"y": 0, "n": 0}
    for path in shared("vectors/json-parsing").iterdir():
        kind = path.name[0]
        if kind == "i":
            continue
        names[kind] += 1
        if kind == "n" or path.name in taken_anyway:
            with pytest.raises(taken_anyway.get(path.name, CanonicalError)):
                intake(path.read_bytes())
        else:
            intake(path.read_bytes())
    assert names["y"] > 30
    assert names["n"] > 80
