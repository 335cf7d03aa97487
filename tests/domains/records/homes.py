"""A practice home of one studio without a cloud, for tests of record keeping: real brain, real files, no network."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from typer.testing import CliRunner

from studio_brain.brain import Brain, Opening
from studio_brain.evidence.entry import ActorRef, Event
from studio_brain.evidence.log import find_log
from studio_brain.evidence.reader import LogReader, Stored
from studio_brain.gateway.perform import Performed

T = TypeVar("T")

STUDIO = """
practice = true

[[tenant]]
id = "a"
name = "Kiln House"
time_zone = "UTC"

[[tenant.account]]
id = "imke"
email = "imke@example.org"
name = "Imke"
role = "owner"
"""
VAULT = """
[[records.vault]]
name = "usb"
path = "usb"
"""
WHY = "because the other disk was lost"


def make_home(folder: Path, more: str = VAULT) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "studio.toml").write_text(STUDIO + more)
    return folder


def with_brain(home: Path, work: Callable[[Brain], Awaitable[T]]) -> T:
    async def run() -> T:
        async with await asyncio.to_thread(Brain.open, Opening(home, environment={}, via="test")) as brain:
            return await work(brain)

    return asyncio.run(run())


async def seal(brain: Brain, *numbers: int, payload: bytes | None = None, tenant: str = "a") -> None:
    """Entries of a kind that nothing follows from, in one group."""
    events = [
        Event("test.happened", f"s:{n % 7}", ActorRef("staff", "imke", "test"), "c", {"n": n}, payload) for n in numbers
    ]
    done = brain.writer.submit(tenant, lambda unit: [unit.append(event) for event in events])
    await asyncio.wrap_future(done)


async def do(brain: Brain, capability: str, payload: dict[str, Any] | None = None, why: str = WHY) -> Performed:
    return await brain.perform(capability, payload or {}, brain.session(None, None, "test"), rationale=why)


def command(home: Path, *words: str) -> tuple[int, Any]:
    """Runs a command of the command line in this process: (exit code, its JSON)."""
    from studio_brain.doors.cli import app as cli
    from studio_brain.doors.cli import vault, witness  # noqa: F401  they register their commands

    done = CliRunner().invoke(cli.app, [*words, "--json", "--home", str(home)], env={"STUDIO_BRAIN_HOME": None})
    return done.exit_code, json.loads(done.stdout) if done.stdout.strip() else None


def entries(brain: Brain, tenant: str = "a", kind: str | None = None) -> list[Stored]:
    def work(conn: Any) -> list[Stored]:
        log = find_log(conn, tenant)
        return [] if log is None else list(LogReader(conn, log).entries())

    return [stored for stored in brain.databases.brain.reading(work) if kind in (None, stored.entry.kind)]
