"""Which question gives which page of the log.

Without a filter a row's index is arithmetic: the newest receipt is row 0. With one, the pages are found by going
through the log once from the newest on, a page a question; the first index of each is kept as its *anchor*, and the
count is exact when the end is reached.
"""

from typing import Any, Final

from ...models.sparse import PAGE

MOST_PAGES: Final = 100


class Pages:
    """For a log of `size` receipts and a prefix of kinds (empty: every one)."""

    def __init__(self, size: int, kind: str = "") -> None:
        self.size, self.kind = size, kind
        self.anchors = [size]
        self.counted = size if not kind else 0
        self.complete = not kind
        self.indexes: dict[int, list[int]] = {}

    def params(self, page: int) -> dict[str, Any]:
        """What to ask for a page."""
        before = self.size - page * PAGE if not self.kind else self.anchors[page]
        return {"before": before, "kind": self.kind, "limit": PAGE}

    def found(self, page: int, rows: list[dict[str, Any]]) -> None:
        """Takes what a page held; with a filter it may lead to the next one."""
        if not self.kind:
            return
        self.indexes[page] = [row["index"] for row in rows]
        if page == len(self.anchors) - 1 and not self.complete:
            self.counted += len(rows)
            if len(rows) < PAGE or len(self.anchors) >= MOST_PAGES:
                self.complete = True
            else:
                self.anchors.append(rows[-1]["index"])

    def next_uncounted(self) -> int | None:
        """The page that has to be read to go on counting."""
        return None if self.complete else len(self.anchors) - 1

    def index_of(self, row: int) -> int | None:
        """The receipt's index in a row; None while its page is not here."""
        if not self.kind:
            return self.size - 1 - row
        page, place = divmod(row, PAGE)
        found = self.indexes.get(page)
        return found[place] if found is not None and place < len(found) else None

    def row_of(self, index: int) -> int | None:
        """Where a receipt stands; None when it is not in here, or not yet known to be."""
        if not self.kind:
            return self.size - 1 - index if 0 <= index < self.size else None
        for page, indexes in self.indexes.items():
            if index in indexes:
                return page * PAGE + indexes.index(index)
        return None

    def words(self) -> str:
        """How many there are, and how sure that is."""
        number = f"{self.counted:,}"
        if not self.complete:
            return f"counting… {number} so far"
        cut = len(self.anchors) >= MOST_PAGES
        return f"the newest {number}" if cut else f"{number} receipt{'' if self.counted == 1 else 's'}"
