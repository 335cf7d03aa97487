"""Google's published description of Firestore REST v1 as a judge of requests."""

import functools
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.shared_data import SHARED

DISCOVERY = SHARED / "samples/firestore/firestore.v1.discovery.json"
CONFORMANCE = SHARED / "samples/firestore/conformance"
_INT = {"anyOf": [{"type": "string", "pattern": r"^-?\d+$"}, {"type": "integer"}]}
_FORMATS: dict[str, dict[str, Any]] = {
    "any": {},
    "int64": _INT,
    "double": {"type": ["number", "string"]},
    "google-datetime": {
        "type": "string",
        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$",
    },
}
# method → the message that its body is
BODIES = {
    "commit": "CommitRequest",
    "batchWrite": "BatchWriteRequest",
    "batchGet": "BatchGetDocumentsRequest",
    "beginTransaction": "BeginTransactionRequest",
    "rollback": "RollbackRequest",
    "runQuery": "RunQueryRequest",
    "runAggregationQuery": "RunAggregationQueryRequest",
    "listCollectionIds": "ListCollectionIdsRequest",
    "createDocument": "Document",
    "patch": "Document",
}


@functools.cache
def discovery() -> dict[str, Any]:
    result: dict[str, Any] = json.loads(DISCOVERY.read_text())
    return result


def _schema(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in node:
        return {"$ref": f"#/$defs/{node['$ref']}"}
    if node.get("format") in _FORMATS:
        return _FORMATS[node["format"]]
    kind = node.get("type")
    if kind == "any":
        return {}
    if kind == "object" or "properties" in node:
        properties = {name: _schema(member) for name, member in node.get("properties", {}).items()}
        rest = _schema(node["additionalProperties"]) if "additionalProperties" in node else False
        return {"type": "object", "properties": properties, "additionalProperties": rest}
    if kind == "array":
        return {"type": "array", "items": _schema(node["items"])}
    if "enum" in node:
        # JSON of protocol buffers takes an enum by number too; the one null value also as null
        numbers = list(range(len(node["enum"]) + 1))
        return {"enum": [*node["enum"], *numbers, *([None] if node["enum"] == ["NULL_VALUE"] else [])]}
    return {"type": kind}


@functools.cache
def _validator(name: str) -> Draft202012Validator:
    definitions = {key: _schema(node) for key, node in discovery()["schemas"].items()}
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": definitions})


def faults(message: str, body: Any) -> list[str]:
    """What the published description finds wrong with a body."""
    return [f"{'/'.join(map(str, e.path))}: {e.message[:150]}" for e in _validator(message).iter_errors(body)]


def there() -> bool:
    return Path(DISCOVERY).exists()
