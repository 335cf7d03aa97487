"""`python -m studio_brain.doors.lint`: holds every manifest that this program brings to being complete.

Part of `make lint`. Prints each fault on a line and ends with 1 when there is any.
"""

import sys
from pathlib import Path
from typing import Final

from ..brain import OPERATIONS_OF, manifests_of
from ..domains.installation.queries import Installed
from ..gateway.lint import Fault, faults
from ..gateway.registry import Manifest, Registry, RegistryError
from ..home.installation import Installation
from ..home.settings import Settings

ROOT: Final = Path(__file__).resolve().parents[2]


def shipped() -> tuple[Manifest, ...]:
    """All manifests, as a home without settings has them."""
    settings = Settings()
    return manifests_of(settings, Installed(settings, Installation("", bytes(32), practice=True), ""))


def main() -> int:
    manifests = shipped()
    found = faults(manifests, ROOT)
    try:
        Registry(manifests, OPERATIONS_OF)
    except RegistryError as error:
        found.insert(0, Fault("registry", str(error)))
    for fault in found:
        sys.stdout.write(f"{fault}\n")
    count = sum(len(manifest.capabilities) for manifest in manifests)
    sys.stdout.write(f"policy lint: {count} capabilities, {len(found)} faults\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
