"""Firestore REST v1: routes, and what each method does with the store (Google's discovery document `firestore:v1`).

The same front serves both ports. What differs is the `Access` it is given: security rules and a member's token on one,
everything allowed on the other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import aggregate, clock, query, search, shapes, transactions, writes
from .access import Access
from .ids import auto_id
from .indexes import Indexes
from .listing import list_collection_ids, list_documents
from .paths import FieldPath, Root, check_segments, parse_field
from .refusals import Refused, invalid, precondition
from .rendering import document
from .routes import STREAMS, Route
from .store import HISTORY_US, Store, Version
from .wire import Reply, Request, refusal, reply


@dataclass(slots=True)
class Reading:
    """At what time something is read, what the answer says about it, and for which transaction."""

    at: int | None
    time: str
    transaction: transactions.Transaction | None = None
    started: str | None = None

    def note(self, path: str, version: Version | None) -> None:
        if self.transaction is not None and not self.transaction.read_only:
            self.transaction.documents.setdefault(path, version.updated if version else 0)


class Firestore:
    def __init__(self, store: Store, root: Root, indexes: Indexes) -> None:
        self._store = store
        self._root = root
        self._indexes = indexes
        self._clock = store.clock
        self._transactions = transactions.Transactions(store.clock.monotonic)
        self._methods: dict[str, Callable[[Route, Request, Access], Reply]] = {
            "get": self._get,
            "list": self._list,
            "createDocument": self._create,
            "patch": self._patch,
            "delete": self._delete,
            "commit": self._commit,
            "batchWrite": self._batch_write,
            "batchGet": self._batch_get,
            "runQuery": self._run_query,
            "runAggregationQuery": self._run_aggregation,
            "listCollectionIds": self._list_collection_ids,
            "beginTransaction": self._begin,
            "rollback": self._rollback,
        }

    def answer(self, asked: Route, request: Request, access: Access) -> Reply:
        streamed = asked.method in STREAMS
        try:
            if asked.database != (self._root.project, "(default)"):
                project, database = asked.database
                raise Refused("NOT_FOUND", f"The database {database} does not exist for project {project}.")
            if asked.path:
                check_segments(asked.path.split("/"), asked.path)
            method = self._methods.get(asked.method)
            if method is None:
                raise Refused("UNIMPLEMENTED", f"{asked.method} is not served by the practice studio.")
            result = method(asked, request, access)
        except Refused as error:
            return refusal(error, streamed=streamed)
        result.streamed = streamed
        return result

    # --- one document ---

    def _get(self, asked: Route, request: Request, access: Access) -> Reply:
        given = shapes.read_parameters("get", request.parameters())
        reading = self._reading(given, access)
        version = self._store.get(asked.path, reading.at)
        access.get(asked.path, version)
        reading.note(asked.path, version)
        if version is None:
            raise Refused("NOT_FOUND", f'Document "{self._root.name(asked.path)}" not found.')
        return reply(document(self._root.name(asked.path), version, _mask(given.get("mask.fieldPaths"))))

    def _list(self, asked: Route, request: Request, access: Access) -> Reply:
        given = shapes.read_parameters("list", request.parameters())
        reading = self._reading(given, access)
        if given.get("recursive"):
            raise Refused("UNIMPLEMENTED", "recursive is not served by the practice studio.")
        if given.get("showMissing"):
            access.administer()
        listed = list_documents(self._store, self._root, asked.path, given, reading.at)
        access.list(listed.query)
        for path, version in listed.seen:
            reading.note(path, version)
        return reply(listed.body)

    def _create(self, asked: Route, request: Request, access: Access) -> Reply:
        given = shapes.read_parameters("createDocument", request.parameters())
        body = shapes.read_message("Document", request.json())
        if body.get("name"):
            raise invalid("The name of a document to be created must not be set.", "document.name")
        key = given.get("documentId") or auto_id()
        check_segments([key], key)
        write = {
            "update": {"name": self._root.name(f"{asked.path}/{key}"), "fields": body.get("fields", {})},
            "currentDocument": {"exists": False},
        }
        return self._one(write, access, _mask(given.get("mask.fieldPaths")))

    def _patch(self, asked: Route, request: Request, access: Access) -> Reply:
        given = shapes.read_parameters("patch", request.parameters())
        body = shapes.read_message("Document", request.json())
        name = self._root.name(asked.path)
        if body.get("name", name) != name:
            raise invalid("The document's name is not the one of the request.", "document.name")
        write: dict[str, Any] = {"update": {"name": name, "fields": body.get("fields", {})}}
        if "updateMask.fieldPaths" in given:
            write["updateMask"] = {"fieldPaths": given["updateMask.fieldPaths"]}
        if condition := _condition(given):
            write["currentDocument"] = condition
        return self._one(write, access, _mask(given.get("mask.fieldPaths")))

    def _delete(self, asked: Route, request: Request, access: Access) -> Reply:
        given = shapes.read_parameters("delete", request.parameters())
        write: dict[str, Any] = {"delete": self._root.name(asked.path)}
        if condition := _condition(given):
            write["currentDocument"] = condition
        _, paths = self._apply([write], access)
        return reply({}, written=paths)

    def _one(self, write: dict[str, Any], access: Access, mask: tuple[FieldPath, ...] | None) -> Reply:
        _, paths = self._apply([write], access)
        version = self._store.get(paths[0])
        if version is None:
            raise Refused("INTERNAL", "The document is gone.")
        return reply(document(self._root.name(paths[0]), version, mask), written=paths)

    # --- many documents ---

    def _batch_get(self, _asked: Route, request: Request, access: Access) -> Reply:
        message = shapes.read_message("BatchGetDocumentsRequest", request.json())
        paths = sorted({self._root.document(name) for name in message.get("documents", [])})
        mask = _mask(message["mask"].get("fieldPaths", [])) if "mask" in message else None
        reading = self._reading(message, access)
        answers: list[dict[str, Any]] = []
        for path in paths:
            version = self._store.get(path, reading.at)
            access.get(path, version)
            reading.note(path, version)
            name = self._root.name(path)
            found = {"missing": name} if version is None else {"found": document(name, version, mask)}
            answers.append({**found, "readTime": reading.time})
        if not answers:
            answers.append({"readTime": reading.time})
        if reading.started:
            answers[0]["transaction"] = reading.started
        return reply(answers)

    def _run_query(self, asked: Route, request: Request, access: Access) -> Reply:
        message = shapes.read_message("RunQueryRequest", request.json())
        _refuse_explain(message)
        parent = self._parent(asked)
        wanted = query.parse(self._root, parent, message.get("structuredQuery", {}))
        access.list(wanted)
        self._indexes.require(self._root, wanted)
        reading = self._reading(message, access)
        found = search.run(self._store, self._root, wanted, reading.at)
        self._record(reading, wanted)
        name = self._root.name
        select = wanted.select
        answers: list[dict[str, Any]] = [
            {"document": document(name(path), version, select), "readTime": reading.time}
            for path, version in found.documents
        ]
        if not answers:
            answers.append({"readTime": reading.time})
        if found.skipped:
            answers[0]["skippedResults"] = found.skipped
        if reading.started:
            answers.insert(0, {"transaction": reading.started})
        return reply(answers)

    def _run_aggregation(self, asked: Route, request: Request, access: Access) -> Reply:
        message = shapes.read_message("RunAggregationQueryRequest", request.json())
        _refuse_explain(message)
        parent = self._parent(asked)
        structured = message.get("structuredAggregationQuery", {})
        wanted = query.parse(self._root, parent, structured.get("structuredQuery", {}))
        aggregations = aggregate.parse(structured)
        access.list(wanted)
        self._indexes.require(self._root, wanted, aggregate.paths(aggregations))
        reading = self._reading(message, access)
        fields = aggregate.run(self._store, self._root, wanted, aggregations, reading.at)
        self._record(reading, wanted)
        answer: dict[str, Any] = {"result": {"aggregateFields": fields}, "readTime": reading.time}
        if reading.started:
            answer["transaction"] = reading.started
        return reply([answer])

    def _record(self, reading: Reading, wanted: query.Query) -> None:
        """A read-write transaction commits only while its queries still give what they gave."""
        transaction = reading.transaction
        if transaction is None or transaction.read_only:
            return

        def result() -> list[tuple[str, int]]:
            found = search.run(self._store, self._root, wanted)
            return [(path, version.updated) for path, version in found.documents]

        seen = result()
        transaction.checks.append(lambda: result() == seen)

    def _list_collection_ids(self, asked: Route, request: Request, access: Access) -> Reply:
        message = shapes.read_message("ListCollectionIdsRequest", request.json())
        access.administer()
        reading = self._reading(message, access)
        return reply(list_collection_ids(self._store, self._parent(asked), message, reading.at))

    # --- writes ---

    def _commit(self, _asked: Route, request: Request, access: Access) -> Reply:
        message = shapes.read_message("CommitRequest", request.json())
        transaction = None
        if message.get("transaction"):
            transaction = self._transactions.get(message["transaction"], access.owner)
            if transaction.read_only and message.get("writes"):
                raise invalid("Cannot modify entities in a read-only transaction.", "transaction")
            self._transactions.check(transaction, self._store)
        try:
            body, paths = self._apply(message.get("writes", []), access)
        finally:
            if transaction is not None:
                self._transactions.end(transaction)
        return reply(body, written=paths)

    def _batch_write(self, _asked: Route, request: Request, access: Access) -> Reply:
        message = shapes.read_message("BatchWriteRequest", request.json())
        given = message.get("writes", [])
        if len(given) > 500:
            raise invalid("maximum 500 writes allowed per request", "writes")
        names = [
            write.get("update", {}).get("name") or write.get("delete") for write in given if "transform" not in write
        ]
        if len(names) != len(set(names)):
            raise invalid("A batch write cannot write to the same document more than once.", "writes")
        results: list[dict[str, Any]] = []
        status: list[dict[str, Any]] = []
        paths: tuple[str, ...] = ()
        for write in given:
            try:
                body, written = self._apply([write], access)
            except Refused as error:
                results.append({})
                status.append(error.rpc_status())
            else:
                results += body["writeResults"]
                status.append({})
                paths += written
        return reply({"writeResults": results, "status": status}, written=paths)

    def _apply(self, given: list[dict[str, Any]], access: Access) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Plans, checks and commits; the CommitResponse and the paths that were written."""
        moment = self._clock.tick()
        plan = writes.plan(self._root, given, self._store.get, moment)
        for written in plan.written:
            access.write(written)
        commit = self._store.commit(plan.puts(), at=moment)
        results: list[dict[str, Any]] = []
        for written, transformed in zip(plan.written, plan.transform_results, strict=True):
            version = self._store.get(written.path)
            result: dict[str, Any] = {}
            if version is not None and written.fields is not None:
                result["updateTime"] = clock.text(version.updated)
            if transformed:
                result["transformResults"] = transformed
            results.append(result)
        body: dict[str, Any] = {"writeResults": results} if results else {}
        return {**body, "commitTime": clock.text(commit.at)}, tuple(dict.fromkeys(one.path for one in plan.written))

    # --- transactions and times ---

    def _begin(self, _asked: Route, request: Request, access: Access) -> Reply:
        message = shapes.read_message("BeginTransactionRequest", request.json())
        options = message.get("options")
        if (moment := (options or {}).get("readOnly", {}).get("readTime")) is not None:
            self._check_time(moment)
        return reply({"transaction": transactions.encode(self._transactions.begin(access.owner, options))})

    def _rollback(self, _asked: Route, request: Request, access: Access) -> Reply:
        message = shapes.read_message("RollbackRequest", request.json())
        self._transactions.end(self._transactions.get(message.get("transaction", b""), access.owner))
        return reply({})

    def _reading(self, given: dict[str, Any], access: Access) -> Reading:
        transaction = started = None
        moment = given.get("readTime")
        if given.get("transaction"):
            transaction = self._transactions.get(given["transaction"], access.owner)
        elif "newTransaction" in given:
            transaction = self._transactions.begin(access.owner, given["newTransaction"])
            started = transactions.encode(transaction)
        if transaction is not None and transaction.read_only:
            moment = transaction.read_time = transaction.read_time or self._clock.read_us()
        if moment is not None:
            self._check_time(moment)
        return Reading(moment, clock.text(moment or self._clock.read_us()), transaction, started)

    def _check_time(self, moment: int) -> None:
        now = self._clock.read_us()
        if moment > now:
            raise invalid("read_time cannot be in the future.", "read_time")
        if moment < max(now - HISTORY_US, self._store.oldest_readable):
            raise precondition("The requested snapshot version is too old.")

    def _parent(self, asked: Route) -> str:
        if asked.path and asked.path.count("/") % 2 == 0:
            raise invalid(f'"{asked.path}" is not a document.', "parent")
        return asked.path


def _mask(texts: list[str] | None) -> tuple[FieldPath, ...] | None:
    """A document mask; an absent one selects everything, an empty one nothing."""
    return None if texts is None else tuple(parse_field(text) for text in texts)


def _condition(given: dict[str, Any]) -> dict[str, Any]:
    lead = "currentDocument."
    condition = {name.removeprefix(lead): value for name, value in given.items() if name.startswith(lead)}
    if len(condition) > 1:
        raise invalid("Only one of exists and update_time may be set.", "current_document")
    return condition


def _refuse_explain(message: dict[str, Any]) -> None:
    if "explainOptions" in message:
        raise Refused("UNIMPLEMENTED", "Query explain is not served by the practice studio.")
