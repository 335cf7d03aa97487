"""Proposals whose time has run out: sealed as expired, never as approved. Silence does not mean yes."""

import asyncio
from functools import partial

from sqlalchemy import Connection, select

from . import decide
from .perform import Gateway
from .recovery import engine_actor
from .tables import proposal


async def expire_due(gateway: Gateway) -> int:
    """Seals every expiry that is due. Returns how many there were."""
    now_ms = gateway.clock.now_ms()
    due = await asyncio.to_thread(gateway.database.reading, lambda conn: _due(conn, now_ms))
    for tenant, id in due:
        work = partial(decide.expire, id=id, actor=engine_actor(tenant), request_id=str(gateway.ids.uuid7()))
        await asyncio.wrap_future(gateway.writer.submit(tenant, work))
    return len(due)


def _due(conn: Connection, now_ms: int) -> list[tuple[str, str]]:
    rows = conn.execute(
        select(proposal.c.tenant, proposal.c.id)
        .where(proposal.c.state.in_(("draft", "pending_approval", "approved")), proposal.c.expires_at_ms <= now_ms)
        .order_by(proposal.c.expires_at_ms)
        .limit(500)
    )
    return [(row.tenant, row.id) for row in rows]
