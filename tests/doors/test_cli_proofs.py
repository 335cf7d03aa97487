"""evidence, receipt and export on the command line: whole processes; the checks work without a home."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from studio_brain.brain import Brain
from studio_brain.doors.cli import proofs  # noqa: F401  it registers its commands
from studio_brain.doors.cli.app import app
from tests.domains.records.homes import make_home, seal, with_brain
from tests.evidence import stranger
from tests.practice_process import ROOT
from tests.studio_home import cli

WHY = "asked for by the tax office"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 sealed entries."""

    async def work(brain: Brain) -> None:
        await seal(brain, *range(12))
        await seal(brain, *range(12, 20), payload=b"somebody's name")

    made = make_home(tmp_path_factory.mktemp("cli") / "home")
    with_brain(made, work)
    return made


def anywhere(folder: Path, *words: str) -> tuple[int, Any, str]:
    """A command in an empty folder of somebody who has no home."""
    folder.mkdir(exist_ok=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("STUDIO_BRAIN_")}
    nowhere = {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "studio_brain.doors.cli", *words, "--json"],
        capture_output=True, text=True, cwd=folder, env=clean | nowhere, timeout=120, check=False,
    )  # fmt: skip
    assert not (folder / "data").exists()
    return done.returncode, json.loads(done.stdout) if done.stdout.strip() else None, done.stderr


def inside(*words: str) -> tuple[int, Any]:
    """The same without a process of its own, for the ways a check can end."""
    done = CliRunner().invoke(app, [*words, "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_proofs_on_the_command_line(home: Path) -> None:
    code, found, err = cli(home, "evidence", "prove", "5")
    assert (code, found["size"], len(found["path"])) == (0, 20, 5), err
    code, found, _ = cli(home, "evidence", "consistency", "12", "20")
    assert (code, found["old"], found["new"]) == (0, 12, 20)
    code, found, _ = cli(home, "evidence", "prove", "20")
    assert (code, found["reasonCode"]) == (1, "NOT_FOUND")
    code, found, _ = cli(home, "evidence", "checkpoint")
    assert (code, found["size"]) == (0, 20)
    assert found["note"].startswith(found["origin"] + "\n20\n")


def test_a_receipt_goes_out_and_is_checked_where_there_is_no_home(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "5.tlog-proof"
    code, found, err = cli(home, "receipt", "export", "5", "--out", str(file))
    assert (code, found["size"]) == (0, 20), err
    key, text = found["key"], file.read_text()
    assert text == found["text"]
    code, told, _ = anywhere(tmp_path / "far", "receipt", "verify", str(file), "--key", key)
    assert (code, told["outcome"], told["index"], told["data"]["n"]) == (0, "verified", 5, 5)
    code, told = inside("receipt", "verify", str(file))
    assert (code, told["outcome"], told["reasonCode"]) == (3, "agrees with itself", "KEY_NOT_GIVEN")
    assert any("no key was given" in line for line in told["unchecked"])
    policy = tmp_path / "policy"
    policy.write_text(f"log {key}\nquorum none\n")
    assert inside("receipt", "verify", str(file), "--policy", str(policy))[0] == 0
    assert inside("receipt", "verify", str(file), "--home", str(home))[0] == 0  # its own home knows the key
    file.write_text(text.replace("index 5", "index 6"))
    code, told = inside("receipt", "verify", str(file), "--key", key)
    assert (code, told["reasonCode"]) == (1, "PROOF_REFUSED")
    code, told = inside("receipt", "verify", str(tmp_path / "nonesuch"), "--key", key)
    assert (code, told["reasonCode"]) == (1, "NOT_FOUND")
    code, told = inside("receipt", "verify", str(file), "--key", "nonsense")
    assert (code, told["reasonCode"]) == (2, "CONFIG_INVALID")


def test_an_audit_bundle_goes_out_and_is_checked_where_there_is_no_home(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    range_ = ("--from", "3", "--to", "17")
    code, done, _ = cli(home, "export", "audit", *range_, "--out", str(out))
    assert (code, done["reasonCode"]) == (1, "RATIONALE_REQUIRED")
    assert not out.exists()
    code, done, err = cli(home, "export", "audit", *range_, "--out", str(out), "--payloads", "--rationale", WHY)
    assert (code, done["outcome"], done["first"], done["last"], done["payloads"]) == (0, "exported", 3, 17, 6), err
    key = cli(home, "evidence", "checkpoint")[1]["key"]
    code, told, _ = anywhere(tmp_path / "far", "export", "verify", str(out), "--key", key)
    assert (code, told["outcome"], told["first"], told["last"]) == (0, "verified", 3, 17)
    assert inside("export", "verify", str(out))[0] == 3
    assert stranger.look(out, key)[0] == stranger.VERIFIED
    rows = (out / "entries.jsonl").read_bytes().splitlines(keepends=True)
    (out / "entries.jsonl").write_bytes(b"".join(rows[:-1]))
    code, told = inside("export", "verify", str(out), "--key", key)
    assert (code, told["reasonCode"]) == (1, "PROOF_REFUSED")
    code, again, _ = cli(home, "export", "audit", *range_, "--out", str(out), "--rationale", WHY)
    assert (code, again["reasonCode"]) == (1, "INVALID_PAYLOAD")


def test_a_vault_folder_is_checked_by_a_stranger(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", '[[records.vault]]\nname = "usb"\npath = "usb"\n')

    async def work(brain: Brain) -> None:
        for first in range(0, 600, 150):
            await seal(brain, *range(first, first + 150))

    with_brain(home, work)
    assert cli(home, "vault", "export")[0] == 0
    key = cli(home, "evidence", "checkpoint")[1]["key"]
    code, said = stranger.look(home / "usb", key)
    assert code == stranger.VERIFIED, said
    assert "their tiles" in said
    assert stranger.look(home / "usb")[0] == stranger.UNANCHORED
    (tile,) = (home / "usb").rglob("tile/0/001")
    (bundle,) = (home / "usb").rglob("tile/entries/001")
    (checkpoint,) = (home / "usb").rglob("checkpoint")
    for path in (tile, bundle, checkpoint):
        data = path.read_bytes()
        for bent in (data[:-1], data[:100] + bytes([data[100] ^ 1]) + data[101:], None):
            path.unlink() if bent is None else path.write_bytes(bent)
            code, said = stranger.look(home / "usb", key)
            assert code == stranger.REFUSED, (path.name, said)
        path.write_bytes(data)
    assert stranger.look(home / "usb", key)[0] == stranger.VERIFIED
