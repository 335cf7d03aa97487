"""witness serve, cosign, ask, request, import, key: witnessing others, and being witnessed."""

import asyncio
import json
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from ...domains.records.vault import logs_of
from ...domains.records.witness import key_of, request_file
from ...domains.records.witnessing import Witness, known_logs, open_witness_key
from ...evidence import note as notes
from ...evidence.log import LogRow
from ...evidence.merkle import ProofError
from ...evidence.note import Note, NoteError
from ...evidence.witness import MAX_REQUEST, AddCheckpoint, WitnessRefusal
from ...gateway.switches import SYSTEM
from ...home.files import write_private
from ...kernel.errors import ConfigError, StudioBrainError
from ...kernel.reasons import ReasonCode
from .app import DONE, REFUSED, Run, command

Logs = Annotated[list[str], typer.Option("--log", metavar="VKEY", help="The verifier key of a log to witness.")]


@command("witness serve")
async def serve(
    run: Run,
    log: Logs,
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = 0,
    host: Annotated[
        str, typer.Option("--host", help="This machine's address, or one in a private network.")
    ] = "127.0.0.1",
    exit_with_stdin: Annotated[bool, typer.Option("--exit-with-stdin", hidden=True)] = False,
) -> int:
    """Witness the logs of others over HTTP. Prints one JSON line when it is ready."""
    from ..witness import listen
    from ..witness import serve as serving

    witness, key = _witness(run, log)
    sock = listen(host, port)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if exit_with_stdin:
        threading.Thread(target=_wait_for_end, args=(loop, stop), daemon=True).start()
    shown = f"[{host}]" if ":" in host else host

    def ready() -> None:
        line = {"ready": True, "url": f"http://{shown}:{sock.getsockname()[1]}", "key": key}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    await serving(sock, witness.reply, ready, stop)
    return DONE


@command("witness cosign")
async def cosign(
    run: Run,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A request, made with witness request.")],
    log: Logs,
    out: Annotated[Path | None, typer.Option("--out", help="Where the answer goes; FILE.cosigned without.")] = None,
) -> int:
    """Cosign a request that came as a file, and write the cosigned checkpoint beside it."""
    witness, key = _witness(run, log)
    body = await asyncio.to_thread(_read, file)
    try:
        lines = await asyncio.to_thread(witness.add_checkpoint, body)
    except WitnessRefusal as refusal:
        document = {"outcome": "refused", "status": refusal.status, "size": refusal.size, "detail": refusal.detail}
        again = "" if refusal.size is None else f"make the request again with --old {refusal.size}"
        run.show(document, f"refused ({refusal.status}): {refusal.detail}", *[again] * bool(again))
        return REFUSED
    checkpoint = notes.parse(AddCheckpoint.parse(body).checkpoint)
    answer = Note(checkpoint.text, (*checkpoint.signatures, *notes.parse_lines(lines))).serialize()
    target = out or file.with_name(file.name + ".cosigned")
    await asyncio.to_thread(write_private, target, answer.encode())
    return run.show({"outcome": "cosigned", "file": str(target), "key": key}, f"cosigned: {target}")


@command("witness key")
async def key(run: Run) -> int:
    """Print the key with which this installation cosigns: others enter it in their settings."""
    vkey = open_witness_key(run.brain.secrets, run.brain.installation).verifier.serialize()
    return run.show({"key": vkey}, vkey)


@command("witness ask")
async def ask(
    run: Run,
    witness: Annotated[str | None, typer.Option("--witness", metavar="NAME", help="One of the settings.")] = None,
) -> int:
    """Ask the witnesses that have an address to cosign what is new."""
    done = await run.perform("witness.ask", {} if witness is None else {"witness": witness})
    if done.code is not None:
        return run.show_performed(done)
    answers = done.data["answers"]
    run.show(done.to_json(), *[_answer(answer) for answer in answers] or ["everything is cosigned"])
    return REFUSED if any(answer["reasonCode"] for answer in answers) else DONE


@command("witness request", unlock=False)
async def request(
    run: Run,
    out: Annotated[Path, typer.Option("--out", help="The file to take to the witness.")],
    witness: Annotated[str | None, typer.Option("--witness", metavar="NAME", help="One of the settings.")] = None,
    old: Annotated[int | None, typer.Option("--old", help="The size that the witness said it remembers.")] = None,
    system: Annotated[bool, typer.Option("--system", help="The installation's own log, not the studio's.")] = False,
) -> int:
    """Write a request for a cosignature to a file: the checkpoint and the proof, no content."""
    known = [each for each in run.brain.settings.records.witness if witness in (None, each.name)]
    if len(known) != 1:
        raise ConfigError("name one witness of the settings with --witness", code=ReasonCode.NOT_CONFIGURED)
    verifier, tenant = key_of(known[0]), SYSTEM if system else run.session.tenant

    def work(conn: Connection) -> tuple[LogRow | None, bytes]:
        logs = [each for each in logs_of(conn, run.session.tenant) if each.tenant == tenant]
        return (logs[-1], request_file(conn, logs[-1], verifier, old)) if logs else (None, b"")

    try:
        log, body = await asyncio.to_thread(run.brain.databases.brain.reading, work)
    except (NoteError, ProofError) as error:
        raise StudioBrainError(str(error), code=ReasonCode.NOT_FOUND) from error
    if log is None:
        raise StudioBrainError("nothing was sealed yet", code=ReasonCode.NOT_FOUND)
    await asyncio.to_thread(write_private, out, body)
    vkey = run.brain.verifier_key(log.origin).serialize()
    return run.show({"file": str(out), "log": vkey}, f"written: {out}", f"the witness needs this log's key: {vkey}")


@command("witness import")
async def take_in(
    run: Run, file: Annotated[Path, typer.Argument(metavar="FILE", help="What witness cosign wrote.")]
) -> int:
    """Take in a cosigned checkpoint that came back as a file."""
    text = (await asyncio.to_thread(_read, file)).decode("utf-8", "replace")
    done = await run.perform("witness.import", {"note": text})
    names = ", ".join(done.data.get("witnesses", []))
    return run.show_performed(done, f"{done.data.get('origin')}: {done.data.get('size')} entries cosigned by {names}")


def _witness(run: Run, logs: list[str]) -> tuple[Witness, str]:
    brain = run.brain
    own = open_witness_key(brain.secrets, brain.installation)
    witness = Witness(brain.home, brain.databases.brain, known_logs(logs), own, brain.clock)
    return witness, own.verifier.serialize()


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_REQUEST + 1)
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error


def _answer(answer: dict[str, Any]) -> str:
    head = f"{answer['witness']}: {answer['origin']}: "
    if answer["reasonCode"] is None:
        return f"{head}{answer['size']} entries cosigned"
    return f"{head}{answer['reasonCode']}: {answer['sentence']} {answer['detail']}".rstrip()


def _wait_for_end(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    sys.stdin.buffer.read()
    loop.call_soon_threadsafe(stop.set)
