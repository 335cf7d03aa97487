"""vault export, verify, restore: copies of the log outside this home."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ...domains.records.vault_folder import LogFolder, origins_in
from ...evidence.note import NoteError, VerifierKey
from ...evidence.vault import VaultRefused, held, verify_vault
from ...evidence.verify import Tampered
from ...kernel.errors import ConfigError
from ...kernel.hashing import to_text
from ...kernel.reasons import ReasonCode
from .app import DONE, REFUSED, UNAVAILABLE, Run, command, exit_code

_AWAY: Final = frozenset({ReasonCode.VAULT_AWAY, ReasonCode.VAULT_NOT_WRITTEN})


@command("vault export")
async def export(
    run: Run,
    vault: Annotated[
        str | None, typer.Option("--vault", metavar="NAME", help="One of the settings; all without.")
    ] = None,
    begin: Annotated[
        bool, typer.Option("--begin", help="Begin anew in an empty folder where a copy once was.")
    ] = False,
) -> int:
    """Bring the vaults up to date. Exit 1 when one refuses, 3 when one is away."""
    payload: dict[str, Any] = {"begin": begin}
    done = await run.perform("vault.export", payload | ({} if vault is None else {"vault": vault}))
    if done.code is not None:
        return run.show_performed(done)
    copies = done.data["copies"]
    run.show(done.to_json(), *[line for copy in copies for line in _copy(copy)] or ["nothing to copy yet"])
    codes = [ReasonCode(copy["reasonCode"]) for copy in copies if copy["reasonCode"]]
    return max((UNAVAILABLE if code in _AWAY else exit_code(code) for code in codes), default=DONE)


@command("vault verify", opens=False)
async def verify(
    run: Run,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The vault's folder.")],
    key: Annotated[list[str], typer.Option("--key", metavar="VKEY", help="The log's verifier key; needs no home.")],
) -> int:
    """Check a vault by itself, from its bytes. Exit 1 when it is not what was signed."""
    given = [_key(text) for text in key]
    origins = await asyncio.to_thread(origins_in, path)
    if not origins:
        raise ConfigError(f"{path} holds no log")
    results = [await asyncio.to_thread(_verify, path, origin, given) for origin in origins]
    run.show({"logs": results}, *[line for result in results for line in _verified(result)])
    return DONE if all(result["ok"] for result in results) else REFUSED


@command("vault restore")
async def restore(
    run: Run,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The vault's folder.")],
    rationale: Annotated[str, typer.Option("--rationale", help="Why; at least ten characters.")],
    system: Annotated[bool, typer.Option("--system", help="The installation's own log, not the studio's.")] = False,
    partly: Annotated[bool, typer.Option("--partly", help="Even when it does not hold all that is missing.")] = False,
) -> int:
    """Take back the entries that a vault holds beyond this log, when they are a signed extension of it."""
    payload = {"path": str(path.absolute()), "system": system, "partly": partly}
    done = await run.perform("vault.restore", payload, rationale)
    data = done.data
    lost = data.get("payloadsLost", 0)
    return run.show_performed(
        done,
        f"{data.get('origin')}: {data.get('entries')} entries restored from index {data.get('start')} on",
        f"{data.get('payloads')} payloads can be read; {lost} are lost, because their keys are in no vault",
    )


def _copy(copy: dict[str, Any]) -> list[str]:
    head = f"{copy['vault']}: {copy['origin']}: "
    if copy["reasonCode"] is None:
        return [f"{head}{copy['size']} entries, {copy['added']} of them new"]
    return [f"{head}{copy['reasonCode']}: {copy['sentence']} {copy['detail']}".rstrip(), copy["remedy"]]


def _key(text: str) -> VerifierKey:
    try:
        return VerifierKey.parse(text)
    except NoteError as error:
        raise ConfigError(f"--key: {error}") from error


def _verify(path: Path, origin: str, keys: list[VerifierKey]) -> dict[str, Any]:
    """An installation signs all its logs with one key until it is changed; a vkey names one of them."""
    folder = LogFolder(path, origin)
    key = next((k for k in keys if k.name == origin), next((k for k in keys if _signed(folder, origin, k)), keys[0]))
    try:
        found = verify_vault(folder.read, origin, key.public_key, folder.checkpoint_sizes())
    except Tampered as fault:
        return {"origin": origin, "ok": False, "index": fault.index, "what": fault.what}
    return {
        "origin": origin,
        "ok": True,
        "size": found.size,
        "root": to_text(found.root),
        "key": found.key,
        "tiles": found.tiles,
        "checkpoints": found.checkpoints,
        "payloads": found.payloads,
        "payloadsAbsent": found.absent,
    }


def _signed(folder: LogFolder, origin: str, key: VerifierKey) -> bool:
    try:
        return held(folder.read, VerifierKey(origin, key.public_key)) is not None
    except VaultRefused:
        return False


def _verified(result: dict[str, Any]) -> list[str]:
    if not result["ok"]:
        where = "the copy" if result["index"] is None else f"entry {result['index']}"
        return [f"NOT VERIFIED: {result['origin']}: {where}: {result['what']}"]
    return [
        f"{result['origin']}: {result['size']} entries from their bytes, {result['tiles']} tiles, "
        f"{result['checkpoints']} signed checkpoints",
        f"{result['payloads']} payloads are there, {result['payloadsAbsent']} are not; without their keys nothing more "
        "can be said of them",
        f"key: {result['key']}",
        "verified",
    ]
