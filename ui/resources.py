"""Where the files beside the program are: tokens, icons, fonts.

There are three cases: a checkout (`resources/` next to `ui/`), an installed wheel (`ui/_resources/`), and a frozen
bundle (`resources/` in the bundle). One function knows them all.
"""

import sys
from pathlib import Path

_HERE = Path(__file__).parent


def path(*parts: str) -> Path:
    """The full path of a resource; nothing is promised about its being there."""
    return root().joinpath(*parts)


def root() -> Path:
    frozen = getattr(sys, "_MEIPASS", None)
    if frozen is not None:
        return Path(frozen) / "resources"
    installed = _HERE / "_resources"
    return installed if installed.is_dir() else _HERE.parent / "resources"
