"""Lists page by page: documents of a collection, ids of collections.

A page token holds the last name of its page and a mark of the other parameters, which have to stay the same.
"""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

from . import query, search
from .paths import Root, parse_field, split
from .refusals import invalid
from .rendering import document
from .store import Store, Version, visible

DEFAULT_PAGE = 20
MAX_PAGE = 300


@dataclass(frozen=True, slots=True)
class Listed:
    """The page, the query it amounts to (for security rules), and what was read for it."""

    body: dict[str, Any]
    query: query.Query
    seen: list[tuple[str, Version | None]]


def list_documents(store: Store, root: Root, collection: str, given: dict[str, Any], at: int | None) -> Listed:
    """`given`: parameters of `list` as `shapes.read_parameters` gives them."""
    order_by = given.get("orderBy", "")
    missing = given.get("showMissing", False)
    if missing and order_by:
        raise invalid("show_missing cannot be used with order_by.", "show_missing")
    parent, collection_id = split(collection)
    message: dict[str, Any] = {"from": [{"collectionId": collection_id}], "orderBy": _orders(order_by)}
    wanted = query.parse(root, parent, message)
    select = None
    if "mask.fieldPaths" in given:
        select = tuple(parse_field(text) for text in given["mask.fieldPaths"])
    size = _page_size(given)
    mark = _mark(collection, order_by, missing, given.get("mask.fieldPaths"), given.get("readTime"))
    last = _read_token(given.get("pageToken"), mark)
    if order_by:
        rows: list[tuple[str, Version | None]] = list(search.run(store, root, wanted, at).documents)
        start = _after(rows, last)
    else:
        rows = _by_id(store, collection, at, missing)
        start = next((i for i, (path, _) in enumerate(rows) if path > last), len(rows)) if last else 0
    page = rows[start : start + size]
    body: dict[str, Any] = {}
    if page:
        body["documents"] = [
            {"name": root.name(path)} if version is None else document(root.name(path), version, select)
            for path, version in page
        ]
    if start + size < len(rows):
        body["nextPageToken"] = _token(page[-1][0], mark)
    return Listed(body, wanted, page)


def list_collection_ids(store: Store, parent: str, message: dict[str, Any], at: int | None) -> dict[str, Any]:
    ids = store.collections_under(parent, at)
    mark = _mark(parent, message.get("readTime"))
    last = _read_token(message.get("pageToken"), mark)
    rest = [one for one in ids if one > last]
    size = _page_size(message)
    body: dict[str, Any] = {"collectionIds": rest[:size]} if rest else {}
    if size < len(rest):
        body["nextPageToken"] = _token(rest[size - 1], mark)
    return body


def _by_id(store: Store, collection: str, at: int | None, missing: bool) -> list[tuple[str, Version | None]]:
    rows: dict[str, Version | None] = {f"{collection}/{key}": version for key, version in store.scan(collection, at)}
    if missing:
        prefix = f"{collection}/"
        for path, below in store.collections.items():
            if path.startswith(prefix):
                key = path[len(prefix) :].split("/", 1)[0]
                live = any(visible(head, at) for head in below.heads.values())
                if live:
                    rows.setdefault(prefix + key, None)
    return sorted(rows.items())


def _orders(text: str) -> list[dict[str, Any]]:
    """`priority desc, __name__ desc` → orders."""
    orders = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        path, _, direction = part.partition(" ")
        word = direction.strip().lower()
        if word not in ("", "asc", "desc"):
            raise invalid(f'Invalid order by "{part}".', "order_by")
        orders.append({"field": {"fieldPath": path}, "direction": "DESCENDING" if word == "desc" else "ASCENDING"})
    return orders


def _page_size(given: dict[str, Any]) -> int:
    size = given.get("pageSize", 0)
    if size < 0:
        raise invalid("page_size is negative.", "page_size")
    return min(size or DEFAULT_PAGE, MAX_PAGE)


def _after(rows: list[tuple[str, Version | None]], last: str) -> int:
    if not last:
        return 0
    at = next((index for index, (path, _) in enumerate(rows) if path == last), None)
    if at is None:
        raise invalid("The page token is no longer valid.", "page_token")
    return at + 1


def _mark(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _token(last: str, mark: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([mark, last])).decode().rstrip("=")


def _read_token(token: str | None, mark: str) -> str:
    if not token:
        return ""
    try:
        own, last = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError as error:
        raise invalid("Invalid page token.", "page_token") from error
    if own != mark or not isinstance(last, str):
        raise invalid("Invalid page token: every parameter but the page size must stay the same.", "page_token")
    return last
