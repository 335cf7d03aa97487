"""Kill switches that end by themselves: sealed when their time is over by the wall and by the machine's uptime.

Until that is sealed a switch counts. The engine looks every few seconds, and every execution looks first.
"""

import asyncio
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from ..kernel.clock import Moment
from ..kernel.hashing import sha256
from ..store.sequencer import Unit
from . import receipts
from .perform import Gateway
from .receipts import engine_actor, gateway_event
from .tables import switch


async def end_due(gateway: Gateway) -> int:
    """Seals the end of every switch whose time is over. Returns how many there were."""
    now = Moment(gateway.clock.now_ms(), *gateway.uptime())
    found = await asyncio.to_thread(gateway.database.reading, lambda conn: _due(conn, now))
    for tenant, scope, target in found:
        work = partial(_end, scope=scope, target=target, now=now, request_id=str(gateway.ids.uuid7()))
        await asyncio.wrap_future(gateway.writer.submit(tenant, work))
    return len(found)


def _due(conn: Connection, now: Moment) -> list[tuple[str, str, str]]:
    rows = conn.execute(select(switch).where(switch.c.until_ms.is_not(None), switch.c.until_ms <= now.at_ms))
    return [(row.tenant, row.scope, row.target) for row in rows if _is_over(row, now)]


def _is_over(row: Any, now: Moment) -> bool:
    lived_ms = now.since(Moment(row.engaged_at_ms, row.boot, row.up_ms))
    return bool(now.at_ms >= row.until_ms and lived_ms >= row.until_ms - row.engaged_at_ms)


def _end(unit: Unit, scope: str, target: str, now: Moment, request_id: str) -> None:
    row = unit.conn.execute(select(switch).filter_by(tenant=unit.tenant, scope=scope, target=target)).first()
    if row is None or row.until_ms is None or not _is_over(row, now):
        return  # released, or engaged anew, meanwhile
    unit.append(
        gateway_event(
            receipts.SWITCH_EXPIRED,
            f"switch:{scope}:{target}",
            engine_actor(unit.tenant),
            request_id,
            capability="killswitch.release",
            target=f"switch/{scope}/{target}".rstrip("/"),
            proposal=None,
            rationale=row.rationale,
            state="off",
            input_hash=sha256(f"{scope}/{target}".encode()),
            request_id=request_id,
            scope=scope,
            scopeTarget=target,
        )
    )
