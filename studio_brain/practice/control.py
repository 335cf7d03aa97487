"""The control interface, `/practice/...`: what a test or a trainer does with the practice studio, and sees of it.

Every call carries the control token that the ready line prints. `docs/practice.md` lists calls and shapes.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from . import clock
from .accounts import Account, digest
from .faults import STANDING, BadFault, Faults
from .ids import auto_id
from .refusals import Refused
from .requests_log import RequestsLog, is_trace
from .studio import Studio
from .wire import Reply, Request, reply

PREFIX = "/practice"
MAX_DAYS = 3650
_MAX_WAIT_S = 600.0

Handler = Callable[[Request, list[str]], Awaitable[Reply]]


class Wrong(Exception):
    """A control call that cannot be done: (HTTP status, what is wrong)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Control:
    def __init__(self, studio: Studio, faults: Faults, log: RequestsLog, token: str) -> None:
        self._studio = studio
        self._faults = faults
        self._log = log
        self._token = token
        self._calls: dict[tuple[str, str], Handler] = {
            ("GET", "state"): self._state,
            ("POST", "advance"): self._advance,
            ("POST", "reset"): self._reset,
            ("GET", "faults"): self._list_faults,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "requests"): self._requests,
            ("GET", "writes"): self._writes,
            ("GET", "documents"): self._documents,
            ("GET", "accounts"): self._accounts,
            ("POST", "accounts"): self._change_account,
            ("DELETE", "accounts"): self._delete_account,
        }

    async def answer(self, request: Request) -> Reply:
        token = request.bearer() or ""
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            return reply({"error": "the control token is missing or wrong"}, 401)
        name, *rest = request.path.removeprefix(PREFIX).strip("/").split("/")
        call = self._calls.get((request.method, name))
        if call is None:
            return reply({"error": f"no such call: {request.method} {request.path}"}, 404)
        try:
            return await call(request, rest)
        except Wrong as wrong:
            return reply({"error": wrong.message}, wrong.status)
        except Refused as refused:
            return reply({"error": refused.message}, refused.http_code)

    # --- the studio ---

    async def _state(self, _request: Request, _rest: list[str]) -> Reply:
        collections: dict[str, int] = {}
        for path in self._studio.store.collections:
            kind = "/".join(part if index % 2 == 0 else "*" for index, part in enumerate(path.split("/")))
            collections[kind] = collections.get(kind, 0) + self._studio.store.count(path)
        return reply(
            {
                **self._studio.describe(),
                "collections": dict(sorted(collections.items())),
                "accounts": len(self._studio.accounts.all()),
                "lastRequest": self._log.last,
                "faults": len(self._faults.active()),
            }
        )

    async def _advance(self, request: Request, _rest: list[str]) -> Reply:
        days = _object(request).get("days", 1)
        if type(days) is not int or not 1 <= days <= MAX_DAYS:
            raise Wrong(400, f"days: a whole number from 1 to {MAX_DAYS}")
        lived = []
        for _ in range(days):
            lived += self._studio.advance(1)
            await asyncio.sleep(0)  # whoever asks for something meanwhile is served between two days
        return reply({**self._studio.describe(), "lived": lived})

    async def _reset(self, _request: Request, _rest: list[str]) -> Reply:
        self._clear(None)
        self._log.clear()
        self._studio.reset()
        return reply(self._studio.describe())

    async def _documents(self, request: Request, _rest: list[str]) -> Reply:
        """Update times by path, of all or of what starts with a prefix; the cloud's own trails only when asked for."""
        asked = dict(request.parameters())
        prefix, traces = asked.get("prefix", ""), asked.get("trace") == "true"
        times = {
            f"{path}/{key}": clock.text(version.updated)
            for path in sorted(self._studio.store.collections)
            if path.startswith(prefix) or prefix.startswith(f"{path}/")
            for key, version in self._studio.store.scan(path)
            if f"{path}/{key}".startswith(prefix) and (traces or not is_trace(path))
        }
        return reply({"readTime": clock.text(self._studio.clock.read_us()), "documents": times})

    # --- faults ---

    async def _list_faults(self, _request: Request, _rest: list[str]) -> Reply:
        return reply({"faults": [fault.to_json() for fault in self._faults.active()]})

    async def _add_fault(self, request: Request, _rest: list[str]) -> Reply:
        try:
            fault = self._faults.add(_object(request))
        except BadFault as error:
            raise Wrong(400, str(error)) from error
        if fault.kind == STANDING:
            self._studio.accounts.refuse_issued()
        return reply(fault.to_json())

    async def _clear_faults(self, _request: Request, rest: list[str]) -> Reply:
        if rest and not rest[0].isdecimal():
            raise Wrong(404, "no such fault")
        return reply({"cleared": self._clear(int(rest[0]) if rest else None)})

    def _clear(self, identifier: int | None) -> list[int]:
        gone = self._faults.clear(identifier)
        if any(fault.kind == STANDING for fault in gone):
            self._studio.accounts.accept_issued()
        return [fault.id for fault in gone]

    # --- the log ---

    async def _requests(self, request: Request, _rest: list[str]) -> Reply:
        asked = dict(request.parameters())
        since, operation = _number(asked, "since"), asked.get("operation", "")
        wait = _number(asked, "wait")
        if wait:
            seconds = min(float(wait), _MAX_WAIT_S)
            found = await self._log.wait(since, operation, seconds, answered=asked.get("answered") == "true")
        else:
            found = self._log.since(since, operation)
        return reply({"requests": [entry.to_json() for entry in found], "last": self._log.last})

    async def _writes(self, request: Request, _rest: list[str]) -> Reply:
        asked = dict(request.parameters())
        traces = asked.get("trace") == "true"
        found = self._log.since(_number(asked, "since"), asked.get("operation", ""), writes=True, traces=traces)
        return reply({"writes": [entry.to_json() for entry in found], "last": self._log.last})

    # --- accounts ---

    async def _accounts(self, _request: Request, _rest: list[str]) -> Reply:
        return reply({"accounts": [shown(account) for account in self._studio.accounts.all()]})

    async def _change_account(self, request: Request, rest: list[str]) -> Reply:
        """Without an id: a new account. With one: `disabled`, `claims`, `displayName`, `revoke`."""
        body = _object(request)
        accounts = self._studio.accounts
        if not rest:
            return self._new_account(body)
        account = accounts.get(rest[0])
        if account is None:
            raise Wrong(404, "no such account")
        if unknown := sorted(set(body) - {"disabled", "claims", "displayName", "revoke"}):
            raise Wrong(400, f"{unknown[0]}: cannot be changed")
        changes: dict[str, Any] = {}
        for name, kind in (("disabled", bool), ("claims", dict), ("displayName", str)):
            if name in body:
                if type(body[name]) is not kind:
                    raise Wrong(400, f"{name}: a {kind.__name__} was expected")
                changes["display_name" if name == "displayName" else name] = body[name]
        if changes:
            account = replace(account, **changes)
            accounts.put(account)
        if body.get("revoke") is True:
            accounts.revoke(account.uid)
        return reply(shown(accounts.get(account.uid) or account))

    def _new_account(self, body: dict[str, Any]) -> Reply:
        email, password, claims = body.get("email"), body.get("password"), body.get("claims")
        if not isinstance(email, str) or "@" not in email or not isinstance(password, str) or len(password) < 6:
            raise Wrong(400, "email and password (at least 6 characters) are needed")
        if self._studio.accounts.by_email(email) is not None:
            raise Wrong(409, "there is an account with this address")
        account = Account(
            uid=str(body.get("uid") or auto_id() + auto_id()[:8]),
            email=email,
            display_name=str(body.get("displayName") or email),
            digest=digest(password),
            claims=claims if isinstance(claims, dict) else {},
            created_ms=self._studio.clock.now_ms(),
        )
        self._studio.accounts.put(account)
        return reply(shown(account))

    async def _delete_account(self, _request: Request, rest: list[str]) -> Reply:
        if not rest or self._studio.accounts.get(rest[0]) is None:
            raise Wrong(404, "no such account")
        self._studio.accounts.delete(rest[0])
        return reply({"deleted": rest[0]})


def shown(account: Account) -> dict[str, Any]:
    """An account as the ready line and the control interface show it; only published passwords are shown."""
    result: dict[str, Any] = {
        "uid": account.uid,
        "email": account.email,
        "displayName": account.display_name,
        "roles": list(account.claims.get("roles") or []),
        "staff": account.staff,
        "title": account.title or "Member",
        "disabled": account.disabled,
    }
    if account.title is not None:
        result["password"] = account.password
    return result


def _object(request: Request) -> dict[str, Any]:
    body = request.json()
    if not isinstance(body, dict):
        raise Wrong(400, "an object was expected")
    return body


def _number(asked: dict[str, str], name: str) -> int:
    text = asked.get(name, "0")
    if not text.isdecimal():
        raise Wrong(400, f"{name}: a whole number was expected")
    return int(text)
