"""Every document of one collection, read by Google's Python client over REST.

Standard input: {"host", "project", "bearer", "collection"}. Standard output: {id: fields}, times as text.
"""

import json
import sys

from tests.peers.python_client import Peer


def main() -> None:
    told = json.load(sys.stdin)
    collection = told.pop("collection")
    found = {one.id: one.to_dict() for one in Peer(**told).db.collection(collection).stream()}
    json.dump(found, sys.stdout, default=str)


if __name__ == "__main__":
    main()
