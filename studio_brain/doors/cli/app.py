"""What all commands share: common options, opening the brain, printing, exit codes."""

import asyncio
import inspect
import json
import os
import sys
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final

import platformdirs
import typer

from ...brain import Brain, Opening
from ...gateway.perform import Denied, Performed, Session
from ...home.secrets import read_passphrase
from ...kernel.errors import StudioBrainError
from ...kernel.reasons import REASONS, ReasonCode

DONE: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
UNAVAILABLE: Final = 3

_USAGE_CODES: Final = frozenset(
    {
        ReasonCode.CONFIG_INVALID, ReasonCode.SECRET_IN_SETTINGS, ReasonCode.TENANT_REQUIRED,
        ReasonCode.PRACTICE_KEY_REFUSED,
    }
)  # fmt: skip
_OUTSIDE_CODES: Final = frozenset(
    {
        ReasonCode.TIMEOUT, ReasonCode.UNAVAILABLE, ReasonCode.RATE_LIMITED, ReasonCode.NOT_CONFIGURED,
        ReasonCode.BAD_RESPONSE, ReasonCode.CLOCK_SKEW, ReasonCode.KEYRING_ABSENT, ReasonCode.KEYRING_LOCKED,
        ReasonCode.PASSPHRASE_WRONG, ReasonCode.STORAGE_FULL, ReasonCode.STORAGE_LOW, ReasonCode.STORAGE_LOCKED,
        ReasonCode.STORAGE_READ_ONLY, ReasonCode.STORAGE_DAMAGED, ReasonCode.AUDIT_UNAVAILABLE,
        ReasonCode.KEY_MISMATCH, ReasonCode.PARTIAL_READ,
        ReasonCode.KEY_NOT_GIVEN,
    }
)  # fmt: skip

