"""Every Function by name, and what happens to a call of one."""

import re
from collections.abc import Callable
from urllib.parse import unquote

from ..accounts import Accounts
from ..keys import Keys
from ..store import Store
from ..wire import Reply, Request
from . import agents, api_v1, audit, batches, board, delegations, pilot, reports
from .call import HTML, Call, Function, guarded
from .documents import Documents
from .limits import Limit
from .schema import Number, Object, OneOf, Text

REGION = "us-central1"

_MODES = ("all", "firebase", "pat", "delegated", "unknown")
PLAIN: dict[str, Function] = {
    **pilot.FUNCTIONS,
    **batches.FUNCTIONS,
    **reports.FUNCTIONS,
    **agents.FUNCTIONS,
    **delegations.FUNCTIONS,
    **board.FUNCTIONS,
    "listSecurityAuditEvents": Function(
        audit.list_security_events,
        Object(
            {
                "limit": Number(whole=True, least=1, most=200).optional(),
                "outcome": OneOf(("all", "ok", "deny", "error")).optional(),
                "mode": OneOf(_MODES).optional(),
                "code": Text(most=120).nullish(),
            }
        ),
        denied="Forbidden",
        limit=Limit("listSecurityAuditEvents", 60),
    ),
}


class Functions:
    """Calls come as `/<project>/us-central1/<name>[/<route>]`."""

    def __init__(self, project: str, store: Store, accounts: Accounts, keys: Keys) -> None:
        self._path = re.compile(rf"/{re.escape(project)}/{REGION}/([A-Za-z0-9_]+)(/.*)?", re.DOTALL)
        self._store = store
        self._accounts = accounts
        self._keys = keys

    def operation(self, raw_path: str) -> str | None:
        """`pickedUpAndClose`, `apiV1/v1/events.feed`; None when the path is no Function's."""
        match = self._path.fullmatch(raw_path)
        if match is None:
            return None
        name, rest = match[1], unquote(match[2] or "").rstrip("/")
        return f"{name}{rest}" if name == "apiV1" else name

    def answer(self, request: Request) -> Reply:
        match = self._path.fullmatch(request.path)
        if match is None:
            return _unknown("")
        name, rest = match[1], unquote(match[2] or "")
        run: Callable[[Call], Reply] | None
        if name == "apiV1":
            run = api_v1.handle
        elif name in api_v1.LEGACY:
            run, rest = api_v1.handle, f"/v1/{api_v1.LEGACY[name]}"
        else:
            function = PLAIN.get(name)
            run = function.run if function else None
        if run is None:
            return _unknown(name)
        call = Call(
            request=request,
            path=rest,
            documents=Documents(self._store),
            accounts=self._accounts,
            clock=self._store.clock,
            keys=self._keys,
        )
        reply = guarded(call, run)
        given = request.headers.get("x-request-id", "").strip()
        if given:
            reply.headers.setdefault("x-request-id", given[:128])
        return reply


def _unknown(name: str) -> Reply:
    names = ", ".join(f"{REGION}-{one}" for one in sorted([*PLAIN, "apiV1"]))
    return Reply(404, f"Function {REGION}-{name} does not exist, valid functions are: {names}".encode(), HTML)
