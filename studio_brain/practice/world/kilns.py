"""Kilns and firings: what was fired, what is in the kilns now, what is planned. A kiln fires one load at a time."""

from dataclasses import dataclass, field

from .. import clock, records
from ..ids import seeded_id
from ..plain import Plain, Timestamp, stamp
from .builder import Builder

LIVE = ("in-progress", "cooling")


@dataclass(slots=True)
class Firing:
    """A firing that is being planned; batches that go into it add themselves to `data["batchIds"]`."""

    id: str
    kiln: Plain
    data: Plain
    created: Timestamp
    updated: Timestamp


@dataclass(slots=True)
class Firings:
    past: list[Firing] = field(default_factory=list)
    live: list[Firing] = field(default_factory=list)
    others: list[Firing] = field(default_factory=list)
    # the loads that came out last
    latest: list[Firing] = field(default_factory=list)

    def all(self) -> list[Firing]:
        return [*self.past, *self.live, *self.others]


def plan(builder: Builder) -> Firings:
    rng = builder.dice("firings")
    kilns = builder.studio["kilns"]
    firings = Firings()
    rounds = builder.scale(7, 100)
    for number, kiln in enumerate(kilns):
        # backwards from now: the running load (in the first two kilns), then one load after another
        end = builder.now_us + int(rng.uniform(2, 6) * clock.HOUR)
        for back in range(rounds + 1):
            cycle = rng.choice(kiln["cycles"])
            start = end - int(cycle[2] * rng.uniform(0.9, 1.1) * clock.HOUR)
            if back > 0 or number < 2:
                if back == 0:
                    start = min(start, builder.now_us - clock.HOUR)
                firings_list = firings.live if back == 0 else firings.past
                firings_list.append(
                    _firing(builder, kiln, cycle, start, end, LIVE[number] if back == 0 else "completed")
                )
            end = min(start, builder.now_us) - int(rng.uniform(0.8, 4.5) * clock.DAY)
        start = builder.now_us + int(rng.uniform(14, 40) * clock.HOUR)
        for _ in range(2):
            cycle = rng.choice(kiln["cycles"])
            end = start + int(cycle[2] * clock.HOUR)
            firings.others.append(_firing(builder, kiln, cycle, start, end, "scheduled"))
            start = end + int(rng.uniform(1, 4) * clock.DAY)
    firings.latest = sorted(firings.past, key=lambda one: one.data["endAt"])[-4:]
    for kiln, status in ((kilns[2], "cancelled"), (kilns[3], "cancelled"), (kilns[2], "scheduled")):
        # the last one is a trap that real calendars hold: planned, long past, never touched again
        start = builder.now_us - int(rng.uniform(60, 200) * clock.DAY)
        cycle = kiln["cycles"][0]
        firings.others.append(_firing(builder, kiln, cycle, start, start + int(cycle[2] * clock.HOUR), status))
    return firings


def _firing(builder: Builder, kiln: Plain, cycle: list, start_us: int, end_us: int, status: str) -> Firing:
    rng = builder.dice(f"firing/{kiln['id']}/{start_us}")
    kind = cycle[0].partition("-")[0]
    planned = builder.open_at(rng, min(start_us, builder.now_us) - int(rng.uniform(1, 5) * clock.DAY))
    by = builder.clerk(rng)
    data = records.firing(
        kiln, rng.choice(builder.studio["firingTitles"][kind]), kind, stamp(start_us), stamp(end_us), planned, by
    )
    data["status"] = status
    data["confidence"] = rng.choice(("scheduled", "scheduled", "estimated"))
    data["notes"] = rng.choice((None, *builder.studio["firingNotes"]))
    updated = planned
    if status == "completed":
        updated = builder.after(rng, stamp(end_us), 4, 16)
        data["unloadedAt"], data["unloadedByUid"] = updated, by
        data["unloadNote"] = rng.choice((None, "All good.", "One cracked foot, told the owner."))
    elif status in LIVE:
        updated = stamp(start_us if status == "in-progress" else builder.now_us - clock.HOUR // 2)
    elif status == "cancelled":
        updated = builder.after(rng, planned, 2, 30)
    data["updatedAt"] = updated
    return Firing(seeded_id(rng), kiln, data, planned, updated)


def write(builder: Builder, firings: Firings) -> None:
    """Puts the planned firings, their calendar entries and the kilns in their present state in place."""
    for firing in firings.all():
        builder.put(f"kilnFirings/{firing.id}", firing.data, firing.created, firing.updated)
        if firing.data["status"] != "cancelled" and firing.data["startAt"].us > builder.now_us - 60 * clock.DAY:
            _calendar(builder, firing)
    rng = builder.dice("kilns")
    busy = {firing.kiln["id"]: firing for firing in firings.live}
    for kiln in builder.studio["kilns"]:
        since = builder.ago(rng, 300, 900)
        firing = busy.get(kiln["id"])
        state = {"in-progress": "firing", "cooling": "cooling"}[firing.data["status"]] if firing else "idle"
        builder.put(
            f"kilns/{kiln['id']}",
            {
                "name": kiln["name"],
                "type": kiln["type"],
                "volume": kiln["volume"],
                "maxTemp": kiln["maxTemp"],
                "controller": kiln["controller"],
                "status": state,
                "isAvailable": firing is None,
                "typicalCycles": [
                    {"id": one, "name": name, "typicalDurationHours": hours, "tempRange": heat, "notes": notes}
                    for one, name, hours, heat, notes in kiln["cycles"]
                ],
                "notes": None,
                "createdAt": since,
                "updatedAt": firing.updated if firing else since,
            },
            since,
            firing.updated if firing else since,
        )


def _calendar(builder: Builder, firing: Firing) -> None:
    data = firing.data
    entry = {
        "calendarId": "firings@example.org",
        "eventId": f"cal{firing.id.lower()}",
        "summary": f"{data['title']} ({data['kilnName']})",
        "description": data["notes"],
        "status": "confirmed",
        "htmlLink": None,
        "start": {"dateTime": data["startAt"].iso(), "timeZone": builder.studio["timeZone"]},
        "end": {"dateTime": data["endAt"].iso(), "timeZone": builder.studio["timeZone"]},
        "updated": firing.created.iso(),
        "syncedAt": firing.created,
    }
    builder.put(f"firingsCalendarEvents/{entry['eventId']}", entry, firing.created)
