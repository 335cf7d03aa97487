"""Batches in every state of their life, with their timelines and pieces, and the legacy traps of the real cloud.

Traps: batches that a cleanup closed (`isClosed` and `status` say so, `state` was left alone), old rows that only have
`status`, and loads whose kiln has been emptied while `state` still says LOADED.
"""

import random
from dataclasses import dataclass

from .. import clock, records
from ..ids import seeded_id
from ..plain import Plain, Timestamp
from .builder import Builder, Member
from .kilns import Firing, Firings

# state, parts of a hundred, days since it was begun
SHARES = (
    ("DRAFT", 6, (0, 20)),
    ("SUBMITTED", 9, (0.5, 15)),
    ("SHELVED", 12, (2, 25)),
    ("LOADED", 4, (4, 30)),
    ("FIRED", 5, (6, 35)),
    ("READY_FOR_PICKUP", 10, (7, 45)),
    ("CLOSED_PICKED_UP", 42, (12, 700)),
    ("CLOSED_OTHER", 5, (20, 700)),
    ("cleaned", 3, (200, 900)),
    ("status only", 4, (500, 1100)),
)
MAX_LOADED = 40
MAX_TIMELINES = 5000
_STEPS = (
    "CREATE_BATCH",
    "SUBMIT_DRAFT",
    "SHELVED",
    "KILN_LOAD",
    "KILN_UNLOAD",
    "READY_FOR_PICKUP",
    "PICKED_UP_AND_CLOSE",
)
_REACHED = {
    "DRAFT": 1,
    "SUBMITTED": 2,
    "SHELVED": 3,
    "LOADED": 4,
    "FIRED": 5,
    "READY_FOR_PICKUP": 6,
    "CLOSED_PICKED_UP": 7,
    "CLOSED_OTHER": 3,
}
_HOURS = {"SUBMIT_DRAFT": (0.1, 30), "SHELVED": (2, 60), "PICKED_UP_AND_CLOSE": (12, 24 * 18)}
_GREEN = ("DRAFT", "SUBMITTED", "SHELVED")
_WARES = ("STONEWARE", "STONEWARE", "PORCELAIN", "EARTHENWARE", "RAKU", "OTHER", "UNKNOWN")
_WORDS = {
    "CREATE_BATCH": "Batch created",
    "SUBMIT_DRAFT": "Submitted",
    "SHELVED": "Shelved",
    "KILN_LOAD": "Loaded to kiln",
    "KILN_UNLOAD": "Unloaded from kiln",
    "READY_FOR_PICKUP": "Ready for pickup",
    "PICKED_UP_AND_CLOSE": "Picked up; batch closed",
}
LEGACY_MODES = ("STAFF_HANDOFF", "SELF_SERVICE", "CLIENT_DROP_OFF")


@dataclass(slots=True)
class _Life:
    """One batch while it is being made up."""

    id: str
    owner: Member
    data: Plain
    rows: list[tuple[Timestamp, Plain]]


def build(builder: Builder, firings: Firings) -> None:
    rng = builder.dice("batches")
    kinds = _kinds(builder, rng)
    detailed = 0
    for kind, (low, high) in kinds:
        made_from_request = rng.random() < 0.3
        batch_id = f"batch-{rng.getrandbits(80):020x}" if made_from_request else seeded_id(rng)
        if kind == "status only":
            _status_only(builder, rng, batch_id, builder.ago(rng, low, high))
            continue
        life = _live(builder, rng, batch_id, kind, builder.ago(rng, low, high), firings, detailed < MAX_TIMELINES)
        if kind == "cleaned":
            _clean(builder, rng, life)
        builder.put(f"batches/{batch_id}", life.data, life.data["createdAt"], life.data["updatedAt"])
        if detailed < MAX_TIMELINES:  # in a very large world the other batches have no history
            detailed += 1
            for at, row in life.rows:
                builder.put(f"batches/{batch_id}/timeline/{seeded_id(rng)}", row, at)
            if rng.random() < 0.3:
                _pieces(builder, rng, life)


def _kinds(builder: Builder, rng: random.Random) -> list[tuple[str, tuple[float, float]]]:
    """Every state in its share, in any order; the kilns hold only so much."""
    kinds = []
    spare = 0
    for name, share, ages in SHARES:
        count = max(1, round(builder.batch_count * share / 100)) if builder.batch_count >= 20 else 1
        if name == "LOADED" and count > MAX_LOADED:
            spare, count = count - MAX_LOADED, MAX_LOADED
        kinds += [(name, ages)] * count
    closed = next(ages for name, _, ages in SHARES if name == "CLOSED_PICKED_UP")
    kinds += [("CLOSED_PICKED_UP", closed)] * (spare + max(0, builder.batch_count - spare - len(kinds)))
    rng.shuffle(kinds)
    return kinds[: builder.batch_count]


