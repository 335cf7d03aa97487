"""A seeded slice of the crash campaign; `make soak` runs the rest."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.crash import Picture, Report, come_up, cut, film, power_cuts

SEED = 20_261_121
ROOT = Path(__file__).resolve().parents[2]


def test_after_a_power_cut_what_was_acknowledged_is_there_and_nothing_is_half_there(tmp_path: Path) -> None:
    report = Report(SEED)
    power_cuts(tmp_path, SEED, 40, report, lambda line: None, groups=40)
    assert report.ok, "\n".join(report.lines())
    assert len(report.crashes) >= 4, report.crashes


def test_the_campaign_sees_an_acknowledgement_that_came_too_early(tmp_path: Path) -> None:
    pictures = film(tmp_path, SEED, 6)
    rng, lost = random.Random(SEED), 0
    for number in range(12):
        before, after = pictures[-2], pictures[-1]
        home = tmp_path / str(number)
        home.mkdir()
        _, file, wal = cut(Picture(before.file, before.wal, before.seals), after, rng)
        (home / "brain.db").write_bytes(file)
        (home / "brain.db-wal").write_bytes(wal)
        try:  # as if the last group had been acknowledged before its commit was synced
            come_up(home / "brain.db", [before.seals, after.seals], len(after.seals), rng)
        except AssertionError:
            lost += 1
    assert lost


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are killed with signals here")
def test_after_kill_9_every_printed_receipt_has_its_proof() -> None:
    arguments = [sys.executable, "-m", "tests.simulation", "crash", "--seed", str(SEED), "--count", "20"]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"seed {SEED}" in done.stdout
    assert "kill -9" in done.stdout
