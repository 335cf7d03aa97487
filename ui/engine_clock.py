"""The engine's time in this process: the distance to it, learned from its answers.

A practice studio may live in another day than this machine, so that ages and deadlines are never taken from the clock
on the wall.
"""

import time


class EngineClock:
    """The engine's time in this process: the distance to it, learned from its answers."""

    def __init__(self) -> None:
        self._shift_ms: int | None = None

    def learn(self, now_ms: int) -> None:
        self._shift_ms = now_ms - time.time_ns() // 1_000_000

    def now_ms(self) -> int | None:
        """None before the engine has told its time."""
        return None if self._shift_ms is None else time.time_ns() // 1_000_000 + self._shift_ms
