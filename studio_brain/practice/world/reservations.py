"""Reservations at every stage: asked for, waiting, in the queue, loaded, waiting to be fetched, fetched, reclaimed.

There is no status for "done": a finished reservation keeps CONFIRMED and is known by its stage, its pickup window or
`isArchived`. A station holds at most eight half shelves of what is queued on it.
"""

import random

from .. import clock, records, storage
from ..arrival import arrival_token, lookup_form
from ..ids import seeded_id
from ..plain import Plain, Timestamp, stamp
from .builder import Builder, Member

KINDS = (
    ("requested", 16),
    ("waitlisted", 8),
    ("queued", 18),
    ("loading", 6),
    ("to fetch", 16),
    ("missed", 4),
    ("fetched", 18),
    ("reclaimed", 6),
    ("cancelled", 6),
    ("arrived", 2),
)
AGES = {
    "requested": (0, 6),
    "waitlisted": (1, 12),
    "queued": (1, 14),
    "arrived": (2, 8),
    "loading": (3, 12),
    "to fetch": (5, 18),
    "missed": (6, 13),
    "reclaimed": (65, 300),
}
_TIERS = (("few", 1), ("small", 2), ("medium", 3), ("large", 4))


def build(builder: Builder) -> None:
    rng = builder.dice("reservations")
    names = [name for name, _ in KINDS]
    weights = [weight for _, weight in KINDS]
    count = builder.scale(60, 2500)
    kinds = names + rng.choices(names, weights, k=max(0, count - len(names)))
    room = dict(records.STATION_CAPACITY)
    room["studio-electric"] -= 2  # somebody can still be put there
    positions: dict[str, int] = {}
    for kind in kinds[:count]:
        _write(builder, rng, kind, room, positions)


def _write(builder: Builder, rng: random.Random, kind: str, room: dict[str, int], positions: dict[str, int]) -> None:
    at = builder.ago(rng, *AGES.get(kind, (25, 240)))
    owner = builder.member(rng)
    reservation_id = f"reservation-{rng.getrandbits(80):020x}" if rng.random() < 0.4 else seeded_id(rng)
    data = _asked(builder, rng, reservation_id, owner, at)
    by = builder.clerk(rng)
    needs = int(data["estimatedHalfShelves"])
    if kind in ("queued", "loading", "arrived"):
        station = next((one for one, left in room.items() if left >= needs), None)
        if station is not None:
            room[station] -= needs
            positions[station] = positions.get(station, 0) + 1
            _queue(builder, data, station, positions[station])
    if kind in ("queued", "loading", "to fetch", "missed", "fetched", "reclaimed", "arrived"):
        at = builder.after(rng, at, 2, 40)
        _move(data, at, by, status="CONFIRMED")
        _token(data, reservation_id, at)
    if kind == "arrived":
        at = builder.after(rng, at, 2, 20)
        data["status"], data["arrivalStatus"], data["arrivedAt"] = "CONFIRMED_ARRIVED", "arrived", at
        data["updatedAt"] = at
    if kind == "waitlisted":
        at = builder.after(rng, at, 2, 30)
        _move(data, at, by, status="WAITLISTED")
    if kind == "cancelled":
        at = builder.after(rng, at, 2, 90)
        _move(data, at, by, status="CANCELLED")
    if kind == "loading":
        at = builder.after(rng, at, 5, 40)
        _move(data, at, by, load="loading")
    if kind in ("to fetch", "missed", "fetched", "reclaimed"):
        at = builder.after(rng, at, 10, 80)
        _move(data, at, by, load="loaded")
        _ready(data, at)
        _ending(builder, rng, data, kind, at, by)
    builder.put(f"reservations/{reservation_id}", data, data["createdAt"], data["updatedAt"])


def _asked(builder: Builder, rng: random.Random, reservation_id: str, owner: Member, at: Timestamp) -> Plain:
    """What a member asks for."""
    tier, half_shelves = rng.choice(_TIERS)
    firing_type = rng.choices(("bisque", "glaze", "other"), (45, 45, 10))[0]
    earliest = stamp(at.us + rng.randrange(1, 5) * clock.DAY)
    studio_glazes = rng.random() < 0.3
    mode = rng.choices(("SHELF_PURCHASE", "WHOLE_KILN", "COMMUNITY_SHELF"), (84, 6, 10))[0]
    kiln = rng.choice(builder.studio["kilns"])
    general = rng.choice((None, *builder.studio["batchNotes"]))
    notes = {"general": general, "clayBody": rng.choice(builder.studio["clays"]), "glazeNotes": None}
    return records.reservation(
        owner.uid,
        at,
        owner.uid,
        "client",
        intakeMode=mode,
        firingType=firing_type,
        shelfEquivalent=half_shelves / 2,
        footprintHalfShelves=half_shelves,
        heightInches=rng.randrange(3, 10),
        tiers=1,
        estimatedHalfShelves=half_shelves,
        estimatedCost=0 if mode == "COMMUNITY_SHELF" else half_shelves * 9,
        preferredWindow={"earliestDate": earliest, "latestDate": stamp(earliest.us + 3 * clock.DAY)},
        wareType=rng.choice(("stoneware", "earthenware", "porcelain", "mixed", "other")),
        kilnId=kiln["station"],
        kilnLabel=kiln["name"],
        quantityTier=tier,
        quantityLabel=f"{tier.capitalize()} batch",
        notes=notes,
        notesHistory=[{"at": at, "byUid": owner.uid, "byRole": "client", "notes": notes}],
        pieces=[
            {
                "pieceId": f"MF-RES-{reservation_id[:6].upper().replace('-', 'X')}-01{rng.getrandbits(24):06X}",
                "pieceLabel": builder.pot(rng),
                "pieceCount": rng.randrange(1, 9),
                "piecePhotoUrl": None,
                "pieceStatus": "awaiting_placement",
            }
        ],
        addOns={
            "rushRequested": rng.random() < 0.1,
            "wholeKilnRequested": mode == "WHOLE_KILN",
            "useStudioGlazes": studio_glazes,
            "glazeAccessCost": half_shelves * 5 if studio_glazes else None,
            "selfLoadedKilnRequested": False,
            "selfLoadedKilnCost": None,
            "prepaidStorageRequested": False,
            "prepaidStorageWeeks": None,
            "prepaidStorageCost": None,
        },
        queueFairness=None,
        queueFairnessPolicy=None,
        queueClass=None,
        requiredResources=None,
        isArchived=False,
        archivedAt=None,
        staffNotes=rng.choice((None, None, None, "Asked for the middle shelf.")),
    )


