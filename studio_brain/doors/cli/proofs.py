"""evidence prove, consistency, checkpoint; receipt export, verify; export audit, verify: evidence to hand to others.

The two `verify` commands open no home and no network: they work on any machine, on the file and the keys alone.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from ...domains.records.audit_files import open_bundle
from ...evidence import audit
from ...evidence import receipt as receipts
from ...evidence.note import MAX_NOTE, NoteError, VerifierKey
from ...evidence.receipt import Checked, ProofRefused, ReceiptFile
from ...evidence.trust import TrustPolicy
from ...home.files import write_private
from ...home.installation import read_installation
from ...kernel.clock import utc_text
from ...kernel.errors import ConfigError, StudioBrainError
from ...kernel.reasons import ReasonCode
from .app import DONE, Common, Run, command, exit_code, print_line, table

NODES = {"level": "level", "index": "node", "begin": "from", "end": "before", "side": "side", "hash": "hash"}
Epoch = Annotated[int, typer.Option("--epoch", help="An earlier epoch of the log; the latest without it.")]
Size = Annotated[int | None, typer.Option("--size", help="The tree of so many entries; all of them without it.")]
Keys = Annotated[
    list[str] | None, typer.Option("--key", metavar="VKEY", help="A verifier key you trust: the log's, a witness's.")
]


@command("evidence prove", unlock=False)
async def prove(run: Run, index: Annotated[int, typer.Argument()], size: Size = None, epoch: Epoch = 0) -> int:
    """Prove that an entry stands in the log: the path from it to the root, from the stored tiles."""
    found = await run.query("evidence.proof", index=index, size=size, epoch=epoch)
    heading = f"entry {index} of {found['size']} of {found['origin']}"
    signed = "signed" if found["checkpoint"] else "no checkpoint was signed at this size"
    return run.show(
        found, heading, f"leaf {found['leaf']}", *table(found["path"], NODES), f"root {found['root']}, {signed}"
    )


@command("evidence consistency", unlock=False)
async def consistency(
    run: Run, old: Annotated[int, typer.Argument()], new: Annotated[int, typer.Argument()], epoch: Epoch = 0
) -> int:
    """Prove that the log of NEW entries extends the log of OLD entries."""
    found = await run.query("evidence.consistency", old=old, new=new, epoch=epoch)
    nodes = {key: title for key, title in NODES.items() if key != "side"}
    roots = [f"root of {found[size]}: {found[f'{size}Root']}" for size in ("old", "new")]
    return run.show(found, f"{new} entries of {found['origin']} extend {old}", *roots, *table(found["path"], nodes))


@command("evidence checkpoint", unlock=False)
async def checkpoint(run: Run, size: Size = None, epoch: Epoch = 0) -> int:
    """Print the signed checkpoint with its cosignatures, and the key that it is signed with."""
    found = await run.query("evidence.checkpoint", size=size, epoch=epoch)
    if found is None:
        raise StudioBrainError("a checkpoint of this size", code=ReasonCode.NOT_FOUND)
    found["key"] = run.brain.verifier_key(found["origin"]).serialize()
    return run.show(found, found["note"].rstrip("\n"), "", f"key {found['key']}")


@command("receipt export", unlock=False)
async def export_receipt(
    run: Run,
    index: Annotated[int, typer.Argument()],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to save it; printed without it.")
    ] = None,
    size: Size = None,
    epoch: Epoch = 0,
) -> int:
    """Hand out an entry as a receipt file that anybody can check: entry, index, path, checkpoint, cosignatures."""
    found = await run.query("evidence.receipt", index=index, size=size, epoch=epoch)
    key = run.brain.verifier_key(found["origin"])
    receipts.verify(ReceiptFile.parse(found["text"]), [key])
    found["key"] = key.serialize()
    if out is None:
        return run.show(found, found["text"].rstrip("\n"))
    write_private(out, found["text"].encode())
    return run.show(found | {"out": str(out)}, f"{out}: entry {index} in {found['size']}", f"key {found['key']}")


@command("receipt verify", opens=False)
async def verify_receipt(
    run: Run,
    file: Annotated[Path, typer.Argument()],
    key: Keys = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", metavar="FILE", help="A tlog-policy: logs, witnesses.")
    ] = None,
) -> int:
    """Check a receipt file, offline. Exit 0 with a key or policy that vouches for it, 3 without one, 1 when refused."""
    keys, rule = _keys(key), None if policy is None else _policy(policy)
    receipt = ReceiptFile.parse(_text(file))
    found = receipts.verify(receipt, keys or _own_key(run.common, receipt.checkpoint.origin), rule)
    entry = receipt.entry
    about = {
        "origin": receipt.checkpoint.origin,
        "index": receipt.index,
        "size": receipt.checkpoint.size,
        "kind": entry.kind,
        "stream": entry.stream,
        "at": utc_text(entry.at_ms),
        "actor": {"type": entry.actor.type, "id": entry.actor.id, "via": entry.actor.via},
        "data": entry.data,
    }
    heading = f"{entry.kind}, {about['at']}, by {entry.actor.type} {entry.actor.id}"
    return _verdict(run, found, about, heading)


@command("export audit")
async def export_audit(
    run: Run,
    start: Annotated[str, typer.Option("--from", metavar="DATE|INDEX", help="The first day or entry.")],
    end: Annotated[str, typer.Option("--to", metavar="DATE|INDEX", help="The last day or entry.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR|FILE", help="A new folder, or a new file ending with .tar.")
    ],
    rationale: Annotated[str, typer.Option("--rationale", help="Why, and for whom.")] = "",
    payloads: Annotated[bool, typer.Option("--payloads", help="With what is personal, as far as it is there.")] = False,
    epoch: Epoch = 0,
) -> int:
    """Write an audit bundle: a range of the log, its proofs, and the program that checks them."""
    payload = {"start": start, "end": end, "out": str(out.resolve()), "payloads": payloads, "epoch": epoch}
    done = await run.perform("evidence.export", payload, rationale)
    if done.code is not None:
        return run.show_performed(done)
    data = done.data
    return run.show_performed(
        done,
        f"{out}: entries {data['first']} to {data['last']} of {data['origin']}",
        f"bundle {data['bundle']}",
        *[f"key {key}" for key in _keys_of(run, data["origin"])],
    )


def _keys_of(run: Run, origin: str) -> list[str]:
    """The keys on a bundle: the log's, and the present one on the manifest where that is another by now."""
    both = (run.brain.verifier_key(origin), VerifierKey(origin, run.brain.office.signer.public_key))
    return list(dict.fromkeys(key.serialize() for key in both))


