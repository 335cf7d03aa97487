"""Which method of Firestore REST v1 a request is for (paths and verbs of the discovery document)."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

_DATABASE = re.compile(r"/v1/projects/([^/]+)/databases/([^/:]+)/documents(.*)", re.DOTALL)
_VERB = re.compile(r"(.*):([A-Za-z]+)", re.DOTALL)
_UNSERVED = frozenset({"partitionQuery", "listen", "write", "executePipeline"})
STREAMS = frozenset({"runQuery", "runAggregationQuery", "batchGet"})
_OF_DATABASE = frozenset({"commit", "batchWrite", "batchGet", "beginTransaction", "rollback"})
_OF_PARENT = frozenset({"runQuery", "runAggregationQuery", "listCollectionIds"})


@dataclass(frozen=True, slots=True)
class Route:
    """`method` is the one of the discovery document; `path` what it is about, under `documents`."""

    method: str
    path: str
    database: tuple[str, str]


def route(http_method: str, raw_path: str) -> Route | None:
    """None: no method of Firestore has that form."""
    match = _DATABASE.fullmatch(raw_path)
    if match is None:
        return None
    project, database, rest = match[1], match[2], match[3]
    where = (unquote(project), unquote(database))
    verb = _VERB.fullmatch(rest) if http_method == "POST" else None
    if verb is not None and (verb[2] in _OF_DATABASE | _OF_PARENT | _UNSERVED):
        if verb[2] in _OF_DATABASE and verb[1]:
            return None
        return Route(verb[2], _decode(verb[1]), where)
    if not rest.startswith("/"):
        return None
    path = _decode(rest)
    is_document = path.count("/") % 2 == 1
    method = {
        ("GET", True): "get",
        ("GET", False): "list",
        ("POST", False): "createDocument",
        ("PATCH", True): "patch",
        ("DELETE", True): "delete",
    }.get((http_method, is_document))
    return Route(method, path, where) if method else None


def _decode(raw: str) -> str:
    return "/".join(unquote(segment) for segment in raw.removeprefix("/").split("/")) if raw else ""
