"""The documents, in as many versions as the last hour saw.

A document is a chain of versions, newest first; a deletion is a version without fields. Reads name a time or take the
newest. Every change goes through `commit`, which gives it one time that is later than every one before, and which a
listener (the journal) hears about before anybody else can see the result. A write that changes nothing makes no
version and keeps the old update time.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from . import clock as practice_clock
from .clock import PracticeClock
from .paths import split
from .values import Fields

HISTORY_US = practice_clock.HOUR


class Version:
    """One state of a document. `fields` is None once it is deleted. Times are microseconds."""

    __slots__ = ("created", "fields", "older", "updated")

    def __init__(self, fields: Fields | None, created: int, updated: int, older: "Version | None" = None) -> None:
        self.fields = fields
        self.created = created
        self.updated = updated
        self.older = older


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit did to one document. `fields` None: deleted."""

    path: str
    fields: Fields | None
    created: int
    updated: int


@dataclass(frozen=True, slots=True)
class Commit:
    at: int
    changes: tuple[Change, ...]


class Collection:
    """Documents of one parent and collection id. `ids` is sorted; it holds deleted ones while they can be read."""

    __slots__ = ("heads", "ids")

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.heads: dict[str, Version] = {}


class Store:
    def __init__(self, clock: PracticeClock) -> None:
        self.clock = clock
        self.collections: dict[str, Collection] = {}
        self.listener: Callable[[Commit], None] | None = None
        # Reads before this time cannot be answered: their versions were never kept.
        self.oldest_readable = 0
        # How many documents commits have changed so far.
        self.changes = 0
        self._superseded: deque[tuple[int, str]] = deque()

    # --- reading ---

    def get(self, path: str, at: int | None = None) -> Version | None:
        """The live version of a document, now or at a time; None when there was none."""
        collection_path, key = split(path)
        collection = self.collections.get(collection_path)
        head = collection.heads.get(key) if collection else None
        return visible(head, at)

    def scan(self, path: str, at: int | None = None, after: str | None = None) -> Iterator[tuple[str, Version]]:
        """Ids and live versions of one collection in the order of their ids, from the first one not below `after`."""
        collection = self.collections.get(path)
        if collection is None:
            return
        heads = collection.heads
        ids = collection.ids
        for index in range(0 if after is None else bisect_left(ids, after), len(ids)):
            version = visible(heads[ids[index]], at)
            if version is not None:
                yield ids[index], version

    def count(self, collection_path: str) -> int:
        return sum(1 for _ in self.scan(collection_path))

    def collections_under(self, parent: str, at: int | None = None) -> list[str]:
        """Ids of the collections directly under a document (or the root), those with a document somewhere in them."""
        prefix = f"{parent}/" if parent else ""
        found = set()
        for path in self.collections:
            if path.startswith(prefix):
                head = path[len(prefix) :].split("/", 1)[0]
                if head not in found and next(self.scan(path, at), None) is not None:
                    found.add(head)
        return sorted(found)

    def paths_with_id(self, parent: str, collection_id: str | None) -> list[str]:
        """Paths of all collections with that id (any id when None) anywhere under a parent."""
        prefix = f"{parent}/" if parent else ""
        return [
            path
            for path in self.collections
            if path.startswith(prefix) and (collection_id is None or path.rpartition("/")[2] == collection_id)
        ]

    # --- writing ---

    def load(self, path: str, fields: Fields, created: int, updated: int) -> None:
        """Puts a document of the seed in place, without a commit. Ids are sorted by `loaded`."""
        collection_path, key = split(path)
        collection = self.collections.get(collection_path)
        if collection is None:
            collection = self.collections[collection_path] = Collection()
        collection.heads[key] = Version(fields, created, updated)

    def loaded(self) -> None:
        """After the last `load`."""
        for collection in self.collections.values():
            collection.ids = sorted(collection.heads)

    def clear(self) -> None:
        """Forgets everything; times before this moment can no longer be read."""
        self.collections.clear()
        self._superseded.clear()
        self.oldest_readable = self.clock.read_us()

    def restore(self, change: Change) -> None:
        """Applies a change read back from the journal; its times are its own."""
        self._put(change)
        self.clock.last_us = max(self.clock.last_us, change.updated)

    def commit(self, puts: Iterable[tuple[str, Fields | None]], at: int | None = None) -> Commit:
        """Applies whole documents (None deletes) at one new time, all or nothing. Later puts of a path win.

        `at` asks for a time that is not now; it still is later than the last one.
        """
        moment = self.clock.tick(at)
        changes = []
        for path, fields in dict(puts).items():
            head = self.get(path)
            if fields is None:
                if head is not None:
                    changes.append(Change(path, None, head.created, moment))
            elif head is None:
                changes.append(Change(path, fields, moment, moment))
            elif head.fields != fields:
                changes.append(Change(path, fields, head.created, moment))
        commit = Commit(moment, tuple(changes))
        if changes:
            if self.listener is not None:
                self.listener(commit)
            for change in changes:
                self._put(change)
            self.changes += len(changes)
        self._forget(moment - HISTORY_US)
        return commit

    def _put(self, change: Change) -> None:
        collection_path, key = split(change.path)
        collection = self.collections.get(collection_path)
        if collection is None:
            collection = self.collections[collection_path] = Collection()
        older = collection.heads.get(key)
        if older is None:
            if change.fields is None:
                return
            insort(collection.ids, key)
        else:
            self._superseded.append((change.updated, change.path))
        collection.heads[key] = Version(change.fields, change.created, change.updated, older)

    def _forget(self, horizon: int) -> None:
        """Drops versions that no read can reach any more."""
        while self._superseded and self._superseded[0][0] < horizon:
            _, path = self._superseded.popleft()
            collection_path, key = split(path)
            collection = self.collections.get(collection_path)
            version = collection.heads.get(key) if collection else None
            while version is not None and version.updated > horizon:
                version = version.older
            if collection is None or version is None:
                continue
            version.older = None
            if version.fields is None and collection.heads[key] is version:
                del collection.heads[key]
                del collection.ids[bisect_left(collection.ids, key)]
                if not collection.ids:
                    del self.collections[collection_path]


def visible(version: Version | None, at: int | None) -> Version | None:
    """The version of a chain that a read at `at` (None: the newest) sees; None when the document did not exist."""
    if at is not None:
        while version is not None and version.updated > at:
            version = version.older
    return None if version is None or version.fields is None else version
