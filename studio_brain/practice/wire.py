"""A request as it came in, and the answer to it, before anything is done to it on the way out."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

from .refusals import Refused, invalid

JSON = "application/json; charset=UTF-8"
MAX_BODY_BYTES = 10 * 1024 * 1024


@dataclass(slots=True)
class Request:
    """`path` is raw: still percent-encoded, without the query. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    client: str
    body: bytes = b""

    def parameters(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)

    def bearer(self) -> str | None:
        """The token of an Authorization header, or None when there is none of that form."""
        scheme, _, token = self.headers.get("authorization", "").strip().partition(" ")
        token = token.strip()
        return token if scheme.lower() == "bearer" and token else None

    def json(self) -> Any:
        """The body as JSON; an empty one is {}. Raises Refused when it is malformed or too large."""
        if len(self.body) > MAX_BODY_BYTES:
            raise invalid(f"Request payload size exceeds the limit: {MAX_BODY_BYTES} bytes.")
        if not self.body.strip():
            return {}
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise invalid(f"Invalid JSON payload received. {error.msg} at byte {error.pos}.", "") from error


@dataclass(slots=True)
class Reply:
    """`written` names the documents that the request wrote, `uid` who made it; `streamed`: the body is an array."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    written: tuple[str, ...] = ()
    uid: str | None = None
    streamed: bool = False


def reply(value: Any, status: int = 200, written: tuple[str, ...] = ()) -> Reply:
    return Reply(status, orjson.dumps(value), written=written)


def refusal(error: Refused, *, streamed: bool = False) -> Reply:
    """A stream answers an error as the one element of an array."""
    return Reply(error.http_code, orjson.dumps([error.body()] if streamed else error.body()), streamed=streamed)
