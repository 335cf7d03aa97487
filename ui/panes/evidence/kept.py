"""How far a receipt is kept: sealed, checkpointed, witnessed, vaulted. Values only; no Qt.

Each of the four is a fact of its own, and none follows from another: a copy in a vault is no cosignature. All four are
what the engine's rows say; what this window has checked by itself is gold (seals.py) and nothing else is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ... import times, words
from ...safe_text import plain

Json = Mapping[str, Any]

STATES: Final = ("sealed", "checkpointed", "witnessed", "vaulted")


@dataclass(frozen=True, slots=True)
class Kept:
    """Up to which size of a log each state holds. `witnesses`, `vaults`: how many are set up."""

    checkpointed: int = 0
    witnessed: int = 0
    vaulted: int = 0
    witnesses: int = 0
    vaults: int = 0
    unwitnessed_days: int = 0
    known: bool = False

    def states(self, index: int) -> tuple[bool, bool, bool, bool]:
        """In the order of STATES."""
        return True, index < self.checkpointed, index < self.witnessed, index < self.vaulted


UNKNOWN: Final = Kept()


def kept(anchors: Json, origin: str) -> Kept:
    """What an `evidence.anchors` answer says of the log of this origin."""
    log = next((log for log in anchors["logs"] if log["origin"] == origin), None)
    if log is None:
        return UNKNOWN
    return Kept(
        checkpointed=log["checkpoint"]["size"] if log["checkpoint"] else 0,
        witnessed=log["witnessedSize"],
        vaulted=log["vaultedSize"],
        witnesses=len(log["witnesses"]),
        vaults=len(log["vaults"]),
        unwitnessed_days=log["unwitnessedDays"],
        known=True,
    )


def spoken(states: Sequence[bool]) -> str:
    """`sealed, checkpointed; not witnessed, not vaulted`."""
    held = [name for name, holds in zip(STATES, states, strict=True) if holds]
    not_held = [f"not {name}" for name, holds in zip(STATES, states, strict=True) if not holds]
    return "; ".join(part for part in (", ".join(held), ", ".join(not_held)) if part)


def lines(found: Kept, index: int, covered_by: int | None) -> tuple[tuple[str, bool, str], ...]:
    """(state, whether it holds, what that means) for one receipt. `covered_by`: size of the checkpoint that covers
    it."""
    _, checkpointed, witnessed, vaulted = found.states(index)
    checkpointed = checkpointed or covered_by is not None
    return (
        ("sealed", True, "Its bytes and its place stand in the log."),
        (
            "checkpointed",
            checkpointed,
            f"A signed checkpoint of {words.count(covered_by, 'entry', 'entries')} covers it."
            if covered_by is not None
            else "No signed checkpoint covers it yet.",
        ),
        ("witnessed", witnessed, _witnessed(found, holds=witnessed)),
        ("vaulted", vaulted, _vaulted(found, holds=vaulted)),
    )


def _witnessed(found: Kept, *, holds: bool) -> str:
    if not found.known:
        return "Not known while the engine is away."
    if not found.witnesses:
        return "No witness is set up: nobody outside this machine has seen the log."
    if holds:
        return "As many witnesses as are required have cosigned a checkpoint that covers it."
    days = found.unwitnessed_days
    since = f" The log is unwitnessed for {words.count(days, 'day')}." if days else ""
    return f"Not cosigned by as many witnesses as are required.{since}"


def _vaulted(found: Kept, *, holds: bool) -> str:
    if not found.known:
        return "Not known while the engine is away."
    if not found.vaults:
        return "No vault is set up: there is no copy outside this home."
    if holds:
        return "As many vaults as are required hold a copy that covers it."
    return "Not yet in as many vaults as are required."


# copies: checkpoints, vaults and witnesses as rows

VAULT_STATES: Final = {"ok": "holds a copy", "away": "away", "refused": "refused", "never": "never copied to"}


@dataclass(frozen=True, slots=True)
class CopyRow:
    """One line of the list of copies: what, who, how far, when; `tone` is plain, good or danger."""

    log: str
    name: str
    reaches: str
    when: str
    state: str
    tone: str = "plain"


def log_name(log: Json) -> str:
    """A log by what it is for."""
    name = "this installation" if log["tenant"] == "_system" else "this studio"
    return name if log["epoch"] == 1 else f"{name}, epoch {log['epoch']}"


def checkpoint_rows(anchors: Json, now_ms: int | None, zone: times.Zone) -> tuple[CopyRow, ...]:
    found = []
    for log in anchors["logs"]:
        checkpoint = log["checkpoint"]
        if checkpoint is None:
            found.append(CopyRow(log_name(log), "", "none", "", "not checkpointed", "danger"))
            continue
        behind = log["size"] - checkpoint["size"]
        state = "covers every entry" if not behind else f"{words.count(behind, 'entry', 'entries')} not covered"
        reaches = words.count(checkpoint["size"], "entry", "entries")
        when = _when(checkpoint["at"], now_ms, zone)
        found.append(CopyRow(log_name(log), "", reaches, when, state, "danger" if behind else "plain"))
    return tuple(found)


def vault_rows(anchors: Json, now_ms: int | None, zone: times.Zone, reason: Any) -> tuple[CopyRow, ...]:
    return tuple(
        CopyRow(
            log_name(log),
            plain(vault["name"], 60),
            _reach(vault["size"], log["size"]),
            _when(vault["since"], now_ms, zone),
            _say(VAULT_STATES.get(vault["state"], plain(vault["state"])), vault["reasonCode"], reason),
            "danger" if vault["state"] == "refused" else "plain",
        )
        for log in anchors["logs"]
        for vault in log["vaults"]
    )


def witness_rows(anchors: Json, now_ms: int | None, zone: times.Zone, reason: Any) -> tuple[CopyRow, ...]:
    return tuple(
        CopyRow(
            log_name(log),
            plain(witness["name"], 60),
            _reach(witness["size"], log["size"]),
            _when(witness["cosignedAt"], now_ms, zone),
            _say(
                ("cosigned" if witness["size"] else "has not cosigned") + (", by file" if witness["byFile"] else ""),
                witness["reasonCode"],
                reason,
            ),
            "danger" if witness["reasonCode"] else "plain",
        )
        for log in anchors["logs"]
        for witness in log["witnesses"]
    )


def summary(anchors: Json) -> str:
    """One sentence on how the studio's own log is kept outside this home."""
    own = [log for log in anchors["logs"] if log["tenant"] != "_system"]
    if not own:
        return "Nothing is sealed yet."
    log = own[-1]
    if not log["vaults"] and not log["witnesses"]:
        return "This log exists on this machine only: no vault and no witness is set up."
    parts = []
    if log["vaults"]:
        parts.append(_part(log, "vaultedSize", "vaulted"))
    if log["witnesses"]:
        days = log["unwitnessedDays"]
        since = f" (unwitnessed for {words.count(days, 'day')})" if days else ""
        parts.append(_part(log, "witnessedSize", "witnessed") + since)
    return words.sentence(words.listed(parts))


def _part(log: Json, key: str, word: str) -> str:
    missing = log["size"] - min(log[key], log["size"])
    if not missing:
        return f"every entry is {word}"
    return f"{words.count(missing, 'entry', 'entries')} of {log['size']:,} not yet {word}"


def _reach(size: int, total: int) -> str:
    return "nothing" if not size else "all of it" if size >= total else f"{size:,} of {total:,}"


def _when(at: str | None, now_ms: int | None, zone: times.Zone) -> str:
    if at is None:
        return "never"
    age = times.age(at, now_ms)
    return f"{zone.moment(at)}{' · ' + age if age else ''}"


def _say(state: str, code: str | None, reason: Any) -> str:
    return state if not code else f"{state}: {reason(code)[0]}"
