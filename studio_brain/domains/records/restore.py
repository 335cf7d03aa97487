"""Restoring a backup onto a bare machine: checked before, put in place whole or not at all, verified after.

What is restored is as old as the backup. Whatever was sealed since then is not there: a vault may hold it, and a pin or
a witness will ask for it. `restored.json` in the new home says what it came from.
"""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from ...evidence import epochs, note
from ...evidence.log import all_logs
from ...evidence.note import NoteError, VerifierKey
from ...evidence.sweep import whole
from ...evidence.verify import Tampered
from ...gateway import rows
from ...gateway.integrity import BESIDE, check_structure, compare_rows
from ...home import installation as installations
from ...home.files import write_private
from ...home.installation import Installation
from ...home.settings import FILE as SETTINGS
from ...kernel.errors import ConfigError, StorageError, VerificationError
from ...kernel.hashing import sha256_text
from ...store.database import Database, open_databases
from ...store.dump import FILE, ROWS, load
from ...store.migrate import migrate
from .backup import HEADING, MANIFEST, SIGNED, file_facts, key_name, log_facts, refuse_filled

RESTORED: Final = "restored.json"


@dataclass(frozen=True, slots=True)
class Restored:
    """`checked` says what was verified, a line each; `took_ms` is by step."""

    installation: Installation
    manifest: Mapping[str, Any]
    sha256: str
    checked: tuple[str, ...]
    logs: list[dict[str, Any]]
    took_ms: Mapping[str, int]


def restore(folder: Path, home: Path, *, url: str | None = None, key: VerifierKey | None = None) -> Restored:
    """Makes `home` of a backup; `url` is where its database is, if not in the home.

    Raises StorageError for a home that is not empty, VerificationError for a backup that is not what was signed (with
    `key`: not by this key) or whose logs do not verify. Then nothing is left of it.
    """
    refuse_filled(home)
    began = time.monotonic()
    took: dict[str, int] = {}

    def step(name: str) -> None:
        took[name] = int((time.monotonic() - began) * 1000) - sum(took.values())

    manifest, stamp, installation = read_backup(folder, key)
    step("check")
    part = home.with_name(f".{home.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(mode=0o700, parents=True)
        for name in (installations.FILE, SETTINGS):
            if name in manifest["files"]:
                write_private(part / name, (folder / name).read_bytes())
        if url is None and FILE in manifest["files"]:
            shutil.copyfile(folder / FILE, part / FILE)
            (part / FILE).chmod(0o600)
        databases = open_databases(part, url)
        try:
            if url is None and FILE in manifest["files"]:
                migrate(databases.brain)
            else:
                load(folder / (FILE if FILE in manifest["files"] else ROWS), databases.brain)
            rows.prepare(databases.brain)
            step("copy")
            checked, logs = _verify(databases.brain, installation, manifest)
        finally:
            databases.close()
        step("verify")
        came_from = {"backup": stamp, "madeAt": manifest["madeAt"], "logs": logs}
        write_private(part / RESTORED, json.dumps(came_from, indent=1).encode())
        if home.exists():
            home.rmdir()
        part.rename(home)
    except OSError as error:
        raise StorageError(f"{home}: {error.strerror}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Restored(installation, manifest, stamp, checked, logs, took)


def read_backup(folder: Path, key: VerifierKey | None = None) -> tuple[dict[str, Any], str, Installation]:
    """The manifest, its hash and the installation, after every file was compared with what was signed. Raises
    VerificationError that names the file."""
    try:
        data = (folder / MANIFEST).read_bytes()
        signed = note.parse((folder / SIGNED).read_text(encoding="utf-8"))
        installation = installations.read_installation(folder)
        if installation is None:
            raise ValueError(f"{installations.FILE} is missing")
        VerifierKey(key_name(installation), installation.public_key).verify(signed)
        if key is not None and key.public_key != installation.public_key:
            raise ValueError("it was signed with another key than the one that was given")
        stamp = sha256_text(data)
        if signed.text != f"{HEADING}\n{stamp}\n":
            raise ValueError(f"{MANIFEST} is not the one that was signed")
        manifest: dict[str, Any] = json.loads(data)
        for name, facts in manifest["files"].items():
            if Path(name).name != name or file_facts(folder / name) != facts:
                raise ValueError(f"{name} is not the one that was signed")
        if installations.FILE not in manifest["files"] or not {FILE, ROWS} & set(manifest["files"]):
            raise ValueError("it does not hold a home")
        return manifest, stamp, installation
    except (OSError, ValueError, KeyError, TypeError, NoteError, ConfigError) as error:
        raise VerificationError(f"{folder}: {error}") from error


def _verify(
    database: Database, installation: Installation, manifest: Mapping[str, Any]
) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    """Sweeps every log whole, then compares the rows with what the logs say. Raises VerificationError."""
    key_of = database.reading(lambda conn: keys_of(conn, installation))
    lines = []
    for log in database.reading(all_logs):
        swept = database.reading(lambda conn, log=log: whole(conn, log, key_of(log.origin)))  # type: ignore[misc]
        if not swept.ok:
            first = swept.findings[0]
            where = "the log" if first.first is None else f"entry {first.first}"
            raise VerificationError(f"what was restored does not verify: {log.origin}: {where}: {first.what}")
        lines.append(
            f"{log.origin}: {swept.total} entries from their bytes, {swept.checkpoints} signed checkpoints, "
            f"{swept.payloads} payloads"
        )
    try:
        database.reading(check_structure)
        database.reading(compare_rows)
    except Tampered as fault:
        raise VerificationError(f"what was restored does not verify: {fault}") from fault
    logs = database.reading(log_facts)
    if manifest["logs"] and logs != manifest["logs"]:
        raise VerificationError("the logs are not those that the backup names")
    return (*lines, *BESIDE), logs


def keys_of(conn: Connection, installation: Installation) -> Callable[[str], VerifierKey]:
    """The key of each log, walked back from the installation's own through the epochs."""
    known: dict[str, bytes] = {}
    for tenant in {log.tenant for log in all_logs(conn)}:
        known |= epochs.chain(conn, tenant, installation.public_key)[0]
    return lambda origin: VerifierKey(origin, known.get(origin, installation.public_key))
