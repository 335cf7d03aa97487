"""The practice studio's own request shapes against Google's published description of them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio_brain.practice import query, shapes
from studio_brain.practice.paths import Root
from studio_brain.practice.refusals import Refused
from tests.practice import published
from tests.practice.bench import NAME, Bench
from tests.shared_data import shared

pytestmark = pytest.mark.vectors


@pytest.fixture(autouse=True)
def _published() -> None:
    shared("samples/firestore/firestore.v1.discovery.json")


def kind_of(node: dict[str, Any]) -> str:
    if "$ref" in node:
        return str(node["$ref"])
    if node.get("type") == "array":
        return f"[{kind_of(node['items'])}]"
    if "additionalProperties" in node:
        return f"{{{kind_of(node['additionalProperties'])}}}"
    return "enum" if "enum" in node else f"{node['type']}/{node.get('format', '')}".rstrip("/")


def own_kind(kind: shapes.Kind) -> str:
    match kind:
        case shapes.Msg(name):
            return name
        case shapes.ListOf(item):
            return f"[{own_kind(item)}]"
        case shapes.MapOf(item):
            return f"{{{own_kind(item)}}}"
        case shapes.Enum():
            return "enum"
        case shapes.Scalar(kind_, format_):
            return f"{kind_}/{format_ or ''}".rstrip("/")


@pytest.mark.parametrize("name", sorted(shapes.SHAPES))
def test_every_shape_is_the_published_one(name: str) -> None:
    properties = published.discovery()["schemas"][name]["properties"]
    wanted = {member: kind_of(node) for member, node in properties.items()}
    assert {member: own_kind(kind) for member, kind in shapes.SHAPES[name].items()} == wanted


@pytest.mark.parametrize("method", sorted(shapes.PARAMETERS))
def test_every_parameter_is_the_published_one(method: str) -> None:
    documents = published.discovery()["resources"]["projects"]["resources"]["databases"]["resources"]["documents"]
    parameters = documents["methods"][method]["parameters"].items()
    wanted = {name for name, node in parameters if node["location"] == "query"}
    assert set(shapes.PARAMETERS[method]) == wanted


def test_enums_are_the_published_ones_in_their_order() -> None:
    for name, members in shapes.SHAPES.items():
        for member, kind in members.items():
            if isinstance(kind, shapes.Enum):
                node = published.discovery()["schemas"][name]["properties"][member]
                assert [one for one in kind.names if one] == node["enum"], (name, member)


def judged(name: str, body: Any) -> str | None:
    """What the practice studio's shapes say of a body: None when they take it."""
    try:
        if name == "Document":
            shapes.read_message(name, body)
        else:
            shapes.read_message(name, body, "")
    except Refused as refused:
        return refused.message
    return None


def golden() -> Iterator[tuple[str, str, Any]]:
    """(test, message, body) of every golden body of the conformance vectors."""
    if not published.CONFORMANCE.is_dir():
        return
    for path in sorted(published.CONFORMANCE.glob("*.json")):
        for test in json.loads(path.read_text())["tests"]:
            for kind in ("create", "set", "update", "updatePaths", "delete"):
                body = test.get(kind, {}).get("request")
                if body:
                    yield path.stem, "CommitRequest", {key: body[key] for key in body if key != "database"}
            asked = test.get("query", {}).get("query")
            if asked:
                yield path.stem, "StructuredQuery", asked


def test_golden_bodies_are_judged_alike() -> None:
    count = 0
    for name, message, body in golden():
        count += 1
        ours, theirs = judged(message, body), published.faults(message, body)
        assert (ours is None) is (not theirs), f"{name}: {ours!r}, {theirs}"
    assert count >= 60


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_spoilt_golden_bodies_are_judged_alike(data: st.DataObject) -> None:
    """A member renamed, or a value of another JSON type put in its place, somewhere in a golden body."""
    bodies = list(golden())
    if not bodies:
        pytest.skip("needs the conformance vectors beside the checkout")
    name, message, body = data.draw(st.sampled_from(bodies))
    spoilt = json.loads(json.dumps(body))
    places = [place for place in _places(spoilt) if not _under_map(place)]
    place = data.draw(st.sampled_from(places))
    holder = spoilt
    for part in place[:-1]:
        holder = holder[part]
    if isinstance(place[-1], str) and data.draw(st.booleans()):
        holder[f"{place[-1]}X"] = holder.pop(place[-1])
    else:
        holder[place[-1]] = data.draw(st.sampled_from([["x"], {"x": 1}, True, -1.5]))
    theirs, ours = published.faults(message, spoilt), judged(message, spoilt)
    if theirs:
        assert ours is not None, f"{name}: {theirs}"
    else:  # what JSON Schema cannot say: exactly one member of a union, numbers and times out of range
        assert ours is None or "one of" in ours or "Invalid value" in ours, f"{name}: {ours}"


