"""Reservations: asked for, decided, queued, loaded, fetched or forgotten on the shelf."""

from .. import clock, records, storage
from ..arrival import arrival_token, lookup_form
from ..functions.board import half_shelves
from ..functions.documents import Documents
from ..functions.stations import mode_of
from ..plain import Plain, Timestamp, stamp
from .diary import Diary

# So many places in the queues are put right in a day.
_RENUMBERED = 3


def plan(diary: Diary) -> None:
    rows = [
        (key, row)
        for key, row in diary.documents.where("reservations", "status", "REQUESTED", "WAITLISTED", "CONFIRMED")
        if not row.get("isArchived")
    ]
    for _ in range(diary.times(0.5, 2)):
        _ask(diary)

    def of(status: str, load: str, hours: float) -> list[tuple[str, Plain]]:
        return [
            (key, row)
            for key, row in rows
            if row.get("status") == status and row.get("loadStatus") == load and diary.older(row["updatedAt"], hours)
        ]

    for key, _ in diary.some(of("REQUESTED", "queued", 10), 1 + diary.times(0.5, 2)):
        by, cancelled = diary.clerk(), diary.rng.random() < 0.08
        diary.will(lambda documents, key=key, by=by, no=cancelled: _decide(documents, key, by, cancelled=no), 1)
    for key, _ in diary.some(of("WAITLISTED", "queued", 30), diary.times(0.4, 1)):
        by = diary.clerk()
        diary.will(lambda documents, key=key, by=by: _decide(documents, key, by), 1)
    for key, _ in diary.some(of("CONFIRMED", "queued", 40), diary.times(0.6, 2)):
        by = diary.clerk()
        diary.will(lambda documents, key=key, by=by: _load(documents, key, by, "loading"), 1)
    for key, _ in diary.some(of("CONFIRMED", "loading", 8), diary.times(0.7, 3)):
        by = diary.clerk()
        diary.will(lambda documents, key=key, by=by: _load(documents, key, by, "loaded"), 1, rank=4)
    waiting = [one for one in of("CONFIRMED", "loaded", 12) if storage.waits(one[1])]
    fetched = {key for key, _ in diary.some(waiting, diary.times(0.6, 3))}
    for key in sorted(fetched):
        by = diary.clerk()
        diary.will(lambda documents, key=key, by=by: _fetch(documents, key, by), 1, rank=4)
    still = [one for one in waiting if one[0] not in fetched and _due(diary, one[1])]
    for key, row in diary.some(still, 4):
        _age(diary, key, row)
    diary.will(_renumber, _RENUMBERED, diary.end - clock.HOUR, rank=6)


def _ask(diary: Diary) -> None:
    owner = diary.member()
    room = diary.rng.randrange(1, 5)
    kiln = diary.rng.choice(diary.studio["kilns"])
    kind = diary.rng.choices(("bisque", "glaze", "other"), (45, 45, 10))[0]
    key = diary.new_id()
    clay = diary.rng.choice(diary.studio["clays"])
    label = diary.pot()

    def ask(documents: Documents) -> None:
        now = documents.now()
        earliest = stamp(now.us + 2 * clock.DAY)
        notes = {"general": None, "clayBody": clay, "glazeNotes": None}
        data = records.reservation(
            owner.uid,
            now,
            owner.uid,
            "client",
            firingType=kind,
            shelfEquivalent=room / 2,
            footprintHalfShelves=room,
            estimatedHalfShelves=room,
            estimatedCost=room * 9,
            tiers=1,
            preferredWindow={"earliestDate": earliest, "latestDate": stamp(earliest.us + 3 * clock.DAY)},
            wareType="stoneware",
            kilnId=kiln["station"],
            kilnLabel=kiln["name"],
            notes=notes,
            notesHistory=[{"at": now, "byUid": owner.uid, "byRole": "client", "notes": notes}],
            pieces=[
                {
                    "pieceId": f"MF-RES-{key[:6].upper()}-01A",
                    "pieceLabel": label,
                    "pieceCount": 1 + room,
                    "piecePhotoUrl": None,
                    "pieceStatus": "awaiting_placement",
                }
            ],
            isArchived=False,
            archivedAt=None,
        )
        documents.set(f"reservations/{key}", data)

    diary.will(ask, 1, rank=3)


def _queued(documents: Documents, station: str) -> list[tuple[str, Plain]]:
    return [
        (key, row)
        for key, row in documents.where("reservations", "assignedStationId", station)
        if row.get("status") != "CANCELLED"
    ]


def _room(documents: Documents, needs: int) -> str | None:
    """A station with so much room left."""
    for station, capacity in records.STATION_CAPACITY.items():
        taken = sum(half_shelves(row) for _, row in _queued(documents, station) if mode_of(row) != "COMMUNITY_SHELF")
        if taken + needs <= capacity - (2 if station == "studio-electric" else 0):
            return station
    return None


