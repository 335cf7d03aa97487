"""Anchors: what outside of this home vouches for the logs, how far, and since when. A query; it never writes.

An entry is *vaulted* when at least `vaults_required` vaults hold a checkpoint that covers it, and *witnessed* when that
many witnesses have cosigned one. A disk in a drawer still holds what it held; a vault that forked or is damaged counts
for nothing.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ...gateway.registry import Query
from ...home.settings import Settings
from ...kernel.clock import DAY, utc_text
from ...kernel.reasons import ReasonCode
from ...store.reading import PLACE_BITS, Row, Sources
from . import vault, witness
from .office import Topic

LOGS: Final = """
SELECT log.log_id, log.origin, log.tenant, log.epoch, head.size FROM log JOIN head ON head.log_id = log.log_id
 WHERE tenant IN (:tenant, '_system') ORDER BY log.log_id
"""
CHECKPOINT: Final = "SELECT size FROM checkpoint WHERE log_id = :log_id ORDER BY size DESC LIMIT 1"
AT: Final = "SELECT at_ms FROM entry WHERE place = :place"
LAST: Final = """
SELECT entry.body FROM stream JOIN entry ON entry.stream_id = stream.stream_id
 WHERE stream.log_id = :log_id AND stream.name = :stream ORDER BY entry.pos DESC LIMIT 1
"""
COSIGNED: Final = """
SELECT size, at_ms FROM cosignature WHERE log_id = :log_id AND key_id = :key_id ORDER BY size DESC LIMIT 1
"""
_NOT_COUNTED: Final = frozenset(
    {ReasonCode.VAULT_FORKS.value, ReasonCode.VAULT_DAMAGED.value, ReasonCode.VAULT_AHEAD.value}
)


def reached(sizes: Sequence[int], required: int) -> int:
    """The largest size that at least `required` of these reach; 0 when there are fewer."""
    return sorted(sizes, reverse=True)[required - 1] if len(sizes) >= required else 0


class Anchors:
    """`evidence.anchors`: for each log of the studio its newest checkpoint, its vaults and its witnesses."""

    def __init__(self, settings: Settings) -> None:
        self._records = settings.records

    def __call__(self, sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
        logs = sources.brain(LOGS, {"tenant": tenant})
        own = [log for log in logs if log["tenant"] == tenant]
        book = own[-1]["log_id"] if own else -1  # the log that the receipts about copies stand in
        return {
            "vaultsRequired": self._records.vaults_required,
            "witnessesRequired": self._records.witnesses_required,
            "vaults": [{"name": each.name, "path": str(each.path)} for each in self._records.vault],
            "logs": [self._log(sources, log, book) for log in logs if log["size"]],
        }

    def _log(self, sources: Sources, log: Row, book: int) -> dict[str, Any]:
        vaults = [self._vault(sources, each.name, log["origin"], book) for each in self._records.vault]
        witnesses = [self._witness(sources, each, log, book) for each in self._records.witness]
        held = [v["size"] for v in vaults if v["reasonCode"] not in _NOT_COUNTED]
        witnessed = reached([w["size"] for w in witnesses], self._records.witnesses_required)
        newest = sources.brain(CHECKPOINT, {"log_id": log["log_id"]})
        return {
            "tenant": log["tenant"],
            "origin": log["origin"],
            "epoch": log["epoch"],
            "size": log["size"],
            "checkpoint": None
            if not newest
            else {"size": newest[0]["size"], "at": self._at(sources, log, newest[0]["size"] - 1)},
            "vaultedSize": reached(held, self._records.vaults_required),
            "vaults": vaults,
            "witnessedSize": witnessed,
            "witnesses": witnesses,
            "unwitnessedDays": self._days(sources, log, witnessed),
        }

    def _vault(self, sources: Sources, name: str, origin: str, book: int) -> dict[str, Any]:
        last = _last(sources, book, vault.stream_of(name, origin))
        data = {} if last is None else last["data"]
        code = data.get("reasonCode")
        return {
            "name": name,
            "size": int(data.get("size", 0)),
            "state": "never" if last is None else "ok" if code is None else "away" if code in _AWAY else "refused",
            "since": None if last is None else last["at"],
            "reasonCode": code,
            "detail": data.get("detail", ""),
        }

    def _witness(self, sources: Sources, settings: Any, log: Row, book: int) -> dict[str, Any]:
        key = witness.key_of(settings)
        found = sources.brain(COSIGNED, {"log_id": log["log_id"], "key_id": key.key_id})
        last = _last(sources, book, witness.stream_of(settings.name, log["origin"]))
        return {
            "name": settings.name,
            "size": found[0]["size"] if found else 0,
            "cosignedAt": utc_text(found[0]["at_ms"]) if found else None,
            "byFile": settings.url is None,
            "reasonCode": None if last is None else last["data"]["reasonCode"],
            "since": None if last is None else last["at"],
        }

    def _days(self, sources: Sources, log: Row, witnessed: int) -> int:
        """Whole days since the first entry that no quorum has witnessed was sealed; 0 when all are."""
        if witnessed >= log["size"]:
            return 0
        rows = sources.brain(AT, {"place": (log["log_id"] << PLACE_BITS) + witnessed})
        return max((sources.now_ms - rows[0]["at_ms"]) // DAY, 0) if rows else 0

    def _at(self, sources: Sources, log: Row, index: int) -> str | None:
        rows = sources.brain(AT, {"place": (log["log_id"] << PLACE_BITS) + index})
        return utc_text(rows[0]["at_ms"]) if rows else None


_AWAY: Final = frozenset({ReasonCode.VAULT_AWAY.value, ReasonCode.VAULT_NOT_WRITTEN.value})


def _last(sources: Sources, log_id: int, stream: str) -> dict[str, Any] | None:
    rows = sources.brain(LAST, {"log_id": log_id, "stream": stream})
    found: dict[str, Any] | None = json.loads(bytes(rows[0]["body"])) if rows else None
    return found


def queries(settings: Settings) -> tuple[Query, ...]:
    return (Query("evidence.anchors", "evidence.read", Anchors(settings)),)


TOPIC: Final = Topic(settled=queries)
