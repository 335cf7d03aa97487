"""`evidence.sweep`: how far a sweep is, its range map so far, and the last report. Imports nothing heavy."""

import json
from collections.abc import Mapping
from typing import Any, Final

from ...home.process import is_alive
from ...store.reading import Sources

RUN: Final = "SELECT shown FROM sweep_run WHERE tenant = :tenant"


def sweep_now(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """{"phase", "logs": [{"origin", "at", "total", "ranges", …}], "report", …}; phase `never` before the first one.

    A sweep whose process is gone is `interrupted`: the next one goes on where it stopped.
    """
    rows = sources.views(RUN, {"tenant": tenant})
    if not rows:
        return {"phase": "never", "running": False, "logs": [], "report": None}
    found: dict[str, Any] = json.loads(rows[0]["shown"])
    owner = found.pop("owner", "")
    running = bool(owner) and is_alive(owner)
    if owner and not running:
        found["phase"] = "interrupted"
    return found | {"running": running}
