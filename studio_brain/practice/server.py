"""Starting and stopping: two ports on loopback, one line of JSON when they are ready."""

import asyncio
import contextlib
import gc
import os
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from .app import App
from .control import shown
from .functions.registry import REGION
from .identity import API_KEY
from .options import PracticeOptions
from .studio import Studio, identity, open_studio
from .transport import Connections, listen

_KEEP_ALIVE_S = 75
_GRACE_S = 1


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: whoever starts the studio decides what stops it."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets=sockets)
        self._ready()


async def run(options: PracticeOptions, on_ready: Callable[[dict[str, Any]], None], stop: asyncio.Event) -> None:
    """Serves until `stop` is set. `on_ready` gets the ready line's object once both ports take requests.

    Raises OSError (a port is taken), journal.Damaged, journal.InUse or studio.OtherWorld before it is ready.
    """
    sockets = [listen(options.port)]
    try:
        sockets.append(listen(options.iam_port))
        studio = open_studio(options)
        gc.freeze()  # the world stays: no collection has to look through it
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    try:
        port, iam_port = (sock.getsockname()[1] for sock in sockets)
        bearer, token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        connections = Connections()
        app = App(studio, connections, iam_port, bearer, token)
        config = uvicorn.Config(
            app,
            http=connections.protocol(),
            ws="none",
            lifespan="off",
            interface="asgi3",
            loop="asyncio",
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
        )
        server = _Server(config, lambda: on_ready(ready_line(studio, port, iam_port, bearer, token)))
        serving = asyncio.create_task(server.serve(sockets=sockets))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        app.faults.clear()  # whoever hangs is let go
        server.should_exit = True
        await serving
        stopping.cancel()
    finally:
        studio.close()


def ready_line(studio: Studio, port: int, iam_port: int, bearer: str, token: str) -> dict[str, Any]:
    base = f"http://127.0.0.1:{port}"
    project = studio.root.project
    return {
        "ready": True,
        "pid": os.getpid(),
        "project": project,
        "studio": identity(),
        "urls": {
            "firestore": base,
            "functions": f"{base}/{project}/{REGION}",
            "auth": f"{base}/identitytoolkit.googleapis.com",
            "token": f"{base}/securetoken.googleapis.com",
            "control": f"{base}/practice",
            "iam": f"http://127.0.0.1:{iam_port}",
        },
        "apiKey": API_KEY,
        "iamBearer": bearer,
        "controlToken": token,
        "accounts": [shown(account) for account in studio.accounts.all() if account.title is not None],
        "shiftMs": studio.clock.shift_ms,
        "seed": studio.seed,
        "day": studio.day,
        "notes": studio.notes,
    }