def _places(node: Any, prefix: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*prefix, key)
        yield from _places(value, (*prefix, key))


def _under_map(place: tuple[Any, ...]) -> bool:
    """Names of fields are free."""
    return any(part == "fields" for part in place[:-1]) and "select" not in place


# --- the vectors against the store -----------------------------------------------------------------------------------

WRITES = ("create", "set", "update", "updatePaths", "delete")


def commits() -> list[Any]:
    rows = []
    paths = sorted(published.CONFORMANCE.glob("*.json")) if published.CONFORMANCE.is_dir() else []
    for path in paths:
        for test in json.loads(path.read_text())["tests"]:
            for kind in WRITES:
                body = test.get(kind, {}).get("request")
                if body:
                    text = json.dumps(body).replace("projects/projectID/", "projects/demo-studio/")
                    rows.append(pytest.param(kind, json.loads(text), id=path.stem))
    return rows


@pytest.mark.parametrize(("kind", "body"), commits() or [pytest.param("", {}, id="none")])
def test_vectors_commit_as_they_say(bench: Bench, kind: str, body: dict[str, Any]) -> None:
    shared("samples/firestore/conformance")
    del body["database"]
    (write,) = body["writes"]
    precondition = write.get("currentDocument", {})
    name = write["update"]["name"] if "update" in write else write["delete"]
    path = name.removeprefix(f"{NAME}/")

    def commit() -> Any:
        return bench.iam("POST", ":commit", body)

    if precondition.get("exists") is True:
        assert commit().error == (404, "NOT_FOUND")
        bench.put(path, a=0)
    if "updateTime" in precondition:
        for existing in (False, True):
            if existing:
                bench.put(path, a=0)
            assert commit().error == (400, "FAILED_PRECONDITION")
        precondition["updateTime"] = bench.iam("GET", f"/{path}").json["updateTime"]
    before = bench.studio.store.get(path)
    answer = commit()
    assert answer.status == 200, answer.body
    if precondition.get("exists") is False:
        assert commit().error == (409, "ALREADY_EXISTS")
    if "delete" in write:
        assert bench.studio.store.get(path) is None
        return
    (result,) = answer.json["writeResults"]
    transforms = write.get("updateTransforms", [])
    assert len(result.get("transformResults", [])) == len(transforms)
    fields = bench.fields(path)
    given_fields = write["update"].get("fields", {})
    if "updateMask" not in write:
        transformed = {one["fieldPath"].split(".")[0] for one in transforms}
        assert {key: fields[key] for key in given_fields if key not in transformed} == {
            key: value for key, value in given_fields.items() if key not in transformed
        }
        assert fields.keys() == given_fields.keys() | transformed
    else:
        kept = set((before.fields or {}) if before else {})
        named = {one.split(".")[0].strip("`") for one in write["updateMask"].get("fieldPaths", [])}
        assert kept - named <= fields.keys()
    for one, shown in zip(transforms, result.get("transformResults", []), strict=True):
        if "setToServerValue" in one:
            assert "timestampValue" in shown
        else:
            assert shown == {"nullValue": None}


def test_query_vectors_can_be_run() -> None:
    root = Root("demo-studio")
    count = 0
    for name, message, body in golden():
        if message == "StructuredQuery":
            text = json.dumps(body).replace("projects/projectID/", "projects/demo-studio/")
            parsed = query.parse(root, "", shapes.read_message(message, json.loads(text), ""))
            assert parsed.orders, name
            count += 1
    assert count >= 10
