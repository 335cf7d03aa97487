"""Quotas and cooldowns: how often a capability may be used, decided on the same rows in the unit that uses it.

A *use* is the start of an outside write, or a local capability that was done; each is sealed with the limits that were
in force, and a row follows from it. A *bucket* is what is counted together: the uses of a capability by one actor, for
one owner, by everybody, on one target (its cooldown), or every counted use in the studio. A use is admitted while
fewer than n uses of the bucket lie within the window, so that no window of that length ever holds more than n.

Uses are told apart by their order in the log and aged by time since the machine's start, sleep included, as long as
that is the same start; else by wall time. So a clock that jumps gives nobody more uses. A use is at least as old as
each that came after it. A *reset* is a sealed act that forgets the uses of a bucket so far.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection

from ..evidence.facts import Fact
from ..kernel.canonical import canonical_entry
from ..kernel.clock import SECOND, Clock, Moment, Uptime, unknown_uptime, utc_text
from ..kernel.hashing import sha256
from ..kernel.reasons import ReasonCode
from ..store.rows import Rows
from ..store.sequencer import Unit
from .decide import Refusal
from .limits import Per
from .registry import Capability
from .tables import quota_reset, quota_use

COOLDOWN: Final = "cooldown"


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is counted together. `capability` is empty for the studio's own, `subject` where none is named."""

    capability: str
    per: str
    subject: str

    def to_json(self) -> dict[str, str]:
        return {"capability": self.capability, "per": self.per, "subject": self.subject}


@dataclass(frozen=True, slots=True)
class Use:
    """Who uses what on what; `owner` is a reference (`owner_ref`)."""

    capability: str
    actor: str
    owner: str
    target: str

    def bucket(self, per: str) -> Bucket:
        subjects = {Per.ACTOR: self.actor, Per.OWNER: self.owner, COOLDOWN: self.target}
        return Bucket("" if per == Per.TENANT else self.capability, str(per), subjects.get(per, ""))


def owner_ref(tenant: str, account: str) -> str:
    """An owner's account as the log may keep it: the same for the same account, of no use without knowing it."""
    return sha256(canonical_entry(["owner", tenant, account])).hex()[:16]


def rules_of(capability: Capability) -> tuple[tuple[str, int, int], ...]:
    """(per, uses, window in seconds) of every limit; the cooldown is one use of a target."""
    limits = tuple((limit.per.value, limit.uses, limit.window_s) for limit in capability.limits)
    return (*limits, (COOLDOWN, 1, capability.cooldown_s)) if capability.cooldown_s else limits


class Quotas:
    """Decides inside a unit of work. `uptime` tells how long the machine has been on."""

    def __init__(self, clock: Clock, uptime: Uptime = unknown_uptime) -> None:
        self._clock = clock
        self._uptime = uptime

    def now(self) -> Moment:
        return Moment(self._clock.now_ms(), *self._uptime())

    def admit(self, unit: Unit, capability: Capability, actor: str, owner: str, target: str) -> dict[str, Any]:
        """What the entry of this use has to say of it (`quota`); empty where nothing is counted.

        Raises Refusal RATE_LIMITED with the bucket that is free again last, and when that is.
        """
        rules = rules_of(capability)
        if not rules:
            return {}
        use, now = Use(capability.id, actor, owner_ref(unit.tenant, owner), target), self.now()
        refusal = _refused(unit.conn, unit.tenant, use, rules, now)
        if refusal is not None:
            raise refusal
        return {
            "quota": {
                "actor": use.actor,
                "owner": use.owner,
                "target": use.target,
                "boot": now.boot,
                "upMs": now.up_ms,
                "limits": [list(rule) for rule in rules],
            }
        }

    def foresee(
        self, conn: Connection, tenant: str, capability: Capability, actor: str, owner: str, target: str
    ) -> Refusal | None:
        """Why a use would be refused now; it counts nothing and promises nothing."""
        use = Use(capability.id, actor, owner_ref(tenant, owner), target)
        return _refused(conn, tenant, use, rules_of(capability), self.now())


def owner_of(arguments: Mapping[str, Any] | None, requester: str) -> str:
    """Whose thing a write is about: as the cloud said when it was looked at, else who asked for it."""
    owner = (arguments or {}).get("ownerUid")
    return owner if isinstance(owner, str) and owner else requester


