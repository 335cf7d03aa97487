"""Brings a *brain* database to the schema of this program, or refuses one that is newer.

Alembic is imported only when there is something to do: a start with an up-to-date database reads one row.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from ..kernel.errors import StorageError
from ..kernel.reasons import ReasonCode
from .database import Database
from .faults import storage_faults

HEAD: Final = "0003"
"""The newest revision in `migrations/versions`; a test holds it to that."""

KNOWN: Final = (None, "0001", "0002", HEAD)


def migrate(database: Database) -> None:
    """Upgrades in one transaction. Raises StorageError when the database belongs to a newer program.

    A database that is up to date is only looked at: another process that holds it is not waited for.
    """
    if is_current(database):
        return
    with storage_faults(), database.write.connect() as conn:
        if database.dialect == "postgresql":
            conn.execute(text(f"CREATE SCHEMA IF NOT EXISTS {database.name}"))
            conn.commit()
        found = revision(conn)
        if found == HEAD:
            return
        if found not in KNOWN:
            raise StorageError(
                f"the database was written by a newer version (schema {found}, this program knows {HEAD})",
                code=ReasonCode.STORAGE_READ_ONLY,
                remedy="Install the newer version again; nothing was changed.",
            )
        _upgrade(conn)
        conn.commit()


def is_current(database: Database) -> bool:
    """Whether the database is there and has the schema of this program."""
    try:
        with database.read.connect() as conn:
            return revision(conn) == HEAD
    except DBAPIError:
        return False  # not there yet, or damaged: the writing connection says which


def revision(conn: Connection) -> str | None:
    """The schema revision of a database; None when it is empty."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    return conn.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(conn: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
