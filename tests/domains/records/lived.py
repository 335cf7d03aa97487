"""A home in which something was done: proposals with personal text, approved and sent to a scripted cloud."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

from studio_brain.brain import Brain
from studio_brain.gateway.perform import Performed, Session
from tests.domains.records.homes import make_home
from tests.gateway.harness import Outside

TEO = """
[[tenant.account]]
id = "teo"
email = "teo@example.org"
name = "Teo"
role = "owner"
"""
WHY = "because somebody asked for it in writing"
APPEND = "firestore.ops_note.append"


def lived_home(folder: Path, more: str = "") -> Path:
    return make_home(folder, TEO + more)


def imke(brain: Brain) -> Session:
    return brain.session(None, "imke", "test")


def teo(brain: Brain) -> Session:
    return brain.session(None, "teo", "test")


def scripted(brain: Brain) -> Outside:
    """The studio's cloud as a double; what leaves is in its `calls`."""
    cloud = Outside()
    brain.gateway.connectors["a"]["functions"] = cloud  # type: ignore[index]
    return cloud


async def draft(brain: Brain, note: str, batch: str = "b1") -> Performed:
    if "functions" not in brain.gateway.connectors["a"]:
        scripted(brain)
    done = await brain.perform(APPEND, {"batchId": batch, "note": note}, teo(brain), rationale=WHY)
    assert done.outcome == "asked", done
    return done


async def approve(brain: Brain, drafted: Performed, session: Session | None = None) -> Performed:
    shown = {"proposalId": drafted.proposal, "shownHash": drafted.data["proposalHash"]}
    return await brain.perform("proposal.approve", shown, session or imke(brain), rationale=WHY)


async def carry_out(brain: Brain, drafted: Performed, session: Session | None = None) -> Performed:
    assert (await approve(brain, drafted, session)).outcome == "approved"
    return await brain.perform("proposal.execute", {"proposalId": drafted.proposal}, imke(brain), key=str(uuid.uuid4()))


async def note(brain: Brain, text: str, batch: str = "b1") -> str:
    """A note that was drafted, approved and sent; the proposal's id."""
    done = await carry_out(brain, await draft(brain, text, batch))
    assert done.outcome == "executed", done
    return str(done.proposal)


async def destroy(brain: Brain, capability: str, payload: dict[str, Any]) -> Performed:
    """Asked for by Teo, approved by Imke, carried out."""
    asked = await brain.perform(capability, payload, teo(brain), rationale=WHY)
    return asked if asked.denied else await carry_out(brain, asked)


def raw(brain: Brain, sql: str) -> list[Any]:
    return brain.databases.brain.reading(lambda conn: list(conn.exec_driver_sql(sql).all()))


def files_holding(home: Path, needle: bytes) -> list[str]:
    return [str(p.relative_to(home)) for p in sorted(home.rglob("*")) if p.is_file() and needle in p.read_bytes()]


async def verified(brain: Brain) -> Any:
    report = await brain.verify(imke(brain))
    await asyncio.sleep(0)
    return report