def _refused(
    conn: Connection, tenant: str, use: Use, rules: Sequence[tuple[str, int, int]], now: Moment
) -> Refusal | None:
    full = []
    for place, nth in _nth_latest(conn, tenant, use, rules) if rules else ():
        per, uses, window_s = rules[place]
        wait_ms = window_s * SECOND - now.since(nth)
        if wait_ms > 0:
            full.append((wait_ms, use.bucket(per), uses, window_s))
    return _refusal(now, *max(full, key=lambda found: found[0])) if full else None


def _refusal(now: Moment, wait_ms: int, bucket: Bucket, uses: int, window_s: int) -> Refusal:
    free = utc_text(now.at_ms + wait_ms)
    named = " ".join(part for part in (bucket.per, bucket.subject, "of", bucket.capability or "the studio") if part)
    said = f"{named}: {uses} within {window_s} s; free again at {free}"
    data = {"retryAfter": free, "retryAfterS": math.ceil(wait_ms / SECOND), "bucket": bucket.to_json()}
    return Refusal(ReasonCode.RATE_LIMITED, said, data=data)


def _nth_latest(
    conn: Connection, tenant: str, use: Use, rules: Sequence[tuple[str, int, int]]
) -> Iterator[tuple[int, Moment]]:
    """For each rule whose bucket has had as many uses as it allows since it was reset: (its place among the rules, the
    n-th latest of them, n being what it allows)."""
    resets = {tuple(row[:3]): row[3] for row in _run(conn, _RESETS, (tenant, use.capability))}
    parameters: list[str | int] = []
    for per, uses, _ in rules:
        bucket = use.bucket(per)
        named = (bucket.capability, bucket.subject)[: _WHERE[per].count("?")]
        since = resets.get((bucket.capability, bucket.per, bucket.subject), -1)
        parameters += (tenant, *named, since, uses - 1)
    for place, at_ms, boot, up_ms in _run(conn, _nth_sql(tuple(per for per, _, _ in rules)), tuple(parameters)):
        yield place, Moment(at_ms, boot, up_ms)


@cache
def _nth_sql(pers: tuple[str, ...]) -> str:
    return " UNION ALL ".join(_NTH.format(place=place, where=_WHERE[per]) for place, per in enumerate(pers))


_RESETS: Final = "SELECT capability, per, subject, place FROM quota_reset WHERE tenant = ? AND capability IN (?, '')"
_NTH: Final = (
    "SELECT {place} AS rule, at_ms, boot, up_ms FROM (SELECT at_ms, boot, up_ms FROM quota_use WHERE tenant = ?{where} "
    "AND place > ? ORDER BY place DESC LIMIT 1 OFFSET ?) AS nth{place}"
)
_WHERE: Final[dict[str, str]] = {
    Per.TENANT: "",
    Per.CAPABILITY: " AND capability = ?",
    Per.ACTOR: " AND capability = ? AND actor = ?",
    Per.OWNER: " AND capability = ? AND owner = ?",
    COOLDOWN: " AND capability = ? AND target = ?",
}


def _run(conn: Connection, sql: str, parameters: tuple[Any, ...]) -> list[Any]:
    """By the driver itself: this lies on the way of every write that leaves."""
    cursor = conn.connection.cursor()
    try:
        cursor.execute(sql.replace("?", "%s") if conn.dialect.name == "postgresql" else sql, parameters)
        return list(cursor.fetchall())
    finally:
        cursor.close()


def used(rows: Rows, fact: Fact) -> None:
    """The row of a use follows from the entry that it was sealed with."""
    quota = fact.data.get("quota")
    if quota is None:
        return
    rows.add(
        quota_use,
        {
            "tenant": fact.tenant,
            "place": fact.place,
            "capability": fact.data["capabilityId"],
            "actor": quota["actor"],
            "owner": quota["owner"],
            "target": quota["target"],
            "at_ms": fact.at_ms,
            "boot": quota["boot"],
            "up_ms": quota["upMs"],
        },
    )


def was_reset(rows: Rows, fact: Fact) -> None:
    bucket = fact.data["bucket"]
    rows.put(
        quota_reset,
        {
            "tenant": fact.tenant,
            "capability": bucket["capability"],
            "per": bucket["per"],
            "subject": bucket["subject"],
            "actor": fact.actor.id,
            "rationale": fact.data["rationale"],
            "at_ms": fact.at_ms,
            "place": fact.place,
        },
    )
