"""Every fault as a client sees it that talks to the process over a socket."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from tests.practice_process import PracticeProcess

KILNS = "/kilns"


@pytest.fixture
def studio(practice_studio: PracticeProcess) -> Iterator[PracticeProcess]:
    yield practice_studio
    practice_studio.control("DELETE", "faults")


@pytest.fixture(scope="module")
def bearer(practice_studio: PracticeProcess) -> dict[str, str]:
    return practice_studio.bearer("imke")


def read(studio: PracticeProcess, bearer: dict[str, str], path: str = KILNS, **given: Any) -> httpx.Response:
    return studio.http.get(f"{studio.documents()}{path}", headers=bearer, **given)


def query(studio: PracticeProcess, bearer: dict[str, str]) -> httpx.Response:
    body = {"structuredQuery": {"from": [{"collectionId": "kilns"}]}}
    return studio.http.post(f"{studio.documents()}:runQuery", headers=bearer, json=body)


def close(studio: PracticeProcess, bearer: dict[str, str], batch: str) -> httpx.Response:
    url = f"{studio.urls['functions']}/pickedUpAndClose"
    return studio.http.post(url, headers=bearer, json={"batchId": batch})


def a_batch(studio: PracticeProcess) -> str:
    fields = {"title": {"stringValue": "Bowls"}, "isClosed": {"booleanValue": False}}
    made = studio.http.post(f"{studio.documents(iam=True)}/batches", headers=studio.iam, json={"fields": fields})
    name: str = made.json()["name"]
    return name.rpartition("/")[2]


def is_closed(studio: PracticeProcess, batch: str) -> bool:
    found = studio.http.get(f"{studio.documents(iam=True)}/batches/{batch}", headers=studio.iam).json()
    result: bool = found["fields"]["isClosed"]["booleanValue"]
    return result


def test_status_with_a_wait_in_seconds(studio: PracticeProcess, bearer: dict[str, str]) -> None:
    with studio.fault("status", "firestore", status=429, retryAfter=7):
        answer = read(studio, bearer)
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "7"
        assert answer.json()["error"]["status"] == "RESOURCE_EXHAUSTED"
        assert query(studio, bearer).json()[0]["error"]["code"] == 429
    assert read(studio, bearer).status_code == 200


def test_status_with_a_wait_as_a_date(studio: PracticeProcess, bearer: dict[str, str]) -> None:
    with studio.fault("status", "firestore", status=503, retryAfter=30, retryAfterForm="date"):
        answer = read(studio, bearer)
    wait = parsedate_to_datetime(answer.headers["retry-after"]) - parsedate_to_datetime(answer.headers["date"])
    assert 29 <= wait.total_seconds() <= 31
    assert answer.json()["error"]["status"] == "UNAVAILABLE"


def test_status_with_a_wait_in_the_body(studio: PracticeProcess, bearer: dict[str, str]) -> None:
    with studio.fault("status", status=429, retryAfter=3, retryAfterForm="body"):
        details = read(studio, bearer).json()["error"]["details"]
        assert details == [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3s"}]
        v1 = studio.http.post(f"{studio.urls['functions']}/apiV1/v1/hello", headers=bearer, json={})
        assert v1.json()["details"] == {"retryAfterMs": 3000}
        assert "retry-after" not in v1.headers
        plain = close(studio, bearer, "none").json()
        assert plain == {"ok": False, "message": "Too many requests", "retryAfterSec": 3}


def test_auth_alone(studio: PracticeProcess, bearer: dict[str, str]) -> None:
    with studio.fault("status", "auth", status=500):
        url = f"{studio.urls['auth']}/v1/accounts:signInWithPassword"
        answer = studio.http.post(url, params={"key": "practice"}, json={})
        assert answer.status_code == 500
        assert read(studio, bearer).status_code == 200


def test_html_instead_of_json(studio: PracticeProcess, bearer: dict[str, str]) -> None:
    with studio.fault("html", "firestore"):
        answer = read(studio, bearer)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_malformed_json(studio: PracticeProcess, bearer: dict[str, str]) -> None:
    with studio.fault("malformed", "firestore"), pytest.raises(json.JSONDecodeError):
        read(studio, bearer).json()


def test_another_content_type(studio: PracticeProcess, bearer: dict[str, str]) -> None:
    with studio.fault("content-type", "firestore", contentType="text/plain"):
        answer = read(studio, bearer)
    assert answer.headers["content-type"] == "text/plain"
    assert answer.json()["documents"]


def test_an_oversized_body(studio: PracticeProcess, bearer: dict[str, str]) -> None:
    with studio.fault("oversize", "firestore", bytes=3_000_000):
        answer = read(studio, bearer)
    assert len(answer.content) == 3_000_000
    assert answer.json()["documents"]


def test_an_error_late_in_a_stream(studio: PracticeProcess, bearer: dict[str, str]) -> None:
    with studio.fault("late-error", "firestore", after=2):
        answer = query(studio, bearer)
        assert read(studio, bearer).json()["documents"]
    assert answer.status_code == 200
    rows = answer.json()
    assert [set(row) for row in rows] == [{"document", "readTime"}, {"document", "readTime"}, {"error"}]
    assert rows[2]["error"]["status"] == "UNAVAILABLE"


def test_a_body_cut_short(studio: PracticeProcess, bearer: dict[str, str]) -> None:
    with studio.fault("cut", "firestore"), pytest.raises(httpx.RemoteProtocolError):
        read(studio, bearer)


def test_a_body_that_drips(studio: PracticeProcess, bearer: dict[str, str]) -> None:
    start = studio.last
    with studio.fault("drip", "firestore", chunk=1, everyMs=500), pytest.raises(httpx.ReadTimeout):
        read(studio, bearer, timeout=httpx.Timeout(5, read=0.05))
    assert studio.requests(since=start, operation="firestore:", wait=10, answered="true")
    with studio.fault("drip", "firestore", chunk=4096, everyMs=0):
        assert read(studio, bearer).json()["documents"]


def test_a_reset(studio: PracticeProcess, bearer: dict[str, str]) -> None:
    with studio.fault("reset", "firestore"), pytest.raises(httpx.ReadError):
        read(studio, bearer)


def test_a_hang_ends_with_the_clients_patience(studio: PracticeProcess, bearer: dict[str, str]) -> None:
    start = studio.last
    with studio.fault("hang", "firestore", path="/kilns"), pytest.raises(httpx.ReadTimeout):
        read(studio, bearer, timeout=httpx.Timeout(5, read=0.1))
    (entry,) = studio.requests(since=start, operation="firestore:list", wait=10, answered="true")
    assert (entry["outcome"], entry["status"]) == ("hung", None)


def test_a_hang_ends_when_it_is_cleared(studio: PracticeProcess, bearer: dict[str, str]) -> None:
    start = studio.last

    def ask() -> int:
        with httpx.Client(trust_env=False, timeout=30) as client:
            return client.post(f"{studio.urls['functions']}/listReports", headers=bearer, json={}).status_code

    with studio.fault("hang", "functions"), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask)
        assert studio.requests(since=start, operation="functions:", wait=10)
        studio.control("DELETE", "faults")
        with pytest.raises(httpx.RemoteProtocolError):
            waiting.result(20)


def test_latency(studio: PracticeProcess, bearer: dict[str, str]) -> None:
    with studio.fault("latency", "firestore", ms=120):
        assert read(studio, bearer).elapsed.total_seconds() >= 0.12
        with pytest.raises(httpx.ReadTimeout):
            read(studio, bearer, timeout=httpx.Timeout(5, read=0.02))


def test_clock_skew(studio: PracticeProcess, bearer: dict[str, str]) -> None:
    true = parsedate_to_datetime(read(studio, bearer).headers["date"])
    with studio.fault("clock-skew", seconds=-900):
        skewed = parsedate_to_datetime(read(studio, bearer).headers["date"])
    assert -905 <= (skewed - true).total_seconds() <= -895


def test_applied_but_never_answered(studio: PracticeProcess, bearer: dict[str, str]) -> None:
    batch = a_batch(studio)
    start = studio.last
    with studio.fault("apply-then-lose", "functions", count=1) as fault, pytest.raises(httpx.RemoteProtocolError):
        close(studio, bearer, batch)
    assert fault["left"] == 1
    assert is_closed(studio, batch)
    (entry,) = studio.writes(since=start)
    assert (entry["status"], entry["outcome"]) == (None, "answer lost")
    assert f"batches/{batch}" in entry["documents"]


def test_lost_before_it_was_applied(studio: PracticeProcess, bearer: dict[str, str]) -> None:
    batch = a_batch(studio)
    start = studio.last
    with studio.fault("lose-before", "functions", count=1), pytest.raises(httpx.RemoteProtocolError):
        close(studio, bearer, batch)
    assert not is_closed(studio, batch)
    assert studio.writes(since=start) == []


@pytest.mark.parametrize("kind", ["status", "html", "reset"])
def test_faults_that_apply_nothing(studio: PracticeProcess, bearer: dict[str, str], kind: str) -> None:
    batch = a_batch(studio)
    with studio.fault(kind, "functions"):
        try:
            close(studio, bearer, batch)
        except httpx.TransportError:
            assert kind == "reset"
    assert not is_closed(studio, batch)


@pytest.mark.parametrize("kind", ["malformed", "content-type", "oversize", "cut"])
def test_faults_of_the_answer_alone(studio: PracticeProcess, bearer: dict[str, str], kind: str) -> None:
    batch = a_batch(studio)
    with studio.fault(kind, "functions"):
        try:
            close(studio, bearer, batch)
        except httpx.TransportError:
            assert kind == "cut"
    assert is_closed(studio, batch)


def test_two_faults_at_once(studio: PracticeProcess, bearer: dict[str, str]) -> None:
    with studio.fault("latency", ms=60), studio.fault("status", status=500):
        answer = read(studio, bearer)
    assert answer.status_code == 500
    assert answer.elapsed.total_seconds() >= 0.06


def test_control_is_never_hit(studio: PracticeProcess) -> None:
    with studio.fault("reset"), studio.fault("status", status=500):
        assert studio.state()["faults"] == 2
