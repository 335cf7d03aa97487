"""What a real engine answered once, on a prepared practice home: for tests that need answers and no engine.

`Recorded` is called like a dispatcher. A test changes what it answers by setting `answers[op or query name]` to a value
or to a function of the arguments; `asked` holds what it was asked.
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

DATA: dict[str, Any] = json.loads(Path(__file__).with_name("recorded.json").read_text(encoding="utf-8"))
NOW_MS = 1_795_259_040_000
"""A moment after everything in the recording."""

OWNER = {"id": "pStaffImkeAdeyemiLarsen00001", "name": "Imke Adeyemi-Larsen", "role": "owner"}
EDITOR = {"id": "pStaffTeoWatanabeReyes000002", "name": "Teo Watanabe-Reyes", "role": "editor"}
REASONS = {
    "SOURCE_REMOVED": {"sentence": "The cloud no longer keeps the source of this number.", "remedy": "Configure one."},
    "UNAVAILABLE": {"sentence": "The other side cannot be reached.", "remedy": "Check the network."},
    "NOT_CONFIGURED": {"sentence": "This connector is not configured.", "remedy": "Enter its settings."},
}


def data(name: str) -> Any:
    """A copy of a recorded answer."""
    return copy.deepcopy(DATA[name])


def proposal(state: str = "pending_approval", risk: str | None = None) -> dict[str, Any]:
    """A recorded proposal in a state."""
    found = next(p for p in DATA["proposals"].values() if p["state"] == state and risk in (None, p["risk"]))
    return copy.deepcopy(found)


class Recorded:
    """Answers like a dispatcher. `emit` sends events once the engine that holds it has started."""

    def __init__(self) -> None:
        self.emit: Callable[[str, dict[str, Any]], None] = lambda topic, data: None
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.actor = OWNER
        self.answers: dict[str, Any] = {
            "studio.today": data("studio.today"),
            "studio.snapshot": None,
            "proposals.page": self._page,
            "evidence.page": self._evidence,
            "evidence.one": self._receipt,
            "evidence.seek": self._seek,
            "evidence.rows": self._rows,
            "evidence.anchors": {"vaultsRequired": 1, "witnessesRequired": 1, "logs": []},
            "evidence.sweep": {"phase": "never", "running": False, "logs": [], "report": None},
            "session.who": data("session.who"),
            "connectors.list": data("connectors.list"),
            "connectors.check": data("connectors.list"),
            "switches.list": [],
            "capabilities": data("capabilities"),
            "batches": data("batches"),
            "reasons": REASONS,
            "verify": data("verify"),
            "proposal": lambda args: copy.deepcopy(DATA["proposals"].get(args["id"])),
            "session.use": self._use,
        }

    async def start(self, emit: Callable[[str, dict[str, Any]], None]) -> "Recorded":
        """For InlineEngine: takes its way to send events, and is ready."""
        self.emit = emit
        emit("engine", {"state": "ready", **self.here()})
        return self

    def here(self) -> dict[str, Any]:
        return {"tenant": "practice", "actor": self.actor, "practice": True, "nowMs": NOW_MS}

    async def call(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((op, args))
        name = args["name"] if op == "query" else args["capability"] if op == "perform" else op
        if name not in self.answers:
            return error("UNKNOWN_QUERY", f"nothing recorded for {name}")
        answer = self.answers[name]
        found = answer(args.get("params", args) if op == "query" else args) if callable(answer) else answer
        if hasattr(found, "__await__"):
            found = await found
        if isinstance(found, dict) and "error" in found:
            return found
        return {"ok": copy.deepcopy(found), "nowMs": NOW_MS}

    def performed(self, capability: str) -> list[dict[str, Any]]:
        return [a for op, a in self.asked if op == "perform" and a["capability"] == capability]

    def _use(self, args: dict[str, Any]) -> dict[str, Any]:
        self.actor = EDITOR if args.get("actor") == EDITOR["id"] else OWNER
        return self.here()

    def _page(self, params: dict[str, Any]) -> dict[str, Any]:
        rows = [self.row(p) for p in DATA["proposals"].values()]
        state, risk = params.get("state", ""), params.get("risk", "")
        is_open = ("draft", "pending_approval", "approved", "executing", "unknown")
        shown = [r for r in rows if not state or (r["state"] in is_open) == (state == "open")]
        return {"rows": [r for r in shown if risk in ("", r["risk"])], "counts": DATA["proposals.open"]["counts"]}

    @staticmethod
    def row(proposal: dict[str, Any]) -> dict[str, Any]:
        keys = DATA["proposals.open"]["rows"][0]
        return {key: copy.deepcopy(proposal[key]) for key in keys}

    def _evidence(self, params: dict[str, Any]) -> dict[str, Any]:
        page = DATA["evidence.page"]
        before = params.get("before")
        before = page["size"] if before is None else before
        kind, limit = params.get("kind", ""), params.get("limit", 200)
        rows = [r for r in page["rows"] if r["index"] < before and r["kind"].startswith(kind)][:limit]
        return {**page, "rows": copy.deepcopy(rows)}

    def _seek(self, params: dict[str, Any]) -> dict[str, Any]:
        """Twenty entries a stretch, so that a search takes several."""
        page, before = DATA["evidence.page"], params["before"]
        low = max(0, before - 20)
        fits = [
            r["index"]
            for r in page["rows"]
            if low <= r["index"] < before
            and r["kind"].startswith(params.get("kind", ""))
            and params.get("stream", r["stream"]) == r["stream"]
            and params.get("text", "").lower() in json.dumps(r).lower()
        ]
        return {"indexes": fits, "next": low or None, "size": page["size"], "origin": page["origin"]}

    def _rows(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"rows": [copy.deepcopy(r) for r in DATA["evidence.page"]["rows"] if r["index"] in params["indexes"]]}

    def _receipt(self, params: dict[str, Any]) -> dict[str, Any] | None:
        index = params["place"] & (1 << 40) - 1 if "place" in params else params["index"]
        found = next((r for r in DATA["evidence.page"]["rows"] if r["index"] == index), None)
        return None if found is None else sealed(found)


def sealed(row: dict[str, Any]) -> dict[str, Any]:
    """A receipt whole, with bytes that give its seal."""
    from ui.seals import seal_of

    document = {
        "actor": row["actor"],
        "data": {
            "proposalHash": next(
                (p["proposalHash"] for p in DATA["proposals"].values() if p["id"] == row["proposalId"]), None
            ),
            "quorum": 1,
            "rationale": row["rationale"],
            "rule": "outside_asks",
            "seats": 1,
            "stateHash": DATA["studio.today"]["snapshot"]["stateHash"],
        },
        "kind": row["kind"],
    }
    body = json.dumps(document, separators=(",", ":"), sort_keys=True)
    return {
        **copy.deepcopy(row),
        "body": body,
        "seal": seal_of(body),
        "origin": DATA["evidence.page"]["origin"],
        "checkpoint": {"size": row["index"] + 1, "note": "practice/origin\n5\nroot\n\n— practice/origin AAAA\n"},
    }


def error(code: str, detail: str = "") -> dict[str, Any]:
    """An answer that failed."""
    return {"error": {"code": code, "sentence": "It did not work.", "detail": detail, "remedy": "Try again."}}


def performed(outcome: str, proposal: str | None = None, code: str | None = None, **more: Any) -> dict[str, Any]:
    """The answer to a `perform`."""
    return {
        "outcome": outcome,
        "requestId": "r",
        "corr": "c",
        "proposalId": proposal,
        "reasonCode": code,
        "sentence": "Somebody else was faster." if code else "",
        "remedy": "Look again." if code else "",
        "detail": "",
        "rule": "registered",
        "receipts": [{"tenant": "practice", "index": 46, "kind": "x.y", "stream": "s", "seal": "sha256:" + "0" * 64}],
        "checkpoint": 47,
        "repeated": False,
        **more,
    }
