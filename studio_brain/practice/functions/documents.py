"""The store as a Function sees it: plain values, merges, and a note of every document that was written."""

from collections.abc import Callable, Iterable, Iterator

from ..clock import stored
from ..ids import auto_id
from ..paths import MAX_ID_BYTES
from ..plain import Plain, Timestamp, merged, plain_fields, stamp, wire_fields
from ..store import Store


class BadPath(Exception):
    """A body's id that makes no document path: the real Function breaks on it, and answers 500."""


def check_path(path: str) -> str:
    segments = path.split("/")
    if len(segments) % 2 or not all(segments) or any(len(segment.encode()) > MAX_ID_BYTES for segment in segments):
        raise BadPath(path[:200])
    return path


class Documents:
    """One for each call. `at` pins the time of its commits; without it they happen now. `new_id` makes ids."""

    def __init__(self, store: Store, at: int | None = None, new_id: Callable[[], str] = auto_id) -> None:
        self._store = store
        self._at = at
        self.new_id = new_id
        self.written: dict[str, None] = {}

    def now(self) -> Timestamp:
        """`Timestamp.now()` of the Functions' machine: whole milliseconds."""
        return stamp(self._store.clock.now_us() if self._at is None else self._at)

    def get(self, path: str) -> Plain | None:
        version = self._store.get(check_path(path))
        return None if version is None else plain_fields(version.fields or {})

    def exists(self, path: str) -> bool:
        return self._store.get(check_path(path)) is not None

    def scan(self, collection: str) -> Iterator[tuple[str, Plain]]:
        """Ids and documents in the order of ids: what a query without an order gives."""
        for key, version in list(self._store.scan(collection)):
            yield key, plain_fields(version.fields or {})

    def where(self, collection: str, field: str, *texts: str) -> list[tuple[str, Plain]]:
        """Those whose field is one of the texts, in the order of ids."""
        wanted = [{"stringValue": text} for text in texts]
        return [
            (key, plain_fields(version.fields or {}))
            for key, version in self._store.scan(collection)
            if (version.fields or {}).get(field) in wanted
        ]

    def newest(self, collection: str, field: str, limit: int) -> list[tuple[str, Plain]]:
        """`orderBy(field, "desc").limit(limit)` for a field of timestamps."""
        rows = [
            (value["timestampValue"], key, version)
            for key, version in self._store.scan(collection)
            if "timestampValue" in (value := (version.fields or {}).get(field, {}))
        ]
        rows.sort(key=lambda row: (stored(row[0]), row[1]), reverse=True)
        return [(key, plain_fields(version.fields or {})) for _, key, version in rows[:limit]]

    def set(self, path: str, data: Plain) -> None:
        self.commit([(path, data)])

    def merge(self, path: str, patch: Plain) -> None:
        """`set(patch, {merge: true})`: makes the document when there is none."""
        self.commit([(path, merged(self.get(path) or {}, patch))])

    def add(self, collection: str, data: Plain) -> str:
        key = self.new_id()
        self.set(f"{collection}/{key}", data)
        return key

    def commit(self, puts: Iterable[tuple[str, Plain]]) -> None:
        """Several whole documents at once, as a transaction writes them."""
        prepared = [(check_path(path), wire_fields(data)) for path, data in puts]
        self._store.commit(prepared, at=self._at)
        self.written |= dict.fromkeys(path for path, _ in prepared)
