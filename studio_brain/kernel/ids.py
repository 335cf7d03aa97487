"""UUIDv7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then random bits, so that identifiers sort by time."""

import os
import threading
import uuid
from collections.abc import Callable
from typing import Protocol

from .clock import Clock


class IdSource(Protocol):
    def uuid7(self) -> uuid.UUID: ...


class Uuid7Source:
    """UUIDv7 that never goes backwards within a process, even when the clock does (RFC 9562 §6.2, method 2)."""

    def __init__(self, clock: Clock, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        self._random_bytes = random_bytes
        self._last = 0
        self._lock = threading.Lock()

    def uuid7(self) -> uuid.UUID:
        random = int.from_bytes(self._random_bytes(10), "big") & (1 << 74) - 1
        with self._lock:
            value = self._clock.now_ms() << 74 | random
            if value <= self._last:
                value = self._last + 1 + (random & (1 << 32) - 1)
            self._last = value
        millis, rand_a, rand_b = value >> 74, value >> 62 & 0xFFF, value & (1 << 62) - 1
        return uuid.UUID(int=millis << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)
