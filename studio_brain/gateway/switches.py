"""Kill switches: rows that stop outside writes, for everything, a tenant, a connector or a capability.

They are read three times on the way out: by policy, inside the claim, and by the connector immediately before a socket
opens. The global switch lives in the installation's own log (`_system`) and counts for every tenant. A capability's
switch stops what undoes it too.

A switch may end by itself. It counts until that end is sealed, and it is sealed only when both the wall clock and the
machine's uptime agree that its time is over: a clock that jumps releases nothing.
"""

from collections.abc import Collection
from typing import Annotated, Any, Final

from pydantic import Field
from sqlalchemy import Connection, or_, select

from ..kernel.clock import MINUTE, utc_text
from ..kernel.policy import Switch, SwitchScope, blocked_by
from ..kernel.reasons import ReasonCode
from ..store.database import Database
from ..store.sequencer import Unit
from . import receipts
from .decide import Refusal
from .receipts import request_event
from .registry import Done, Payload, Request
from .tables import switch

SYSTEM: Final = "_system"
"""The tenant of the installation itself."""


class SwitchPayload(Payload):
    """Which switch. `target` is the connector or capability; empty for the whole tenant or for everything."""

    scope: Annotated[str, Field(pattern="^(global|tenant|connector|capability)$")]
    target: Annotated[str, Field(max_length=120)] = ""


class EngagePayload(SwitchPayload):
    """Which switch, and after how many minutes it ends by itself: at most thirty days; without, on release alone."""

    forMinutes: Annotated[int, Field(ge=1, le=43_200)] | None = None


def engaged(conn: Connection, tenant: str) -> frozenset[Switch]:
    """The switches that count for a tenant right now."""
    rows = conn.execute(
        select(switch.c.scope, switch.c.target).where(or_(switch.c.tenant == tenant, switch.c.tenant == SYSTEM))
    )
    return frozenset(Switch(SwitchScope(row.scope), row.target) for row in rows)


def stopping(
    switches: frozenset[Switch], tenant: str, connector: str | None, capabilities: Collection[str]
) -> Switch | None:
    """The switch that stops an outside write. `capabilities` is its own and the one that it undoes."""
    for capability in capabilities:
        found = blocked_by(switches, tenant=tenant, connector=connector, capability=capability)
        if found is not None:
            return found
    return None


def blocking(database: Database, tenant: str, connector: str, capabilities: Collection[str]) -> ReasonCode | None:
    """Read anew from the database: what a connector asks last. An unreadable database blocks too."""
    try:
        switches = database.reading(lambda conn: engaged(conn, tenant))
    except Exception:
        return ReasonCode.AUDIT_UNAVAILABLE
    return None if stopping(switches, tenant, connector, capabilities) is None else ReasonCode.KILL_SWITCH


def target_of(scope: str, target: str, tenant: str) -> str:
    """The target as rows keep it: empty for global, the tenant for tenant."""
    return {"global": "", "tenant": tenant}.get(scope, target)


def _key(request: Request) -> tuple[str, str]:
    scope, target = request.payload.scope, request.payload.target
    if scope in ("connector", "capability") and not target:
        raise Refusal(ReasonCode.INVALID_PAYLOAD, f"target: name the {scope}")
    return scope, target_of(scope, target, request.tenant)


def engage(unit: Unit, request: Request) -> Done:
    minutes = request.payload.forMinutes if isinstance(request.payload, EngagePayload) else None
    until = None if minutes is None else utc_text(unit.now_ms + minutes * MINUTE)
    boot, up_ms = request.up
    return _turn(unit, request, receipts.ENGAGED, on=True, until=until, boot=boot, upMs=up_ms)


def release(unit: Unit, request: Request) -> Done:
    return _turn(unit, request, receipts.RELEASED, on=False)


def _turn(unit: Unit, request: Request, kind: str, *, on: bool, **more: Any) -> Done:
    scope, target = _key(request)
    is_on = unit.conn.execute(select(switch.c.actor).filter_by(tenant=unit.tenant, scope=scope, target=target)).first()
    if (is_on is not None) == on:
        raise Refusal(ReasonCode.NOTHING_TO_DO, f"the {scope} switch is {'on' if on else 'off'} already")
    stream = f"switch:{scope}:{target}"
    state = "on" if on else "off"
    unit.append(request_event(kind, stream, request, state=state, scope=scope, scopeTarget=target, **more))
    return Done(state, None, {"scope": scope, "target": target, **({"until": more["until"]} if on else {})})


def log_of(request: Request) -> str:
    """The log that a switch belongs to: global ones concern the installation, not one studio."""
    return SYSTEM if request.payload.scope == "global" else request.tenant