def _moved(row: Plain, at: Timestamp, by: str, status: str, load: str | None, reason: str) -> Plain:
    before = (row["status"], row.get("loadStatus"), records.current_stage(row["status"], row.get("loadStatus")))
    stage = records.current_stage(status, load)
    entry = records.stage_entry(before, (status, load, stage), at, by, "staff", reason)
    return {
        "status": status,
        "loadStatus": load,
        "stageHistory": [*(row.get("stageHistory") or []), entry][-120:],
        "stageStatus": records.stage(stage, at, "staff", reason, by),
        "updatedAt": at,
    }


def _decide(documents: Documents, key: str, by: str, *, cancelled: bool = False) -> None:
    row = documents.get(f"reservations/{key}")
    if row is None or row["status"] not in ("REQUESTED", "WAITLISTED"):
        return
    at = documents.now()
    station = None if cancelled else _room(documents, half_shelves(row))
    status = "CANCELLED" if cancelled else "CONFIRMED" if station else "WAITLISTED"
    if status == row["status"]:
        return
    patch = _moved(row, at, by, status, row.get("loadStatus"), f"status:{row['status']}->{status}")
    if station:
        token = arrival_token(key, 1)
        patch |= {
            "assignedStationId": station,
            "queuePositionHint": len(_queued(documents, station)) + 1,
            "arrivalStatus": "expected",
            "arrivedAt": None,
            "arrivalToken": token,
            "arrivalTokenLookup": lookup_form(token),
            "arrivalTokenIssuedAt": at,
            "arrivalTokenExpiresAt": stamp(at.us + 36 * clock.HOUR),
            "arrivalTokenVersion": 1,
        }
    documents.merge(f"reservations/{key}", patch)


def _load(documents: Documents, key: str, by: str, load: str) -> None:
    row = documents.get(f"reservations/{key}")
    if row is None or row["status"] != "CONFIRMED" or row.get("loadStatus") == "loaded":
        return
    at = documents.now()
    patch = _moved(row, at, by, "CONFIRMED", load, "reservation_loaded" if load == "loaded" else "reservation_loading")
    if load == "loaded":
        notice = "Reservation load completed and pickup policy timer started."
        patch |= {
            "readyForPickupAt": at,
            "storageStatus": "active",
            "pickupReminderCount": 0,
            "storageNoticeHistory": [records.storage_notice(at, "pickup_ready", notice, "active")],
            "storageBilling": storage.billing(at, row.get("estimatedHalfShelves")),
            # staff clear the station by hand once a load is out: its room would stay taken otherwise
            "assignedStationId": None,
            "queuePositionHint": None,
        }
    documents.merge(f"reservations/{key}", patch)


def _fetch(documents: Documents, key: str, by: str) -> None:
    row = documents.get(f"reservations/{key}")
    if row is None or not storage.waits(row):
        return
    at = documents.now()
    window = {**records.pickup_window(), **(row.get("pickupWindow") or {})}
    window |= {"status": "completed", "completedAt": at, "confirmedAt": window["confirmedAt"] or at}
    patch = _moved(row, at, by, row["status"], "loaded", "pickup_window_completed")
    patch |= {
        "stageStatus": records.stage("picked_up", at, "staff", "pickup_window_completed", by),
        "pickupWindow": window,
        "storageStatus": "active",
        "readyForPickupAt": None,
        "pickupReminderCount": 0,
        "lastReminderAt": None,
        "pieces": [{**piece, "pieceStatus": "picked_up"} for piece in row.get("pieces") or []],
    }
    documents.merge(f"reservations/{key}", patch)


def _due(diary: Diary, row: Plain) -> Timestamp | None:
    """When the first reminder, bill or reclaiming of today is due."""
    return next((at for at, _ in storage.steps(row, diary.end - clock.MINUTE)), None)


def _age(diary: Diary, key: str, row: Plain) -> None:
    """Reminders, billing and reclaiming happen to the minute, unless somebody comes first."""

    def age(documents: Documents) -> None:
        known = documents.get(f"reservations/{key}")
        for _, patch in list(storage.steps(known, documents.now().us))[:2] if known else []:
            documents.merge(f"reservations/{key}", patch)

    at = _due(diary, row)
    if at is not None:
        diary.will(age, 2, max(at.us, diary.start) + clock.MINUTE, rank=2)


def _renumber(documents: Documents) -> None:
    """The places in each queue, where they have changed since the morning."""
    left = _RENUMBERED
    for station in records.STATION_CAPACITY:
        queue = sorted(
            _queued(documents, station), key=lambda one: (one[1].get("queuePositionHint") or 99, one[1]["createdAt"])
        )
        for position, (key, row) in enumerate(queue, 1):
            if row.get("queuePositionHint") != position and left:
                documents.merge(f"reservations/{key}", {"queuePositionHint": position})
                left -= 1