def _live(
    builder: Builder,
    rng: random.Random,
    batch_id: str,
    kind: str,
    begun: Timestamp,
    firings: Firings,
    detailed: bool,
) -> _Life:
    owner = builder.member(rng)
    state = rng.choice(("DRAFT", "SUBMITTED", "SHELVED")) if kind == "cleaned" else kind
    begun = max(begun, Timestamp(owner.joined.us + clock.HOUR))
    self_service = rng.random() < 0.6
    data = records.batch(
        batch_id,
        owner.uid,
        owner.name if rng.random() < 0.92 else None,
        builder.pot(rng),
        begun,
        editors=[owner.uid] if self_service else [owner.uid, builder.clerk(rng)],
        intake_mode=_mode(rng, begun.us < builder.now_us - 400 * clock.DAY),
        cost_cents=rng.randrange(8, 120) * 50,
        kiln_name=rng.choice((None, *(kiln["name"] for kiln in builder.studio["kilns"]))),
        notes=rng.choice((None, None, *builder.studio["batchNotes"])),
    )
    life = _Life(batch_id, owner, data, [])
    steps = list(_STEPS[: _REACHED[state]])
    emptied = state == "LOADED" and rng.random() < 0.25
    if emptied:
        steps.append("KILN_UNLOAD")
    firing = _firing_for(rng, state, emptied, firings)
    if not detailed:
        steps = [*steps[:1], *steps[1:][-1:]]
    at = begun
    for step in steps:
        at = _when(builder, rng, step, at, begun, firing)
        if detailed:
            life.rows.append((at, _row(builder, life, step, at, firing, by_owner=self_service)))
    data["state"] = state
    data["updatedAt"] = at
    if state.startswith("CLOSED_"):
        if state == "CLOSED_OTHER":
            at = data["updatedAt"] = builder.after(rng, at, 24, 24 * 30)
        data["isClosed"], data["closedAt"] = True, at
    if state == "LOADED" and not emptied and firing is not None:
        data["currentKilnId"], data["currentKilnName"] = firing.kiln["id"], firing.kiln["name"]
    if firing is not None:
        firing.data["batchIds"].append(batch_id)
    return life


def _mode(rng: random.Random, old: bool) -> str:
    if old and rng.random() < 0.6:
        return rng.choice(LEGACY_MODES)
    return rng.choices(("SHELF_PURCHASE", "WHOLE_KILN", "COMMUNITY_SHELF"), (80, 8, 12))[0]


def _firing_for(rng: random.Random, state: str, emptied: bool, firings: Firings) -> Firing | None:
    """What is loaded is in a kiln that is burning; what has just been fired came out of the latest loads."""
    if state == "LOADED" and not emptied:
        return rng.choice(firings.live)
    if state == "FIRED" or emptied:
        return rng.choice(firings.latest)
    return None


def _when(
    builder: Builder, rng: random.Random, step: str, at: Timestamp, begun: Timestamp, firing: Firing | None
) -> Timestamp:
    if step == "CREATE_BATCH":
        return begun
    if firing is not None and step == "KILN_LOAD":
        return max(at, Timestamp(firing.data["startAt"].us - clock.HOUR))
    if firing is not None and step == "KILN_UNLOAD":
        return max(at, firing.updated)
    return builder.after(rng, at, *_HOURS.get(step, (6, 90)))


def _row(builder: Builder, life: _Life, step: str, at: Timestamp, firing: Firing | None, *, by_owner: bool) -> Plain:
    own = by_owner and step in ("CREATE_BATCH", "SUBMIT_DRAFT")
    actor = (life.owner.uid, life.owner.name) if own else ("admin", "admin")
    kiln = firing.kiln if firing else builder.studio["kilns"][len(life.id) % 2]
    place = (kiln["id"], kiln["name"]) if step == "KILN_LOAD" else None
    return records.timeline(step, at, *actor, _WORDS[step], kiln=place)


def _clean(builder: Builder, rng: random.Random, life: _Life) -> None:
    """What a cleanup run of staff leaves behind: closed, by every field but `state`."""
    at = builder.after(rng, life.data["updatedAt"], 24 * 30, 24 * 150)
    life.data |= {
        "isClosed": True,
        "closedAt": at,
        "status": "CLOSED_OTHER",
        "updatedAt": at,
        "staffArtifactCleanup": {
            "runId": f"cleanup-{at.ms // 86_400_000}",
            "reasonCode": "stale_artifact",
            "archivedAt": at,
            "archivedByUid": builder.staff[0],
        },
    }


def _status_only(builder: Builder, rng: random.Random, batch_id: str, at: Timestamp) -> None:
    """A row of the first portal: a `status` and neither `state` nor `isClosed`."""
    owner = builder.member(rng)
    data = {
        "ownerUid": owner.uid,
        "ownerDisplayName": owner.name,
        "title": builder.pot(rng),
        "status": "In progress" if rng.random() < 0.35 else "Complete",
        "createdAt": at,
        "updatedAt": at,
    }
    builder.put(f"batches/{batch_id}", data, at)


def _pieces(builder: Builder, rng: random.Random, life: _Life) -> None:
    at = life.data["createdAt"]
    updated = life.data["updatedAt"]
    reached = life.data["state"]
    stage = {"DRAFT": "GREENWARE", "SUBMITTED": "GREENWARE", "SHELVED": "GREENWARE", "LOADED": "BISQUE"}.get(
        reached, "FINISHED"
    )
    for number in range(rng.randrange(1, 4)):
        glazed = stage == "FINISHED" and rng.random() < 0.5
        piece = {
            "pieceCode": f"{life.id[-4:].upper()}-{number + 1:02d}",
            "shortDesc": builder.pot(rng),
            "ownerName": life.owner.name,
            "stage": stage,
            "wareCategory": rng.choice(_WARES),
            "isArchived": life.data["isClosed"],
            "createdAt": at,
            "updatedAt": updated,
        }
        if glazed:
            piece["selectedGlazes"] = rng.sample(builder.studio["glazes"], 2)
        if life.data["isClosed"] and rng.random() < 0.4:
            piece["clientRating"] = rng.randrange(3, 6)
        path = f"batches/{life.id}/pieces/{seeded_id(rng)}"
        builder.put(path, piece, at, updated)
        if rng.random() < 0.2:
            note = {
                "text": rng.choice(builder.studio["studioNotes"]),
                "at": updated,
                "authorUid": builder.staff[0],
                "authorName": "Studio",
                "searchTokens": [],
            }
            builder.put(f"{path}/studioNotes/{seeded_id(rng)}", note, updated)
