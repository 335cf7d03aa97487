"""connectors, health, ready, metrics, sign-in, practice: keeping it running."""

import asyncio
import getpass
import json
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ... import __version__
from ...connectors.auth import wire as auth
from ...connectors.auth.client import AuthClient
from ...evidence import checkpoint as checkpoints
from ...evidence.log import find_log
from ...evidence.reader import LogReader
from ...home.files import make_home, write_private
from ...home.installation import read_installation
from ...home.keeper import RefreshTokenKeeper
from ...home.lock import is_held
from ...home.practice import Practice, write_practice
from ...home.settings import FILE
from ...kernel.clock import MINUTE, utc_ms
from ...kernel.errors import ConfigError, StudioBrainError
from ...kernel.ports import HealthState
from ...kernel.reasons import REASONS, ReasonCode
from ...telemetry.metrics import read_metrics
from .app import DONE, UNAVAILABLE, Run, command, exit_code, table

CONTACT_AGE_MS: Final = 5 * MINUTE


@command("connectors")
async def connectors(run: Run) -> int:
    """Look at every connector now."""
    found = []
    for connector in run.brain.connectors[run.session.tenant].values():
        health = await connector.health(run.brain.settings.engine.write_deadline_s)
        remedy = "" if health.code is None else REASONS[health.code].remedy
        found.append(
            {
                "connector": health.connector,
                "state": health.state.value,
                "latencyMs": health.latency_ms,
                "reasonCode": None if health.code is None else health.code.value,
                "detail": health.detail,
                "remedy": remedy,
            }
        )
    columns = {
        "connector": "connector",
        "state": "state",
        "latencyMs": "ms",
        "reasonCode": "reason",
        "remedy": "what to do",
    }
    run.show({"connectors": found}, *table(found, columns))
    return DONE if all(row["state"] == HealthState.OK.value for row in found) else UNAVAILABLE


@command("health", unlock=False)
async def health(run: Run) -> int:
    """Whether this program can work at all: settings, database, log."""
    brain = run.brain
    size = await asyncio.to_thread(brain.databases.brain.reading, lambda conn: _sizes(conn, brain))
    document = {
        "ok": True,
        "version": __version__,
        "home": str(brain.home),
        "practice": brain.installation.practice,
        "engineRunning": is_held(brain.home),
        "entries": size,
    }
    return run.show(document, f"ok, version {__version__}, {sum(size.values())} entries")


@command("ready", unlock=False)
async def ready(run: Run) -> int:
    """Whether it is ready for work; each check with its reason."""
    brain, tenant = run.brain, run.session.tenant
    checks = [_check("config valid", None), _check("store migrated", None)]
    try:
        checks.append(_check("log head verified", await asyncio.to_thread(_head, brain, tenant)))
    except StudioBrainError as error:
        checks.append(_check("log head verified", error))
    held = is_held(brain.home)
    absent = StudioBrainError("no engine runs on this home", code=ReasonCode.UNAVAILABLE, remedy="Start the cockpit.")
    checks.append(_check("engine lock held", None if held else absent))
    checks.append(_check("last good cloud contact", await _contact(run)))
    codes = [ReasonCode(check["reasonCode"]) for check in checks if check["reasonCode"]]
    ok = not codes
    run.show(
        {"ready": ok, "checks": checks},
        *table(checks, {"check": "check", "ok": "ok", "reasonCode": "reason", "detail": ""}),
    )
    return DONE if ok else max(exit_code(code) for code in codes)


@command("metrics", unlock=False)
async def metrics(run: Run) -> int:
    """Counters and durations of this home."""
    rows = await asyncio.to_thread(run.brain.databases.views.reading, read_metrics)
    counts = await run.query("proposals.page", limit=1)
    document = {"metrics": rows, "proposals": counts["counts"], "lag": run.brain.projections.lag()}
    lines = [f"{row['name']}{json.dumps(row['labels'])} {row['value']}" for row in rows]
    return run.show(document, *lines)


@command("sign-in")
async def sign_in(
    run: Run,
    password_fd: Annotated[int | None, typer.Option("--password-fd", help="Read the password from here.")] = None,
) -> int:
    """Sign the account given with --as in to the studio's cloud; the refresh token goes to the keyring."""
    brain, who = run.brain, run.session
    tenant = brain.settings.tenant_named(who.tenant)
    account = next((a for a in tenant.account if a.id == who.actor.id), None) if tenant else None
    if tenant is None or tenant.cloud is None or account is None:
        raise ConfigError("this studio has no cloud settings")
    password = _password(password_fd, account.email)
    client = AuthClient(brain.transport, tenant.cloud.auth, tenant.cloud.token, tenant.cloud.api_key)
    tokens = await client.sign_in(account.email, password)
    if tokens.uid != account.id:
        raise StudioBrainError(
            f"{account.email} is another account than {account.id}", code=ReasonCode.AUTH,
            remedy=f"Write id = \"{tokens.uid}\" for it in studio.toml.",
        )  # fmt: skip
    staff = auth.is_staff(auth.claims(tokens.id_token))
    RefreshTokenKeeper(brain.secrets, who.tenant, account.id, keep=True).store(tokens.refresh_token)
    note = "" if staff else "; it has no staff claim, so the cloud will refuse most reads"
    return run.show(
        {"outcome": "signed in", "account": account.id, "staff": staff}, f"signed in as {account.email}{note}"
    )


