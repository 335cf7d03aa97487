"""Where a sweep stands: kept in the views between two batches, signed, so that a killed one goes on and nobody can
make it skip what it has not seen.

Each studio has one row: `state` is a signed note over the state of the sweep under way ("" when there is none),
`shown` what the cockpit draws meanwhile and afterwards.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Column, Connection, Table, Text

from ...evidence import note
from ...evidence.note import NoteError, Signer, VerifierKey
from ...kernel.canonical import canonical_entry
from ...kernel.clock import DAY
from ...store.rows import TableRows
from ...store.schema import views

sweep_run: Final = Table(
    "sweep_run",
    views,
    Column("tenant", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("shown", Text, nullable=False),
    sqlite_strict=True,
)

GOOD_FOR_MS: Final = DAY
"""A sweep that stood still for longer begins anew: too much may have happened since it looked."""


def keep(conn: Connection, tenant: str, state: Mapping[str, Any] | None, shown: Mapping[str, Any], signer: Signer,
         name: str) -> None:  # fmt: skip
    """Stores both. A state that is too large for a note is not kept: that sweep cannot be resumed."""
    text = "" if state is None else canonical_entry(state).decode() + "\n"
    signed = "" if not text or len(text) > note.MAX_NOTE - 1_000 else note.sign(text, name, signer).serialize()
    TableRows(conn).put(sweep_run, {"tenant": tenant, "state": signed, "shown": canonical_entry(shown).decode()})


def shown(conn: Connection, tenant: str) -> dict[str, Any] | None:
    row = TableRows(conn).get(sweep_run, (tenant,))
    found: dict[str, Any] | None = None if row is None else json.loads(row["shown"])
    return found


def resumable(conn: Connection, tenant: str, key: VerifierKey, now_ms: int, *, full: bool) -> dict[str, Any] | None:
    """The state of a sweep that was broken off and may go on; None when there is none, or it is not ours or too old."""
    row = TableRows(conn).get(sweep_run, (tenant,))
    if row is None or not row["state"]:
        return None
    try:
        signed = note.parse(row["state"])
        key.verify(signed)
        state: dict[str, Any] = json.loads(signed.text)
        fresh = 0 <= now_ms - state["updatedAtMs"] <= GOOD_FOR_MS
        return state if fresh and state["tenant"] == tenant and state["full"] is full else None
    except (NoteError, ValueError, KeyError, TypeError):
        return None
