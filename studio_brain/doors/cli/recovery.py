"""backup, restore, drill restore: getting back what a machine took with it."""

import asyncio
import os
import shutil
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import typer

from ...brain import Brain, Opening
from ...domains.records.backup import log_facts
from ...domains.records.restore import Restored
from ...domains.records.restore import restore as restore_home
from ...evidence.note import NoteError, VerifierKey
from ...home.installation import Installation, SigningKeyError, load_signing_key, replace_signing_key
from ...home.settings import FILE, load_settings
from ...home.unlock import open_secrets
from ...kernel.errors import ConfigError, StudioBrainError
from .app import REFUSED, Common, Run, command


@command("backup")
async def backup(
    run: Run,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to make.")],
) -> int:
    """Write everything but secrets into a folder that can be restored on a bare machine."""
    done = await run.perform("recovery.backup", {"out": str(out.absolute())})
    return run.show_performed(
        done,
        f"backed up {done.data.get('bytes')} bytes; {done.data.get('manifestSha256')}",
        f"not in it, to be entered again: {', '.join(done.data.get('secrets', []))}",
        "it holds everything personal that was not erased: keep it as this home itself",
    )


@command("restore", opens=False)
async def restore(
    run: Run,
    source: Annotated[Path, typer.Argument(metavar="IN", help="The folder that a backup made.")],
    key: Annotated[
        str | None, typer.Option("--key", metavar="VKEY", help="Refuse a backup that another key signed.")
    ] = None,
) -> int:
    """Make --home, which must not be there yet, of a backup; verify it and start it."""
    common, home = run.common, run.common.home_or("home")
    restored = await asyncio.to_thread(_restore, source, home, key)
    try:
        is_new = await asyncio.to_thread(_key, home, restored.installation, common)
        opening = Opening(home, common.config, common.passphrase, "cli", MappingProxyType(os.environ))
        async with await asyncio.to_thread(Brain.open, opening) as brain:
            await asyncio.to_thread(brain.projections.catch_up)
            origins = [log["origin"] for log in await asyncio.to_thread(brain.databases.brain.reading, log_facts)]
            held = sorted(brain.continuity.lost)
    except StudioBrainError:
        await asyncio.to_thread(shutil.rmtree, home)
        raise
    secrets = [name for name in restored.manifest["secrets"] if name != "signing-key" or is_new]
    document = {
        "outcome": "restored",
        "madeAt": restored.manifest["madeAt"],
        "backup": restored.sha256,
        "logs": [{"origin": log["origin"], "size": log["size"]} for log in restored.logs],
        "origins": origins,
        "newKey": is_new,
        "held": held,
        "secrets": secrets,
        "tookMs": dict(restored.took_ms),
    }
    lines = [f"checked: {line}" for line in restored.checked]
    if is_new:
        lines.append("its signing key was lost: a new one was made, and each log goes on in a next epoch")
    lines.append(f"to be entered again: {', '.join(n for n in secrets if n != 'signing-key') or 'nothing'}")
    if held:
        lines.append(f"more was sealed than the backup holds: {', '.join(held)}; take it back with vault restore,")
        lines.append("or give it up with evidence epoch; nothing is written until then")
    lines.append(f"restored to {home}, as of {restored.manifest['madeAt']}")
    return run.show(document, *lines)


@command("drill restore")
async def drill_restore(run: Run) -> int:
    """Rehearse a restore in a scratch folder, and seal how it went and how long it took."""
    done = await run.perform("recovery.drill", {})
    facts = done.data
    if done.outcome != "restored":
        run.show_performed(done, f"failed: {facts.get('fault')}")
        return REFUSED
    steps = ", ".join(f"{name} {ms} ms" for name, ms in facts["tookMs"].items())
    shown = run.show_performed(
        done,
        f"restored {facts['entries']} entries and {facts['proposals']} proposals in {facts['totalMs']} ms",
        steps,
    )
    return shown if facts["inTime"] else REFUSED


def _restore(source: Path, home: Path, key: str | None) -> Restored:
    try:
        wanted = None if key is None else VerifierKey.parse(key)
    except NoteError as error:
        raise ConfigError(f"--key: {error}") from error
    settings = load_settings(source / FILE)
    return restore_home(source, home, url=settings.database.url, key=wanted)


def _key(home: Path, installation: Installation, common: Common) -> bool:
    """Whether a new signing key had to be made: the old one is in no secret store that this account can open."""
    secrets = open_secrets(home, installation.id, practice=installation.practice, passphrase=common.passphrase)
    try:
        load_signing_key(installation, secrets)
        return False
    except SigningKeyError:
        replace_signing_key(home, installation, secrets)
        return True
