"""Kill switches: rows that stop outside writes, for everything, a tenant, a connector or a capability.

They are read three times on the way out: by policy, inside the claim, and by the connector immediately before a socket
opens. The global switch lives in the installation's own log (`_system`) and counts for every tenant.
"""

from typing import Annotated, Final

from pydantic import Field
from sqlalchemy import Connection, or_, select

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


def engaged(conn: Connection, tenant: str) -> frozenset[Switch]:
    """The switches that count for a tenant right now."""
    rows = conn.execute(
        select(switch.c.scope, switch.c.target).where(or_(switch.c.tenant == tenant, switch.c.tenant == SYSTEM))
    )
    return frozenset(Switch(SwitchScope(row.scope), row.target) for row in rows)


def blocking(database: Database, tenant: str, connector: str, capability: str) -> ReasonCode | None:
    """Read anew from the database: what a connector asks last. An unreadable database blocks too."""
    try:
        switches = database.reading(lambda conn: engaged(conn, tenant))
    except Exception:
        return ReasonCode.AUDIT_UNAVAILABLE
    found = blocked_by(switches, tenant=tenant, connector=connector, capability=capability)
    return None if found is None else ReasonCode.KILL_SWITCH


def target_of(scope: str, target: str, tenant: str) -> str:
    """The target as rows keep it: empty for global, the tenant for tenant."""
    return {"global": "", "tenant": tenant}.get(scope, target)


def _key(request: Request) -> tuple[str, str]:
    scope, target = request.payload.scope, request.payload.target
    if scope in ("connector", "capability") and not target:
        raise Refusal(ReasonCode.INVALID_PAYLOAD, f"target: name the {scope}")
    return scope, target_of(scope, target, request.tenant)


def engage(unit: Unit, request: Request) -> Done:
    return _turn(unit, request, receipts.ENGAGED, on=True)


def release(unit: Unit, request: Request) -> Done:
    return _turn(unit, request, receipts.RELEASED, on=False)


def _turn(unit: Unit, request: Request, kind: str, *, on: bool) -> Done:
    scope, target = _key(request)
    is_on = unit.conn.execute(select(switch.c.actor).filter_by(tenant=unit.tenant, scope=scope, target=target)).first()
    if (is_on is not None) == on:
        raise Refusal(ReasonCode.NOTHING_TO_DO, f"the {scope} switch is {'on' if on else 'off'} already")
    stream = f"switch:{scope}:{target}"
    unit.append(request_event(kind, stream, request, state="on" if on else "off", scope=scope, scopeTarget=target))
    return Done("on" if on else "off", None, {"scope": scope, "target": target})


def log_of(request: Request) -> str:
    """The log that a switch belongs to: global ones concern the installation, not one studio."""
    return SYSTEM if request.payload.scope == "global" else request.tenant