@command("export verify", opens=False)
async def verify_bundle(run: Run, path: Annotated[Path, typer.Argument()], key: Keys = None) -> int:
    """Check an audit bundle, offline. Exit 0 with a key that vouches for it, 3 without one, 1 when refused."""
    with open_bundle(path) as files:
        manifest, found = audit.verify(files, _keys(key))
    about = {"origin": manifest.origin, "first": manifest.first, "last": manifest.end - 1, "size": manifest.size}
    return _verdict(run, found, about, f"{manifest.origin}, {manifest.end - manifest.first} entries")


def _verdict(run: Run, found: Checked, about: dict[str, Any], heading: str) -> int:
    code = None if found.anchored else ReasonCode.KEY_NOT_GIVEN
    document = {
        "outcome": "verified" if found.anchored else "agrees with itself",
        "reasonCode": None if code is None else code.value,
        **about,
        "checked": list(found.checked),
        "unchecked": list(found.unchecked),
        "cosigned": [{"name": item.key.name, "at": utc_text(item.time * 1000)} for item in found.cosigned],
    }
    lines = [f"checked: {line}" for line in found.checked] + [f"NOT checked: {line}" for line in found.unchecked]
    run.show(document, heading, *lines, document["outcome"])
    if code is None:
        return DONE
    if not run.common.as_json:
        print_line(StudioBrainError(code=code).remedy, err=True)
    return exit_code(code)


def _keys(given: list[str] | None) -> list[VerifierKey]:
    try:
        return [VerifierKey.parse(text) for text in given or ()]
    except NoteError as error:
        raise ConfigError(f"--key: {error}") from error


def _own_key(common: Common, origin: str) -> list[VerifierKey]:
    """The key of the home that was named with --home, for its own logs."""
    here = None if common.home is None else read_installation(common.home)
    own = here is not None and origin.startswith(f"{here.origin_prefix}/")
    return [VerifierKey(origin, here.public_key)] if here is not None and own else []


def _policy(path: Path) -> TrustPolicy:
    try:
        return TrustPolicy.parse(_bytes(path))
    except NoteError as error:
        raise ConfigError(f"{path}: {error}") from error


def _text(path: Path) -> str:
    try:
        return _bytes(path).decode()
    except UnicodeDecodeError as error:
        raise ProofRefused(f"{path.name} is not UTF-8") from error


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_NOTE)
    except OSError as error:
        raise StudioBrainError(f"{path}: {error.strerror}", code=ReasonCode.NOT_FOUND) from error
