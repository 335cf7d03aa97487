from collections.abc import Iterator

import pytest

from tests.practice import published
from tests.practice.bench import SENT, Bench
from tests.practice_process import practice_studio

__all__ = ["practice_studio"]


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


@pytest.fixture(scope="session", autouse=True)
def _what_was_taken_is_published() -> Iterator[None]:
    """Every body that the practice studio took from a test is one that Google's description allows."""
    yield
    if published.there():
        for method, body, status in SENT:
            if status == 200 and method in published.BODIES:
                assert published.faults(published.BODIES[method], body) == [], (method, body)
