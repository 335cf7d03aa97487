"""From entries to views: observations, the diffs between days, and how the snapshot job last ended."""

from typing import Final

from ...evidence.erasure import PRUNED
from ...evidence.facts import Fact
from ...kernel.hashing import from_text
from ...store import state as state_tables
from ...store.ports import Diff, JobRun, Observation
from ...store.projections import Projection
from ...store.rows import Rows
from ...store.state import StateRows
from .diff import diff
from .facts import OBSERVATION_FAILED, OBSERVED

JOB: Final = "snapshot"


def _observed(rows: Rows, fact: Fact) -> None:
    state, data = StateRows(rows), fact.data
    snapshot = data["snapshot"]
    day = snapshot["snapshotDate"]
    state.put_observation(
        Observation(
            fact.tenant, fact.place, day, fact.at_ms, from_text(data["stateHash"]), snapshot, data["diagnostics"]
        )
    )
    earlier = state.day_before(fact.tenant, day)
    if earlier is not None:
        state.put_diff(Diff(fact.tenant, earlier.day, day, diff(earlier.snapshot, snapshot)["changes"]))
    state.put_job(JobRun(fact.tenant, JOB, fact.at_ms, fact.at_ms, None, ""))


def _failed(rows: Rows, fact: Fact) -> None:
    state, faults = StateRows(rows), fact.data["faults"]
    before = state.job(fact.tenant, JOB)
    detail = "; ".join(f"{fault['source']}: {fault['detail'] or fault['code']}" for fault in faults)
    ok_at_ms = None if before is None else before.ok_at_ms
    state.put_job(JobRun(fact.tenant, JOB, fact.at_ms, ok_at_ms, fact.data["reasonCode"], detail))


def _pruned(rows: Rows, fact: Fact) -> None:
    """Retention took observations: they go, and with the last of a day that day and what was compared with it."""
    for place in fact.data["places"]:
        gone = rows.get(state_tables.observation, (fact.tenant, place))
        if gone is None:
            continue
        rows.delete(state_tables.observation, (fact.tenant, place))
        shown = rows.get(state_tables.day, (fact.tenant, gone["day"]))
        if shown is not None and shown["place"] == place:
            rows.delete(state_tables.day, (fact.tenant, gone["day"]))
    for older, newer in fact.data["diffs"]:
        rows.delete(state_tables.diff, (fact.tenant, older, newer))


STUDIO: Final = Projection(
    "studio",
    3,
    (state_tables.observation, state_tables.day, state_tables.diff, state_tables.job),
    {OBSERVED: _observed, OBSERVATION_FAILED: _failed, PRUNED: _pruned},
)
