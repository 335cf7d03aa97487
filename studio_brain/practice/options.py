"""What a practice studio is started with."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PracticeOptions:
    """Ports are on 127.0.0.1; 0 takes any free one.

    `batches` sizes the world, other collections follow. `days_ago` starts the practice clock that many days back, so
    that as many days can be lived through before it is today. With `state` everything is kept in that folder.
    """

    port: int = 0
    iam_port: int = 0
    seed: int = 1
    batches: int = 400
    days_ago: int = 0
    state: Path | None = None
    project: str = "demo-studio"

    def __post_init__(self) -> None:
        for name in ("port", "iam_port"):
            if not 0 <= getattr(self, name) <= 65535:
                raise ValueError(f"{name}: a port is between 0 and 65535")
        if not 1 <= self.batches <= 200_000:
            raise ValueError("batches: between 1 and 200,000")
        if not 0 <= self.days_ago <= 3650:
            raise ValueError("days_ago: between 0 and 3650")
