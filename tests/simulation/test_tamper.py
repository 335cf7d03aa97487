"""A seeded slice of the tamper campaign; `make soak` runs the rest."""

from pathlib import Path

from tests.simulation import tamper
from tests.simulation.tamper import Campaign

SEED = 20_261_121


def test_no_edit_goes_unseen_and_the_untouched_log_raises_no_alarm(tmp_path: Path) -> None:
    report = tamper.campaign(tmp_path, SEED, 85)
    assert report.ok, "\n".join(report.lines())
    assert sum(report.edits.values()) == 85
    assert report.untouched >= 2


def test_without_an_anchor_a_tail_cut_off_leaves_nothing_to_see(tmp_path: Path) -> None:
    """The hole that anchors are for; and the campaign's own eyes: what verification does not see it calls missed."""
    campaign = Campaign(tmp_path, SEED)
    campaign.anchors = []
    for _ in range(6):
        campaign.attack_rows("tail cut off")
        campaign.attack_rows("rewritten with the key")
    campaign.close()
    assert campaign.report.missed
    assert not campaign.report.ok
