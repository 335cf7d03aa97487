"""The witness's door: C2SP tlog-witness over HTTP, on this machine or in a private network. One path, POST only.

There is no sign-in: a request is worth what the signature on its checkpoint is worth. It is read up to the largest that
makes sense, checked by `domains.records.witnessing`, and answered with what that says.
"""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Callable, Iterator
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ..domains.records.witnessing import Reply
from ..evidence.witness import MAX_REQUEST, TEXT_TYPE
from ..home.settings import is_private
from ..kernel.errors import ConfigError, StudioBrainError

AT_ONCE: Final = 64
BODY_DEADLINE_S: Final = 10.0


def application(answer: Callable[[bytes], Reply]) -> Starlette:
    """The ASGI application around `Witness.reply`, which runs in a thread."""

    async def add_checkpoint(request: Request) -> Response:
        try:
            async with asyncio.timeout(BODY_DEADLINE_S):
                body = await _body(request)
        except TimeoutError:
            return _response(Reply(408, TEXT_TYPE, "the request took too long\n"))
        except ClientDisconnect:
            return _response(Reply(400, TEXT_TYPE, "the request ended early\n"))
        if len(body) > MAX_REQUEST:
            return _response(Reply(413, TEXT_TYPE, f"a request has at most {MAX_REQUEST} bytes\n"))
        try:
            return _response(await asyncio.to_thread(answer, body))
        except StudioBrainError as error:
            return _response(Reply(503, TEXT_TYPE, f"{error.code.value}\n"))

    return Starlette(routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"])])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ConfigError for an address that is neither of this machine nor of a private network,
    or that cannot be had."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError as error:
        raise ConfigError(f"--host {host}: write a number, such as 127.0.0.1 or 192.168.1.20") from error
    if not is_private(f"http://[{host}]" if address.version == 6 else f"http://{host}"):
        raise ConfigError(f"--host {host}: a witness listens on this machine or in a private network only")
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(f"--host {host} --port {port}: {error.strerror}") from error


async def serve(
    sock: socket.socket, answer: Callable[[bytes], Reply], on_ready: Callable[[], None], stop: asyncio.Event
) -> None:
    """Serves on the socket until `stop` is set."""
    config = uvicorn.Config(
        application(answer),
        ws="none",
        lifespan="off",
        interface="asgi3",
        loop="asyncio",
        http="h11",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=AT_ONCE,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config, on_ready)
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    stopping.cancel()


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the command decides what stops it."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets=sockets)
        self._ready()


async def _body(request: Request) -> bytes:
    """What was sent, or a little more than the largest that is read."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_REQUEST:
            break
    return body


def _response(reply: Reply) -> Response:
    # The media type as it is: starlette would add a charset to text.
    return Response(reply.body.encode(), reply.status, headers={"content-type": reply.media_type})
