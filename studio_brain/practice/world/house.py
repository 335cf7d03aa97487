"""The studio's own settings, and the trails that its cloud keeps of what was done."""

from .. import clock
from ..ids import seeded_id
from ..plain import stamp
from .builder import Builder


def build(builder: Builder) -> None:
    rng = builder.dice("house")
    at = builder.ago(rng, 90, 200)
    owner = builder.staff[0]
    stripe = {
        "mode": "test",
        "publishableKeys": {"test": "pk_test_practice", "live": ""},
        "priceIds": {"agent_default": "price_agent_default"},
        "productIds": {},
        "enabledFeatures": {"checkout": True, "customerPortal": False, "invoices": False},
        "successUrl": "https://portal.example.org/paid",
        "cancelUrl": "https://portal.example.org/cancelled",
        "updatedByUid": owner,
        "updatedByEmail": "imke@example.org",
        "updatedAt": at,
    }
    builder.put("config/stripe", stripe, at)
    audit = {"at": at, "actorUid": owner, "action": "updated", "fields": ["successUrl"]}
    builder.put(f"config/stripe/stripe_audit/{seeded_id(rng)}", audit, at)
    safety = {"enabled": True, "blockedTerms": [], "blockedUrlHosts": [], "updatedAt": at, "updatedByUid": owner}
    builder.put("config/communitySafety", safety, at)
    for number in range(builder.scale(10, 120)):
        moment = builder.ago(rng, 0, 30)
        row = {
            "at": moment,
            "requestId": f"req_{seeded_id(rng, 16)}",
            "action": rng.choice(("list_delegations", "revoke_delegation", "create_integration_token")),
            "resourceType": "delegation",
            "resourceId": None,
            "ownerUid": builder.member(rng).uid,
            "result": "deny" if number % 5 == 0 else "allow",
            "reasonCode": "UNAUTHENTICATED" if number % 5 == 0 else None,
            "actorUid": None if number % 5 == 0 else owner,
            "actorType": "unknown" if number % 5 == 0 else "staff",
            "actorMode": "unknown" if number % 5 == 0 else "firebase",
            "tokenId": None,
            "metadata": {},
            "ipHash": f"{rng.getrandbits(64):016x}",
            "userAgent": "portal",
        }
        builder.put(f"auditEvents/{seeded_id(rng)}", row, moment)
        security = {
            "at": moment,
            "type": "auth_missing_authorization",
            "outcome": "deny",
            "code": "MISSING_AUTH_HEADER",
            "uid": None,
            "mode": "unknown",
            "tokenId": None,
            "ipHash": row["ipHash"],
            "ua": "portal",
            "requestId": None,
            "path": "/v1/hello",
            "metadata": None,
        }
        if number % 5 == 0:
            builder.put(f"securityAudit/{seeded_id(rng)}", security, moment)
    _rooms(builder)


def _rooms(builder: Builder) -> None:
    """Wheels and rooms that members book."""
    rng = builder.dice("rooms")
    for number in range(builder.scale(14, 150)):
        at = builder.ago(rng, 0, 25)
        member = builder.member(rng)
        start = stamp(at.us + rng.randrange(1, 6) * clock.DAY)
        past = start.us < builder.now_us
        data = {
            "uid": member.uid,
            "ownerUid": member.uid,
            "spaceId": ("wheel-1", "wheel-2", "glaze-room", "long-table")[number % 4],
            "status": rng.choice(("completed", "cancelled"))
            if past
            else rng.choice(("booked", "booked", "waitlisted")),
            "startAt": start,
            "endAt": stamp(start.us + 2 * clock.HOUR),
            "createdAt": at,
            "updatedAt": at,
        }
        builder.put(f"studioReservations/{seeded_id(rng)}", data, at)
