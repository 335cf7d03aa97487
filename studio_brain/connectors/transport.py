"""HTTP as every connector uses it: a total deadline, bounded retries, checked answers, no secret in any message.

The order of checks is fixed: the answer's status, then its content type, then its size, then its JSON. `httpx` has no
total deadline, so each call runs inside `asyncio.timeout`; a body that drips in is cut off by it. Redirects are not
followed. The `Date` header of each answer is compared with the clock of this machine.

`sent` on an error says whether the request may have reached the other side: that decides between *failed* and
*unknown*.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
import orjson
import stamina
import stamina.instrumentation

from ..kernel.clock import Clock
from ..kernel.ports import ConnectorError
from ..kernel.reasons import ReasonCode

T = TypeVar("T")

MAX_BODY = 8 * 1024 * 1024
MAX_SKEW_MS = 60_000
ATTEMPTS = 4
MAX_WAIT_S = 30.0

stamina.instrumentation.set_on_retry_hooks([])  # the default hook logs arguments


class TransportError(ConnectorError):
    """No usable answer. `sent`: the request may have taken effect."""

    def __init__(self, detail: str, *, code: ReasonCode, sent: bool, **options: Any) -> None:
        super().__init__(detail, code=code, **options)
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with any status. `body` is at most 8 MB."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """The body as JSON. Raises TransportError when it says that it is something else, or is not."""
        if self.media_type != "application/json":
            raise TransportError(
                f"HTTP {self.status} with {self.media_type or 'no content type'} instead of JSON",
                code=ReasonCode.BAD_RESPONSE,
                sent=True,
                retryable=self.status >= 500,
            )
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            detail = f"HTTP {self.status} with malformed JSON at byte {error.pos}"
            raise TransportError(detail, code=ReasonCode.BAD_RESPONSE, sent=True) from error

    def retry_after_s(self) -> float | None:
        """The Retry-After header in seconds, whether it gives seconds or a date (RFC 9110 §10.2.3)."""
        value = self.headers.get("retry-after", "").strip()
        if not value:
            return None
        if value.isdigit():
            return float(value)
        moment = _http_date(value)
        served = _http_date(self.headers.get("date", "")) or datetime.now(UTC)
        return None if moment is None else max((moment - served).total_seconds(), 0.0)


class Transport:
    """One pool of connections. Make one for each engine and close it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=16, max_keepalive_connections=8),
            headers={"user-agent": "studio-brain", "accept": "application/json"},
        )
        self.skew_ms: dict[str, int] = {}

    async def close(self) -> None:
        await self._client.aclose()

    async def call(
        self,
        method: str,
        url: str,
        *,
        deadline_s: float,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Reply:
        """One call with an answer of any status, or TransportError."""
        try:
            async with asyncio.timeout(deadline_s):
                return await self._once(method, url, headers, content)
        except TimeoutError as error:
            raise TransportError(
                f"no answer within {deadline_s:g} s", code=ReasonCode.TIMEOUT, sent=True, retryable=True
            ) from error

    async def _once(self, method: str, url: str, headers: Mapping[str, str] | None, content: bytes | None) -> Reply:
        try:
            async with self._client.stream(
                method, url, headers=dict(headers or {}), content=content, timeout=None
            ) as response:
                body = await self._body(response)
                self._note_date(url, response.headers.get("date", ""))
                return Reply(response.status_code, dict(response.headers), body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise TransportError(
                f"no connection ({type(error).__name__})", code=ReasonCode.UNAVAILABLE, sent=False, retryable=True
            ) from error
        except httpx.TransportError as error:
            # A reset has an empty message: the type tells more, and never holds the address with its query.
            raise TransportError(
                f"the connection broke ({type(error).__name__})", code=ReasonCode.UNAVAILABLE, sent=True, retryable=True
            ) from error
        except (httpx.InvalidURL, httpx.DecodingError) as error:
            raise TransportError(type(error).__name__, code=ReasonCode.BAD_RESPONSE, sent=True) from error

    async def _body(self, response: httpx.Response) -> bytes:
        chunks, size = [], 0
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > MAX_BODY:
                raise TransportError(
                    f"an answer of more than {MAX_BODY // 1024 // 1024} MB", code=ReasonCode.BAD_RESPONSE, sent=True
                )
            chunks.append(chunk)
        return b"".join(chunks)

    def _note_date(self, url: str, text: str) -> None:
        moment = _http_date(text)
        if moment is not None:
            self.skew_ms[httpx.URL(url).netloc.decode()] = self._clock.now_ms() - int(moment.timestamp() * 1000)

    def skew_of(self, url: str) -> int | None:
        """This machine's clock minus the other's, in milliseconds, as of its last answer; good to a second."""
        return self.skew_ms.get(httpx.URL(url).netloc.decode())


async def patiently(attempt: Callable[[], Awaitable[T]], deadline_s: float) -> T:
    """Runs a reading call again while its error says that it may pass: within the deadline, with jitter, no sooner than
    the other side asks. A longer wait than `MAX_WAIT_S` is not waited for."""
    try:
        async with asyncio.timeout(deadline_s):
            async for turn in stamina.retry_context(
                on=_wait, attempts=ATTEMPTS, timeout=deadline_s, wait_initial=0.1, wait_jitter=0.2, wait_exp_base=1.8
            ):
                with turn:
                    return await attempt()
    except TimeoutError as error:
        raise TransportError(
            f"no answer within {deadline_s:g} s", code=ReasonCode.TIMEOUT, sent=True, retryable=True
        ) from error
    raise TransportError("no attempt was made", code=ReasonCode.INTERNAL, sent=False)


def _wait(error: Exception) -> bool | float:
    if not isinstance(error, ConnectorError) or not error.retryable:
        return False
    if error.retry_after_s is None:
        return True
    return error.retry_after_s if error.retry_after_s <= MAX_WAIT_S else False


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
