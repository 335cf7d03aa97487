"""A practice studio inside the test's own process, asked without a socket, with a clock that the test moves."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from studio_brain.practice import keys
from studio_brain.practice.app import App
from studio_brain.practice.options import PracticeOptions
from studio_brain.practice.studio import Studio, open_studio
from studio_brain.practice.transport import Connections

START_NS = 1_795_000_000 * 10**9
RULES_PORT, IAM_PORT = 1001, 1002
IAM_BEARER, CONTROL_TOKEN = "iam-bearer", "control-token"
DOCUMENTS = "/v1/projects/demo-studio/databases/(default)/documents"
NAME = "projects/demo-studio/databases/(default)/documents"
FUNCTIONS = "/demo-studio/us-central1"
# One pair of keys for every studio that keeps none: making them takes longer than most tests
KEYS = keys.make(None)
# (method, body, status) of every JSON body that was sent to Firestore
SENT: list[tuple[str, Any, int]] = []


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        """(code, status) of a Firestore error, out of its array where it is in one."""
        body = self.json
        error = (body[0] if isinstance(body, list) else body)["error"]
        return error["code"], error["status"]


class Bench:
    def __init__(self, batches: int = 40, seed: int = 1, **options: Any) -> None:
        self.wall_ns = START_NS
        self.studio: Studio = open_studio(
            PracticeOptions(batches=batches, seed=seed, **options), lambda: self.wall_ns, None if options else KEYS
        )
        self.app = App(self.studio, Connections(), IAM_PORT, IAM_BEARER, CONTROL_TOKEN)
        self._runner = asyncio.Runner()
        self._tokens: dict[tuple[str, int], str] = {}

    def close(self) -> None:
        self._runner.close()
        self.studio.close()

    def later(self, seconds: float) -> None:
        """Moves the machine's clock, as this studio sees it."""
        self.wall_ns += int(seconds * 10**9)

    # --- asking ---

    def ask(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        port: int = RULES_PORT,
        **parameters: Any,
    ) -> Answer:
        """One request. `body` is bytes as they are, or anything else as JSON."""
        parts = urlsplit(target)
        query = "&".join(part for part in (parts.query, urlencode(parameters, doseq=True)) if part)
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        kind = {} if isinstance(body, bytes) or body is None else {"content-type": "application/json"}
        given = {
            "host": f"127.0.0.1:{port}",
            **kind,
            **{name.lower(): value for name, value in (headers or {}).items()},
        }
        scope = {
            "type": "http",
            "method": method,
            "raw_path": quote(parts.path, safe="/:()%@*!$&',;=~+").encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", port),
        }
        messages: list[dict[str, Any]] = []
        incoming = [{"type": "http.request", "body": sent, "more_body": False}]

        async def receive() -> dict[str, Any]:
            return incoming.pop() if incoming else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)

        self._runner.run(self.app(scope, receive, send))
        start = messages[0]
        if isinstance(body, dict) and parts.path.startswith(DOCUMENTS) and method in ("POST", "PATCH"):
            verb = parts.path.rpartition("/")[2].rpartition(":")
            called = "patch" if method == "PATCH" else verb[2] if verb[1] else "createDocument"
            SENT.append((called, body, start["status"]))
        return Answer(
            start["status"],
            {name.decode(): value.decode("latin-1") for name, value in start["headers"]},
            b"".join(message["body"] for message in messages[1:]),
        )

    def iam(self, method: str, path: str, body: Any = None, **parameters: Any) -> Answer:
        """Firestore on the IAM port; `path` follows `documents`."""
        headers = {"authorization": f"Bearer {IAM_BEARER}"}
        return self.ask(method, f"{DOCUMENTS}{path}", body, headers=headers, port=IAM_PORT, **parameters)

    def rules(self, who: str | None, method: str, path: str, body: Any = None, **parameters: Any) -> Answer:
        """Firestore on the port with rules, as somebody or nobody."""
        return self.ask(method, f"{DOCUMENTS}{path}", body, headers=self.bearer(who), **parameters)

    def call(self, name: str, body: Any = None, who: str | None = "imke", **headers: str) -> Answer:
        """A Function, by POST."""
        sent = {**self.bearer(who), **{key.replace("_", "-"): value for key, value in headers.items()}}
        return self.ask("POST", f"{FUNCTIONS}/{name}", {} if body is None else body, headers=sent)

    def control(self, method: str, path: str, body: Any = None, **parameters: Any) -> Answer:
        headers = {"authorization": f"Bearer {CONTROL_TOKEN}"}
        return self.ask(method, f"/practice/{path}", body, headers=headers, **parameters)

    # --- people ---

    def uid(self, who: str) -> str:
        account = self.studio.accounts.by_email(f"{who}@example.org")
        assert account is not None
        return account.uid

    def bearer(self, who: str | None) -> dict[str, str]:
        return {} if who is None else {"authorization": f"Bearer {self.token(who)}"}

    def token(self, who: str) -> str:
        """An ID token, a new one for every hour."""
        hour = self.wall_ns // (3600 * 10**9), self.studio.clock.shift_ms
        key = (who, hash(hour))
        if key not in self._tokens:
            self._tokens[key] = self.sign_in(who)["idToken"]
        return self._tokens[key]

    def sign_in(self, who: str) -> dict[str, Any]:
        account = self.studio.accounts.by_email(f"{who}@example.org")
        assert account is not None
        body = {"email": account.email, "password": account.password, "returnSecureToken": True}
        answer = self.auth("signInWithPassword", body)
        assert answer.status == 200, answer.body
        result: dict[str, Any] = answer.json
        return result

    def auth(self, name: str, body: Any) -> Answer:
        return self.ask("POST", f"/identitytoolkit.googleapis.com/v1/accounts:{name}", body, key="practice")

    # --- what there is ---

    def fields(self, path: str) -> dict[str, Any]:
        """A document's fields in wire form; fails when there is none."""
        version = self.studio.store.get(path)
        assert version is not None, path
        return version.fields or {}

    def put(self, path: str, **fields: Any) -> None:
        """A document of plain values, written past all rules."""
        self.studio.store.commit([(path, {name: wire(value) for name, value in fields.items()})])

    def paths(self, collection: str) -> list[str]:
        return [f"{collection}/{key}" for key, _ in self.studio.store.scan(collection)]


def wire(value: Any) -> dict[str, Any]:
    """A Python value as a Firestore Value."""
    if value is None:
        return {"nullValue": None}
    if isinstance(value, bool):
        return {"booleanValue": value}
    if isinstance(value, int):
        return {"integerValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [wire(item) for item in value]}}
    if isinstance(value, dict):
        return {"mapValue": {"fields": {name: wire(item) for name, item in value.items()}}}
    raise TypeError(type(value).__name__)
