"""A CacheStore in memory: values with a time to live on the monotonic clock, the oldest dropped first."""

import threading
from collections import OrderedDict
from typing import Any

from ..kernel.clock import Clock


class MemoryCache:
    def __init__(self, clock: Clock, limit: int = 1_000) -> None:
        self._clock = clock
        self._limit = limit
        self._items: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Any | None:
        with self._lock:
            item = self._items.get(key)
            if item is None:
                return None
            if self._clock.monotonic() >= item[0]:
                del self._items[key]
                return None
            return item[1]

    def put(self, key: str, value: Any, ttl_s: float) -> None:
        with self._lock:
            self._items.pop(key, None)
            self._items[key] = (self._clock.monotonic() + ttl_s, value)
            while len(self._items) > self._limit:
                self._items.popitem(last=False)

    def forget(self, key: str) -> None:
        with self._lock:
            self._items.pop(key, None)
