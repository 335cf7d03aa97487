"""The registry refuses manifests that contradict each other, and a write without an adapter cannot be registered."""

from dataclasses import replace
from typing import Any

import pytest

from studio_brain.domains.studio import manifest as studio
from studio_brain.gateway import manifest as gateway_manifest
from studio_brain.gateway.registry import Manifest, Query, Registry, RegistryError
from studio_brain.kernel.policy import Mode

OPERATIONS = {"functions": frozenset({"ops_note.append", "ops_note.rollback", "batch.close"})}
MANIFESTS = (gateway_manifest.MANIFEST, studio.MANIFEST)


def registry(*extra: Manifest, operations: Any = None) -> Registry:
    return Registry((*MANIFESTS, *extra), OPERATIONS if operations is None else operations)


def capability(**changes: Any) -> Manifest:
    base = registry().capabilities["firestore.ops_note.append"]
    return Manifest("extra", capabilities=(replace(base, id="extra.thing", **changes),))


def test_the_shipped_manifests_fit_together() -> None:
    found = registry()
    assert found.capabilities["firestore.batch.close"].outside is not None
    assert found.queries["studio.today"].capability == "studio.read"


@pytest.mark.parametrize(
    ("extra", "operations", "says"),
    [
        (studio.MANIFEST, None, "registered twice"),
        (None, {}, "no adapter"),
        (None, {"functions": frozenset({"batch.close"})}, "no adapter"),
        (capability(owner=" "), None, "owner is missing"),
        (capability(failure_mode=""), None, "failure_mode is missing"),
        (capability(test=""), None, "test is missing"),
        (capability(mode=Mode.READ), None, "names its connector"),
        (capability(outside=None), None, "names its connector"),
        (capability(mode=Mode.LOCAL, outside=None), None, "handler"),
        (Manifest("extra", queries=(Query("q", "proposal.approve", lambda *_: None),)), None, "not a reading"),
        (Manifest("extra", queries=(Query("q", "nonesuch", lambda *_: None),)), None, "not a reading"),
        (Manifest("extra", authority=dict(studio.MANIFEST.authority)), None, "registered twice"),
    ],
)
def test_what_does_not_fit_stops_the_start(extra: Manifest | None, operations: Any, says: str) -> None:
    with pytest.raises(RegistryError, match=says):
        registry(*([extra] if extra else []), operations=operations)


def test_without_a_rollback_it_has_to_say_so() -> None:
    base = registry().capabilities["firestore.batch.close"]
    assert base.outside is not None
    silent = replace(base, id="extra.silent", outside=replace(base.outside, rollback_note=""))
    with pytest.raises(RegistryError, match="say so"):
        registry(Manifest("extra", capabilities=(silent,)))
    wrong = replace(base, id="extra.wrong", outside=replace(base.outside, rollback="proposal.approve"))
    with pytest.raises(RegistryError, match="not a registered outside"):
        registry(Manifest("extra", capabilities=(wrong,)))


def test_every_record_kind_has_exactly_one_authority() -> None:
    kinds = [kind for manifest in MANIFESTS for kind in manifest.authority]
    assert len(set(kinds)) == len(kinds)
    assert {"batch", "reservation", "payment", "proposal", "receipt"} <= set(kinds)


def test_every_capability_names_a_test_that_exists() -> None:
    from pathlib import Path

    root = Path(__file__).parents[2]
    missing = [c.id for c in registry().capabilities.values() if not (root / c.test).exists()]
    assert missing == []