@command("practice", opens=False)
async def practice(
    run: Run,
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = 0,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another studio.")] = 1,
    batches: Annotated[int, typer.Option("--batches", help="How many batches the studio begins with.")] = 400,
    days_ago: Annotated[int, typer.Option("--days-ago", help="How far back a new practice studio begins.")] = 0,
    exit_with_stdin: Annotated[bool, typer.Option("--exit-with-stdin", hidden=True)] = False,
) -> int:
    """Run the practice studio on this machine and connect this home to it. Prints one JSON line when it is ready."""
    from ...practice import PracticeOptions
    from ...practice.server import run as serve

    home = run.common.home_or("practice")
    connect_home(home)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if exit_with_stdin:
        threading.Thread(target=_wait_for_end, args=(loop, stop), daemon=True).start()
    options = PracticeOptions(port=port, seed=seed, batches=batches, state=home / "practice", days_ago=days_ago)

    def on_ready(line: dict[str, Any]) -> None:
        write_practice(home, Practice.from_ready(line))
        sys.stdout.write(json.dumps(line | {"home": str(home)}) + "\n")
        sys.stdout.flush()

    await serve(options, on_ready, stop)
    return DONE


def connect_home(home: Path) -> None:
    """Makes a practice home, or refuses one that belongs to a real studio."""
    make_home(home)
    installation = read_installation(home)
    settings = home / FILE
    if installation is not None and not installation.practice:
        raise ConfigError(
            f"{home} belongs to a real studio", code=ReasonCode.PRACTICE_KEY_REFUSED,
            remedy="Give the practice studio a home of its own: --home DIR.",
        )  # fmt: skip
    if not settings.exists():
        write_private(settings, b"# A home for practising; the practice studio fills in the rest.\npractice = true\n")


def _wait_for_end(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    sys.stdin.buffer.read()
    loop.call_soon_threadsafe(stop.set)


def _password(fd: int | None, email: str) -> str:
    if fd is not None:
        with open(fd, encoding="utf-8", closefd=False) as stream:
            return stream.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise ConfigError("no terminal to type the password; use --password-fd N")
    return getpass.getpass(f"Password of {email}: ")


def _sizes(conn: Any, brain: Any) -> dict[str, int]:
    logs = [find_log(conn, tenant.id) for tenant in brain.settings.tenant]
    return {log.tenant: LogReader(conn, log).size() for log in logs if log is not None}


def _head(brain: Any, tenant: str) -> StudioBrainError | None:
    """None when the latest signed checkpoint is the head of the log."""

    def work(conn: Any) -> StudioBrainError | None:
        log = find_log(conn, tenant)
        if log is None:
            return None
        reader = LogReader(conn, log)
        note, frontier = reader.checkpoint_note(), reader.frontier()
        if note is None and frontier.size == 0:
            return None
        try:
            signed = checkpoints.open_signed(note or "", brain.verifier_key(log.origin))
        except ValueError as error:
            return StudioBrainError(str(error), code=ReasonCode.NOT_VERIFIED)
        if (signed.size, signed.root) != (frontier.size, frontier.root()):
            return StudioBrainError("the head is not what was signed last", code=ReasonCode.NOT_VERIFIED)
        return None

    found: StudioBrainError | None = brain.databases.brain.reading(work)
    return found


async def _contact(run: Run) -> StudioBrainError | None:
    rows = await run.query("connectors.list")
    now_ms = run.brain.clock.now_ms()
    if not rows:
        return StudioBrainError("never", code=ReasonCode.UNAVAILABLE)
    for row in rows:
        if row["okAt"] is None or now_ms - utc_ms(row["okAt"]) > CONTACT_AGE_MS:
            code = ReasonCode(row["reasonCode"]) if row["reasonCode"] else ReasonCode.UNAVAILABLE
            return StudioBrainError(f"{row['connector']}: last at {row['okAt'] or 'never'}", code=code)
    return None


def _check(name: str, fault: StudioBrainError | None) -> dict[str, Any]:
    return {
        "check": name,
        "ok": fault is None,
        "reasonCode": None if fault is None else fault.code.value,
        "detail": "" if fault is None else f"{fault.sentence} {fault.detail}".strip(),
        "remedy": "" if fault is None else fault.remedy,
    }
