"""Which banners there are right now, the most important first. No Qt: values in, values out.

A banner says what is the matter, what it means, and offers the one thing that helps. `act` names what its button does:
retry, practice, unlock (with a passphrase), choose (a first passphrase, typed twice), switches, lost, check, nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import times, words
from ..safe_text import plain

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Banner:
    """`tone` is danger or plain; `icon` an icon's name."""

    id: str
    icon: str
    head: str
    body: str
    tone: str = "plain"
    act: str = ""
    button: str = ""


def banners(
    *,
    state: str,
    fault: Json | None,
    practice: str,
    offline: Json | None,
    reason: tuple[str, str],
    switches: Sequence[Json],
    who: Mapping[str, str],
    now_ms: int | None,
    lost: Json | None = None,
) -> tuple[Banner, ...]:
    """`practice` is the life of the practice studio, empty where there is none; `reason` belongs to `offline`."""
    found: list[Banner] = []
    if state == "down":
        found.append(_down())
    elif state == "restarting":
        found.append(
            Banner(
                "restarting",
                "engine",
                "The engine stopped and is being started again.",
                "What you see stays; nothing can be changed until it is back.",
            )
        )
    elif state == "failed" and fault is not None:
        found.append(_failed(fault))
    elif state == "read-only":
        found.append(
            Banner(
                "read-only",
                "engine",
                "Another cockpit runs the engine of this home.",
                "This window shows everything and changes nothing. Use the other one, or close it and try again.",
                act="retry",
                button="Try again",
            )
        )
    if lost is not None and state == "ready":
        found.append(_set_back(lost, now_ms))
    if practice == "down":
        found.append(
            Banner(
                "practice",
                "practice",
                "The practice studio does not start.",
                "The cockpit goes on offline with what it knows.",
                "danger",
                "practice",
                "Start it again",
            )
        )
    if switches:
        found.append(_switches(switches, who, now_ms))
    if offline is not None and state in ("ready", "read-only") and practice not in ("restarting", "starting"):
        found.append(_offline(offline, reason, now_ms))
    return tuple(found)


def _down() -> Banner:
    return Banner(
        "down",
        "engine",
        "The engine is down.",
        "It was started again three times and stopped each time. This window is read-only; nothing is lost.",
        "danger",
        "retry",
        "Start the engine",
    )


def _set_back(lost: Json, now_ms: int | None) -> Banner:
    size, have = int(lost["size"]), lost.get("have")
    known = f"{size:,} receipts were known {times.age(lost['at'], now_ms) or 'before'} ({plain(lost['where'])}); "
    here = "now there is no such log." if have is None else f"the database holds {int(have):,}."
    if have is not None and int(have) >= size:
        here = "the database holds others in their place."
    return Banner(
        "set-back",
        "warn",
        "The evidence log was set back: an old copy of the database seems to be in its place.",
        f"{known}{here} Everything can be seen and nothing is written until you choose how to go on.",
        "danger",
        "lost",
        "How to go on",
    )


def _failed(fault: Json) -> Banner:
    what, remedy = words.fault(fault)
    head = words.sentence(str(fault.get("sentence", "")))
    if fault.get("code") == "KEYRING_ABSENT":
        body = "Choose a passphrase of eight characters or more; it locks this home's signing key on this machine."
        return Banner("locked", "key", head, body, "danger", "choose", "Set it")
    if wants_passphrase(fault):
        wrong = fault.get("code") == "PASSPHRASE_WRONG"
        body = "Try again." if wrong else "This home's signing key opens with its passphrase."
        return Banner("locked", "key", head, body, "danger", "unlock", "Unlock")
    return Banner("failed", "warn", plain(what), plain(remedy), "danger", "retry", "Try again")


def wants_passphrase(fault: Json) -> bool:
    """Whether a passphrase typed here can open the home; a locked keyring of the system is opened elsewhere."""
    code, remedy = fault.get("code"), str(fault.get("remedy", "")).lower()
    return code in ("KEYRING_ABSENT", "PASSPHRASE_WRONG") or (code == "KEYRING_LOCKED" and "passphrase" in remedy)


def _switches(switches: Sequence[Json], who: Mapping[str, str], now_ms: int | None) -> Banner:
    first = switches[0]
    scope = scope_words(str(first["scope"]), str(first["target"]))
    more = f" and {len(switches) - 1} more" if len(switches) > 1 else ""
    by = plain(who.get(str(first["actor"]), first["actor"]), 40)
    since = times.age(first["engagedAt"], now_ms)
    body = f"By {by}{', ' + since if since else ''}: {plain(first['rationale'], 200)}"
    head = f"Kill switch on: nothing leaves for {scope}{more}."
    return Banner("switch", "power", head, body, "danger", "switches", "Look at it")


def scope_words(scope: str, target: str) -> str:
    """What a kill switch covers."""
    return {
        "global": "every studio of this installation",
        "tenant": "this studio",
        "connector": f"the connector {words.CONNECTORS.get(target, plain(target))}",
        "capability": f"“{plain(target)}”",
    }.get(scope, plain(scope))


def _offline(contact: Json, reason: tuple[str, str], now_ms: int | None) -> Banner:
    last = times.age(contact.get("okAt"), now_ms)
    since = f"Last good contact {last}. " if last else ""
    head = {
        "refused": "The cloud refuses this account or this clock.",
        "degraded": "The cloud answers, but not as it should.",
    }.get(str(contact.get("state")), "Offline: the studio's cloud is out of reach.")
    body = f"{since}{reason[0]} The last good state stays; it is tried again by itself."
    return Banner("offline", "offline", head, " ".join(body.split()), "plain", "check", "Check now")
