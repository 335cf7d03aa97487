"""The tables of the state and what reads and writes them: the StateStore on a connection of the views database."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Column, Connection, Index, LargeBinary, Select, Table, Text, select

from ..kernel.canonical import canonical
from .ports import Contact, Diff, JobRun, Observation
from .rows import Rows, TableRows
from .schema import BigInt, views

observation: Final = Table(
    "observation",
    views,
    Column("tenant", Text, primary_key=True),
    Column("place", BigInt, primary_key=True),
    Column("day", Text, nullable=False),
    Column("observed_at_ms", BigInt, nullable=False),
    Column("state_hash", LargeBinary, nullable=False),
    Column("snapshot", Text, nullable=False),
    Column("diagnostics", Text, nullable=False),
    Index("observation_by_day", "tenant", "day", "place"),
    sqlite_strict=True,
)

day: Final = Table(
    "day",
    views,
    Column("tenant", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("place", BigInt, nullable=False),
    sqlite_strict=True,
)

diff: Final = Table(
    "diff",
    views,
    Column("tenant", Text, primary_key=True),
    Column("from_day", Text, primary_key=True),
    Column("to_day", Text, primary_key=True),
    Column("changes", Text, nullable=False),
    sqlite_strict=True,
)

job: Final = Table(
    "job",
    views,
    Column("tenant", Text, primary_key=True),
    Column("job", Text, primary_key=True),
    Column("ran_at_ms", BigInt, nullable=False),
    Column("ok_at_ms", BigInt),
    Column("code", Text),
    Column("detail", Text, nullable=False),
    sqlite_strict=True,
)

contact: Final = Table(
    "contact",
    views,
    Column("tenant", Text, primary_key=True),
    Column("connector", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("code", Text),
    Column("detail", Text, nullable=False),
    Column("latency_ms", BigInt),
    Column("skew_ms", BigInt),
    Column("checked_at_ms", BigInt, nullable=False),
    Column("ok_at_ms", BigInt),
    Column("next_at_ms", BigInt),
    sqlite_strict=True,
)


class StateRows:
    """What projections write of the state, wherever its rows lie."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def put_observation(self, item: Observation) -> None:
        self.rows.put(
            observation,
            {
                "tenant": item.tenant,
                "place": item.place,
                "day": item.day,
                "observed_at_ms": item.observed_at_ms,
                "state_hash": item.state_hash,
                "snapshot": _text(item.snapshot),
                "diagnostics": _text(item.diagnostics),
            },
        )
        last = self.rows.get(day, (item.tenant, item.day))
        if last is None or last["place"] <= item.place:
            self.rows.put(day, {"tenant": item.tenant, "day": item.day, "place": item.place})

    def observation(self, tenant: str, place: int) -> Observation | None:
        row = self.rows.get(observation, (tenant, place))
        return None if row is None else _observation(row)

    def day_before(self, tenant: str, of: str) -> Observation | None:
        """The snapshot of the last day before `of` that has one."""
        row = self.rows.before(day, (tenant, of))
        return None if row is None else self.observation(tenant, row["place"])

    def put_diff(self, item: Diff) -> None:
        self.rows.put(
            diff,
            {
                "tenant": item.tenant,
                "from_day": item.from_day,
                "to_day": item.to_day,
                "changes": _text(item.changes),
            },
        )

    def put_job(self, run: JobRun) -> None:
        self.rows.put(job, asdict(run))

    def job(self, tenant: str, name: str) -> JobRun | None:
        row = self.rows.get(job, (tenant, name))
        return None if row is None else JobRun(**row)


class StateTables(StateRows):
    """The StateStore within the transaction of the connection it was made with."""

    def __init__(self, conn: Connection) -> None:
        super().__init__(TableRows(conn))
        self._conn = conn

    def observations(self, tenant: str, *, day: str | None = None, limit: int = 100) -> Sequence[Observation]:
        query = select(observation).where(observation.c.tenant == tenant)
        if day is not None:
            query = query.where(observation.c.day == day)
        return self._observations(query.order_by(observation.c.place.desc()).limit(limit))

    def snapshot(self, tenant: str, of: str) -> Observation | None:
        found = self.observations(tenant, day=of, limit=1)
        return found[0] if found else None

    def snapshots(self, tenant: str, *, limit: int = 400) -> Sequence[Observation]:
        last = select(day.c.place).where(day.c.tenant == tenant).order_by(day.c.day.desc()).limit(limit)
        query = select(observation).where(observation.c.tenant == tenant, observation.c.place.in_(last))
        return self._observations(query.order_by(observation.c.day.desc()))

    def diff(self, tenant: str, from_day: str, to_day: str) -> Diff | None:
        row = self.rows.get(diff, (tenant, from_day, to_day))
        return None if row is None else Diff(tenant, from_day, to_day, json.loads(row["changes"]))

    def put_contact(self, item: Contact) -> None:
        self.rows.put(contact, asdict(item))

    def contacts(self, tenant: str) -> Sequence[Contact]:
        rows = self._conn.execute(select(contact).where(contact.c.tenant == tenant).order_by(contact.c.connector))
        return [Contact(**row) for row in rows.mappings()]

    def _observations(self, query: Select[Any]) -> list[Observation]:
        return [_observation(row) for row in self._conn.execute(query).mappings()]


def _text(value: Any) -> str:
    return canonical(value).decode()


def _observation(row: Mapping[Any, Any]) -> Observation:
    return Observation(
        tenant=row["tenant"],
        place=row["place"],
        day=row["day"],
        observed_at_ms=row["observed_at_ms"],
        state_hash=bytes(row["state_hash"]),
        snapshot=json.loads(row["snapshot"]),
        diagnostics=json.loads(row["diagnostics"]),
    )
