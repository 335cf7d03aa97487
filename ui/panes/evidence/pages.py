"""Which question gives which page of the log.

Without a filter a row's index is arithmetic: the newest receipt is row 0. With one, the engine is asked stretch by
stretch, from the newest receipt down, which indexes fit; they are kept here (eight bytes each), so that every row that
was found can be jumped to, and the count is exact when the end is reached. The rows themselves are asked for when they
are looked at.
"""

from array import array
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any, Final

from ...models.sparse import PAGE

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Filter:
    """What is looked for. `kind` is a prefix, `stream` a whole name; `since` UTC milliseconds."""

    kind: str = ""
    text: str = ""
    stream: str = ""
    since: int | None = None

    def __bool__(self) -> bool:
        return bool(self.kind or self.text or self.stream or self.since is not None)

    def params(self) -> dict[str, Any]:
        named = {"kind": self.kind, "text": self.text, "stream": self.stream, "since": self.since}
        return {name: value for name, value in named.items() if value not in ("", None)}


class Pages:
    """For a log of `size` receipts and a filter. `log` names it; 0 is the latest."""

    def __init__(self, size: int, filter: Filter | None = None, log: int = 0) -> None:
        self.size, self.filter = size, filter or Filter()
        self.log = {"log": log} if log else {}
        self.indexes = array("q")
        self.next: int | None = size if self.filter else None

    @property
    def counted(self) -> int:
        """How many rows there are, as far as is known."""
        return len(self.indexes) if self.filter else self.size

    @property
    def complete(self) -> bool:
        return self.next is None

    def seek(self) -> dict[str, Any]:
        """The parameters of the next `evidence.seek`."""
        return {**self.filter.params(), **self.log, "before": self.next}

    def found(self, answer: dict[str, Any]) -> None:
        """Takes what a stretch held; one that was asked for twice counts once."""
        last, found = self.indexes[-1] if self.indexes else self.size, answer["indexes"]
        if found and found[0] >= last:
            found = [index for index in found if index < last]
        self.indexes.extend(found)
        self.next = answer["next"]

    def question(self, page: int) -> tuple[str, dict[str, Any]]:
        """(query, parameters) for a page of rows."""
        first = page * PAGE
        if self.filter:
            return "evidence.rows", {**self.log, "indexes": list(self.indexes[first : first + PAGE])}
        return "evidence.page", {**self.log, "before": self.size - first, "limit": PAGE}

    def index_of(self, row: int) -> int | None:
        """The receipt's index in a row; None for a row there is not."""
        if not 0 <= row < self.counted:
            return None
        return self.indexes[row] if self.filter else self.size - 1 - row

    def row_of(self, index: int) -> int | None:
        """Where a receipt stands; None when it is not in here, or not yet known to be."""
        if not self.filter:
            return self.size - 1 - index if 0 <= index < self.size else None
        place = bisect_left(self.indexes, -index, key=lambda each: -each)
        return place if place < len(self.indexes) and self.indexes[place] == index else None

    def words(self) -> str:
        """How many there are, and how sure that is."""
        number = f"{self.counted:,}"
        if self.next is not None:
            done = 0 if not self.size else (self.size - self.next) * 100 // self.size
            return f"{number} so far, {done} % searched"
        return f"{number} receipt{'' if self.counted == 1 else 's'}"
