"""Transactions: what each has read, and whether that is still so when it commits.

Optimistic: reads are recorded, a commit whose read set has changed is ABORTED. A transaction ends with its commit, its
rollback or after 270 seconds (Firestore documentation, "Usage and limits").
"""

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from .refusals import Refused, invalid
from .store import Store

LIFETIME_S = 270.0


@dataclass(slots=True)
class Transaction:
    id: bytes
    read_only: bool
    read_time: int | None
    expires: float
    owner: str | None
    documents: dict[str, int] = field(default_factory=dict)
    checks: list[Callable[[], bool]] = field(default_factory=list)


class Transactions:
    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._open: dict[bytes, Transaction] = {}

    def begin(self, owner: str | None, options: dict[str, dict[str, int]] | None = None) -> Transaction:
        """`options` as `shapes` reads `TransactionOptions`; none means read-write."""
        now = self._monotonic()
        for old in [one.id for one in self._open.values() if one.expires <= now]:
            del self._open[old]
        read_only = "readOnly" in (options or {})
        read_time = (options or {}).get("readOnly", {}).get("readTime")
        transaction = Transaction(os.urandom(16), read_only, read_time, now + LIFETIME_S, owner)
        self._open[transaction.id] = transaction
        return transaction

    def get(self, identifier: bytes, owner: str | None) -> Transaction:
        transaction = self._open.get(identifier)
        if transaction is None or transaction.owner != owner:
            raise invalid("Invalid transaction.", "transaction")
        if transaction.expires <= self._monotonic():
            del self._open[identifier]
            raise invalid("The referenced transaction has expired or is no longer valid.", "transaction")
        return transaction

    def end(self, transaction: Transaction) -> None:
        self._open.pop(transaction.id, None)

    def check(self, transaction: Transaction, store: Store) -> None:
        """Raises Refused (ABORTED) when something that was read is not as it was. The transaction is over then."""
        for path, seen in transaction.documents.items():
            version = store.get(path)
            if (version.updated if version else 0) != seen:
                self.end(transaction)
                raise Refused("ABORTED", "Too much contention on these documents. Please try again.")
        if not all(check() for check in transaction.checks):
            self.end(transaction)
            raise Refused("ABORTED", "Too much contention on these documents. Please try again.")


def encode(transaction: Transaction) -> str:
    return base64.b64encode(transaction.id).decode()
