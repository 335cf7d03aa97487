"""A seeded slice of the canonical campaign; `make soak` runs a million."""

from pathlib import Path

from tests.simulation import canonical


def test_random_documents_have_the_bytes_of_the_reference_implementation(tmp_path: Path) -> None:
    report = canonical.campaign(tmp_path, 20_261_121, 4_000)
    assert report.ok, "\n".join(report.lines())
