"""A home of an earlier version opens: tables are made anew, and the log fills them as if they had always been there."""

from sqlalchemy import text

from studio_brain.gateway import rows
from studio_brain.gateway.tables import ROWS
from studio_brain.store.database import Databases
from studio_brain.store.migrate import HEAD, migrate, revision
from studio_brain.store.rows import state_sha256
from tests.gateway.harness import CLOSE, EDITOR, Bench

BEFORE_QUOTAS = (
    "DROP TABLE quota_use",
    "DROP TABLE quota_reset",
    "DROP TABLE switch",
    "CREATE TABLE switch (tenant TEXT NOT NULL, scope TEXT NOT NULL, target TEXT NOT NULL, actor TEXT NOT NULL, "
    "rationale TEXT NOT NULL, engaged_at_ms BIGINT NOT NULL, place BIGINT NOT NULL, "
    "PRIMARY KEY (tenant, scope, target))",
    "UPDATE alembic_version SET version_num = '0002'",
    "UPDATE projection SET version = 1 WHERE name = 'gateway'",
)


def test_switches_and_uses_of_an_earlier_home_are_there_after_the_upgrade(databases: Databases) -> None:
    bench = Bench(databases)
    rows.prepare(databases.brain)
    bench.execute(bench.approved(CLOSE, {"batchId": "b1"}))
    bench.perform("killswitch.engage", {"scope": "tenant", "forMinutes": 90}, EDITOR)
    bench.perform("killswitch.engage", {"scope": "global"}, EDITOR)
    bench.close()
    before = databases.brain.reading(lambda conn: state_sha256(conn, ROWS))
    with databases.brain.write.begin() as conn:
        for statement in BEFORE_QUOTAS:
            conn.execute(text(statement))
        assert revision(conn) == "0002"
    migrate(databases.brain)
    rows.prepare(databases.brain)
    assert databases.brain.reading(revision) == HEAD
    assert databases.brain.reading(lambda conn: state_sha256(conn, ROWS)) == before
    again = Bench(databases)
    assert again.check().ok
    again.close()
