"""Names of documents and paths of fields.

Inside the practice studio a document or collection is named by its path under `documents`, without a leading slash:
`batches/b1`, `batches/b1/timeline`. On the wire it is a full resource name. A field path is a tuple of names; its text
form quotes what is no simple name with backticks (Firestore REST reference, `FieldReference`).
"""

import re
from typing import Any

from .refusals import invalid

MAX_ID_BYTES = 1500
_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PART = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)|`((?:[^`\\]|\\.)*)`", re.DOTALL)
_RESERVED = re.compile(r"__.*__", re.DOTALL)

FieldPath = tuple[str, ...]


class Root:
    """The one database: `projects/<project>/databases/(default)/documents`."""

    def __init__(self, project: str) -> None:
        self.project = project
        self.database = f"projects/{project}/databases/(default)"
        self.documents = f"{self.database}/documents"
        self.prefix = self.documents + "/"

    def name(self, path: str) -> str:
        return self.prefix + path

    def document(self, name: str, what: str = "Document name") -> str:
        """Full resource name → path. Raises Refused when it is not a document of this database."""
        path = self._within(name, what)
        segments = path.split("/")
        if len(segments) % 2:
            raise invalid(f'{what} "{name}" lacks "/" at index {len(name)}.' if path else f'{what} "{name}" is a root.')
        check_segments(segments, name)
        return path

    def parent(self, name: str) -> str:
        """The parent of a collection: `documents` itself ("") or a document's path."""
        if name == self.documents:
            return ""
        return self.document(name, "Parent name")

    def _within(self, name: str, what: str) -> str:
        if not name.startswith(self.prefix):
            raise invalid(f'{what} "{name[:200]}" is not below "{self.documents}".')
        return name[len(self.prefix) :]


def check_segments(segments: list[str], name: str) -> None:
    """Every id is non-empty, not `.` or `..`, not `__reserved__` and at most 1500 bytes long."""
    for segment in segments:
        if not segment:
            raise invalid(f'"{name[:200]}" contains an empty resource id.')
        if segment in (".", ".."):
            raise invalid(f'Resource id "{segment}" is invalid.')
        if segment[0] == "_" and _RESERVED.fullmatch(segment):
            raise invalid(f'Resource id "{segment}" is invalid because it is reserved.')
        if len(segment) > MAX_ID_BYTES // 4 and len(segment.encode()) > MAX_ID_BYTES:
            raise invalid(f"A resource id is longer than {MAX_ID_BYTES} bytes.")


def split(path: str) -> tuple[str, str]:
    """`batches/b1` → (`batches`, `b1`)."""
    collection, _, key = path.rpartition("/")
    return collection, key


def collection_of(parent: str, collection_id: str) -> str:
    return f"{parent}/{collection_id}" if parent else collection_id


def parse_field(text: str) -> FieldPath:
    """`a.b.`c.d`` → ("a", "b", "c.d"). Raises Refused when it is malformed."""
    if _SIMPLE.fullmatch(text):
        return (text,)
    parts: list[str] = []
    at = 0
    while True:
        match = _PART.match(text, at)
        if match is None:
            raise invalid(f'Invalid property path "{text[:200]}".')
        simple, quoted = match.groups()
        parts.append(simple if simple is not None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL))
        if not parts[-1]:
            raise invalid(f'Invalid property path "{text[:200]}": an element is empty.')
        at = match.end()
        if at == len(text):
            return tuple(parts)
        if text[at] != ".":
            raise invalid(f'Invalid property path "{text[:200]}".')
        at += 1


def field_text(path: FieldPath) -> str:
    """The inverse of `parse_field`."""
    return ".".join(
        part if _SIMPLE.fullmatch(part) else "`" + part.replace("\\", "\\\\").replace("`", "\\`") + "`" for part in path
    )


def lookup(fields: dict[str, Any], path: FieldPath) -> dict[str, Any] | None:
    """The wire value at `path` in a map of fields, or None when there is none."""
    value = fields.get(path[0])
    for part in path[1:]:
        if value is None:
            return None
        nested = value.get("mapValue")
        if nested is None:
            return None
        value = nested.get("fields", _NOTHING).get(part)
    return value


_NOTHING: dict[str, Any] = {}
