"""Calls to Firestore's REST v1, as the signed-in member of staff: security rules apply, no service account exists.

Reads retry within their deadline; a 401 is answered by one refreshed token. `commit` is the only write, and it stops
at its allow-list of collections and fields before a socket is opened. The list is empty unless a capability says
otherwise.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence

from ...kernel.canonical import canonical
from ...kernel.ports import CollectionRead, ConnectorError, Document, Json, Sink, TokenSource
from ...kernel.reasons import ReasonCode
from ..transport import Reply, Transport, patiently
from . import wire

AllowList = Mapping[str, frozenset[str]]
"""Collection → fields that `commit` may write."""


class ReadOnlyViolation(ConnectorError):
    code = ReasonCode.READ_ONLY_VIOLATION


class FirestoreClient:
    """One database as one account sees it."""

    def __init__(
        self, transport: Transport, address: str, project: str, token: TokenSource, allowed: AllowList | None = None
    ) -> None:
        self._transport = transport
        self._token = token
        self._allowed = dict(allowed or {})
        self.address = address
        self.root = f"projects/{project}/databases/(default)/documents/"
        self._documents = f"{address}/v1/projects/{project}/databases/(default)/documents"

    async def count(self, collection: str, deadline_s: float, read_time: str | None = None) -> tuple[int, str]:
        """(number of documents, read time). Without `read_time` the cloud picks the moment."""
        request = wire.count_query(collection)
        if read_time is not None:
            request["readTime"] = read_time
        items, _ = await self._stream(":runAggregationQuery", request, deadline_s)
        return wire.count_of(items), wire.read_time(items)

    async def read(self, what: CollectionRead, read_time: str, deadline_s: float, sink: Sink) -> tuple[int, bytes]:
        """Streams a collection in document order into `sink`. (rows, SHA-256 over each document's canonical line).

        The next page is under way while this one is counted and hashed.
        """
        digest, rows, after = hashlib.sha256(), 0, ""
        coming = asyncio.create_task(self._page(what, read_time, None, deadline_s))
        try:
            while True:
                items, reply = await coming
                found = list(wire.documents(items, self.root))
                if found and found[0][0] == after:
                    raise ConnectorError(f"{what.collection}: a document came twice", code=ReasonCode.BAD_RESPONSE)
                more = len(found) == wire.PAGE
                if more:
                    after = found[-1][0]
                    coming = asyncio.create_task(self._page(what, read_time, after, deadline_s))
                doubles = b'"doubleValue"' in reply.body
                for _, document in found:
                    fields = wire.with_text_doubles(document.fields) if doubles else document.fields
                    digest.update(canonical({"fields": fields, "name": document.id}) + b"\n")
                sink.documents(what.collection, [document for _, document in found])
                rows += len(found)
                if not more:
                    return rows, digest.digest()
                await asyncio.sleep(0)  # others on this loop have their turn between two pages
        finally:
            coming.cancel()

    async def _page(
        self, what: CollectionRead, read_time: str, after: str | None, deadline_s: float
    ) -> tuple[list[Json], Reply]:
        query = wire.page_query(what.collection, what.fields, after)
        return await self._stream(":runQuery", {"structuredQuery": query, "readTime": read_time}, deadline_s)

    async def where(
        self, collection: str, field: str, value: str, fields: Sequence[str], limit: int, deadline_s: float
    ) -> list[Document]:
        """Up to `limit` documents whose field is this text, in document order, only these fields."""
        request: Json = {"structuredQuery": wire.equal_query(collection, field, value, fields, limit)}
        items, _ = await self._stream(":runQuery", request, deadline_s)
        return [document for _, document in wire.documents(items, self.root)]

    async def get(self, ids: Sequence[str], fields: Sequence[str], deadline_s: float) -> dict[str, Document | None]:
        """These fields of documents by path below the root (`batches/mfb-123`); None for one that does not exist."""
        request: Json = {"documents": [self.root + id for id in ids], "mask": {"fieldPaths": list(fields)}}
        items, _ = await self._stream(":batchGet", request, deadline_s)
        result: dict[str, Document | None] = {}
        for item in items:
            if "missing" in item:
                result[str(item["missing"]).removeprefix(self.root)] = None
        for _, document in wire.documents([{"document": i["found"]} for i in items if "found" in i], self.root):
            result[document.id] = document
        if set(result) != set(ids):
            raise ConnectorError("batchGet did not answer for every document", code=ReasonCode.BAD_RESPONSE)
        return result

    async def commit(self, writes: Sequence[Json], deadline_s: float) -> Json:
        """Applies writes atomically. Each must be allowed and carry a precondition; ReadOnlyViolation otherwise."""
        for write in writes:
            self._check(write)
        return wire.one(await self._post(":commit", {"writes": list(writes)}, deadline_s))

    def _check(self, write: Json) -> None:
        document = write.get("update")
        if set(write) - {"update", "updateMask", "currentDocument"} or not isinstance(document, dict):
            raise ReadOnlyViolation("only updates of named fields are written")
        collection = str(document.get("name", "")).removeprefix(self.root).rpartition("/")[0]
        allowed = self._allowed.get(collection, frozenset())
        fields = set((write.get("updateMask") or {}).get("fieldPaths") or ())
        named = set(document.get("fields") or {})
        if not fields or not fields <= allowed or not named <= fields:
            raise ReadOnlyViolation(f"{collection or 'a document'}: {', '.join(sorted(fields | named)) or 'no field'}")
        condition = write.get("currentDocument") or {}
        if "updateTime" not in condition and condition.get("exists") is not False:
            raise ReadOnlyViolation(f"{collection}: a write without a precondition")

    async def _stream(self, verb: str, request: Json, deadline_s: float) -> tuple[list[Json], Reply]:
        """A reading call: its elements all good, tried again while it may pass."""

        async def attempt() -> tuple[list[Json], Reply]:
            reply = await self._post(verb, request, deadline_s)
            return wire.elements(reply), reply

        return await patiently(attempt, deadline_s)

    async def _post(self, verb: str, request: Json, deadline_s: float) -> Reply:
        reply = await self._send(verb, request, deadline_s, await self._token(False))
        if reply.status == 401:
            reply = await self._send(verb, request, deadline_s, await self._token(True))
        return reply

    async def _send(self, verb: str, request: Json, deadline_s: float, token: str) -> Reply:
        return await self._transport.call(
            "POST",
            self._documents + verb,
            deadline_s=deadline_s,
            headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
            content=wire.body(request),
        )