app = typer.Typer(
    name="studio-brain",
    help="Studio Brain on the command line.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


GROUPS: Final = {
    "evidence": "Prove, check and anchor the evidence log.",
    "receipt": "Receipts as files that anybody can check.",
    "vault": "Copies of the log outside this home.",
    "witness": "Witness another installation's log, or be witnessed.",
    "export": "Bundles for an auditor.",
    "drill": "Rehearse what has to work when it is needed.",
    "quota": "How often each capability may be used.",
    "retention": "What is kept, for how long, and what must be kept.",
    "review": "Texts that a person has to look at before they go anywhere.",
    "incidents": "What went otherwise than it should, and who looks after it.",
}
_groups: Final[dict[str, typer.Typer]] = {}


@app.callback()
def _all_commands() -> None:
    """Reads the studio's cloud, shows what changed, proposes, and does what a person approved."""


Home = Annotated[Path | None, typer.Option("--home", envvar="STUDIO_BRAIN_HOME", help="Folder that holds everything.")]
Config = Annotated[Path | None, typer.Option("--config", help="Another settings file than HOME/studio.toml.")]
Tenant = Annotated[str | None, typer.Option("--tenant", help="Which studio, where several are configured.")]
As = Annotated[str | None, typer.Option("--as", metavar="ACTOR", help="Account id or e-mail address to act as.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
PassphraseFd = Annotated[int | None, typer.Option("--passphrase-fd", help="Read the passphrase from this descriptor.")]

_COMMON: Final = (
    ("home", Home, None),
    ("config", Config, None),
    ("tenant", Tenant, None),
    ("actor", As, None),
    ("as_json", Json, False),
    ("passphrase_fd", PassphraseFd, None),
)


@dataclass(frozen=True, slots=True)
class Common:
    """The options that every command takes."""

    home: Path | None
    config: Path | None
    tenant: str | None
    actor: str | None
    as_json: bool
    passphrase_fd: int | None

    def home_or(self, name: str) -> Path:
        """The home folder; without one, the user's data folder of that name."""
        return self.home or Path(platformdirs.user_data_path("studio-brain")) / name

    def passphrase(self, new: bool) -> str:
        """From --passphrase-fd, or typed at a terminal."""
        if self.passphrase_fd is not None:
            return read_passphrase(self.passphrase_fd)
        if not sys.stdin.isatty():
            raise StudioBrainError("no keyring, no terminal and no --passphrase-fd", code=ReasonCode.KEYRING_ABSENT)
        prompt = "New passphrase for this home" if new else "Passphrase"
        return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=new, err=True))


class Run:
    """One command at work: the open brain, and the one answer it prints."""

    def __init__(self, common: Common, brain: Brain | None) -> None:
        self.common = common
        self._brain = brain

    @property
    def brain(self) -> Brain:
        if self._brain is None:
            raise StudioBrainError("the brain is not open", code=ReasonCode.INTERNAL)
        return self._brain

    @property
    def session(self) -> Session:
        return self.brain.session(self.common.tenant, self.common.actor, "cli")

    async def query(self, name: str, **params: Any) -> Any:
        return await self.brain.query(name, params, self.session)

    async def perform(self, capability: str, payload: Mapping[str, Any], rationale: str = "") -> Performed:
        return await self.brain.perform(capability, payload, self.session, rationale=rationale)

    def show(self, document: Any, *lines: str) -> int:
        """Prints the document or the lines; exit code 0."""
        if self.common.as_json:
            print_json(document)
        else:
            for line in lines:
                print_line(line)
        return DONE

    def show_performed(self, done: Performed, *lines: str) -> int:
        """Prints how a request ended; a denial names its reason and what to do."""
        if self.common.as_json:
            print_json(done.to_json())
        elif done.code is not None:
            print_line(f"{done.outcome}: {done.code.value}: {REASONS[done.code].sentence} {done.detail}".rstrip())
            print_line(REASONS[done.code].remedy)
        else:
            for line in lines:
                print_line(line)
        return DONE if done.code is None else exit_code(done.code)


Body = Callable[..., Awaitable[int]]


def command(
    name: str, *, unlock: bool = True, opens: bool = True, default_home: str = "home"
) -> Callable[[Body], Body]:
    """Registers `async def body(run, …own options) → exit code` with the common options added.

    A name of two words, `vault export`, is a command of a group; GROUPS says what each group is for.
    """

    def register(body: Body) -> Body:
        own = list(inspect.signature(body).parameters.values())[1:]

        def entry(**given: Any) -> None:
            common = Common(**{key: given.pop(key) for key, _, _ in _COMMON})
            raise typer.Exit(_run(body, common, given, unlock=unlock, opens=opens, default_home=default_home))

        extra = [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for key, annotation, default in _COMMON
        ]
        keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
        entry.__signature__ = inspect.Signature([*keyword, *extra])  # type: ignore[attr-defined]
        entry.__annotations__ = {p.name: p.annotation for p in [*own, *extra]}
        entry.__doc__ = body.__doc__
        group, _, verb = name.rpartition(" ")
        _group(group).command(verb)(entry)
        return body

    return register


def _group(name: str) -> typer.Typer:
    """The commands of that group; without a name, those of the program."""
    if not name:
        return app
    if name not in _groups:
        _groups[name] = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
        app.add_typer(_groups[name], name=name, help=GROUPS[name])
    return _groups[name]


def _run(body: Body, common: Common, given: dict[str, Any], *, unlock: bool, opens: bool, default_home: str) -> int:
    async def work() -> int:
        if not opens:
            return await body(Run(common, None), **given)
        opening = Opening(
            common.home_or(default_home), common.config, common.passphrase, "cli", MappingProxyType(os.environ)
        )
        async with Brain.open(opening, unlock=unlock) as brain:
            return await body(Run(common, brain), **given)

    try:
        return asyncio.run(work())
    except Denied as denied:
        return Run(common, None).show_performed(denied.performed)
    except StudioBrainError as error:
        return show_error(common, error)
    except KeyboardInterrupt:
        return REFUSED


def show_error(common: Common, error: StudioBrainError) -> int:
    if common.as_json:
        print_json({"outcome": "error", "reasonCode": error.code.value, **error.to_json()})
    else:
        print_line(f"{error.code.value}: {error.sentence} {error.detail}".rstrip(), err=True)
        print_line(error.remedy, err=True)
    return exit_code(error.code)


def exit_code(code: ReasonCode) -> int:
    if code in _USAGE_CODES:
        return USAGE
    return UNAVAILABLE if code in _OUTSIDE_CODES else REFUSED


def print_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def print_line(text: str, *, err: bool = False) -> None:
    (sys.stderr if err else sys.stdout).write(visible(text) + "\n")


def visible(text: str) -> str:
    """Untrusted text for a terminal: control characters and direction marks are shown, not obeyed."""
    return "".join(
        c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf") else f"\\u{ord(c):04x}" for c in text
    )


def table(rows: list[dict[str, Any]], columns: Mapping[str, str]) -> list[str]:
    """Lines of a table: heading and rows, columns wide enough for what they hold."""
    cells = [list(columns.values()), *[[_cell(row.get(key)) for key in columns] for row in rows]]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _cell(value: Any) -> str:
    text = "–" if value is None else str(value)
    return text if len(text) <= 60 else text[:59] + "…"


def run() -> None:
    from . import (  # noqa: F401  they register their commands
        capabilities,
        epochs,
        evidence,
        importing,
        incidents,
        proofs,
        proposals,
        quotas,
        rebuild,
        recovery,
        retention,
        review,
        state,
        sweep,
        upkeep,
        vault,
        witness,
    )

    app()
