"""The seals of an earlier installation: the formula, what breaks it, and times that come back in another spelling."""

import hashlib
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_brain.evidence.seal_v0 import OldRow, RowError, seal_v0, spellings, verify_v0

AT = "2024-05-01T10:00:00.250000+00:00"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def row(kind: str = "studio.note", payload: object = None, at: str = AT, **changes: object) -> OldRow:
    stamp = hashlib.sha256((kind + json.dumps(payload, sort_keys=True) + at).encode()).hexdigest()
    given = {"id": "1", "timestamp": at, "kind": kind, "receipt_hash": stamp, "payload": json.dumps(payload)}
    if "text" in changes:
        changes = changes | {"payload": changes["text"]}
    return OldRow.read(given | changes)


def test_the_formula_is_what_another_program_computes() -> None:
    code = 'import hashlib;print(hashlib.sha256(b\'note{"a": [1, 2.5], "b": "\\\\u00e9"}2024\').hexdigest())'
    expected = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert seal_v0("note", {"b": "é", "a": [1, 2.5]}, "2024").hex() == expected


@given(st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"]), min_size=1, max_size=40), VALUES)
def test_every_row_that_was_sealed_is_valid_and_no_changed_one_is(kind: str, payload: object) -> None:
    good = row(kind, payload)
    assert verify_v0(good).ok
    stamp = (good.receipt_hash or b"").hex()
    assert not verify_v0(row(kind, payload, receipt_hash=stamp, text=json.dumps([payload]))).ok
    assert not verify_v0(row(kind + "x", payload, receipt_hash=stamp)).ok
    assert not verify_v0(row(kind, payload, receipt_hash=stamp, timestamp="2024-05-01T10:00:01+00:00")).ok


@pytest.mark.parametrize(
    "stored",
    [AT, "2024-05-01 10:00:00.25+00", "2024-05-01 10:00:00.250000+00:00", "2024-05-01T10:00:00.250Z"],
)
def test_a_time_in_another_spelling_is_the_same_moment(stored: str) -> None:
    stamp = (row(payload={"n": 1}).receipt_hash or b"").hex()
    found = verify_v0(row(payload={"n": 1}, timestamp=stored, receipt_hash=stamp))
    assert found.ok, list(spellings(stored))
    assert ("as it stands" in found.why) == (stored == AT)


@pytest.mark.parametrize("prefix", ["", "sha256:", "SHA256:"])
def test_a_hash_may_carry_its_name(prefix: str) -> None:
    stamp = (row().receipt_hash or b"").hex()
    assert verify_v0(row(receipt_hash=prefix + stamp)).ok


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"receipt_hash": "none"}, "no SHA-256"),
        ({"receipt_hash": None}, "no SHA-256"),
        ({"text": "{"}, "not JSON"),
        ({"text": '{"a":1,"a":2}'}, "stands twice"),
        ({"text": "[" * 100_000}, "not JSON"),
    ],
)
def test_a_row_without_what_it_takes_is_broken(changes: dict[str, object], why: str) -> None:
    found = verify_v0(row(**changes))
    assert (found.seal, why in found.why) == ("broken", True), found


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": ""}, "kind"),
        ({"id": "x" * 201}, "id"),
        ({"kind": "a\nb"}, "control"),
        ({"timestamp": None}, "timestamp"),
    ],
)
def test_what_is_no_row_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(RowError, match=says):
        row(**changes)
    with pytest.raises(RowError, match="payload"):
        OldRow.read({"id": "1", "timestamp": AT, "kind": "k", "receipt_hash": ""})
