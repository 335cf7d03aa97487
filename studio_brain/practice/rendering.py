"""Documents as answers show them."""

from typing import Any

from . import clock
from .paths import FieldPath
from .search import project
from .store import Version


def document(name: str, version: Version, select: tuple[FieldPath, ...] | None) -> dict[str, Any]:
    """`Document`; a document without fields (or none selected) has no `fields`, as in Google's JSON."""
    fields = version.fields if select is None else project(version.fields or {}, select)
    result: dict[str, Any] = {"name": name}
    if fields:
        result["fields"] = fields
    result["createTime"] = clock.text(version.created)
    result["updateTime"] = clock.text(version.updated)
    return result
