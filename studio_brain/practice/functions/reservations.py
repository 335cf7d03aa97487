"""Reservations: asking for room in a kiln, and staff's decision on it."""

import math
from typing import Any

from .. import records
from ..arrival import arrival_token, lookup_form
from ..clock import HOUR
from ..ids import auto_id
from ..plain import Plain, Timestamp, stamp
from .batches import idempotent_id
from .reservation_state import (
    MOST_NOTICES,
    date,
    find,
    load_of,
    notices_of,
    staged,
    station_of,
    status_of,
    text,
    window_of,
    window_written,
)
from .schema import Anything, Flag, ListOf, Number, Object, OneOf, Text
from .stations import STATIONS, recompute
from .v1 import Visit, bad, conflict, forbidden, missing

_MODES = ("SHELF_PURCHASE", "WHOLE_KILN", "COMMUNITY_SHELF")
_PIECES = ("awaiting_placement", "loaded", "fired", "ready", "picked_up")
_TRANSITIONS = {
    "REQUESTED": ("REQUESTED", "CONFIRMED", "WAITLISTED", "CANCELLED"),
    "CONFIRMED": ("CONFIRMED", "WAITLISTED", "CANCELLED", "LOADED"),
    "WAITLISTED": ("WAITLISTED", "CONFIRMED", "CANCELLED"),
    "CANCELLED": ("CANCELLED",),
    "LOADED": ("LOADED", "CANCELLED"),
    "CONFIRMED_ARRIVED": ("CONFIRMED_ARRIVED", "CANCELLED"),
}
_TEXTS = ("wareType", "kilnLabel", "quantityTier", "quantityLabel", "photoUrl")
_TOKEN_LIFE = 36 * HOUR
_READY = "Reservation load completed and pickup policy timer started."

_words, _flag, _number = Text().nullish(), Flag().nullish(), Number()
_CREATE = Object(
    {
        "intakeMode": Text().optional(),
        "firingType": OneOf(("bisque", "glaze", "other")),
        "shelfEquivalent": Number(least=0.25, most=999, positive=True),
        "footprintHalfShelves": _number.optional(),
        "heightInches": _number.optional(),
        "tiers": _number.optional(),
        "estimatedHalfShelves": _number.optional(),
        "estimatedCost": _number.optional(),
        "preferredWindow": Object({"earliestDate": Anything(), "latestDate": Anything()}).optional(),
        "linkedBatchId": _words,
        "clientRequestId": _words,
        "ownerUid": _words,
        "wareType": OneOf(("stoneware", "earthenware", "porcelain", "mixed", "other")).nullish(),
        "kilnId": _words,
        "kilnLabel": _words,
        "quantityTier": OneOf(("few", "small", "medium", "large")).nullish(),
        "quantityLabel": _words,
        "photoUrl": _words,
        "photoPath": _words,
        "notes": Object({"general": _words, "clayBody": _words, "glazeNotes": _words}).nullish(),
        "dropOffProfile": Object(
            {
                **dict.fromkeys(("id", "label", "pieceCount"), _words),
                **dict.fromkeys(("hasTall", "stackable", "bisqueOnly", "specialHandling"), _flag),
            }
        ).nullish(),
        "dropOffQuantity": Object(dict.fromkeys(("id", "label", "pieceRange"), _words)).nullish(),
        "pieces": ListOf(
            Object(
                {
                    "pieceId": Text(most=120).nullish(),
                    "pieceLabel": Text(most=200).nullish(),
                    "pieceCount": Number(whole=True, least=1, most=500).nullish(),
                    "piecePhotoUrl": Text(most=2000).nullish(),
                    "pieceStatus": OneOf(_PIECES).nullish(),
                }
            ),
            most=250,
        ).nullish(),
        "addOns": Object(
            {
                **dict.fromkeys(("rushRequested", "wholeKilnRequested", "communityShelfFillInAllowed"), _flag),
                **dict.fromkeys(("pickupDeliveryRequested", "returnDeliveryRequested", "useStudioGlazes"), _flag),
                **dict.fromkeys(("waxResistAssistRequested", "glazeSanityCheckRequested"), _flag),
                "glazeAccessCost": _number.nullish(),
                "deliveryAddress": _words,
                "deliveryInstructions": _words,
            }
        ).nullish(),
    },
    defaults={"firingType": "other", "shelfEquivalent": 1},
)


