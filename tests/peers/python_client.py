"""Google's Python client over REST, driven against the practice studio's IAM port.

Standard input: {"host": "127.0.0.1:1", "project": "...", "bearer": "..."}. Standard output: one JSON object,
{"outcomes": {name: {"value": ...} | {"code": HTTP code, "error": class}}, "sent": [{"method", "url", "body"}]}.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import requests
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter, Or
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports.rest import FirestoreRestTransport
from google.oauth2.credentials import Credentials


class Peer:
    def __init__(self, host: str, project: str, bearer: str) -> None:
        credentials = Credentials(token=bearer)
        self.db = firestore.Client(project=project, credentials=credentials)
        transport = FirestoreRestTransport(host=host, url_scheme="http", credentials=credentials)
        # The client speaks gRPC by itself; its service is exchanged for the one over REST.
        self.db._firestore_api_internal = FirestoreClient(transport=transport)
        self.sent: list[dict[str, Any]] = []
        transport._session.hooks["response"].append(self._note)
        self.pots = self.db.collection("peerPython")
        self.late: Any = None

    def _note(self, answer: requests.Response, *_: Any, **__: Any) -> None:
        asked = answer.request
        body = asked.body.decode() if isinstance(asked.body, bytes) else asked.body
        self.sent.append({"method": asked.method, "url": asked.url, "body": body, "status": answer.status_code})

    # --- the steps, in their order ---

    def set(self) -> Any:
        for n in range(5):
            self.pots.document(f"d{n}").set({"n": n, "s": "odd" if n % 2 else "even", "t": firestore.SERVER_TIMESTAMP})
        return 5

    def get(self) -> Any:
        known = self.pots.document("d1").get()
        return [known.get("n"), known.get("s"), known.get("t") <= known.update_time]

    def get_missing(self) -> Any:
        return self.pots.document("none").get().exists

    def create_taken(self) -> Any:
        return self.pots.document("d1").create({"n": 1})

    def update_missing(self) -> Any:
        return self.pots.document("none").update({"n": 1})

    def query(self) -> Any:
        found = self.pots.where(filter=FieldFilter("s", "==", "even")).order_by("n", direction="DESCENDING").limit(2)
        return [one.id for one in found.stream()]

    def cursor(self) -> Any:
        return [one.id for one in self.pots.order_by("n").start_after({"n": 2}).stream()]

    def either(self) -> Any:
        either = Or([FieldFilter("n", "==", 1), FieldFilter("n", "in", [3, 4])])
        return sorted(one.to_dict()["n"] for one in self.pots.where(filter=either).select(["n"]).stream())

    def aggregate(self) -> Any:
        asked = self.pots.count(alias="count").sum("n", alias="sum").avg("n", alias="mean")
        return {one.alias: one.value for one in asked.get()[0]}

    def update_at_its_time(self) -> Any:
        self.late = self.pots.document("d2").get().update_time
        option = self.db.write_option(last_update_time=self.late)
        self.pots.document("d2").update({"n": 20}, option=option)
        return self.pots.document("d2").get().get("n")

    def update_too_late(self) -> Any:
        return self.pots.document("d2").update({"n": 21}, option=self.db.write_option(last_update_time=self.late))

    def batch(self) -> Any:
        batch = self.db.batch()
        batch.update(self.pots.document("d0"), {"n": firestore.Increment(7), "l": firestore.ArrayUnion([1, 2])})
        batch.set(self.pots.document("nested"), {"m": {"k": [1, 2.5, None, True]}, "b": b"x"})
        batch.commit()
        return [self.pots.document("d0").get().get("n"), self.pots.document("nested").get().get("m.k")]

    def get_all(self) -> Any:
        wanted = [self.pots.document("d0"), self.pots.document("none")]
        return sorted([one.id, one.exists] for one in self.db.get_all(wanted))

    def list_documents(self) -> Any:
        return [one.id for one in self.pots.list_documents(page_size=2)]

    def collections(self) -> Any:
        return "peerPython" in [one.id for one in self.db.collections()]

    def transaction(self) -> Any:
        @firestore.transactional
        def add(transaction: firestore.Transaction, by: int) -> int:
            number: int = self.pots.document("d0").get(transaction=transaction).get("n")
            transaction.update(self.pots.document("d0"), {"n": number + by})
            return number

        before = add(self.db.transaction(), 1)
        return [before, self.pots.document("d0").get().get("n")]

    def collection_group(self) -> Any:
        self.pots.document("d0").collection("peerPythonRows").document("r").set({"x": 1})
        return [one.reference.path for one in self.db.collection_group("peerPythonRows").stream()]

    def delete(self) -> Any:
        self.pots.document("d4").delete()
        return self.pots.document("d4").get().exists


STEPS = (
    "set",
    "get",
    "get_missing",
    "create_taken",
    "update_missing",
    "query",
    "cursor",
    "either",
    "aggregate",
    "update_at_its_time",
    "update_too_late",
    "batch",
    "get_all",
    "list_documents",
    "collections",
    "transaction",
    "collection_group",
    "delete",
)


def outcome(step: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"value": step()}
    except GoogleAPICallError as error:
        return {"code": error.code, "error": type(error).__name__}


def main() -> None:
    peer = Peer(**json.load(sys.stdin))
    outcomes = {name: outcome(getattr(peer, name)) for name in STEPS}
    json.dump({"outcomes": outcomes, "sent": peer.sent}, sys.stdout)


if __name__ == "__main__":
    main()
