"""Published vectors and samples beside the checkout. They are no part of the project: a newcomer has none of them."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


def shared(path: str) -> Path:
    """A file or folder of the shared data; skips the test with one line when there is none."""
    found = SHARED / path
    if not found.exists():
        pytest.skip(f"needs {path} from the shared data beside the checkout")
    return found
