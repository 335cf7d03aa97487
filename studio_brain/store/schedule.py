"""When each job last ran, and what came of it. Kept in the views: losing it means one catching up too many."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Column, Connection, Table, Text, select

from .rows import TableRows
from .schema import BigInt, views

job_state: Final = Table(
    "job_state",
    views,
    Column("tenant", Text, primary_key=True),
    Column("job", Text, primary_key=True),
    Column("due_at_ms", BigInt, nullable=False),
    Column("ran_at_ms", BigInt, nullable=False),
    Column("finished_at_ms", BigInt),
    Column("outcome", Text, nullable=False),
    Column("code", Text),
    Column("detail", Text, nullable=False),
    Column("receipt", BigInt),
    sqlite_strict=True,
)


@dataclass(frozen=True, slots=True)
class JobState:
    """`due_at_ms` is the moment it ran for, `ran_at_ms` when it began, `receipt` the index of the entry about it."""

    tenant: str
    job: str
    due_at_ms: int
    ran_at_ms: int
    finished_at_ms: int | None
    outcome: str
    code: str | None
    detail: str
    receipt: int | None


def put_state(conn: Connection, state: JobState) -> None:
    TableRows(conn).put(job_state, {column.name: getattr(state, column.name) for column in job_state.columns})


def states(conn: Connection, tenant: str) -> dict[str, JobState]:
    """By job."""
    found = conn.execute(select(job_state).where(job_state.c.tenant == tenant)).mappings()
    return {row["job"]: JobState(**row) for row in found}
