"""A real server on loopback that answers each connection with scripted bytes, below HTTP's good manners."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]


@dataclass
class Scripted:
    """`requests` are the raw request bytes as they came; `scripts` are used up in order, the last one stays."""

    scripts: list[Script]
    requests: list[bytes] = field(default_factory=list)
    address: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _request(reader)) is not None:
                self.requests.append(request)
                script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
                await script(reader, writer, request)
                if writer.is_closing():
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> bytes | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    return head + (await reader.readexactly(length) if length else b"")


@asynccontextmanager
async def scripted(*scripts: Script) -> AsyncIterator[Scripted]:
    server = Scripted(list(scripts))
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.address = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()


def answer(
    body: object = b"",
    status: int = 200,
    content_type: str = "application/json",
    headers: dict[str, str] | None = None,
    date: float | None = None,
) -> Script:
    """A whole, well-formed answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {
        "content-type": content_type,
        "content-length": str(len(data)),
        "date": formatdate(date, usegmt=True),
        **(headers or {}),
    }
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n"

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        writer.write(head.encode() + data)
        await writer.drain()

    return script


async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    """Takes the request and closes without a word."""
    writer.close()


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    """Takes the request and never answers, until the other side goes away."""
    await reader.read()


async def cuts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    """Promises more than it sends."""
    writer.write(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{"ok":true')
    await writer.drain()
    writer.close()


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    """A byte now and then: each read is in time, the whole never is."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n")
    for _ in range(5000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)