def _needs_something(data: Plain) -> str | None:
    given = data.get("status") or data.get("loadStatus") or data.get("staffNotes") is not None
    return None if given else "Provide status, loadStatus, or staffNotes."


_UPDATE = Object(
    {
        "reservationId": Text(1, 160, trim=True),
        "status": OneOf(("REQUESTED", "CONFIRMED", "WAITLISTED", "CANCELLED")).optional(),
        "loadStatus": OneOf(("queued", "loading", "loaded")).optional(),
        "staffNotes": Text(most=1500).nullish(),
        "force": Flag().optional(),
    },
    _needs_something,
)


def create(visit: Visit) -> Plain:
    visit.need_scope("reservations:write")
    data = visit.body(_CREATE)
    asked_owner = text(data.get("ownerUid"))
    owner = asked_owner or visit.uid
    if asked_owner and asked_owner != visit.uid and not visit.staff:
        raise forbidden("Cannot create reservation for another user")
    visit.need_owner("reservations_create", owner, owner, "reservations:write")
    window = data.get("preferredWindow") or {}
    earliest, latest = date(window.get("earliestDate")), date(window.get("latestDate"))
    if earliest and latest and earliest > latest:
        raise bad("Earliest date must come before latest date")
    linked = text(data.get("linkedBatchId"))
    if linked:
        _check_batch(visit, linked, owner)
    request_id = text(data.get("clientRequestId"))
    key = idempotent_id("reservation", owner, request_id) if request_id else auto_id()
    path = f"reservations/{key}"
    known = visit.documents.get(path) if request_id else None
    if known is not None and known.get("ownerUid") == owner:
        return {"reservationId": key, "status": known.get("status", "REQUESTED"), "idempotentReplay": True}
    given = _given(visit, data, key, owner)
    given |= {"preferredWindow": {"earliestDate": earliest, "latestDate": latest}, "linkedBatchId": linked}
    at = visit.documents.now()
    if given["notes"]:
        given["notesHistory"] = [{"at": at, "byUid": visit.uid, "byRole": visit.role, "notes": given["notes"]}]
    visit.documents.set(path, records.reservation(owner, at, visit.uid, visit.role, **given))
    recompute(visit.documents, given["kilnId"])
    return {"reservationId": key, "status": "REQUESTED", "idempotentReplay": False}


def _check_batch(visit: Visit, batch_id: str, owner: str) -> None:
    batch = visit.documents.get(f"batches/{batch_id}")
    if batch is None:
        raise missing("Linked batch not found")
    if batch.get("ownerUid") != owner and owner not in (batch.get("editors") or []):
        raise forbidden("Linked batch not owned by requester")


