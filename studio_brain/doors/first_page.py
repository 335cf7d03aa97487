"""What the window shows first: the last known state, what waits, the newest receipts, read straight from the files.

It runs before anything heavy is imported, with the standard library and the light half of the engine: the same
queries on read-only connections, for an account whose role may see them. With PostgreSQL, or in a new home, there is
no first page.
"""

import json
import sqlite3
import time
import tomllib
from pathlib import Path
from typing import Any

from ..domains.studio import queries as studio
from ..gateway import queries as gateway
from ..store.reading import Sources, open_sources

ROLES_THAT_SEE = frozenset({"owner", "admin", "editor", "viewer"})


def first_page(home: Path, config: Path | None) -> dict[str, Any] | None:
    """{"tenant", "today", "proposals", "evidence", "switches", "connectors"} or None when there is nothing to show."""
    try:
        tenant, shift_ms = _tenant(home, config)
        if tenant is None or not (home / "brain.db").exists() or not (home / "views.db").exists():
            return None
        now_ms = time.time_ns() // 1_000_000 + shift_ms
        return {"tenant": tenant, **_read(open_sources(home, now_ms), tenant["id"])}
    except (OSError, ValueError, KeyError, TypeError, sqlite3.Error):
        return None  # the whole engine is on its way and says what is wrong


def _read(sources: Sources, tenant: str) -> dict[str, Any]:
    return {
        "today": studio.today(sources, tenant, {}),
        "proposals": gateway.proposals_page(sources, tenant, {"state": "open"}),
        "evidence": gateway.evidence_page(sources, tenant, {}),
        "switches": gateway.switches_list(sources, tenant, {}),
    }


def _tenant(home: Path, config: Path | None) -> tuple[dict[str, Any] | None, int]:
    """The first studio of the home with its first account, as the settings say, and the shift of a practice clock."""
    settings = _toml(config or home / "studio.toml")
    practice = home / "practice.json"
    if settings.get("practice") is True and practice.exists():
        document = json.loads(practice.read_text(encoding="utf-8"))
        people = [{"id": a["uid"], "name": a["name"], "role": a["role"]} for a in document["accounts"]]
        found = {"id": "practice", "name": document["name"], "accounts": people}
        return (found if _sees(people) else None), int(document["shift_ms"])
    tenants = settings.get("tenant") or []
    if not tenants or settings.get("database", {}).get("url"):
        return None, 0
    first = tenants[0]
    people = [{"id": a["id"], "name": a["name"], "role": a.get("role", "viewer")} for a in first.get("account", [])]
    found = {"id": first["id"], "name": first["name"], "accounts": people}
    return (found if _sees(people) else None), 0


def _sees(people: list[dict[str, Any]]) -> bool:
    return bool(people) and people[0]["role"] in ROLES_THAT_SEE


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
