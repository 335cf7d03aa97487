"""The published bodies of checkpoints, read more strictly: a root of 32 bytes, and no line behind it."""

import base64
import json

import pytest

from studio_brain.evidence.checkpoint import Checkpoint
from studio_brain.evidence.note import NoteError
from tests.shared_data import shared

ROOT = base64.b64encode(bytes(range(32))).decode()


@pytest.mark.vectors
def test_published_bodies_are_read_line_by_line() -> None:
    cases = json.loads(shared("vectors/signed-note/checkpoint-bodies.json").read_text())["accept"]
    assert len(cases) == 4
    for case in cases:
        with pytest.raises(NoteError):
            Checkpoint.parse(case["body"])  # its root is no SHA-256
        lines = case["body"].split("\n")
        lines[2] = ROOT
        body = "\n".join(lines)
        if "extensions" in case:
            with pytest.raises(NoteError):
                Checkpoint.parse(body)
            body = "\n".join([*lines[:3], ""])
        found = Checkpoint.parse(body)
        assert (found.origin, found.size) == (case["origin"], case["size"])
        assert found.body() == body