def _given(visit: Visit, data: Plain, key: str, owner: str) -> Plain:
    """The stored fields that a request decides."""
    positive: dict[str, float | None] = {}
    for name in ("footprintHalfShelves", "heightInches", "tiers", "estimatedHalfShelves", "estimatedCost"):
        number = data.get(name)
        positive[name] = number if isinstance(number, int | float) and number > 0 else None
    footprint, height = positive["footprintHalfShelves"], positive["heightInches"]
    footprint = min(8, max(1, footprint)) if footprint else None
    tiers = round(positive["tiers"]) if positive["tiers"] else None
    if tiers is None and footprint is not None:
        tiers = max(1, 1 + math.floor(((height or 0) - 1) / 10))
    room: float | None = math.ceil(positive["estimatedHalfShelves"]) if positive["estimatedHalfShelves"] else None
    if room is None and footprint is not None and tiers is not None:
        room = footprint * tiers
    asked = data.get("addOns") or {}
    mode = (data.get("intakeMode") or "").strip().upper()
    if mode not in _MODES:
        mode = "WHOLE_KILN" if asked.get("wholeKilnRequested") is True and not mode else "SHELF_PURCHASE"
    profile = _profile(data.get("dropOffProfile") or {})
    if profile and profile["bisqueOnly"] and data["firingType"] != "bisque":
        raise bad("Bisque-only dropoff profile is only valid for bisque firings.")
    kiln = text(data.get("kilnId"))
    station = kiln.lower() if kiln else None
    add_ons = _add_ons(asked, mode, room)
    photo_path = text(data.get("photoPath"))
    if photo_path and not photo_path.startswith(f"checkins/{owner}/"):
        raise bad("Invalid photo path")
    if station and station not in STATIONS:
        raise bad("Unknown station id.")
    quantity = {name: text((data.get("dropOffQuantity") or {}).get(name)) for name in ("id", "label", "pieceRange")}
    notes = {name: text((data.get("notes") or {}).get(name)) for name in ("general", "clayBody", "glazeNotes")}
    return {
        "intakeMode": mode,
        "firingType": data["firingType"],
        "shelfEquivalent": max(0.25, room / 2) if room else min(32, max(0.25, data["shelfEquivalent"])),
        "footprintHalfShelves": footprint,
        "heightInches": height,
        "tiers": tiers,
        "estimatedHalfShelves": room,
        "estimatedCost": 0 if mode == "COMMUNITY_SHELF" else positive["estimatedCost"],
        **{
            name: text(data.get(name))
            for name in ("wareType", "kilnLabel", "quantityTier", "quantityLabel", "photoUrl")
        },
        "kilnId": station,
        "assignedStationId": station,
        "dropOffQuantity": quantity if any(quantity.values()) else None,
        "dropOffProfile": profile,
        "photoPath": photo_path,
        "notes": notes if any(notes.values()) else None,
        "pieces": _pieces(data.get("pieces") or [], key),
        "addOns": add_ons,
    }


def _profile(given: Plain) -> Plain | None:
    flags = {name: given.get(name) is True for name in ("hasTall", "stackable", "bisqueOnly", "specialHandling")}
    words = {name: text(given.get(name)) for name in ("id", "label", "pieceCount")}
    if not any((*flags.values(), *words.values())):
        return None
    count = words["pieceCount"] if words["pieceCount"] in ("single", "many") else None
    return {"id": words["id"], "label": words["label"], "pieceCount": count, **flags}


def _add_ons(asked: Plain, mode: str, room: float | None) -> Plain:
    own = mode != "COMMUNITY_SHELF"  # the community shelf comes without extras

    def wanted(name: str) -> bool:
        return own and asked.get(name) is True

    address, instructions = text(asked.get("deliveryAddress")), text(asked.get("deliveryInstructions"))
    if (wanted("pickupDeliveryRequested") or wanted("returnDeliveryRequested")) and not (address and instructions):
        raise bad("Delivery address and instructions are required for pickup/return.")
    return {
        "rushRequested": wanted("rushRequested"),
        "wholeKilnRequested": mode == "WHOLE_KILN",
        "communityShelfFillInAllowed": mode == "SHELF_PURCHASE" and asked.get("communityShelfFillInAllowed") is True,
        "pickupDeliveryRequested": wanted("pickupDeliveryRequested"),
        "returnDeliveryRequested": wanted("returnDeliveryRequested"),
        "useStudioGlazes": wanted("useStudioGlazes"),
        "glazeAccessCost": room * 5 if room and wanted("useStudioGlazes") else None,
        "waxResistAssistRequested": wanted("waxResistAssistRequested"),
        "glazeSanityCheckRequested": wanted("glazeSanityCheckRequested"),
        "deliveryAddress": address,
        "deliveryInstructions": instructions,
    }


