"""The kilns: planned firings begin when their time has come, burning ones end, new ones are planned."""

from .. import clock, records
from ..functions.documents import Documents
from ..plain import DELETE, Plain, Timestamp, stamp
from .diary import Diary

LIVE = ("in-progress", "loading", "firing", "cooling", "unloading")
_AHEAD = 8
_LATE = 2 * clock.DAY


def plan(diary: Diary) -> None:
    firings = diary.documents.where("kilnFirings", "status", *LIVE, "scheduled")
    ending: set[str] = set()
    for key, row in firings:
        if row.get("status") in LIVE and isinstance(row.get("endAt"), Timestamp):
            opened = _unloading(diary, row["endAt"])
            if opened is not None:
                ending.add(row["kilnId"])
                _end(diary, key, row, opened)
    due = [(key, row) for key, row in firings if row.get("status") == "scheduled" and _due(diary, row)]
    due.sort(key=lambda one: (one[1]["startAt"], one[0]))
    begun: set[str] = set()
    for key, row in due:
        if row["kilnId"] not in begun:
            begun.add(row["kilnId"])
            _begin(diary, key, row)
    ahead = [row for _, row in firings if row.get("status") == "scheduled" and row["startAt"].us > diary.start]
    if len(ahead) - len(due) < _AHEAD:
        _plan_one(diary, [row for _, row in firings])


def _due(diary: Diary, row: Plain) -> bool:
    """Its time comes today, or came in the last two days; what is older was forgotten and stays so."""
    starts = row.get("startAt")
    return isinstance(starts, Timestamp) and diary.start - _LATE < starts.us < diary.end - clock.HOUR


def _unloading(diary: Diary, end: Timestamp) -> int | None:
    """When today a firing that ends then is unloaded: three hours later, in opening hours."""
    for _ in range(6):
        moment = diary.hour()
        if moment > end.us + 3 * clock.HOUR:
            return moment
    return None


def _end(diary: Diary, key: str, row: Plain, at: int) -> None:
    by = diary.clerk()

    def end(documents: Documents) -> None:
        now = documents.now()
        done = {"status": "completed", "unloadedAt": now, "unloadedByUid": by, "unloadNote": "All good."}
        documents.merge(f"kilnFirings/{key}", {**done, "updatedByUid": by, "updatedAt": now})
        documents.merge(f"kilns/{row['kilnId']}", {"status": "idle", "isAvailable": True, "updatedAt": now})

    diary.will(end, 2, at, rank=0)
    for number, batch_id in enumerate(row.get("batchIds") or []):
        batch = diary.documents.get(f"batches/{batch_id}")
        if batch and batch.get("state") == "LOADED" and batch.get("currentKilnId") == row["kilnId"]:
            moment = min(at + (number + 1) * clock.MINUTE, diary.end - clock.MINUTE)
            diary.will(lambda documents, batch_id=batch_id: _unload(documents, batch_id), 2, moment, rank=0)


def _unload(documents: Documents, batch_id: str) -> None:
    at = documents.now()
    patch = {"updatedAt": at, "currentKilnId": DELETE, "currentKilnName": DELETE}
    documents.merge(f"batches/{batch_id}", patch)
    row = records.timeline("KILN_UNLOAD", at, "admin", "admin", "Unloaded from kiln")
    documents.add(f"batches/{batch_id}/timeline", row)


def _begin(diary: Diary, key: str, row: Plain) -> None:
    shelved = [
        batch_id
        for batch_id, batch in diary.documents.where("batches", "state", "SHELVED")
        if batch.get("isClosed") is False and diary.older(batch["updatedAt"], 6)
    ]
    chosen = diary.rng.sample(shelved, min(len(shelved), diary.rng.randrange(1, 4)))
    starts = max(row["startAt"].us, diary.start + clock.HOUR)
    length = row["endAt"].us - row["startAt"].us
    by = diary.clerk()

    def begin(documents: Documents) -> None:
        kiln = documents.get(f"kilns/{row['kilnId']}") or {}
        busy = any(one["kilnId"] == row["kilnId"] for _, one in documents.where("kilnFirings", "status", *LIVE))
        if busy or kiln.get("status") != "idle":
            return  # the kiln is still full: it begins another day
        now = documents.now()
        loaded = [batch_id for batch_id in chosen if _load(documents, batch_id, row)]
        patch: Plain = {"status": "in-progress", "batchIds": loaded, "updatedByUid": by, "updatedAt": now}
        if now > row["startAt"]:
            patch |= {"startAt": now, "endAt": stamp(now.us + length)}
        documents.merge(f"kilnFirings/{key}", patch)
        documents.merge(f"kilns/{row['kilnId']}", {"status": "firing", "isAvailable": False, "updatedAt": now})

    diary.will(begin, 2 + 2 * len(chosen), starts, rank=0)


def _load(documents: Documents, batch_id: str, firing: Plain) -> bool:
    batch = documents.get(f"batches/{batch_id}")
    if batch is None or batch.get("state") != "SHELVED" or batch.get("isClosed"):
        return False
    at = documents.now()
    kiln = (firing["kilnId"], firing.get("kilnName"))
    patch = {"state": "LOADED", "updatedAt": at, "currentKilnId": kiln[0], "currentKilnName": kiln[1]}
    documents.merge(f"batches/{batch_id}", patch)
    row = records.timeline("KILN_LOAD", at, "admin", "admin", "Loaded to kiln", kiln=kiln)
    documents.add(f"batches/{batch_id}/timeline", row)
    return True


def _plan_one(diary: Diary, taken: list[Plain]) -> None:
    kiln = diary.rng.choice(diary.studio["kilns"])
    last = max((row["endAt"].us for row in taken if row["kilnId"] == kiln["id"]), default=diary.start)
    starts = max(last, diary.end) + int(diary.rng.uniform(0.6, 3) * clock.DAY)
    cycle = diary.rng.choice(kiln["cycles"])
    kind = cycle[0].partition("-")[0]
    title = diary.rng.choice(diary.studio["firingTitles"][kind])
    ends = stamp(starts + cycle[2] * clock.HOUR)
    by, key = diary.clerk(), diary.new_id()

    def schedule(documents: Documents) -> None:
        data = records.firing(kiln, title, kind, stamp(starts), ends, documents.now(), by)
        documents.set(f"kilnFirings/{key}", data)

    diary.will(schedule, 1, rank=2)
