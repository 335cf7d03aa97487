"""Checking a receipt file that somebody gave to the cockpit, against what this home knows."""

from typing import Any

from ..brain import Brain
from ..evidence import receipt as receipts
from ..gateway.perform import Session


async def check_receipt(brain: Brain, who: Session, text: str) -> dict[str, Any]:
    """What the file shows. Raises VerificationError when it does not prove what it claims.

    → {"index", "size", "origin", "kind", "seal", "checked", "unchecked", "anchored", "here"}: `anchored` says whether
    a key that this home knows vouches for it; `here` whether this studio's log holds the same receipt at that index,
    None for a file of another log.
    """
    await brain.gateway.authorize("evidence.read", who)
    found = receipts.ReceiptFile.parse(text)
    origin = found.checkpoint.origin
    ours = origin.startswith(f"{brain.installation.origin_prefix}/")
    checked = receipts.verify(found, [brain.verifier_key(origin)] if ours else [])
    seal = "sha256:" + found.entry.seal.hex()
    return {
        "index": found.index,
        "size": found.checkpoint.size,
        "origin": origin,
        "kind": found.entry.kind,
        "seal": seal,
        "checked": list(checked.checked),
        "unchecked": list(checked.unchecked),
        "anchored": checked.anchored,
        "here": await _stands_here(brain, who, origin, found.index, seal),
    }


async def _stands_here(brain: Brain, who: Session, origin: str, index: int, seal: str) -> bool | None:
    stored = await brain.query("evidence.one", {"index": index}, who)
    if stored is None or stored["origin"] != origin:
        page = await brain.query("evidence.page", {"limit": 1}, who)
        return False if page["origin"] == origin else None
    return bool(stored["seal"] == seal)
