"""How often a caller may call: windows kept in `rateLimits/<key>:<uid>:<hash of the address>`, as in the real cloud."""

from dataclasses import dataclass

from ..plain import stamp
from .documents import Documents

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Limit:
    key: str
    most: int
    window_ms: int = MINUTE_MS


def admit(documents: Documents, limit: Limit, uid: str | None, ip_hash: str) -> int | None:
    """Counts a call; None when it may go on, else the milliseconds until the window ends."""
    path = f"rateLimits/{limit.key}:{uid or 'anon'}:{ip_hash}"
    now = documents.now().ms
    row = documents.get(path)
    running = row is not None and row["resetAt"] > now
    reset = row["resetAt"] if row is not None and running else now + limit.window_ms
    count = row["count"] + 1 if row is not None and running else 1
    expires = stamp((reset + 2 * limit.window_ms) * 1000)
    documents.merge(path, {"count": count, "resetAt": reset, "expiresAt": expires})
    return reset - now if count > limit.most else None
