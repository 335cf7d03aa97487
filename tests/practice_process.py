"""The practice studio as a process of its own, for tests.

A test package takes it over with `from tests.practice_process import practice_studio` in its conftest: one process for
the session, with the world of seed 1. A test that needs its own (another world, a state folder, to kill it) uses
`PracticeProcess` as a context manager. Nobody has to stop it: it ends with its standard input.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[1]
_PATIENCE_S = 60


class PracticeProcess:
    """`ready` is the ready line; `urls`, `project`, `api_key` and `accounts` (by first part of the address) are of it.

    `http` is a client without any credentials; `control` and the methods named after control calls carry the token.
    """

    def __init__(self, *arguments: str, exit_with_stdin: bool = True) -> None:
        command = [sys.executable, "-m", "studio_brain.doors.practice", *arguments]
        if exit_with_stdin:
            command.append("--exit-with-stdin")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True)
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()
        self.http = httpx.Client(timeout=_PATIENCE_S, trust_env=False)
        try:
            self.ready: dict[str, Any] = json.loads(self.first_line)
            assert self.ready["ready"], self.first_line
        except BaseException:
            self.kill()
            raise
        self.urls: dict[str, str] = self.ready["urls"]
        self.project: str = self.ready["project"]
        self.api_key: str = self.ready["apiKey"]
        self.accounts = {account["email"].partition("@")[0]: account for account in self.ready["accounts"]}

    def __enter__(self) -> "PracticeProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- its life ---

    def stop(self) -> int:
        """Closes its standard input and waits; its exit code."""
        self.http.close()
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        return self._ended()

    def kill(self) -> None:
        """Without a chance to tidy up, as `kill -9` does."""
        self.http.close()
        self.process.kill()
        with contextlib.suppress(BrokenPipeError):
            if self.process.stdin is not None:
                self.process.stdin.close()
        self._ended()

    def _ended(self) -> int:
        code = self.process.wait(_PATIENCE_S)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    # --- sign-in ---

    def sign_in(self, who: str = "imke") -> dict[str, Any]:
        """The answer of signInWithPassword for a published account: imke, teo, bryndis, roshan or oddny."""
        account = self.accounts[who]
        answer = self.http.post(
            f"{self.urls['auth']}/v1/accounts:signInWithPassword",
            params={"key": self.api_key},
            json={"email": account["email"], "password": account["password"], "returnSecureToken": True},
        )
        answer.raise_for_status()
        result: dict[str, Any] = answer.json()
        return result

    def bearer(self, who: str = "imke") -> dict[str, str]:
        """Headers with an ID token of a published account."""
        return {"Authorization": f"Bearer {self.sign_in(who)['idToken']}"}

    @property
    def iam(self) -> dict[str, str]:
        """Headers that the IAM port takes."""
        return {"Authorization": f"Bearer {self.ready['iamBearer']}"}

    def documents(self, *, iam: bool = False) -> str:
        """The URL of the database's documents, on either port."""
        base = self.urls["iam" if iam else "firestore"]
        return f"{base}/v1/projects/{self.project}/databases/(default)/documents"

    # --- control ---

    def control(self, method: str, path: str, body: Any = None, **parameters: Any) -> Any:
        """A control call's answer; fails on any error."""
        answer = self.http.request(
            method,
            f"{self.urls['control']}/{path}",
            headers={"Authorization": f"Bearer {self.ready['controlToken']}"},
            json=body,
            params=parameters,
        )
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def state(self) -> dict[str, Any]:
        result: dict[str, Any] = self.control("GET", "state")
        return result

    def advance(self, days: int = 1) -> list[dict[str, int]]:
        """For each day its number and how many documents changed."""
        lived: list[dict[str, int]] = self.control("POST", "advance", {"days": days})["lived"]
        return lived

    @contextlib.contextmanager
    def fault(self, kind: str, target: str = "any", **parameters: Any) -> Iterator[dict[str, Any]]:
        """A fault for as long as the block lasts."""
        fault = self.control("POST", "faults", {"kind": kind, "target": target, **parameters})
        try:
            yield fault
        finally:
            self.control("DELETE", f"faults/{fault['id']}")

    def requests(self, since: int = 0, operation: str = "", **parameters: Any) -> list[dict[str, Any]]:
        """The log after request number `since`. With `wait` (seconds) it waits for one, `answered="true"`: its end."""
        answer = self.control("GET", "requests", since=since, operation=operation, **parameters)
        result: list[dict[str, Any]] = answer["requests"]
        return result

    def writes(self, since: int = 0) -> list[dict[str, Any]]:
        """Requests after number `since` that wrote documents; empty after a run that only read."""
        result: list[dict[str, Any]] = self.control("GET", "writes", since=since)["writes"]
        return result

    @property
    def last(self) -> int:
        """The number of the last request so far, for `since`."""
        number: int = self.state()["lastRequest"]
        return number


@pytest.fixture(scope="session")
def practice_studio() -> Iterator[PracticeProcess]:
    with PracticeProcess() as process:
        yield process
