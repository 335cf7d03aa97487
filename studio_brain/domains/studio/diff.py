"""What changed between two snapshots: the keys of counts, ops and finance whose values differ."""

from collections.abc import Mapping
from typing import Any, Final

GROUPS: Final = ("counts", "ops", "finance")


def numbers(snapshot: Mapping[str, Any]) -> dict[str, int | None]:
    """The numbers of a snapshot by key: {"counts.batchesActive": 118, …}."""
    return {f"{group}.{name}": value for group in GROUPS for name, value in snapshot[group].items()}


def diff(older: Mapping[str, Any], newer: Mapping[str, Any]) -> dict[str, Any]:
    """{"fromSnapshotDate", "toSnapshotDate", "changes": {key: {"from", "to"}}}; keys in the order of the snapshot."""
    before, after = numbers(older), numbers(newer)
    changes = {key: {"from": before.get(key), "to": value} for key, value in after.items() if before.get(key) != value}
    return {
        "fromSnapshotDate": older["snapshotDate"],
        "toSnapshotDate": newer["snapshotDate"],
        "changes": changes,
    }
