"""Fixtures that tests of several parts use."""

import os
from collections.abc import Iterator

import pytest

from tests.store.databases import databases, postgresql_server

__all__ = ["databases", "postgresql_server"]


@pytest.fixture(scope="session", autouse=True)
def _state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Pins of homes that are not practice homes stay out of the user's own state folder."""
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))
    yield
    if before is None:
        del os.environ["XDG_STATE_HOME"]
    else:
        os.environ["XDG_STATE_HOME"] = before
