"""Migrations lead to the very schema that the code declares, and a newer database is left alone."""

import pytest
from sqlalchemy import inspect, text

import studio_brain.gateway.tables  # noqa: F401  hangs its tables into the metadata
from studio_brain.kernel.errors import StorageError
from studio_brain.kernel.reasons import ReasonCode
from studio_brain.store import migrate as migrations
from studio_brain.store.database import Database, Databases, memory_database
from studio_brain.store.migrate import HEAD, migrate, revision
from studio_brain.store.schema import brain


def shape(database: Database) -> dict[str, object]:
    """Tables with their columns, keys and indexes, as the database itself tells."""
    with database.write.connect() as conn:
        looked = inspect(conn)
        return {
            name: {
                "columns": [(c["name"], str(c["type"]), c["nullable"]) for c in looked.get_columns(name)],
                "key": looked.get_pk_constraint(name)["constrained_columns"],
                "unique": sorted(tuple(u["column_names"]) for u in looked.get_unique_constraints(name)),
                "indexes": sorted((i["name"], tuple(i["column_names"])) for i in looked.get_indexes(name)),
            }
            for name in looked.get_table_names()
            if name != "alembic_version"
        }


def test_migrated_and_declared_schema_are_the_same() -> None:
    declared, migrated = memory_database("declared"), memory_database("brain")
    with declared.write.begin() as conn:
        brain.create_all(conn)
    migrate(migrated)
    assert shape(migrated) == shape(declared)


def test_the_newest_revision_is_the_one_the_code_names(databases: Databases) -> None:
    with databases.brain.write.connect() as conn:
        assert revision(conn) == HEAD
    migrate(databases.brain)


def test_a_database_of_a_newer_program_is_refused_and_unchanged(databases: Databases) -> None:
    with databases.brain.write.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError) as caught:
        migrate(databases.brain)
    assert caught.value.code is ReasonCode.STORAGE_READ_ONLY
    assert "newer" in caught.value.detail


@pytest.mark.parametrize("statement", ["UPDATE entry SET kind='x'", "DELETE FROM entry", "DELETE FROM checkpoint"])
def test_sealed_tables_refuse_changes_by_mistake(databases: Databases, statement: str) -> None:
    with databases.brain.write.begin() as conn:
        conn.execute(text("INSERT INTO log (log_id, tenant, epoch, origin) VALUES (1, 'a', 1, 'o')"))
        conn.execute(
            text(
                "INSERT INTO entry (place, log_id, id, kind, stream_id, pos, at_ms, seal, body) "
                "VALUES (1, 1, :b, 'k', 1, 0, 0, :b, :b)"
            ),
            {"b": b"x"},
        )
        conn.execute(text("INSERT INTO checkpoint (log_id, size, note) VALUES (1, 1, 'n')"))
    with pytest.raises(Exception, match="sealed"), databases.brain.write.begin() as conn:
        conn.execute(text(statement))


def test_alembic_is_not_imported_when_nothing_is_to_do() -> None:
    assert "alembic" not in vars(migrations)