def _pieces(given: list[Plain], key: str) -> list[Plain]:
    rows = []
    for index, piece in enumerate(given):
        label, photo, own = (text(piece.get(name)) for name in ("pieceLabel", "piecePhotoUrl", "pieceId"))
        if not (label or photo or own):
            continue
        stem = "".join(c for c in key if c.isalnum()).upper()[:6].ljust(6, "X")
        mark = idempotent_id("piece", key, f"{index}:{(label or '').lower()}").removeprefix("piece-")[:6].upper()
        rows.append(
            {
                "pieceId": own.upper() if own else f"MF-RES-{stem}-{index + 1:02d}{mark}",
                "pieceLabel": label,
                "pieceCount": piece.get("pieceCount") or 1,
                "piecePhotoUrl": photo,
                "pieceStatus": piece.get("pieceStatus") or "awaiting_placement",
            }
        )
    return rows


def update(visit: Visit) -> Plain:
    visit.need_scope("reservations:write")
    visit.need_staff("reservations_update", visit.route)
    data = visit.body(_UPDATE)
    path, row, _ = find(visit, data["reservationId"])
    before, load_before = status_of(row), load_of(row)
    status, load = data.get("status") or before, data.get("loadStatus") or load_before
    if data.get("status") and not data.get("force") and status not in _TRANSITIONS[before]:
        raise conflict("Requested status transition is not permitted")
    at = visit.documents.now()
    patch: Plain = {"updatedAt": at}
    token, expires = text(row.get("arrivalToken")), None
    if data.get("status"):
        patch["status"] = status
        if status == "CONFIRMED" and (before != "CONFIRMED" or not token):
            issued = _arrival(row, data["reservationId"], at)
            patch |= issued
            token, expires = issued["arrivalToken"], issued["arrivalTokenExpiresAt"]
    if data.get("loadStatus"):
        patch["loadStatus"] = load
        if load == "loaded" and load_before != "loaded":
            patch |= _shelf_timer(row, at)
    notes = text(data.get("staffNotes"))
    if data.get("staffNotes") is not None:
        patch["staffNotes"] = notes
    reason = f"status:{before}->{status}" if data.get("status") else _load_reason(load_before, load)
    patch |= staged(row, at, (visit.uid, "staff"), reason, notes, (status, load))
    visit.documents.merge(path, patch)
    recompute(visit.documents, station_of(row))
    return {
        "reservationId": data["reservationId"],
        "status": status,
        "loadStatus": load,
        "arrivalToken": token,
        "arrivalTokenExpiresAt": expires,
        "idempotentReplay": False,
    }


def _load_reason(before: str | None, after: str | None) -> str:
    if before == after:
        return "load_status_refresh"
    if after == "loaded":
        return "reservation_loaded"
    return "reservation_loading_start" if before is None and after == "loading" else "reservation_load_status_change"


def _arrival(row: Plain, reservation_id: str, at: Timestamp) -> dict[str, Any]:
    version = row.get("arrivalTokenVersion")
    number = (int(version) if isinstance(version, int | float) else 0) + 1
    latest = date((row.get("preferredWindow") or {}).get("latestDate"))
    token = arrival_token(reservation_id, number)
    return {
        "arrivalStatus": "expected",
        "arrivedAt": None,
        "arrivalToken": token,
        "arrivalTokenLookup": lookup_form(token),
        "arrivalTokenIssuedAt": at,
        "arrivalTokenExpiresAt": latest if latest and latest > at else stamp(at.us + _TOKEN_LIFE),
        "arrivalTokenVersion": number,
    }


def _shelf_timer(row: Plain, at: Timestamp) -> Plain:
    """From the moment something is loaded it is waited for."""
    window = window_of(row)
    if window["status"] in (None, "expired", "missed"):
        window["status"] = "open"
    window["confirmedStart"] = window["confirmedStart"] or window["requestedStart"]
    window["confirmedEnd"] = window["confirmedEnd"] or window["requestedEnd"]
    return {
        "readyForPickupAt": at,
        "storageStatus": "active",
        "pickupReminderCount": 0,
        "lastReminderAt": None,
        "pickupReminderFailureCount": 0,
        "lastReminderFailureAt": None,
        "storageNoticeHistory": [
            *notices_of(row),
            records.storage_notice(at, "pickup_ready", _READY, "active"),
        ][-MOST_NOTICES:],
        "pickupWindow": window_written(window),
    }
