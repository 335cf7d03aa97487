"""Connectors, as values: how each was last met, in words, and what to do where it is not as it should be. No Qt."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ... import times, words
from ...safe_text import plain

Json = Mapping[str, Any]

STATES: Final[Mapping[str, tuple[str, str, str]]] = {
    "ok": ("✓", "in reach", "plain"),
    "degraded": ("▲", "answers, but not as it should", "danger"),
    "down": ("✗", "out of reach", "danger"),
    "refused": ("✗", "refuses this account or clock", "danger"),
    "not_configured": ("–", "not configured", "quiet"),
}
SKEW_SHOWN_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class ConnectorView:
    """`tone` is that of a chip; `error` and `remedy` are empty while all is well."""

    id: str
    name: str
    about: str
    state: str
    tone: str
    facts: tuple[tuple[str, str], ...]
    error: str
    remedy: str
    latency_ms: int | None
    checked_at: str


def present(
    contact: Json, reason: Callable[[str | None], tuple[str, str]], now_ms: int | None, zone: times.Zone
) -> ConnectorView:
    """The view of a row of `connectors.list`."""
    id, state = str(contact["connector"]), str(contact["state"])
    glyph, said, tone = STATES.get(state, ("?", words.readable(state), "danger"))
    sentence, remedy = reason(contact["reasonCode"])
    detail = plain(contact["detail"] or "", 300)
    error = " ".join(part for part in (sentence, words.sentence(detail)) if part)
    return ConnectorView(
        id=plain(id, 60),
        name=words.CONNECTORS.get(id, plain(id, 60)),
        about=words.ABOUT_CONNECTORS.get(id, ""),
        state=f"{glyph} {said}",
        tone=tone,
        facts=(
            ("Latency", _latency(contact)),
            ("Last good contact", _moment(contact["okAt"], now_ms, zone) or "never"),
            ("Clock", skew(contact["clockSkewMs"])),
            ("Looked at", _moment(contact["checkedAt"], now_ms, zone)),
            ("Next look", _next(contact, now_ms)),
        ),
        error=error,
        remedy=plain(remedy, 300),
        latency_ms=contact["latencyMs"] if state == "ok" else None,
        checked_at=str(contact["checkedAt"]),
    )


def _latency(contact: Json) -> str:
    if contact["latencyMs"] is None:
        return "not measured"
    return f"{contact['latencyMs']:,} ms" if contact["state"] == "ok" else f"gave up after {contact['latencyMs']:,} ms"


def skew(milliseconds: int | None) -> str:
    """How far this machine's clock is from the other side's."""
    if milliseconds is None:
        return "not measured"
    if abs(milliseconds) < SKEW_SHOWN_MS:
        return "agrees within a second"
    way = "ahead" if milliseconds > 0 else "behind"
    return f"this machine is {times.span(abs(milliseconds))} {way}"


def _moment(at: str | None, now_ms: int | None, zone: times.Zone) -> str:
    if not at:
        return ""
    age = times.age(at, now_ms)
    return f"{age}, {zone.time(at, seconds=True)}" if age else zone.moment(at, seconds=True)


def _next(contact: Json, now_ms: int | None) -> str:
    if contact["nextAt"] is None:
        return "by itself, within seconds"
    at_ms = times.parse_ms(contact["nextAt"])
    if at_ms is None or now_ms is None:
        return "by itself"
    return f"in {times.span(at_ms - now_ms)}" if at_ms > now_ms else "any moment"


def summary(views: list[ConnectorView]) -> str:
    """One sentence over all of them."""
    bad = [view for view in views if view.tone == "danger"]
    if bad:
        names = [view.name if place == 0 else view.name[:1].lower() + view.name[1:] for place, view in enumerate(bad)]
        states = {view.state.split(" ", 1)[1] for view in bad}
        said = (
            f"{'is' if len(bad) == 1 else 'are'} out of reach" if states == {"out of reach"} else "cannot be used now"
        )
        return f"{words.listed(names)} {said}."
    off = [view for view in views if view.tone == "quiet"]
    if off and len(off) == len(views):
        return "Nothing is configured yet."
    return "The studio's cloud is in reach." if views else ""
