"""Backup: a home as a folder that can be carried to another machine. Everything but secrets and what can be derived.

    OUT/manifest.json      what is in it: hashes of the files, each log with size, root and checkpoint, secrets by name
        manifest.note      that document's hash, signed with the home's key
        brain.db           the logs, payloads and gateway rows (brain.rows from PostgreSQL)
        installation.json  who it is: id and public keys
        studio.toml        the settings, which hold no secrets

It holds the keys of payloads, and so everything personal that was not erased when it was made: keep it as the home
itself, and destroy older ones after an erasure.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from ... import __version__
from ...evidence import note
from ...evidence.log import all_logs
from ...evidence.note import Signer
from ...evidence.reader import LogReader
from ...home import installation as installations
from ...home.files import write_private
from ...home.installation import Installation
from ...home.settings import FILE as SETTINGS
from ...home.settings import Settings
from ...kernel.clock import utc_text
from ...kernel.errors import StorageError
from ...kernel.hashing import to_text
from ...kernel.reasons import ReasonCode
from ...store.database import Database, sqlite_database
from ...store.dump import FILE, dump
from .witnessing import KEY_NAME as WITNESS_KEY

MANIFEST: Final = "manifest.json"
SIGNED: Final = "manifest.note"
HEADING: Final = "studio-brain backup 1"
CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Backup:
    """What was made. `sha256` is that of the manifest: the name of this very backup."""

    sha256: str
    manifest: Mapping[str, Any]
    bytes: int


def make_backup(
    database: Database, home: Path, installation: Installation, settings: Settings, signer: Signer, out: Path, now: int
) -> Backup:
    """Makes the folder `out`, whole or not at all. Raises StorageError when it is there and not empty, or cannot be
    written."""
    refuse_filled(out)
    part = out.with_name(f".{out.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700, parents=True)
        dumped = dump(database, part)
        for name in (installations.FILE, SETTINGS):
            if (home / name).exists():
                write_private(part / name, (home / name).read_bytes())
        files = {path.name: file_facts(path) for path in sorted(part.iterdir())}
        manifest = {
            "v": 1,
            "madeAt": utc_text(now),
            "version": __version__,
            "origin": installation.origin_prefix,
            "practice": installation.practice,
            "files": files,
            "logs": _logs(database, dumped),
            "secrets": secret_names(settings),
        }
        data = json.dumps(manifest, indent=1, sort_keys=True).encode()
        stamp = to_text(hashlib.sha256(data).digest())
        signed = note.sign(f"{HEADING}\n{stamp}\n", key_name(installation), signer)
        write_private(part / MANIFEST, data)
        write_private(part / SIGNED, signed.serialize().encode())
        if out.exists():
            out.rmdir()
        part.rename(out)
    except OSError as error:
        raise StorageError(str(error.filename or out), code=ReasonCode.STORAGE_READ_ONLY) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Backup(stamp, manifest, sum(facts["size"] for facts in files.values()))


def key_name(installation: Installation) -> str:
    """The name under which the home's key signs backups: never that of a log."""
    return f"{installation.origin_prefix}/backup"


def secret_names(settings: Settings) -> list[str]:
    """The secrets that a restored home has to be given again, by name."""
    names = [installations.KEY_NAME, WITNESS_KEY]
    if settings.database.url is not None:
        names.append("database/password")
    if not settings.practice:
        names += [f"{tenant.id}/{account.id}/refresh-token" for tenant in settings.tenant for account in tenant.account]
    return names


def refuse_filled(folder: Path) -> None:
    """Raises StorageError unless the folder is absent or empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StorageError(
            f"{folder.name} is not empty", code=ReasonCode.CONFLICT, remedy="Name a folder that is not there yet."
        )


def file_facts(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return {"sha256": to_text(digest.digest()), "size": path.stat().st_size}


def log_facts(conn: Connection) -> list[dict[str, Any]]:
    """Each log as it stands: origin, size, root, and the latest signed checkpoint."""
    facts = []
    for log in all_logs(conn):
        reader = LogReader(conn, log)
        frontier = reader.frontier()
        facts.append(
            {
                "origin": log.origin,
                "size": frontier.size,
                "root": to_text(frontier.root()),
                "checkpoint": reader.checkpoint_note(),
            }
        )
    return facts


def _logs(database: Database, dumped: Path) -> list[dict[str, Any]]:
    """Of the copy, not of the original, which goes on growing."""
    if dumped.name != FILE:
        return []  # rows: what they add up to is seen when they are put back
    copy = sqlite_database("brain", dumped)
    try:
        return copy.reading(log_facts)
    finally:
        copy.close()
