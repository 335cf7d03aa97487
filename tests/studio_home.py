"""A home connected to a practice studio, as `studio-brain practice` would connect it, and a brain on it."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from studio_brain.brain import Brain, Opening
from studio_brain.doors.cli.upkeep import connect_home
from studio_brain.gateway.perform import Performed, Session
from studio_brain.home.practice import Practice, write_practice
from tests.practice_process import ROOT, PracticeProcess

T = TypeVar("T")


def connected_home(home: Path, practice: PracticeProcess) -> Path:
    """Makes `home` a practice home of this practice studio."""
    connect_home(home)
    write_practice(home, Practice.from_ready(practice.ready))
    return home


def with_brain(home: Path, work: Callable[[Brain], Awaitable[T]]) -> T:
    """Opens the brain of a home, does the work on its event loop, closes it."""

    async def run() -> T:
        async with Brain.open(Opening(home, environment={}, via="test")) as brain:
            return await work(brain)

    return asyncio.run(run())


def manager(brain: Brain) -> Session:
    return brain.session(None, "imke@example.org", "test")


def helper(brain: Brain) -> Session:
    return brain.session(None, "teo@example.org", "test")


async def snapshot(brain: Brain) -> Performed:
    return await brain.perform("studio.snapshot", {}, manager(brain))


def cli(home: Path, *words: str, environment: dict[str, str] | None = None) -> tuple[int, Any, str]:
    """Runs a command as a process: (exit code, its JSON, standard error)."""
    command = [sys.executable, "-m", "studio_brain.doors.cli", *words, "--json", "--home", str(home)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("STUDIO_BRAIN_")}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=clean | (environment or {}), timeout=120, check=False
    )
    return done.returncode, json.loads(done.stdout) if done.stdout.strip() else None, done.stderr
