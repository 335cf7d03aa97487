"""Below HTTP: connections that can be closed, cut or reset on purpose.

The HTTP server is uvicorn's; its protocol class is only told to remember the transport of each connection.
"""

import asyncio
import socket
import struct
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class Connections:
    """Transports by the client's address, which is one connection's alone while it lives."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[H11Protocol]:
        """A protocol class for uvicorn that reports to these connections."""
        known = self._open

        class Remembered(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                if self.client is not None:
                    known[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                if self.client is not None:
                    known.pop(self.client, None)
                super().connection_lost(exc)

        return Remembered

    def listens(self, scope: dict[str, Any]) -> bool:
        """Whether the client's end of the connection is still there."""
        transport = self._open.get(scope.get("client"))
        return transport is not None and not transport.is_closing()

    def close(self, scope: dict[str, Any]) -> None:
        """Ends the connection after what has been written; nothing more is answered on it."""
        transport = self._open.get(scope.get("client"))
        if transport is not None:
            transport.close()

    def reset(self, scope: dict[str, Any]) -> None:
        """Ends the connection with a reset instead of an orderly end."""
        transport = self._open.get(scope.get("client"))
        if transport is None:
            return
        own = transport.get_extra_info("socket")
        if own is not None:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


def listen(port: int) -> socket.socket:
    """A listening socket on 127.0.0.1. Raises OSError when the port is taken."""
    # with the protocol named asyncio sets TCP_NODELAY on what is accepted; else every answer waits for an ACK
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("127.0.0.1", port))
        sock.listen(256)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock
