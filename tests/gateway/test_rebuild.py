"""The gateway's rows follow from the log alone: thrown away and derived again they are the same."""

from studio_brain.gateway import rows
from studio_brain.gateway.tables import ROWS
from studio_brain.kernel.ports import Outcome, OutcomeKind
from studio_brain.kernel.reasons import ReasonCode
from studio_brain.store.rows import state_sha256
from tests.gateway.harness import CLOSE, EDITOR, NOTE, OWNER, WHY, Bench


def live_through_everything(bench: Bench) -> None:
    executed = bench.approved()
    bench.execute(executed)
    back = bench.perform("proposal.rollback", {"proposalId": executed.proposal}, EDITOR)
    bench.approve(back)
    bench.execute(back)
    lost = bench.approved(CLOSE, {"batchId": "b2"})
    bench.outside.answers = [Outcome(OutcomeKind.UNKNOWN, "r", ReasonCode.UNKNOWN_OUTCOME)]
    bench.execute(lost)
    stale = bench.approved()
    bench.outside.version = "2026-11-21T12:00:00.000000Z"
    bench.execute(stale)
    rejected = bench.draft()
    shown = {"proposalId": rejected.proposal, "shownHash": rejected.data["proposalHash"]}
    bench.perform("proposal.reject", shown, OWNER)
    bench.perform("proposal.reject", shown, OWNER, key="twice")
    bench.perform("killswitch.engage", {"scope": "global"}, EDITOR)
    bench.perform("killswitch.engage", {"scope": "tenant"}, EDITOR)
    bench.perform("killswitch.release", {"scope": "tenant"}, OWNER)
    bench.perform("firestore.ops_note.append", NOTE, why="short")
    bench.perform("firestore.ops_note.append", NOTE, why=WHY, key="again")
    bench.perform("firestore.ops_note.append", NOTE, why=WHY, key="again")


def test_rows_thrown_away_and_derived_again_are_the_same(bench: Bench) -> None:
    live_through_everything(bench)
    database = bench.databases.brain
    before = database.reading(lambda conn: state_sha256(conn, ROWS))
    with database.write.begin() as conn:
        for table in reversed(ROWS):
            conn.execute(table.delete())
        assert state_sha256(conn, ROWS) != before
        rows.rebuild(conn)
    assert database.reading(lambda conn: state_sha256(conn, ROWS)) == before


def test_a_row_changed_behind_the_log_is_found_and_named(bench: Bench) -> None:
    drafted = bench.draft()
    database = bench.databases.brain
    with database.write.begin() as conn:
        conn.exec_driver_sql("UPDATE proposal SET state = 'approved'")
    report = bench.check()
    assert not report.ok
    assert report.fault is not None
    assert "proposal" in report.fault["what"]
    with database.write.begin() as conn:
        rows.rebuild(conn)
    assert bench.check().ok
    assert bench.state(drafted) == "pending_approval"
