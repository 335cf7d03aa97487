"""What the installation itself brings."""

from ...gateway.limits import Scope
from ...gateway.registry import Authority, Capability, Manifest, Query
from ...kernel.policy import PEOPLE, ActorType, Mode, Risk, Role
from .queries import Installed, connectors_list
from .rebuild import REBUILT


def installation_manifest(installed: Installed) -> Manifest:
    anybody = PEOPLE | {ActorType.AGENT, ActorType.SYSTEM}
    return Manifest(
        name="installation",
        capabilities=(
            Capability(
                id="system.rebuild",
                title="Rebuild what is derived",
                description="Drops every derived row and derives it again from the evidence log. Reads no cloud.",
                target="system",
                mode=Mode.LOCAL,
                risk=Risk.LOW,
                role=Role.EDITOR,
                owner="engine",
                failure_mode="what was derived before stays",
                test="tests/gateway/test_rebuild.py",
                actor_types=PEOPLE | {ActorType.SYSTEM},
                procedure=True,
                scope=Scope.INSTALLATION,
            ),
            Capability(
                id="connectors.read",
                title="See the connectors",
                description="How each connector was last met.",
                target="connector",
                mode=Mode.READ,
                risk=Risk.LOW,
                role=Role.VIEWER,
                owner="engine",
                failure_mode="nothing is shown and the reason is",
                test="tests/gateway/test_queries.py",
                actor_types=anybody,
            ),
            Capability(
                id="session.read",
                title="See who is here",
                description="The studio, its people and their roles.",
                target="session",
                mode=Mode.READ,
                risk=Risk.LOW,
                role=Role.GUEST,
                owner="engine",
                failure_mode="nothing is shown and the reason is",
                test="tests/gateway/test_queries.py",
                actor_types=anybody,
            ),
        ),
        queries=(
            Query("connectors.list", "connectors.read", connectors_list),
            Query("session.who", "session.read", installed.who),
        ),
        receipt_kinds=frozenset({REBUILT}),
        authority={"contact": Authority.LOCAL, "installation": Authority.LOCAL},
    )
