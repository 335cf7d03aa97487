"""Faults on request: how the practice studio fails when it is told to, so that a client can be shown to cope.

A fault names what it hits: a target (`firestore`, `functions`, `auth` or `any`), perhaps a pattern for the path, and
how often. The control interface is never hit. `docs/practice.md` has the table of kinds and their parameters.
"""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

TARGETS = ("firestore", "functions", "auth", "any")

# kind → its parameters with their defaults (None: must be given)
KINDS: dict[str, dict[str, Any]] = {
    "latency": {"ms": 1000},
    "status": {"status": 503, "retryAfter": 0, "retryAfterForm": "seconds"},
    "html": {"status": 200},
    "malformed": {},
    "content-type": {"contentType": "text/plain; charset=utf-8"},
    "oversize": {"bytes": 9_000_000},
    "late-error": {"status": "UNAVAILABLE", "after": 1},
    "cut": {},
    "drip": {"chunk": 16, "everyMs": 100},
    "hang": {},
    "reset": {},
    "lose-before": {},
    "apply-then-lose": {},
    "stale-token": {},
    "clock-skew": {"seconds": 3600},
}
# Not met by single requests: it holds from when it is set until it is cleared.
STANDING = "stale-token"
_FORMS = ("seconds", "date", "body", "none")


class BadFault(ValueError):
    """A fault that cannot be had; the message says what is wrong."""


@dataclass(slots=True)
class Fault:
    """`left` counts down; None goes on until the fault is cleared, which sets `cleared`."""

    id: int
    kind: str
    target: str
    parameters: dict[str, Any]
    path: re.Pattern[str] | None = None
    left: int | None = None
    hits: int = 0
    cleared: asyncio.Event = field(default_factory=asyncio.Event)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "target": self.target,
            "path": self.path.pattern if self.path else None,
            "left": self.left,
            "hits": self.hits,
            **self.parameters,
        }


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._counter = 0

    def add(self, wanted: dict[str, Any]) -> Fault:
        """Raises BadFault."""
        kind = wanted.get("kind")
        if kind not in KINDS:
            raise BadFault(f"kind: one of {', '.join(KINDS)}")
        target = wanted.get("target", "any")
        if target not in TARGETS:
            raise BadFault(f"target: one of {', '.join(TARGETS)}")
        known = {"kind", "target", "path", "count", *KINDS[kind]}
        if kind == STANDING:
            known -= {"path", "count"}
        if unknown := sorted(set(wanted) - known):
            raise BadFault(f"{unknown[0]}: {kind} takes {', '.join(sorted(known - {'kind'}))}")
        parameters = {name: wanted.get(name, default) for name, default in KINDS[kind].items()}
        for name, default in KINDS[kind].items():
            if type(parameters[name]) is not type(default):
                raise BadFault(f"{name}: a {type(default).__name__} was expected")
        if parameters.get("retryAfterForm", "none") not in _FORMS:
            raise BadFault(f"retryAfterForm: one of {', '.join(_FORMS)}")
        if kind == "status" and not 400 <= parameters["status"] <= 599:
            raise BadFault("status: between 400 and 599")
        count = wanted.get("count")
        if count is not None and (type(count) is not int or count < 1):
            raise BadFault("count: a whole number from 1")
        try:
            path = re.compile(wanted["path"]) if wanted.get("path") else None
        except (re.error, TypeError) as error:
            raise BadFault(f"path: {error}") from error
        self._counter += 1
        fault = Fault(self._counter, kind, target, parameters, path, count)
        self._faults.append(fault)
        return fault

    def active(self) -> list[Fault]:
        return list(self._faults)

    def clear(self, identifier: int | None = None) -> list[Fault]:
        """Clears one fault, or all; gives those that were there."""
        gone = [fault for fault in self._faults if identifier in (None, fault.id)]
        for fault in gone:
            self._faults.remove(fault)
            fault.cleared.set()
        return gone

    def hit(self, target: str, path: str) -> list[Fault]:
        """The faults that this request meets, each counted."""
        hits = []
        for fault in list(self._faults):
            if fault.kind == STANDING or fault.target not in ("any", target):
                continue
            if fault.path and not fault.path.search(path):
                continue
            fault.hits += 1
            hits.append(fault)
            if fault.left is not None:
                fault.left -= 1
                if fault.left == 0:
                    self._faults.remove(fault)
        return hits
