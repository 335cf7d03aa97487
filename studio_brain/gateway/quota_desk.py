"""Looking at quotas and resetting them: the capabilities and queries around `quotas`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import Field

from ..kernel.clock import SECOND, Moment, Uptime, utc_text
from ..kernel.policy import PEOPLE, ActorType, Mode, Risk, Role
from ..kernel.reasons import ReasonCode
from ..store.reading import Row, Sources
from ..store.sequencer import Unit
from . import receipts
from .decide import Refusal
from .limits import Per
from .quotas import COOLDOWN, Bucket, Use, rules_of
from .receipts import request_event
from .registry import Authority, Capability, Done, Manifest, Payload, Query, Request

READ: Final = "quota.read"
RESET: Final = "quota.reset"
LATEST: Final = 20_000
"""Uses that a view looks back over."""

USES = "SELECT * FROM quota_use WHERE tenant = :tenant ORDER BY place DESC LIMIT :limit"
RESETS = "SELECT * FROM quota_reset WHERE tenant = :tenant ORDER BY place"


class ResetPayload(Payload):
    """Which bucket. The studio's own has no capability; capability and studio have no subject."""

    per: Annotated[str, Field(pattern="^(actor|owner|capability|tenant|cooldown)$")]
    capability: Annotated[str, Field(max_length=120)] = ""
    subject: Annotated[str, Field(max_length=200)] = ""


def reset(unit: Unit, request: Request) -> Done:
    """Forgets the uses of a bucket so far; the entry says who, which and why."""
    wanted = request.payload
    if (wanted.per == Per.TENANT) == bool(wanted.capability):
        raise Refusal(ReasonCode.INVALID_PAYLOAD, "capability: name it, but not for the studio's own bucket")
    if (wanted.per in (Per.ACTOR, Per.OWNER, COOLDOWN)) != bool(wanted.subject):
        raise Refusal(ReasonCode.INVALID_PAYLOAD, "subject: name the actor, owner or target, and nothing else")
    bucket = Bucket(wanted.capability, wanted.per, wanted.subject)
    stream = f"quota:{bucket.capability}"
    unit.append(request_event(receipts.QUOTA_RESET, stream, request, state="reset", bucket=bucket.to_json()))
    return Done("reset", None, {"bucket": bucket.to_json()})


class QuotaView:
    """How full every bucket is that was used within its window."""

    def __init__(self, capabilities: Mapping[str, Capability], uptime: Uptime) -> None:
        self._capabilities = capabilities
        self._uptime = uptime

    def rows(self, sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """→ {"rows": [{capability, per, subject, uses, of, windowS, freeAt}], "resets": […]}; those that are full
        first. `capability` shows the buckets of one. `freeAt` is null while another use is admitted."""
        now = Moment(sources.now_ms, *self._uptime())
        wanted = str(params.get("capability", ""))
        uses = sources.brain(USES, {"tenant": tenant, "limit": LATEST})
        resets = sources.brain(RESETS, {"tenant": tenant})
        since = {Bucket(row["capability"], row["per"], row["subject"]): row["place"] for row in resets}
        shown = [
            found
            for id, capability in sorted(self._capabilities.items())
            if wanted in ("", id) and capability.offered_in(tenant)
            for found in _buckets(capability, uses, since, now)
        ]
        shown.sort(key=lambda row: row["freeAt"] is None)
        return {"rows": shown, "resets": [_reset(row) for row in reversed(resets)]}


def _buckets(capability: Capability, uses: list[Row], since: Mapping[Bucket, int], now: Moment) -> list[dict[str, Any]]:
    shown = []
    for per, allowed, window_s in rules_of(capability):
        counted: dict[Bucket, list[int]] = {}
        for row in uses:
            if per != Per.TENANT and row["capability"] != capability.id:
                continue
            bucket = Use(row["capability"], row["actor"], row["owner"], row["target"]).bucket(per)
            age_ms = now.since(Moment(row["at_ms"], row["boot"], row["up_ms"]))
            if row["place"] > since.get(bucket, -1) and age_ms < window_s * SECOND:
                counted.setdefault(bucket, []).append(age_ms)
        for bucket, ages in counted.items():
            full = len(ages) >= allowed
            free = now.at_ms + window_s * SECOND - ages[allowed - 1] if full else 0
            shown.append(
                {
                    "capability": capability.id,
                    "per": per,
                    "subject": bucket.subject,
                    "uses": len(ages),
                    "of": allowed,
                    "windowS": window_s,
                    "freeAt": utc_text(free) if full else None,
                }
            )
    return shown


def _reset(row: Row) -> dict[str, Any]:
    bucket = {name: row[name] for name in ("capability", "per", "subject", "actor", "rationale")}
    return {**bucket, "at": utc_text(row["at_ms"])}


def manifest(others: Sequence[Manifest], uptime: Uptime) -> Manifest:
    """Looking at the quotas of `others`, and resetting them."""
    view = QuotaView({c.id: c for other in others for c in other.capabilities}, uptime)
    return Manifest(
        name="quotas",
        capabilities=(
            Capability(
                id=READ,
                title="See quotas",
                description="How much of each limit is used, and when it is free again.",
                target="quota",
                mode=Mode.READ,
                risk=Risk.LOW,
                role=Role.VIEWER,
                owner="gateway",
                failure_mode="nothing is shown and the reason is",
                test="tests/gateway/test_quotas.py",
                actor_types=PEOPLE | {ActorType.AGENT, ActorType.SYSTEM},
            ),
            Capability(
                id=RESET,
                title="Reset a quota",
                description="Forgets the uses of one bucket so far, so that it takes new ones before its time.",
                target="quota",
                mode=Mode.LOCAL,
                risk=Risk.MEDIUM,
                role=Role.ADMIN,
                owner="gateway",
                failure_mode="the bucket stays as it is; the denial is sealed",
                test="tests/gateway/test_quotas.py",
                payload=ResetPayload,
                rationale=True,
                handler=reset,
                target_of=lambda input: f"quota/{input.get('capability') or 'studio'}/{input.get('per', '')}",
            ),
        ),
        queries=(Query("quotas.list", READ, view.rows),),
        receipt_kinds=frozenset({receipts.QUOTA_USED, receipts.QUOTA_RESET}),
        authority={"quota": Authority.LOCAL},
    )
