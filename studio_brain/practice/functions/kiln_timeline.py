"""What the kilns do over the coming week: firings as planned, the present state, and a guess for what is queued."""

from ..clock import DAY, HOUR
from ..plain import Plain, Timestamp, stamp
from .board import LABELS, half_shelves
from .schema import Number, Object
from .stations import mode_of
from .v1 import Visit

WINDOW_DAYS = 7
_FORECAST_HOURS = 8
_LIVE = ("loading", "firing", "cooling", "unloading", "maintenance")
_QUEUEABLE = ("REQUESTED", "CONFIRMED", "WAITLISTED")
_LIST = Object({"limit": Number(whole=True, least=1, most=500).optional()})
_FIRING = ("kilnId", "title", "cycleType", "startAt", "endAt", "status", "confidence", "notes", "unloadedAt")
_UNLOADED = ("unloadedByUid", "unloadNote")


def list_upcoming(visit: Visit) -> Plain:
    """Firings that start from now on, the next one first. Running ones are not among them."""
    visit.need_scope("firings:read")
    data = visit.body(_LIST)
    now = visit.documents.now()
    rows = [
        (row["startAt"], key, row)
        for key, row in visit.documents.scan("kilnFirings")
        if isinstance(row.get("startAt"), Timestamp) and row["startAt"] >= now
    ]
    rows.sort(key=lambda row: row[:2])
    firings = [
        {
            "id": key,
            **{name: row.get(name) for name in (*_FIRING, *_UNLOADED)},
            "batchIds": row.get("batchIds") or [],
            "pieceIds": row.get("pieceIds") or [],
            "kilnName": row.get("kilnName"),
        }
        for _, key, row in rows[: data.get("limit") or 200]
    ]
    return {"firings": firings, "now": now}


def list_timeline(visit: Visit) -> Plain:
    visit.need_scope("firings:read")
    visit.body(_LIST)
    now = visit.documents.now()
    end = stamp(now.us + WINDOW_DAYS * DAY)
    firings: dict[str, list[tuple[str, Plain]]] = {}
    for key, row in visit.documents.scan("kilnFirings"):
        starts, ends = row.get("startAt"), row.get("endAt")
        if isinstance(starts, Timestamp) and isinstance(ends, Timestamp) and now < ends > starts:
            firings.setdefault(_station(row.get("kilnId"), row.get("kilnName")), []).append((key, row))
    queued: dict[str, list[Plain]] = {}
    for _, row in visit.documents.scan("reservations"):
        if row.get("status") in _QUEUEABLE:
            place = row.get("assignedStationId") or row.get("kilnId")
            queued.setdefault(_station(place, None), []).append(row)
    kilns = []
    for key, row in visit.documents.scan("kilns"):
        station = _station(key, row.get("name"))
        kiln = {**row, "id": key, "station": station, "name": row.get("name") or LABELS.get(station, "Kiln")}
        kilns.append(_kiln(kiln, firings.get(station, []), queued.get(station, []), now, end))
    kilns.sort(key=lambda kiln: (kiln["id"] != "studio-electric", kiln["name"]))
    return {"generatedAt": now.iso(), "windowStart": now.iso(), "windowEnd": end.iso(), "kilns": kilns}


def _station(key: object, name: object) -> str:
    plain = str(key or "").strip().lower()
    if plain in LABELS:
        return plain
    words = f"{plain} {name or ''}".lower()
    if "reduction" in words or "raku" in words:
        return "reduction-raku"
    if "eq2827" in words or "l&l" in words or "electric" in words:
        return "studio-electric"
    return plain or "kiln"


def _state(kiln: Plain, firings: list[tuple[str, Plain]], queued: list[Plain], now: Timestamp) -> str:
    status = "maintenance" if kiln.get("status") == "offline" else kiln.get("status")
    if status in _LIVE:
        return str(status)
    running = next((row for _, row in firings if row["startAt"] <= now <= row["endAt"]), None)
    if running is not None:
        return running["status"] if running.get("status") in ("loading", "cooling", "unloading") else "firing"
    return "loading" if any(row.get("loadStatus") == "loading" for row in queued) else "idle"


