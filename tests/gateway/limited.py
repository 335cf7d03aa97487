"""The shipped manifests with other limits, for tests and for the processes that they start."""

from dataclasses import replace

from studio_brain.domains.studio import manifest as studio
from studio_brain.gateway import manifest as gateway_manifest
from studio_brain.gateway import quota_desk
from studio_brain.gateway.limits import Limit, Per
from studio_brain.gateway.registry import Manifest, Registry
from tests.gateway.harness import APPEND, Bench

OPERATIONS = {"functions": frozenset({"ops_note.append", "ops_note.rollback", "batch.close"})}
WINDOW_S = 600
PLENTY = 1_000


def allow(
    bench: Bench,
    id: str = APPEND,
    *,
    actor: int = PLENTY,
    owner: int = PLENTY,
    capability: int = PLENTY,
    tenant: int = PLENTY,
    cooldown_s: int = 0,
) -> None:
    """The shipped manifests with other limits for one capability."""
    uses = {Per.ACTOR: actor, Per.OWNER: owner, Per.CAPABILITY: capability, Per.TENANT: tenant}
    limits = tuple(Limit(per, count, WINDOW_S) for per, count in uses.items())
    shipped = (gateway_manifest.MANIFEST, studio.MANIFEST)
    changed = tuple(
        replace(
            manifest,
            capabilities=tuple(
                replace(c, limits=limits, cooldown_s=cooldown_s) if c.id == id else c for c in manifest.capabilities
            ),
        )
        for manifest in shipped
    )
    bench.gateway.registry = Registry((*changed, desk(bench, changed)), OPERATIONS)


def desk(bench: Bench, manifests: tuple[Manifest, ...]) -> Manifest:
    return quota_desk.manifest(manifests, lambda: bench.gateway.uptime())
