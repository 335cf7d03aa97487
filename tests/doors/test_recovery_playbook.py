"""The recovery playbook: its commands are run as they stand there, in order, in a home in which something was done."""

import json
import pkgutil
import re
import shlex
from importlib import import_module
from pathlib import Path
from string import Template

from typer.testing import CliRunner

from studio_brain.brain import Brain
from studio_brain.doors import cli
from studio_brain.doors.cli.app import app
from tests.domains.records.homes import with_brain
from tests.domains.records.lived import lived_home, note
from tests.practice_process import ROOT

PAGE = ROOT / "docs" / "playbooks" / "recovery.md"


def commands() -> list[str]:
    """Every command of the page, in order: one a line in its blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


def test_every_step_works_as_it_is_written(tmp_path: Path) -> None:
    for module in pkgutil.iter_modules(cli.__path__):
        if module.name != "__main__":
            import_module(f"{cli.__name__}.{module.name}")  # they register their commands
    (tmp_path / "usb").mkdir()
    (tmp_path / "safe").mkdir()
    vault = f'\n[[records.vault]]\nname = "usb"\npath = "{tmp_path / "usb"}"\n'
    home = lived_home(tmp_path / "home", vault)

    async def work(brain: Brain) -> str:
        await note(brain, "the note that has to come back")
        page = await brain.query("evidence.page", {}, brain.session(None, None))
        return str(brain.verifier_key(page["origin"]).serialize())

    names = {
        "STUDIO": home, "NEW": tmp_path / "new", "SAFE": tmp_path / "safe", "ME": "imke@example.org",
        "VAULT": tmp_path / "usb", "KEY": with_brain(home, work),
    }  # fmt: skip
    said = ""
    assert len(commands()) >= 11
    for command in commands():
        program, *words = shlex.split(Template(command).substitute(names))
        assert program == "studio-brain"
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, f"{command}\n{done.output}{done.exception!r}"
        said += done.output
    assert "a new one was made" in said
    assert json.loads((tmp_path / "new" / "restored.json").read_text())["logs"]

    async def after(brain: Brain) -> list[str]:
        page = await brain.query("proposals.page", {}, brain.session(None, None))
        return [row["state"] for row in page["rows"]]

    assert with_brain(tmp_path / "new", after) == ["executed"]