def _kiln(kiln: Plain, firings: list[tuple[str, Plain]], queued: list[Plain], now: Timestamp, end: Timestamp) -> Plain:
    state = _state(kiln, firings, queued, now)
    segments: list[Plain] = []
    for key, row in sorted(firings, key=lambda one: one[1]["startAt"]):
        running = row["startAt"] <= now
        if row.get("status") in ("cancelled", "completed") or row["startAt"] >= end:
            continue
        shown = (state if state != "idle" else "firing") if running else "scheduled"
        confidence = "estimated" if row.get("confidence") == "estimated" else "confirmed"
        label = row.get("title") or "Kiln firing"
        starts, ends = max(row["startAt"], now), min(row["endAt"], end)
        one = _segment(kiln, f"firing:{key}", shown, label, starts, ends, "firing", confidence, row.get("notes"))
        segments.append(one)
    if state != "idle" and not any(segment["startAt"] <= now for segment in segments):
        overlay = _overlay(kiln, state, segments, now, end)
        if overlay is not None:
            segments.append(overlay)
    forecast, overflow = _forecast(kiln, queued, segments, now, end)
    if forecast is not None:
        segments.append(forecast)
    segments.sort(key=lambda segment: segment["startAt"])
    shown_segments = [{**one, "startAt": one["startAt"].iso(), "endAt": one["endAt"].iso()} for one in segments]
    return {
        "id": kiln["station"],
        "name": kiln["name"],
        "currentState": state,
        "currentLabel": state.capitalize(),
        "segments": shown_segments,
        "overflowNote": overflow,
    }


def _segment(
    kiln: Plain,
    key: str,
    state: str,
    label: str,
    starts: Timestamp,
    ends: Timestamp,
    source: str,
    confidence: str,
    notes: str | None,
) -> Plain:
    return {
        "id": key,
        "kilnId": kiln["station"],
        "kilnName": kiln["name"],
        "state": state,
        "label": label,
        "startAt": starts,
        "endAt": ends,
        "source": source,
        "confidence": confidence,
        "notes": notes,
    }


def _overlay(kiln: Plain, state: str, segments: list[Plain], now: Timestamp, end: Timestamp) -> Plain | None:
    """The present state, until midnight UTC or the next firing."""
    midnight = stamp((now.us // DAY + 1) * DAY)
    ends = min([midnight, end, *(segment["startAt"] for segment in segments if segment["startAt"] > now)])
    if ends <= now:
        return None
    notes = "Current kiln status is maintenance or offline." if state == "maintenance" else None
    label = f"{state.capitalize()} now"
    return _segment(kiln, f"status:{kiln['station']}:{state}", state, label, now, ends, "status", "confirmed", notes)


def _forecast(
    kiln: Plain, queued: list[Plain], segments: list[Plain], now: Timestamp, end: Timestamp
) -> tuple[Plain | None, str | None]:
    """Where the queued work would go: the first gap that is long enough for what most of it needs."""
    waiting = [row for row in queued if row.get("loadStatus") in (None, "queued") and mode_of(row) == "SHELF_PURCHASE"]
    if not waiting:
        return None, None
    room: dict[str, int] = {}
    for row in waiting:
        kind = row.get("firingType") or "other"
        room[kind] = room.get(kind, 0) + half_shelves(row)
    kind = max(room, key=lambda one: room[one])
    length = _hours(kiln, kind) * HOUR
    starts = -(-now.us // HOUR) * HOUR
    moved = False
    while starts + length <= end.us:
        blocking = next((s for s in segments if s["startAt"].us < starts + length and s["endAt"].us > starts), None)
        if blocking is None:
            total = f"Forecast based on {sum(room.values())} queued half-shelves."
            notes = f"{total} Moved to the next open slot after a confirmed firing." if moved else total
            label = f"Queued {kind if kind in ('bisque', 'glaze') else 'kiln'} load"
            first, last = stamp(starts), stamp(starts + length)
            key = f"forecast:{kiln['station']}:{first.iso()}"
            return (
                _segment(kiln, key, "scheduled", label, first, last, "queue-forecast", "forecast", notes),
                None,
            )
        starts = -(-blocking["endAt"].us // HOUR) * HOUR
        moved = True
    return None, "Next queued load lands after this view."


def _hours(kiln: Plain, kind: str) -> int:
    for cycle in kiln.get("typicalCycles") or []:
        if kind in f"{cycle.get('id')} {cycle.get('name')}".lower():
            return int(cycle.get("typicalDurationHours") or _FORECAST_HOURS)
    return _FORECAST_HOURS
