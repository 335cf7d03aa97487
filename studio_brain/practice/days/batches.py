"""Batches from hand to hand: members hand in, staff shelve, mark ready, and close when somebody fetches."""

from .. import clock, records
from ..functions import feed
from ..functions.documents import Documents
from ..plain import Plain
from .diary import Diary, Person


def plan(diary: Diary) -> None:
    for _ in range(1 + diary.times(0.3, 1)):
        _hand_in(diary, diary.member())
    rows = [
        (key, row)
        for key, row in diary.documents.where("batches", "state", *records.OPEN_BATCH_STATES)
        if row.get("isClosed") is False
    ]

    def waiting(state: str, hours: float) -> list[tuple[str, Plain]]:
        return [one for one in rows if one[1]["state"] == state and diary.older(one[1]["updatedAt"], hours)]

    for key, row in diary.some(waiting("DRAFT", 36), diary.times(0.3, 1)):
        diary.will(lambda documents, key=key, row=row: submit(documents, key, row), 4)
    for key, _ in diary.some(waiting("SUBMITTED", 8), diary.times(0.7, 2)):
        diary.will(lambda documents, key=key: step(documents, key, "SHELVED", "SHELVED", "Shelved"), 2, rank=4)
    emptied = [one for one in waiting("LOADED", 3) if "currentKilnId" not in one[1]]
    for key, _ in diary.some(emptied, 3):
        diary.will(lambda documents, key=key: set_state(documents, key, "FIRED"), 1, rank=3)
    for key, _ in diary.some(waiting("FIRED", 12), diary.times(0.7, 2)):
        diary.will(lambda documents, key=key: ready(documents, key), 2, rank=4)
    fetched = waiting("READY_FOR_PICKUP", 10)
    # the longer something waits, the likelier it is fetched
    fetched.sort(key=lambda one: one[1]["updatedAt"])
    for key, _ in diary.some(fetched[: max(6, len(fetched) // 2)], diary.times(0.6, 2)):
        diary.will(lambda documents, key=key: close(documents, key), 4)
    if diary.rng.random() < 0.06 and (stale := waiting("SUBMITTED", 24 * 20)):
        key, _ = diary.rng.choice(stale)
        diary.will(lambda documents: give_up(documents, key), 1)


def _hand_in(diary: Diary, owner: Person) -> None:
    batch_id = diary.new_id()
    title = diary.pot()
    notes = diary.rng.choice((None, None, *diary.studio["batchNotes"]))
    cost = diary.rng.randrange(8, 120) * 50
    mode = diary.rng.choices(("SHELF_PURCHASE", "WHOLE_KILN", "COMMUNITY_SHELF"), (80, 8, 12))[0]
    at = diary.hour()

    def begin(documents: Documents) -> None:
        now = documents.now()
        batch = records.batch(
            batch_id, owner.uid, owner.name, title, now, intake_mode=mode, cost_cents=cost, notes=notes
        )
        documents.set(f"batches/{batch_id}", batch)
        row = records.timeline("CREATE_BATCH", now, owner.uid, owner.name, "Batch created")
        documents.add(f"batches/{batch_id}/timeline", row)

    diary.will(begin, 2, at, rank=1)
    if diary.rng.random() < 0.75:
        after = min(at + int(diary.rng.uniform(0.05, 0.6) * clock.HOUR), diary.end - clock.SECOND)
        diary.will(lambda documents: submit(documents, batch_id, None), 4, after, rank=1)


def submit(documents: Documents, key: str, known: Plain | None) -> None:
    batch = documents.get(f"batches/{key}") or known
    if batch is None or batch.get("state") != "DRAFT" or batch.get("isClosed"):
        return
    at = documents.now()
    documents.merge(f"batches/{key}", {"state": "SUBMITTED", "updatedAt": at})
    owner, name = batch["ownerUid"], batch.get("ownerDisplayName")
    documents.add(f"batches/{key}/timeline", records.timeline("SUBMIT_DRAFT", at, owner, name, "Submitted"))
    told = {"state": "SUBMITTED", "isClosed": False, "title": batch.get("title")}
    feed.emit(documents, owner, "batch.updated", {"batchId": key}, told)


def step(documents: Documents, key: str, state: str, kind: str, words: str) -> None:
    if not _is_open(documents, key):
        return
    at = documents.now()
    documents.merge(f"batches/{key}", {"state": state, "updatedAt": at})
    documents.add(f"batches/{key}/timeline", records.timeline(kind, at, "admin", "admin", words))


def ready(documents: Documents, key: str) -> None:
    step(documents, key, "READY_FOR_PICKUP", "READY_FOR_PICKUP", "Ready for pickup")


def set_state(documents: Documents, key: str, state: str) -> None:
    """Staff correct `state` by hand; no Function does it, so the timeline does not show it."""
    if _is_open(documents, key):
        documents.merge(f"batches/{key}", {"state": state, "updatedAt": documents.now()})


def close(documents: Documents, key: str) -> None:
    batch = documents.get(f"batches/{key}")
    if batch is None or batch.get("isClosed"):
        return
    at = documents.now()
    closed = {"isClosed": True, "state": "CLOSED_PICKED_UP", "closedAt": at, "updatedAt": at}
    documents.merge(f"batches/{key}", closed)
    row = records.timeline("PICKED_UP_AND_CLOSE", at, "admin", "admin", "Picked up; batch closed")
    documents.add(f"batches/{key}/timeline", row)
    told = {"state": "CLOSED_PICKED_UP", "isClosed": True, "title": batch.get("title")}
    feed.emit(documents, batch["ownerUid"], "batch.closed", {"batchId": key}, told)


def give_up(documents: Documents, key: str) -> None:
    if _is_open(documents, key):
        at = documents.now()
        closed = {"isClosed": True, "state": "CLOSED_OTHER", "closedAt": at, "updatedAt": at}
        documents.merge(f"batches/{key}", closed)


def _is_open(documents: Documents, key: str) -> bool:
    batch = documents.get(f"batches/{key}")
    return batch is not None and batch.get("isClosed") is False