def _queue(builder: Builder, data: Plain, station: str, position: int) -> None:
    """Place in a station's queue and the window that comes with it, two to a slot of two days."""
    start = builder.now_us + (position - 1) // 2 * 2 * clock.DAY
    confidence = "high" if position <= 2 else "medium" if position <= 5 else "low"
    data["assignedStationId"] = station
    data["queuePositionHint"] = position
    data["estimatedWindow"] = {
        "currentStart": stamp(start),
        "currentEnd": stamp(start + 2 * clock.DAY),
        "updatedAt": data["updatedAt"],
        "slaState": {"high": "on_track", "medium": "at_risk", "low": "delayed"}[confidence],
        "confidence": confidence,
    }


def _move(data: Plain, at: Timestamp, by: str, *, status: str | None = None, load: str | None = None) -> None:
    """A step of staff's, as `/v1/reservations.update` records one."""
    before = (data["status"], data["loadStatus"], records.current_stage(data["status"], data["loadStatus"]))
    reason = f"status:{data['status']}->{status}" if status else f"reservation_{load}"
    data["status"] = status or data["status"]
    data["loadStatus"] = load or data["loadStatus"]
    stage = records.current_stage(data["status"], data["loadStatus"])
    after = (data["status"], data["loadStatus"], stage)
    data["stageHistory"] = [*data["stageHistory"], records.stage_entry(before, after, at, by, "staff", reason)]
    data["stageStatus"] = records.stage(stage, at, "staff", reason, by)
    data["updatedAt"] = at


def _token(data: Plain, reservation_id: str, at: Timestamp) -> None:
    token = arrival_token(reservation_id, 1)
    data |= {
        "arrivalStatus": "expected",
        "arrivedAt": None,
        "arrivalToken": token,
        "arrivalTokenLookup": lookup_form(token),
        "arrivalTokenIssuedAt": at,
        "arrivalTokenExpiresAt": stamp(at.us + 36 * clock.HOUR),
        "arrivalTokenVersion": 1,
    }


def _ready(data: Plain, at: Timestamp) -> None:
    notice = "Reservation load completed and pickup policy timer started."
    data["readyForPickupAt"] = at
    data["storageNoticeHistory"] = [records.storage_notice(at, "pickup_ready", notice, "active")]
    data["storageBilling"] = storage.billing(at, data["estimatedHalfShelves"])


def _ending(builder: Builder, rng: random.Random, data: Plain, kind: str, ready: Timestamp, by: str) -> None:
    start = builder.after(rng, ready, 12, 60)
    end = stamp(start.us + 2 * clock.HOUR)
    window = {"confirmedStart": start, "confirmedEnd": end, "requestedStart": start, "requestedEnd": end}
    if kind == "to fetch":
        data["pickupWindow"] = records.pickup_window(**(window if rng.random() < 0.6 else {}))
        for _, patch in list(storage.steps(data, builder.now_us)):
            data |= patch
        return
    if kind == "missed":
        at = max(builder.after(rng, end, 1, 10), ready)
        data["pickupWindow"] = records.pickup_window(**window, status="missed", missedCount=1, lastMissedAt=at)
        data["storageStatus"] = "hold_pending"
        data["updatedAt"] = at
        return
    if kind == "fetched":
        at = builder.after(rng, ready, 20, 24 * 10)
        window |= {"status": "completed", "confirmedAt": start, "completedAt": at}
        data["pickupWindow"] = records.pickup_window(**window)
        data["stageStatus"] = records.stage("picked_up", at, "staff", "pickup_window_completed", by)
        data["readyForPickupAt"] = None
        data["pieces"] = [{**piece, "pieceStatus": "picked_up"} for piece in data["pieces"]]
        data["updatedAt"] = at
        return
    for _, patch in list(storage.steps(data, builder.now_us)):
        data |= patch
